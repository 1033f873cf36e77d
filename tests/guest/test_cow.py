"""cowtest: all of it on 1 to 8 harts, and each section by itself."""

import re

import pytest
from conftest import run_command, run_program

PASSED = "ALL COW TESTS PASSED"


def check(result, last=PASSED):
    assert result.status == 0, result
    assert result.out.splitlines()[-1] == last, result
    assert "FAILED" not in result.out, result


@pytest.mark.parametrize("harts", [1, 2, 4, 8])
def test_all(harts):
    check(run_command("cowtest", harts=harts, timeout=400))


def test_all_on_the_debug_build():
    check(run_command("cowtest", harts=4, build="debug", timeout=900))


@pytest.mark.parametrize("mem", ["64M", "512M"])
def test_all_in_other_memory(mem):
    check(run_command("cowtest", harts=2, mem=mem, timeout=600))


def sections():
    listed = run_command("cowtest list").out
    names = [re.match(r"[\w-]+", line)[0] for line in listed.splitlines()]
    assert len(names) > 20, listed
    return names


def pytest_generate_tests(metafunc):
    if "section" in metafunc.fixturenames:
        metafunc.parametrize("section", sections())


def test_section(section):
    check(run_command(f"cowtest {section}", harts=2), "1 COW TESTS PASSED")


def test_every_row_that_a_program_can_show_has_a_section():
    listed = run_command("cowtest list").out
    rows = {int(n) for n in re.findall(r"\(bug (\d+)\)", listed)}
    assert rows >= {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22,
                    23, 27, 29}, listed
    assert {"simple", "three", "file", "forkfork"} <= set(sections())


def test_an_unknown_section_fails():
    r = run_command("cowtest no-such-section")
    assert r.status != 0
    assert PASSED not in r.out


@pytest.mark.parametrize("harts", [1, 4])
def test_who_only_reads_copies_nothing(harts):
    """64 MB read after a fork: no page and no node."""
    r = run_program("reader 64", harts=harts)
    assert "pages_copied moved by 0\n" in r.out
    assert "nodes_copied moved by 0\n" in r.out
