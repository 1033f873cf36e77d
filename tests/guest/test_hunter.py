"""tools/adversary: it finds a known bug and makes it small, goes on where it
stopped, and tells what fails from what does not."""

import glob
import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

OWN_BUILD = ABOUT_TOOLS = True
TOOL = os.path.join(ROOT, "tools", "adversary")
BROKEN = "build/mutants/18/release/calf.img"
SEED = 987654
KEPT = os.path.join(ROOT, "build", "adversary", f"seed-{SEED}-*")


def hunt(*options, folder=ROOT):
    done = subprocess.run(
        [TOOL, "--seed", str(SEED), "--harts", "2", "--jobs", "1", *options],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def forget():
    for path in glob.glob(KEPT):
        os.unlink(path)


@pytest.fixture
def fresh():
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def broken():
    subprocess.run(["make", "-s", "MUTANT=18", "all"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    return "--kernel", BROKEN


def test_finds_a_bug_and_makes_it_small(broken, fresh):
    status, said = hunt(*broken, "--only", "^cowtest parent-", "--runs", "9")
    assert status == 1 and said.endswith("0 passed, 1 failed\n"), said
    small = re.search(r"the smallest that fails: (.*): status .*\n"
                      r"  again: (.*)\n", said)
    assert small[1].startswith(
        "cowtest parent-writes-first: 1 harts, no option, seed "), said
    again = subprocess.run(small[2], shell=True, cwd=ROOT, text=True,
                           stdout=subprocess.PIPE)
    assert "FAILED: check.c" in again.stdout, again


def test_goes_on_where_it_stopped(broken, fresh):
    options = ("--only", "^cowtest simple", "--runs", "1")
    assert hunt(*options)[0] == 0
    status, said = hunt(*options)
    assert status == 0 and "goes on behind 1 runs" in said, said
    assert "1 runs passed, 2 with those before" in said, said
    assert "begins anew" in hunt(*options, *broken, "--shrink", "0")[1]


def test_another_only_is_another_way(fresh):
    assert hunt("--only", "^cowtest simple", "--runs", "2")[0] == 0
    said = hunt("--only", "^cowtest s", "--runs", "1")[1]
    assert "1 runs passed, 1 with those before" in said, said


def test_a_damaged_file_is_begun_anew(fresh):
    options = ("--only", "^cowtest simple", "--runs", "1")
    hunt(*options)
    for text in ("", "[]", "{}", '{"version": 1, "next": "x"}'):
        with open(glob.glob(KEPT)[0], "w", encoding="utf-8") as f:
            f.write(text)
        status, said = hunt(*options)
        assert status == 0 and "is damaged" in said, said
        assert "1 runs passed, 1 with those before" in said, said


def test_a_failed_run_comes_again(broken, fresh):
    options = (*broken, "--only", "^cowtest parent-", "--shrink", "0")
    first, second = hunt(*options)[1], hunt(*options)[1]
    line = re.search(r"FAILED: .*", first)[0]
    assert line in second, second


def test_wrong_usage():
    for words in (["--only", "no such program"], ["--only", "("],
                  ["--hart", "x"], ["--harts", "9"], ["--jobs", "0"],
                  ["--kernel", "nowhere.img"]):
        status, said = hunt(*words)
        assert status == 2 and "Traceback" not in said, said


def test_a_kernel_is_looked_for_here(fresh, tmp_path):
    image = os.path.join(ROOT, "build", "release", "calf.img")
    shutil.copy(image, tmp_path / "here.img")
    status, said = hunt("--only", "^cowtest simple", "--runs", "1",
                        "--kernel", "here.img", folder=tmp_path)
    assert status == 0 and "1 passed, 0 failed" in said, said


def judge(status, out):
    loader = importlib.machinery.SourceFileLoader("adversary", TOOL)
    spec = importlib.util.spec_from_loader("adversary", loader)
    tool = importlib.util.module_from_spec(spec)
    loader.exec_module(tool)
    run = tool.Run(tool.Program("x", r"fine\n"), 1, frozenset(), 1, ())
    return tool.judge(run, status, out, "")


@pytest.mark.parametrize("status, out, wrong", [
    (0, "fine\nits status 0\naudit: clean\n", None),
    (0, "fine\ncalf: 8 more messages about programs were left out\n"
        "its status 0\naudit: clean\n", None),
    (0, "fine\nits status 0\ncalf: 8 more messages about programs were left "
        "out\naudit: clean\n", None),
    (0, "fine\nits status 1\naudit: clean\n", "status 1"),
    (0, "bad\nits status 0\naudit: clean\n", "status 0, prints"),
    (0, "fine\nits status 0\naudit: page 7: count 1\n", "audit"),
    (125, "fine\nits st", "hangs or stops"),
    (124, "fine\n", "no end after"),
    (125, "calf: PANIC: count 0\n", "panics: count 0"),
])
def test_what_fails(status, out, wrong):
    found = judge(status, out)
    assert found is None if wrong is None else found.startswith(wrong), found
