"""forkbench: its figures are there, and fork does not cost by size.

Under --icount a figure is a count of instructions, so it may be judged even
on a busy machine.
"""

import re

import pytest
from conftest import run_command

OWN_BUILD = True

FIGURE = re.compile(r"^(\w+) (\d+) (\d+) ns$", re.M)


@pytest.fixture(scope="module")
def figures():
    r = run_command("forkbench", options=["--icount"], build="release",
                    timeout=600)
    assert r.status == 0, r
    return {(name, int(size)): int(value)
            for name, size, value in FIGURE.findall(r.out)}


def test_every_figure_is_there(figures):
    for name in ("fork", "fork_exit_wait", "cow_fault"):
        sizes = {size for n, size in figures if n == name}
        assert sizes >= ({1, 16, 64} if name == "cow_fault" else {0, 1, 16, 64})


def test_fork_costs_the_same_for_any_size(figures):
    small = figures["fork_exit_wait", 0]
    assert figures["fork_exit_wait", 64] <= 1.1 * small
