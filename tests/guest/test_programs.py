"""Programs that check for themselves: the calls, their limits and errors.

Each is tests/guest/programs/NAME.c and says there what it checks.
"""

import re

import pytest
from conftest import run_program


@pytest.mark.parametrize("harts", [1, 4])
@pytest.mark.parametrize("name", ["badcalls", "sleepers", "orphans", "limits"])
def test_program(name, harts):
    run_program(name, harts=harts)


def test_the_timer_wakes_and_shares():
    run_program("slices", options=["--icount"])


@pytest.mark.parametrize("name", ["badcalls", "sleepers", "orphans", "fpu"])
def test_on_the_debug_build(name):
    run_program(name, harts=4, build="debug")


@pytest.mark.parametrize("harts,words", [
    (1, "fpu 6 20"), (2, "fpu 8 20"), (4, "fpu 16 20"), (8, "fpu 16 10")])
def test_floating_point(harts, words):
    run_program(words, harts=harts)


def test_an_unknown_call_prints_a_line():
    r = run_program("badcalls")
    assert re.search(r"^calf: pid \d+ \(badcalls\): unknown system call 22$",
                     r.out, re.M), r


def test_limits_in_other_memory():
    run_program("limits", mem="64M", harts=2)
    run_program("limits", mem="1G", harts=2)
