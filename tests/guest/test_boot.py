"""Booting: any number of harts, any size of memory, a bad initrd."""

import os
import re

import pytest
from conftest import ROOT, meminfo, tools_run


@pytest.mark.parametrize("harts", [1, 2, 4, 8])
def test_all_harts_start(calf, harts):
    r = tools_run("--verbose", "--harts", str(harts), "echo hello")
    assert r.status == 0, r
    banner = [l for l in r.out.splitlines() if re.search(r"\bharts?\b", l)]
    assert any(re.search(rf"\b{harts} harts?\b", l) for l in banner), r


def test_banner_tells_version_and_memory():
    r = tools_run("--verbose", "--mem", "256M", "echo hello")
    assert re.search(r"^Calf \d", r.out, re.M), r
    assert re.search(r"\b256 ?M", r.out), r


@pytest.mark.parametrize("mem,pages", [
    ("64M", 16384), ("128M", 32768), ("512M", 131072), ("1G", 262144)])
def test_memory_comes_from_the_device_tree(calf, mem, pages):
    total = meminfo(calf("cat /proc/meminfo", mem=mem).out)["total"]
    # The firmware keeps some for itself.
    assert pages - 1024 <= total <= pages


def test_pages_add_up(calf):
    m = meminfo(calf("cat /proc/meminfo").out)
    kinds = ("free", "anonymous", "table", "cache", "slab", "stack", "kernel")
    assert sum(m[k] for k in kinds) == m["total"], m


@pytest.mark.parametrize("mem", [
    "4M", "5M", "6M", "7M", "8M", "9M", "10M", "12M", "16M", "20M", "24M"])
def test_little_memory_works_or_is_said(mem):
    """Some of these QEMU itself refuses; none hangs or panics."""
    r = tools_run("--mem", mem, "echo hello; cat /proc/audit")
    if r.status == 0:
        assert r.out == "hello\naudit: clean\n", r
    else:
        assert r.status == 125, r
        assert "PANIC" not in r.out, r
        assert re.search("memory", r.out + r.err), r


def test_an_initrd_that_fills_memory_is_said(tmp_path):
    (tmp_path / "much").write_bytes(os.urandom(7 << 20))
    r = tools_run("--verbose", "--mem", "24M", "--add", f"{tmp_path}/much",
                  "echo hello; cat /proc/audit")
    assert "calf: initrd: much: no memory is left for it" in r.out, r
    assert r.status == 0 and r.out.count("audit: clean\n") == 1, r


def damaged(good, how):
    second = good.index(b"070701", 8)
    return {
        "cut": good[:len(good) // 2],
        "cut in the header": good[:60],
        "header": good[:second] + b"XX" + good[second + 2:],
        "compressed": b"\x1f\x8b\x08" + good[3:],
        "empty": b"\0" * 512,
        "size": good[:second + 54] + b"fffffff0" + good[second + 62:],
        "not hexadecimal": good[:second + 54] + b"zzzzzzzz"
                           + good[second + 62:],
    }[how]


@pytest.mark.parametrize("how", ["cut", "cut in the header", "header",
                                 "compressed", "empty", "size",
                                 "not hexadecimal"])
def test_a_corrupt_initrd_is_said(tmp_path, how):
    with open(os.path.join(ROOT, "build", "release", "initrd.cpio"), "rb") as f:
        good = f.read()
    (tmp_path / "bad.cpio").write_bytes(damaged(good, how))
    r = tools_run("--verbose", "--initrd", str(tmp_path / "bad.cpio"),
                  "echo hello")
    assert r.status == 125, r
    assert "PANIC" not in r.out, r
    assert "initrd" in r.out or how == "empty", r
    assert re.search(r"^calf: cannot start ", r.out, re.M), r


def test_damage_behind_the_programs_is_said_and_survived(tmp_path):
    with open(os.path.join(ROOT, "build", "release", "initrd.cpio"), "rb") as f:
        good = f.read()
    (tmp_path / "bad.cpio").write_bytes(good + b"garbage")
    r = tools_run("--verbose", "--initrd", str(tmp_path / "bad.cpio"),
                  "echo hello")
    assert r.status == 0, r
    assert "calf: initrd: damaged" in r.out and "\nhello\n" in r.out, r


def test_release_kernel_is_small():
    image = os.path.join(ROOT, "build", "release", "calf.img")
    assert os.path.getsize(image) < 300_000


def test_a_long_command_line_is_whole():
    """Longer than any a person types: 1500 characters, the last ones too."""
    r = tools_run("echo '" + "word " * 290 + "end'")
    assert r.status == 0 and r.out.endswith(" word end\n"), r
