"""Nothing of the kernel's reaches a program or a disk: what calls give out,
fresh memory, registers, and blocks written. And what the kernel asks of the
firmware happens, or is told.

leaks.c, newborn.c and spill.c say what is looked at.
"""

import struct

import pytest
from conftest import program, run_program, tools_run
from test_disk import boot, e2fs, image  # noqa: F401 (a fixture)

GOLDEN = 0x9e3779b97f4a7c15     # as in spill.c
DEBUG_POISON = b"\xd5" * 64     # what debug builds put into free pages


# ---- What programs get ------------------------------------------------------

@pytest.mark.parametrize("part", ["stat", "records", "moved"])
@pytest.mark.parametrize("root", ["ram", "disk"])
def test_f5_what_calls_give_out(image, part, root):  # noqa: F811
    if root == "ram":
        run_program(f"leaks {part}", harts=2)
        return
    r = boot(image(f"leaks={program('leaks')}"), f"/leaks {part}", harts=2)
    assert r.status == 0, r


@pytest.mark.parametrize("part", ["memory", "calls", "floats"])
@pytest.mark.parametrize("harts", [1, 2])
def test_f5_memory_and_registers(part, harts):
    run_program(f"leaks {part}", harts=harts)


@pytest.mark.parametrize("harts", [1, 2])
def test_f5_a_program_that_starts(harts):
    run_program("newborn 20", harts=harts)


@pytest.mark.parametrize("block", [1024, 4096])
def test_f5_holes_of_a_file(image, tmp_path, block):  # noqa: F811
    with open(tmp_path / "holes", "wb") as f:
        for at in [5000, 70000, 200000]:
            f.seek(at)
            f.write(b"x" * 100)
        f.truncate(300001)
    path = image(f"leaks={program('leaks')}", f"holes={tmp_path}/holes",
                 block=block)
    r = boot(path, "/leaks zeros /holes")
    assert r.status == 0 and "300001 bytes" in r.out, r


def cut_behind_code(path):
    """Make the program's file end with its code; how long that is."""
    with open(path, "rb") as f:
        elf = bytearray(f.read())
    header, = struct.unpack_from("<Q", elf, 32)
    sizes = [struct.unpack_from("<2I6Q", elf, header + i * 56)
             for i in range(elf[56])]
    sizes = [s for s in sizes if s[0] == 1]     # those that are loaded
    _, _, offset, address, _, size, memory, _ = sizes[0]
    assert address == 0 and size == memory and size % 4096, sizes
    # The rest has nothing in the file: the code's end can be the file's.
    assert all(s[5] == 0 for s in sizes[1:]), sizes
    struct.pack_into("<Q", elf, 40, 0)          # no sections
    struct.pack_into("<3H", elf, 58, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(elf[:offset + size])
    return size


@pytest.mark.parametrize("block", [1024, 4096])
def test_f5_last_page_of_a_file_that_is_mapped(image, tmp_path,  # noqa: F811
                                               block):
    """The disk has something else in the file's last block, after its end."""
    own = tmp_path / "tail"
    own.write_bytes(open(program("tail"), "rb").read())
    size = cut_behind_code(own)
    path = image(f"tail={own}", block=block)
    last = (own.stat().st_size - 1) // block
    at = e2fs("debugfs", "-R", f"bmap /tail {last}", path).stdout
    with open(path, "r+b") as f:
        f.seek(int(at) * block + own.stat().st_size % block)
        f.write(b"\xb5" * (block - own.stat().st_size % block))
    for command in [f"/tail {size}", f"cat /tail > /tmp/t; /tail {size}"]:
        r = boot(path, command, check=False)
        assert r.status == 0, r


# ---- What disks get ---------------------------------------------------------

@pytest.mark.parametrize("block, options",
                         [(1024, []), (4096, []), (1024, ["--no-journal"])])
def test_f5_nothing_is_spilt_on_a_disk(image, block, options):  # noqa: F811
    seed = 1234577
    path = image(f"spill={program('spill')}", size="24M", block=block,
                 options=options)
    r = boot(path, f"/spill {seed}", mem="64M")
    assert r.status == 0, r
    with open(path, "rb") as f:
        disk = f.read()
    word = struct.pack("<Q", seed * GOLDEN % 2**64)
    found = disk.find(word)
    assert found < 0, f"what memory held is on the disk, at {found}"
    found = disk.find(DEBUG_POISON)
    assert found < 0, f"what a free page held is on the disk, at {found}"


# ---- Firmware ---------------------------------------------------------------

EXTENSIONS = {"TIME": 0x54494d45, "IPI": 0x735049, "RFENCE": 0x52464e43,
              "HSM": 0x48534d, "SRST": 0x53525354}
NOBODY = 0x0a0b0c0d


@pytest.fixture
def firmware(tmp_path):
    """QEMU's firmware, with extensions that go by other numbers."""
    def make(numbers):
        path = "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin"
        with open(path, "rb") as f:
            binary = f.read()
        for name, number in numbers:
            # The table of extensions has each one's first and last number.
            old = struct.pack("<QQ", *2 * [EXTENSIONS[name]])
            assert binary.count(old) == 1, name
            binary = binary.replace(old, struct.pack("<QQ", number, number))
        with open(tmp_path / "firmware.bin", "wb") as f:
            f.write(binary)
        return f"-bios {tmp_path}/firmware.bin"
    return make


@pytest.mark.parametrize("name", ["IPI", "RFENCE", "HSM"])
def test_u4_firmware_that_cannot_reach_other_harts(firmware, name):
    r = tools_run("--harts", "3", "--timeout", "60", "--verbose", "--qemu",
                  firmware([(name, NOBODY)]), "cat /proc/uptime")
    text = r.out + r.err
    assert r.status == 0 and ": 1 hart, " in text, r
    assert text.count(" does not start, going on without it\n") == 2, r
    assert text.count("calf: the firmware does not interrupt and fence harts\n"
                      ) == (0 if name == "HSM" else 2), r


def refused(firmware, numbers, *words):
    """The machine stops in a panic; what it says the firmware refuses."""
    r = tools_run("--timeout", "60", *words[1:], "--qemu",
                  firmware(numbers) + words[0], "forkstorm 4 1")
    assert r.status == 125, r
    return r.out + r.err


def test_u4_a_fence_that_is_refused(firmware):
    """Its number is another extension's, which knows only the first call: the
    harts start, and the first fence of an address fails."""
    text = refused(firmware, [("RFENCE", NOBODY),
                              ("TIME", EXTENSIONS["RFENCE"])],
                   "", "--harts", "2")
    assert "PANIC: the firmware refuses a fence (SBI error -2)\n" in text, text


def test_u4_a_timer_that_is_refused(firmware):
    text = refused(firmware, [("TIME", NOBODY)], " -cpu rv64,sstc=off")
    assert ("PANIC: the firmware refuses to set the timer (SBI error -2)\n"
            in text), text


def test_u4_a_power_off_that_is_refused(firmware):
    r = tools_run("--timeout", "10", "--verbose", "--qemu",
                  firmware([("SRST", NOBODY)]), "echo hi")
    assert ("PANIC: the firmware cannot power off or restart\n"
            in r.out + r.err), r
