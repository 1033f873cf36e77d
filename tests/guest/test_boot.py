"""Booting: any number of harts, any size of memory, a bad initrd."""

import os
import re

import pytest
from conftest import ROOT, tools_run


def meminfo(text):
    return {name: int(number) for name, number in
            re.findall(r"^(\w+): *(\d+)", text, re.M)}


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


def test_frames_add_up(calf):
    m = meminfo(calf("cat /proc/meminfo").out)
    kinds = ("free", "anonymous", "table", "cache", "slab", "stack", "kernel")
    assert sum(m[k] for k in kinds) == m["total"], m


def test_too_little_memory_is_said():
    r = tools_run("--mem", "4M", "--timeout", "30", "echo hello")
    assert r.status == 125, r
    assert "memory" in r.out + r.err


@pytest.mark.parametrize("damage", ["cut", "header", "empty", "size"])
def test_a_corrupt_initrd_is_said(tmp_path, damage):
    with open(os.path.join(ROOT, "build", "release", "initrd.cpio"), "rb") as f:
        good = f.read()
    second = good.index(b"070701", 8)
    bad = {
        "cut": good[:len(good) // 2],
        "header": good[:second] + b"XX" + good[second + 2:],
        "empty": b"\0" * 512,
        "size": good[:second + 54] + b"fffffff0" + good[second + 62:],
    }[damage]
    (tmp_path / "bad.cpio").write_bytes(bad)
    r = tools_run("--initrd", str(tmp_path / "bad.cpio"), "--timeout", "30",
                  "echo hello")
    assert r.status == 125, r
    assert "initrd" in r.out + r.err, r


def test_release_kernel_is_small():
    image = os.path.join(ROOT, "build", "release", "calf.img")
    assert os.path.getsize(image) < 300_000
