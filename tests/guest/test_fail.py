"""Allocations fail on command: whole system calls undo what they had begun."""

import re

import pytest
from conftest import run_command, run_program

# Calls that are known to allocate; the rest may one day, or no more.
ALLOCATE = {"fork", "exec", "open", "create", "mkdir", "link", "mknod", "pipe",
            "write", "write-new", "sbrk", "read-lazy", "read-shared",
            "meminfo", "maps", "names", "rename", "symlink", "open-symlink"}


@pytest.mark.parametrize("harts,mode", [(1, "share"), (4, "share"),
                                        (1, "tables")])
def test_every_allocation_of_every_call(harts, mode):
    r = run_program("failing", harts=harts, build="debug",
                    options=["--append", f"fork={mode}"])
    calls = {name: int(n) for name, n in
             re.findall(r"^([\w-]+): (\d+) allocations, ", r.out, re.M)}
    assert len(calls) >= 30, r
    assert all(calls[name] > 0 for name in ALLOCATE), r
    total = int(re.search(r"^(\d+) allocations failed$", r.out, re.M)[1])
    print(f"{total} allocations failed")
    assert total > 200, r


def test_a_pipe_without_room_for_its_ends():
    r = run_program("lastplace", build="debug")
    assert r.status == 0 and r.out.endswith("all checks passed\n"), r


def test_only_debug_builds_can_be_told_to_fail():
    assert run_command("ls /proc/fail", build="debug").status == 0
    assert run_command("echo 1 > /proc/fail", build="release").status != 0


@pytest.mark.parametrize("words", ["x", "''", "4294967296", "-1"])
def test_it_takes_numbers(words):
    assert run_command(f"echo {words} > /proc/fail", build="debug").status != 0
