"""Bugs that QEMU is too kind to show, or shows late: each has a program that
shows it on our own machine (docs/MACHINE.md), in seconds. Here these programs
pass. With CALF_MUTANT=N the kernel has bug N of docs/BUGS.md put back, and
test_bug[N] has to fail: tools/mutants runs it so.
"""

import os
from collections import namedtuple

import pytest
from conftest import ROOT, program, run_command

OWN_BUILD = ABOUT_TOOLS = True
MUTANT = os.environ.get("CALF_MUTANT")

# What the adversary does, harts, seed, and instructions after which it hangs.
Case = namedtuple("Case", "options harts seed command most", defaults=[10 ** 9])
CASES = {
    18: Case("tlb", 2, 1, "cowtest 18"),
    19: Case("tlb", 2, 1, "cowtest 17"),
    29: Case("code", 2, 1, "/oldcode 20"),
    52: Case("nodes", 2, 1, "/oldnode copied 20"),
    53: Case("stores,turns", 4, 1, "forkstorm 4 1", 2 * 10 ** 8),
    54: Case("code", 2, 1, "/oldcode 40"),
    55: Case("nodes", 2, 1, "/oldnode merged 30"),
    56: Case("tlb", 2, 1, "echo", 10 ** 8),
}


@pytest.mark.parametrize("bug", CASES)
def test_bug(bug):
    case = CASES[bug]
    kernel = ("--kernel", f"{ROOT}/build/mutants/{MUTANT}/release/calf.img")
    r = run_command(
        case.command, harts=case.harts, build="release",
        add=[program(name) for name in ("oldcode", "oldnode")],
        options=("--machine", "own", "--adversary", case.options, "--seed",
                 str(case.seed), "--stop-at", str(case.most),
                 *(kernel if MUTANT else ())))
    assert r.status == 0, r
