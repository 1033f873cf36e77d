"""Bad programs and bad addresses: a sentence, a dead process, no more."""

import os
import re
import struct

import pytest
from conftest import ROOT, program, run_command

ECHO = os.path.join(ROOT, "build", "user", "stripped", "echo")
WILD = program("wild")

# Where fields lie in an ELF64 file and in a program header.
CLASS, ORDER, TYPE, MACHINE, ENTRY = 4, 5, 16, 18, 24
PHDRS, PHENTSIZE, PHNUM = 32, 54, 56
P_FLAGS, P_OFFSET, P_VADDR, P_FILESZ, P_MEMSZ = 4, 8, 16, 32, 40
LOAD = 1


def put(image, form, at, value):
    out = bytearray(image)
    struct.pack_into(form, out, at, value)
    return bytes(out)


def loads(image):
    """Offsets of the program headers that load something."""
    start, = struct.unpack_from("<Q", image, PHDRS)
    count, = struct.unpack_from("<H", image, PHNUM)
    every = [start + 56 * i for i in range(count)]
    return [at for at in every
            if struct.unpack_from("<I", image, at)[0] == LOAD]


def in_load(which, form, field, value):
    return lambda e: put(e, form, loads(e)[which] + field, value)


def overlapping(image):
    """Two loads of one address, both of a whole page."""
    for at in loads(image)[:2]:
        for field, value in ((P_VADDR, 0), (P_OFFSET, 0),
                             (P_FILESZ, 4096), (P_MEMSZ, 4096)):
            image = put(image, "<Q", at + field, value)
    return image


BROKEN = {
    "empty": lambda e: b"",
    "one-byte": lambda e: e[:1],
    "only-magic": lambda e: e[:4],
    "half-a-header": lambda e: e[:40],
    "no-phdrs": lambda e: e[:64],
    "cut-in-text": lambda e: e[:4096 + 8],
    "not-elf": lambda e: b"#!/bin/sh\n" + e,
    "wrong-magic": lambda e: b"\x7fELG" + e[4:],
    "32-bit": lambda e: put(e, "<B", CLASS, 1),
    "big-endian": lambda e: put(e, "<B", ORDER, 2),
    "wrong-machine": lambda e: put(e, "<H", MACHINE, 62),
    "relocatable": lambda e: put(e, "<H", TYPE, 1),
    "core": lambda e: put(e, "<H", TYPE, 4),
    "phdrs-far-away": lambda e: put(e, "<Q", PHDRS, 1 << 62),
    "phdrs-wrap": lambda e: put(e, "<Q", PHDRS, 2**64 - 8),
    "too-many-phdrs": lambda e: put(e, "<H", PHNUM, 65535),
    "phnum-0": lambda e: put(e, "<H", PHNUM, 0),
    "tiny-phdrs": lambda e: put(e, "<H", PHENTSIZE, 8),
    "filesz-too-big": in_load(0, "<Q", P_FILESZ, 1 << 40),
    "offset-wraps": in_load(0, "<Q", P_OFFSET, 2**64 - 4096),
    "address-wraps": in_load(0, "<Q", P_VADDR, 2**64 - 4096),
    "in-the-kernel": in_load(0, "<Q", P_VADDR, 0xffffffff80000000),
    "at-the-top": in_load(0, "<Q", P_VADDR, (1 << 38) - 4096),
    "memsz-huge": in_load(0, "<Q", P_MEMSZ, 1 << 50),
    "memsz-wraps": in_load(0, "<Q", P_MEMSZ, 2**64 - 1),
    "unaligned": in_load(0, "<Q", P_VADDR, 8),
    "overlap": overlapping,
}


def test_bad_programs_do_not_start(tmp_path):
    """exec fails for each, and the shell that tried goes on."""
    with open(ECHO, "rb") as f:
        good = f.read()
    for name, breaker in BROKEN.items():
        (tmp_path / name).write_bytes(breaker(good))
    line = "; ".join(f"/{n} ran" for n in BROKEN) + "; echo end"
    r = run_command(line, harts=2, add=[f"{tmp_path}/{n}" for n in BROKEN])
    assert r.status == 0, r
    lines = r.out.splitlines()
    assert lines[-1] == "end", r
    assert not [l for l in lines if l == "ran"], r
    for name in BROKEN:
        assert any(name in l for l in lines), f"nothing said of {name}\n{r}"


def test_an_entry_outside_the_image_dies_alone(tmp_path):
    with open(ECHO, "rb") as f:
        good = f.read()
    (tmp_path / "lost").write_bytes(put(good, "<Q", ENTRY, 0x3000000000))
    r = run_command("/lost; echo on", add=[f"{tmp_path}/lost"])
    assert r.status == 0 and r.out.endswith("on\n"), r


@pytest.mark.parametrize("access,address", [
    ("store", "0"),                    # text is never writable
    ("load", "3fffffe000"), ("store", "3fffffe000"),
    ("load", "3ffffff000"), ("load", "3fffffffff"),
    ("load", "4000000000"), ("store", "4000000000"),
    ("load", "80000000"), ("store", "80200000"),
    ("load", "ffffffc080200000"), ("store", "ffffffff80000000"),
    ("load", "8000000000000000"), ("load", "ffffffffffffffff"),
    ("jump", "80000000"), ("jump", "ffffffff80000000"), ("jump", "3000000000"),
])
def test_a_wild_access_dies_with_one_line(access, address):
    r = run_command(f"/wild {access} {address}; echo next", harts=2,
                    add=[WILD])
    assert "survived" not in r.out, r
    assert r.out.endswith("next\n"), r
    told = [l for l in r.out.splitlines() if "wild" in l]
    assert len(told) == 1, r
    assert re.search(r"\b\d+\b", told[0]), "the process's number"
    assert re.search(rf"\b0x0*{address}\b", told[0]), told
    word = {"load": "load|read", "store": "store|write",
            "jump": "exec|fetch|instruction|jump"}[access]
    assert re.search(word, told[0]), told


def test_status_of_a_killed_command():
    assert run_command("/wild load 80000000", add=[WILD]).status == 255


def test_an_unknown_command_line_word_is_harmless():
    r = run_command("echo fine", options=["--append", "nonsense=1 --- fork="])
    assert (r.status, r.out) == (0, "fine\n")
