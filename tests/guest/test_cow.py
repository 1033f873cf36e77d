"""cowtest: all of it on 1 to 8 harts, and each section by itself."""

import pytest
from conftest import run_command

PASSED = "ALL COW TESTS PASSED"


def check(result):
    assert result.status == 0, result
    assert result.out.splitlines()[-1] == PASSED, result


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
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def pytest_generate_tests(metafunc):
    if "section" in metafunc.fixturenames:
        metafunc.parametrize("section", sections())


def test_section(section):
    check(run_command(f"cowtest {section}", harts=2))


def test_an_unknown_section_fails():
    r = run_command("cowtest no-such-section")
    assert r.status != 0
    assert PASSED not in r.out
