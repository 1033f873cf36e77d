"""grind: random system calls in several processes."""

import re

import pytest
from conftest import run_command


def check(result):
    assert result.status == 0, result
    assert re.search(r"^grind: no errors, seed \d+\n\Z", result.out, re.M), \
        result
    # Nobody dies but those that are killed.
    assert "killed:" not in result.out, result
    rounds, acts = re.search(r"(\d+) rounds .* (\d+) acts", result.out).groups()
    assert int(rounds) >= 1 and int(acts) > 100, result


def test_ten_seconds():
    check(run_command("grind 10", harts=4))


@pytest.mark.parametrize("harts,build", [(1, "release"), (2, "debug")])
def test_a_few_seconds(harts, build):
    check(run_command("grind 3 5", harts=harts, build=build))


def test_usage():
    assert run_command("grind", audit=False).status == 2
    assert run_command("grind 0", audit=False).status == 2
    r = run_command("grind --help", audit=False)
    assert (r.status, r.out) == (0, "usage: grind SECONDS [SEED]\n"), r
