"""tools/grade: which items there are, what they are worth, how it ends.

That all points are made is tested with `make grade` (test_make.py); what is
said of a kernel that does not deserve them, here and in test_exercise.py.
"""

import json
import os
import re
import subprocess
import time

from conftest import ROOT

OWN_BUILD = ABOUT_TOOLS = True

GRADE = os.path.join(ROOT, "tools", "grade")


def grade(*words):
    return subprocess.run([GRADE, *words], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=300)


def test_list_has_every_section_with_its_points():
    done = grade("--list")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert "cowtest:simple 10" in lines and "cowtest:zero-page 5" in lines
    assert len(lines) >= 26


def test_items_are_chosen_by_suite_name_and_pattern():
    for words, count in ((["simple"], 1), (["cowtest:simple", "three"], 2),
                         (["cowtest:copy-*"], 2)):
        done = grade("--list", *words)
        assert len(done.stdout.splitlines()) == count, (words, done.stdout)


def test_a_line_an_item_and_the_total_last(tmp_path):
    report = tmp_path / "grade.json"
    done = grade("--harts", "3", "--json", str(report), "file", "zero-page")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["cowtest", "file", "10/10", "passed"]
    assert lines[1].split()[:4] == ["cowtest", "zero-page", "5/5", "passed"]
    assert lines[2].split() == ["Score", "15/15"]
    result = json.loads(report.read_text())
    assert (result["points"], result["worth"], result["harts"]) == (15, 15, 3)
    assert [row["section"] for row in result["sections"]] == ["file",
                                                              "zero-page"]


def test_a_failed_item_shows_why_and_the_next_one_runs(tmp_path):
    """The exercise as it stands has no memory for two copies of much."""
    report = tmp_path / "grade.json"
    done = grade("--build", "release", "--exercise", "cow", "--json",
                 str(report), "simple", "three")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["cowtest", "simple", "0/30", "FAILED"]
    assert re.search(r"^    \| simple: ... FAILED: suite.c:\d+: fork failed$",
                     done.stdout, re.M), lines
    assert lines[-2].split()[:4] == ["cowtest", "three", "4/4", "passed"]
    assert lines[-1].split() == ["Score", "4/34"]
    row = json.loads(report.read_text())["sections"][0]
    assert not row["passed"] and any("fork failed" in l for l in row["why"])


def test_a_panic_costs_one_item_and_its_sentence_is_shown(tmp_path):
    """Bug 2 (docs/BUGS.md), whose audit fills more than what is shown."""
    image = "build/mutants/2/release/calf.img"
    subprocess.run(["make", "-s", "MUTANT=2", image], cwd=ROOT, check=True)
    kernel = os.path.join(ROOT, image)
    report = tmp_path / "grade.json"
    done = grade("--kernel", kernel, "--json", str(report),
                 "readonly-pages-counted", "zero-page")
    assert done.returncode == 1, done.stdout
    row = json.loads(report.read_text())["sections"][0]
    assert "calf: PANIC: " in row["why"][0], row
    assert row["why"][1].startswith("hart "), row


def test_a_kernel_without_a_shell_is_graded_at_once(tmp_path):
    """Not a kernel at all: no item could pass, and none is waited for."""
    kernel = tmp_path / "calf.img"
    kernel.write_bytes(bytes(4096))
    report = tmp_path / "grade.json"
    began = time.monotonic()
    done = grade("--kernel", str(kernel), "--seconds", "4", "--json",
                 str(report), "cowtest")
    assert time.monotonic() - began < 40
    assert done.returncode == 1
    assert "the kernel does not get to a shell" in done.stdout
    assert "no end after 4 s" in done.stdout
    assert re.match(r"Score +0/\d+$", done.stdout.splitlines()[-1])
    rows = json.loads(report.read_text())["sections"]
    assert len(rows) >= 26 and not any(row["points"] for row in rows)
    assert all("the kernel does not get to a shell" in row["why"][0]
               for row in rows)


def test_wrong_usage_is_2():
    for words in (["nosuchsection"], ["--nonsense"], ["--exercise", "none"]):
        done = grade(*words)
        assert done.returncode == 2 and done.stderr, words
