"""How long one process can keep another from running, counted, not timed."""

import re

from conftest import run_program

OWN_BUILD = True


def test_the_end_of_a_large_process_lets_others_run():
    """100 000 pages go; a process beside gets every second slice of 10 ms, but
    for the 20 ms that one which has slept has in hand."""
    r = run_program("gaps 384", mem="512M", build="release",
                    options=["--icount"])
    took, gap = map(int, re.search(r"in (\d+) us, longest gap (\d+) us",
                                   r.out).groups())
    assert took > 30000, "too little to tell: make the process larger"
    assert gap < 25000, r
