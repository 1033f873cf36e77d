"""Bugs that QEMU is too kind to show, or shows late: each has a program that
shows it on our own machine (docs/MACHINE.md). Here that program passes. With
CALF_MUTANT=N the kernel has bug N of docs/BUGS.md put back, and test_bug[N] has
to fail: tools/mutants runs it so.
"""

import os
import subprocess
from collections import namedtuple

import pytest
from conftest import ROOT, program, run_command

OWN_BUILD = ABOUT_TOOLS = True
MUTANT = os.environ.get("CALF_MUTANT")
TLB, TURNS, TIME, CODE = 1, 2, 4, 8
INSTRUCTIONS = 600_000_000      # some seconds; a run that is longer hangs

Case = namedtuple("Case", "options harts seed command")
CASES = {
    18: Case(TLB, 2, 1, "cowtest 18"),
    19: Case(TLB, 2, 1, "cowtest 17"),
    29: Case(CODE, 2, 1, "/oldcode 20"),
    54: Case(CODE, 2, 1, "/oldcode 20"),
    56: Case(TLB, 2, 1, "echo"),
}


@pytest.mark.parametrize("bug", CASES)
def test_bug(bug):
    case = CASES[bug]
    kernel = ("--kernel", f"{ROOT}/build/mutants/{MUTANT}/release/calf.img")
    r = run_command(
        case.command, harts=case.harts, timeout=60, build="release",
        add=[program(name) for name in ("oldcode",)],
        options=("--machine", "own", "--adversary", str(case.options), "--seed",
                 str(case.seed), "--stop-at", str(INSTRUCTIONS),
                 *(kernel if MUTANT else ())))
    assert r.status == 0, r
