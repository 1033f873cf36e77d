"""The machine of our own under AddressSanitizer and UBSan: a whole system runs
on it without a finding."""

import glob
import os
import subprocess
import sys

import pytest
from conftest import ROOT, tools_run
from test_disk import make_image

OWN_BUILD = ABOUT_TOOLS = True


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """The environment for one whose library is built so; it comes after that
    of the sanitizer, which Python does not have."""
    library = tmp_path_factory.mktemp("machine") / "libcalf-machine.so"
    subprocess.run(
        ["gcc", "-std=c17", "-g", "-O1", "-fno-sanitize-recover=all",
         "-fsanitize=address,undefined", "-fPIC", "-shared", "-o", library,
         *glob.glob(os.path.join(ROOT, "machine", "*.c"))], check=True)
    asan = subprocess.run(["gcc", "-print-file-name=libasan.so"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()
    tools_run("echo")           # makes kernel and programs
    return {**os.environ, "CALF_MACHINE": str(library), "LD_PRELOAD": asan,
            "ASAN_OPTIONS": "detect_leaks=0"}


def ran(machine, *options):
    done = subprocess.run(
        [sys.executable, os.path.join(ROOT, "tools", "own-machine"),
         "--kernel", os.path.join(ROOT, "build/release/calf.img"), *options],
        env=machine, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors="replace", timeout=600)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout


@pytest.mark.parametrize("options", [
    ("--harts", "1"), ("--harts", "4"),
    ("--harts", "2", "--seed", "3", "--adversary", "2047")])
def test_system_on_it(machine, options):
    out = ran(machine, "--initrd",
              os.path.join(ROOT, "build/release/initrd.cpio"), *options,
              "cowtest simple file forkfork deep-chain exec-arguments "
              "revoked-pages new-instructions; usertests -q layout pipe-sizes")
    assert "7 COW TESTS PASSED" in out and "2 TESTS PASSED" in out


def test_disk_on_it(machine, tmp_path):
    out = ran(machine, "--disk", make_image(tmp_path / "disk.img"),
              "cat /README > /copy; sync; wc /README /copy")
    words = [line.split()[:3] for line in out.splitlines()
             if line.endswith(("README", "copy"))]
    assert len(words) == 2 and words[0] == words[1], out
