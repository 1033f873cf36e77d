"""tools/gate, tools/test: what they add up, leave out, and say of it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

OWN_BUILD = ABOUT_TOOLS = True

GATE = os.path.join(ROOT, "tools", "gate")
TESTS = os.path.join(ROOT, "tools", "test")


@pytest.fixture
def gate(tmp_path):
    """Runs tools/gate on a table of these rows; status, lines."""
    path = tmp_path / "table.md"

    def run(rows, *words):
        path.write_text("| part | command | minutes | run by |\n"
                        "|---|---|---|---|\n" +
                        "".join(f"| {row} |\n" for row in rows))
        done = subprocess.run([GATE, "--table", str(path), *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.splitlines()

    yield run
    for name in os.listdir(os.path.join(ROOT, "build", "reports")):
        if name.startswith("gate-own-"):
            os.unlink(os.path.join(ROOT, "build", "reports", name))


def gone(path, seconds=30):
    """Has the process whose number is in the file ended, or does it now?"""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{int(path.read_text())}/stat") as f:
                if f.read().rpartition(")")[2].split()[0] == "Z":
                    return True     # dead, and nobody has asked for it
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def says(words, status=0):
    return f"`echo '{words}'; exit {status}`"


def test_parts_are_added_up(gate):
    rows = [f"own-a | {says('7 passed, 0 failed')} | 1 | test, ci",
            "own-b | `true` | 1 | ci",
            f"own-c | {says('9 passed, 0 failed')} | 2 | all",
            "own-d | - | - | all"]
    status, lines = gate(rows, "ci")
    assert (status, lines[-1]) == (0, "8 passed, 0 failed")
    assert lines[-2] == ("not part of this run: own-c (2 min), "
                         "own-d (nothing there yet)")
    status, lines = gate(rows, "all")
    assert (status, lines[-1]) == (0, "9 passed, 0 failed")
    assert "left out: own-d (nothing there yet)" in lines


@pytest.mark.parametrize("command, total", [
    (says("3 passed, 2 failed", 1), "4 passed, 2 failed"),
    (says("3 passed, 0 failed", 1), "4 passed, 1 failed"),
    (says("make: *** Error 1", 2), "1 passed, 1 failed"),
    ("`echo 3 passed, 2 failed; echo Error 1; exit 2`", "4 passed, 2 failed"),
    ("`kill -9 $$`", "1 passed, 1 failed")])
def test_what_fails_is_counted_and_named(gate, command, total):
    status, lines = gate([f"own-bad | {command} | 1 | test",
                          "own-good | `true` | 1 | test"], "test")
    assert (status, lines[-1]) == (1, total)
    assert "failed: own-bad; see build/reports" in lines


@pytest.mark.parametrize("said, told", [
    ("one\\n[2/9] FAIL host test_x: 3 passed, 1 failed, 0 s\\ntwo\\n",
     ["own-bad: [2/9] FAIL host test_x: 3 passed, 1 failed, 0 s"]),
    ("".join(f"line {n}\\n" for n in range(9)),
     [f"own-bad: line {n}" for n in range(4, 9)])])
def test_what_failed_is_told_at_the_end(gate, said, told):
    _, lines = gate([f"own-bad | `printf '{said}'; exit 1` | 1 | test",
                     "own-good | `true` | 1 | test"], "test")
    assert lines[-2 - len(told):-2] == told, lines


def test_a_run_of_nothing_has_not_passed(gate):
    assert gate(["own-a | - | - | all"], "all")[0] == 1


def test_what_has_no_time_left_is_named(gate):
    """Only what `make test` has is a failure then."""
    rows = ["own-a | `true` | 1 | test, ci", "own-b | `true` | 3 | ci",
            "own-c | `true` | 1 | ci"]
    status, lines = gate(rows, "--minutes", "2", "ci")
    assert (status, lines[-1]) == (0, "2 passed, 0 failed")
    assert "left out, no time: own-b (3 min)" in lines
    rows[1] = "own-b | `true` | 3 | test, ci"
    status, lines = gate(rows, "--minutes", "2", "ci")
    assert (status, lines[-1]) == (1, "2 passed, 1 failed")
    assert "failed: own-b; see build/reports" in lines


def test_what_overruns_the_time_of_all_is_ended(gate, tmp_path):
    rows = [f"own-a | `sleep 600 & echo $! > {tmp_path}/pid; wait` | 0 | ci",
            "own-b | `true` | 1 | ci"]
    start = time.monotonic()
    status, lines = gate(rows, "--minutes", "0.05", "ci")
    assert time.monotonic() - start < 60
    assert [line for line in lines if line.startswith("left out")] == [
        "left out, no time: own-a (0 min)", "left out, no time: own-b (1 min)"]
    assert (status, lines[-1]) == (1, "0 passed, 0 failed")
    assert gone(tmp_path / "pid")


def test_a_part_that_takes_longer_is_told(gate):
    status, lines = gate(["own-a | `sleep 0.1` | 0 | ci"], "ci")
    assert status == 0
    assert "took longer than it may: own-a, 0.0 of 0 min" in lines


def test_what_was_skipped_is_named_at_the_end(gate):
    told = says("skipped guest test_x: no gdb")
    _, lines = gate([f"own-a | {told} | 1 | ci", "own-b | `true` | 1 | ci"],
                    "ci")
    assert lines[-3:-1] == ["==== own-b: 1 passed, 0 failed, 0.0 of 1 min",
                            "skipped guest test_x: no gdb"]


def test_the_output_is_kept(gate):
    gate([f"own-a | {says('some words')} | 1 | ci"], "ci")
    with open(os.path.join(ROOT, "build/reports/gate-own-a.log")) as f:
        assert f.read() == "some words\n"


def test_a_gate_that_is_ended_ends_its_parts(tmp_path):
    (tmp_path / "table").write_text(
        f"| own-a | `echo $$ >{tmp_path}/pid; echo on; exec sleep 600` | 1 "
        "| ci |\n")
    run = subprocess.Popen([GATE, "--table", str(tmp_path / "table"), "ci"],
                           text=True, stdout=subprocess.PIPE)
    while run.stdout.readline() not in ("on\n", ""):
        pass
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 143
    assert gone(tmp_path / "pid")


def listed():
    """The real table: (minutes, who runs it) by part."""
    said = subprocess.run([GATE, "--list"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    rows = re.findall(r"^(\S+) \((?:(\d+) min|nothing there yet)\): (.*)$",
                      said, re.M)
    assert len(rows) == len(said.splitlines())
    return {name: (int(minutes or 0), who.split(", "))
            for name, minutes, who in rows}


@pytest.mark.parametrize("who, most", [("test", 20), ("ci", 56)])
def test_the_minutes_of_the_table_are_within_the_bounds(who, most):
    """Of the hour, some minutes are for fetching tools, and for what is late."""
    minutes = [n for n, runs in listed().values() if who in runs]
    assert 0 < sum(minutes) <= most


def test_each_run_has_what_the_smaller_one_has():
    table = listed()
    for small, large in (("test", "ci"), ("test", "all")):
        assert not [name for name, (_, runs) in table.items()
                    if small in runs and large not in runs]
    assert {"host", "guest", "debug", "mutants-host"} <= {
        name for name, (_, runs) in table.items() if "ci" in runs}


# ---- tools/test --------------------------------------------------------------

CASES = """\
import pytest


def test_it_is_so():
    pass


def test_something_is_needed():
    pytest.skip("no such thing here")
"""


def run_tests(tmp_path, *kinds, cases=CASES, **environment):
    """tools/test of a tree with one file of guest tests; status, lines."""
    for name in ("tools/test", "tests/guest/test_own.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "tests/guest/test_own.py").write_text(cases)
    with open(TESTS, encoding="utf-8") as f:
        (tmp_path / "tools/test").write_text(f.read())
    shutil.copytree(os.path.join(ROOT, "tools", "lib"), tmp_path / "tools/lib",
                    dirs_exist_ok=True)
    own = {k: v for k, v in os.environ.items() if k != "CI"}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "tools/test"), *(kinds or ("guest", "fuzz"))],
        env={**own, **environment}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.splitlines()


def test_a_skip_is_named(tmp_path):
    status, lines = run_tests(tmp_path)
    assert (status, lines[-1]) == (0, "1 passed, 0 failed")
    assert ("skipped guest test_own: test_something_is_needed: "
            "no such thing here") in lines


def test_a_skip_has_failed_where_all_must_be_there(tmp_path):
    status, lines = run_tests(tmp_path, CI="true")
    assert (status, lines[-1]) == (1, "1 passed, 1 failed")
    assert ("test_something_is_needed: no such thing here "
            "(skipped, and CI=true)") in lines


def test_a_program_that_is_not_built_for_want_of_a_tool_is_skipped(tmp_path):
    (tmp_path / "tests/fuzz").mkdir(parents=True)
    (tmp_path / "tests/fuzz/own.c").touch()
    status, lines = run_tests(tmp_path)
    assert (status, lines[-1]) == (0, "1 passed, 0 failed")
    assert "skipped fuzz own: all of it: no clang with libFuzzer" in lines


@pytest.mark.parametrize("mark, kinds", [
    ("", "guest debug"), ("OWN_BUILD = True\n", "guest"),
    ("OWN_BUILD = ABOUT_TOOLS = True\n", "tools")])
def test_which_run_has_a_file(tmp_path, mark, kinds):
    for kind in ("guest", "tools", "debug"):
        _, lines = run_tests(tmp_path, kind, cases=CASES + mark)
        assert any(kind + " test_own" in line for line in lines) == \
            (kind in kinds.split()), lines


def test_the_debug_run_leaves_out_what_chooses_its_build():
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p",
         "no:cacheprovider", "tests/guest/test_mixed.py",
         "tests/guest/test_latency.py"], cwd=ROOT, text=True,
        env={**os.environ, "CALF_BUILD": "debug"},
        stdout=subprocess.PIPE).stdout
    assert "test_every_fault_is_counted_by_its_outcome[1]" in said
    assert "test_too_little_memory" not in said     # its parameter is the build
    assert "test_latency" not in said               # OWN_BUILD
