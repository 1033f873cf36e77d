"""Equal shares of the harts, none idle beside work, and an answer to a key.

On one hart the clock counts instructions, so figures are the same every time.
With several it is the wall clock: the best of three runs, as the host may have
taken a hart away from the machine in the others.
"""

import re
import statistics
import time

import pytest
from conftest import program, run_program

COUNTED = ["--icount"]


def shares(words, **how):
    """The most and the least that one had, and what the other one had."""
    r = run_program(f"shares {words}", build="release", **how)
    found = re.search(r"most (\d+), least (\d+), other (\d+) ms", r.out)
    return [int(number) for number in found.groups()]


def ratio(words, **how):
    most, least, _ = shares(words, **how)
    return most / max(least, 1)


def best_of_three(bar, measure):
    """The least of up to three figures; one below the bar is enough."""
    best = measure()
    for _ in range(2):
        if best > bar:
            best = min(best, measure())
    return best


def test_f2_shares_on_one_hart():
    assert ratio("5 1 1500", options=COUNTED) <= 1.1


@pytest.mark.parametrize("harts,processes", [(2, 10), (4, 12)])
def test_f2_shares_on_several_harts(harts, processes):
    """On a quiet machine it is 1.15 at most. The test allows 6, as the host may
    have much else to run; harts that never balance show 10 and more."""
    best = best_of_three(6, lambda: ratio(f"{processes} {harts} 5000",
                                          harts=harts))
    assert best <= 6, f"one had {best:.2f} times what another had"


def test_f2_naps_lead_to_no_more():
    most, least, other = shares("3 1 600 naps", options=COUNTED)
    assert least >= 120 and other <= 1.15 * most


def test_f2_forks_lead_to_no_more():
    """A process and its child are two."""
    most, least, other = shares("3 1 600 forks", options=COUNTED)
    assert least >= 100 and other <= 2.1 * most


def test_f3_no_hart_idle_beside_work():
    """The debug build asserts at each tick that idle harts know who waits."""
    run_program("crowd 3 3", harts=4, build="debug")


@pytest.mark.parametrize("harts", [1, 2, 4])
def test_f2_a_key_beside_twenty_that_compute(console, harts):
    c = console(harts=harts, options=["--add", program("shares")])
    c.type("/shares 20 1 60000 &\n")
    c.prompt()
    time.sleep(1)

    def answer():
        began = time.monotonic()
        c.type("\n")
        c.prompt()
        return time.monotonic() - began

    best = best_of_three(0.05, lambda: statistics.median(
        answer() - 0.02 for _ in range(5)))     # type() itself takes 20 ms
    assert best <= 0.05, f"answered after {1000 * best:.0f} ms"
