"""Everything at once, and then the books: pages, objects, faults."""

import re

import pytest
from conftest import program, run_command


def ledger(command, **how):
    """COMMAND, after which everything has to add up; what it printed."""
    r = run_command(f"/ledger {command}",
                    add=[program(name) for name in
                         ("ledger", "mixed", "outcomes")], **how)
    assert r.status == 0 and r.out.endswith("all checks passed\n"), r
    return r.out


@pytest.mark.parametrize("harts,build", [
    (1, "release"), (2, "release"), (4, "release"), (8, "release"),
    (4, "debug")])
@pytest.mark.parametrize("command", ["/mixed 8 3", "/bin/forkstorm 24 4"])
def test_storms_leave_nothing(command, harts, build):
    out = ledger(command, harts=harts, build=build)
    assert re.search(r"\b[1-9]\d* (acts|forks), 0 errors", out), out


@pytest.mark.parametrize("mode", ["tables", "bytes"])
def test_storms_in_the_other_modes_of_fork(mode):
    out = ledger("/mixed 8 3", harts=2, options=["--append", f"fork={mode}"])
    assert ", 0 errors" in out, out


@pytest.mark.parametrize("build", ["release", "debug"])
def test_too_little_memory(build):
    """Processes die for want of memory, and the books are right."""
    out = ledger("any /mixed 120 3", harts=2, mem="16M", build=build)
    assert re.search(r" acts, [1-9]\d* errors", out), "memory sufficed"


@pytest.mark.parametrize("harts", [1, 2])
def test_every_fault_is_counted_by_its_outcome(harts):
    out = ledger("/outcomes", harts=harts)
    faults, counted = re.search(r"(\d+) faults, (\d+) outcomes", out).groups()
    assert int(faults) == int(counted) > 500, out
