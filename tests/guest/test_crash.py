"""Power cuts under a running machine: a sample of what tests/crash/run does."""

import os
import subprocess

import pytest
from conftest import ROOT

OWN_BUILD = True

CRASH = os.path.join(ROOT, "tests", "crash", "run")


def crash(*arguments):
    done = subprocess.run([CRASH, *arguments], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("block, size, harts", [(1024, "8M", 1),
                                                (4096, "16M", 4)])
def test_any_cut_leaves_what_was_synced(block, size, harts):
    said = crash("--states", "60", "--boots", "1", "--steps", "12",
                 "--block", str(block), "--size", size, "--harts", str(harts))
    assert "60 states: all right (1 of them booted)" in said


def test_killed_machines_start_again():
    assert "3 kills: all right" in crash("--kills", "3", "--steps", "12")
