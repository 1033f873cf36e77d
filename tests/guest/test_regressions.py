"""Bugs that were there once: each test failed before its fix."""

import pytest
from conftest import run_command, run_program


@pytest.mark.parametrize("harts", [3, 4, 8])
def test_no_two_harts_wait_for_each_others_thread(harts):
    run_program("crowd 6 5", harts=harts)


def test_results_at_the_lowest_addresses():
    run_program("lowbuffer")


@pytest.mark.parametrize("words", ["auditrace", "auditrace exec"])
def test_an_audit_at_any_moment_is_clean(words):
    run_program(words, harts=4)


def test_the_first_process_cannot_be_killed():
    r = run_command("kill 1; echo status $?")
    assert "status 1" in r.out, r


def test_directories_do_not_eat_all_memory():
    run_program("manydirs")


def test_names_do_not_eat_all_memory():
    run_program("manylinks", harts=2, timeout=600)


@pytest.mark.parametrize("harts", [1, 2, 4])
def test_nobody_is_overtaken_for_long(harts):
    run_program("queue", harts=harts)
