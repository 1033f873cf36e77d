"""The exercises: as they stand, solved, and solved wrongly.

tests/exercises/cow/solution.patch turns exercises/cow/cow.c into a solution,
which shows that there is one and that the grader finds it. The usual mistakes
are made in it one at a time; each must cost points.
"""

import difflib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile

import pytest
from conftest import ROOT, needs, tools_run

OWN_BUILD = ABOUT_TOOLS = True

FOLDER = os.path.join("build", "exercise-tests")
PATCH = os.path.join(ROOT, "tests", "exercises", "cow", "solution.patch")
SHARING = {"simple", "sole-owner-reuses", "copy-without-memory",
           "write-without-memory"}

ENOUGH = ("three", "file", "copy-crosses-pages", "sole-owner-reuses",
          "write-without-memory")     # to see any of these:
MISTAKES = {
    "the page is not counted": (
        "    page_get(pte_page(leaf));\n", ""),
    "the parent goes on writing": (
        "    pte_store(parent, leaf);\n", ""),
    "the last owner copies, too": (
        "if (page_count(page) == 1)", "if (page_count(page) == 0)"),
    "no page is ever freed": (
        "    page_put(page);\n", "    (void)page_drop(page);\n"),
    "memory that is full is not noticed": (
        "    if (!copy)\n        return FAULT_NOMEM;\n",
        "    if (!copy)\n        return FAULT_COPY;\n"),
}


def make(*words, exercise="cow"):
    """What is compiled and linked, or why not."""
    done = subprocess.run(["make", f"EXERCISE={exercise}", *words], cwd=ROOT,
                          text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def make_elsewhere(folder, exercise, target):
    """The same for an exercise whose folder is in FOLDER; built there, too."""
    return make(f"EXERCISES={folder}", f"B={folder}/build",
                f"{folder}/build/{target}", exercise=exercise)


def solution():
    """The text of the solution."""
    path = os.path.join(ROOT, FOLDER, "solution.c")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    done = subprocess.run(
        ["patch", "-s", "-o", path, "exercises/cow/cow.c", PATCH], cwd=ROOT,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    with open(path, encoding="utf-8") as f:
        return f.read()


def kernel_with(text):
    """The exercise's kernel with TEXT as the student's file."""
    own = os.path.join(ROOT, FOLDER, "cow")
    shutil.copytree(os.path.join(ROOT, "exercises", "cow"), own,
                    dirs_exist_ok=True)
    with open(os.path.join(own, "cow.c"), "w", encoding="utf-8") as f:
        f.write(text)
    make_elsewhere(FOLDER, "cow", "calf.img")
    return os.path.join(ROOT, FOLDER, "build", "calf.img")


def grade(tmp_path, *words):
    """What tools/grade says, as it wrote it; and its exit status."""
    report = tmp_path / "grade.json"
    done = subprocess.run(
        [os.path.join(ROOT, "tools", "grade"), "--exercise", "cow", "--json",
         str(report), *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert report.exists(), done.stdout
    return json.loads(report.read_text()), done.returncode


def failed(result):
    return {row["section"] for row in result["sections"] if not row["passed"]}


def test_what_is_handed_out_has_no_solution():
    """The archive of docs/TEACHING.md, made as it says there."""
    needs(shutil.which("git") and os.path.exists(os.path.join(ROOT, ".git")),
          "git, or the repository")
    with open(os.path.join(ROOT, "docs", "TEACHING.md")) as f:
        command = re.search(r"^git archive (.*)$", f.read(), re.M)[0]
    words = [w for w in shlex.split(command) if not w.endswith(".gz")]
    words.remove("-o")
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    key = b"pte_t leaf = pte_without_write(*parent)"
    with open(os.path.join(ROOT, "tests/exercises/cow/solution.patch"), "rb") as f:
        assert key in f.read()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        files = {m.name: archive.extractfile(m).read()
                 for m in archive.getmembers() if m.isfile()}
    assert "calf/exercises/cow/cow.c" in files and "calf/Makefile" in files
    assert not [name for name, text in files.items() if key in text]


def test_a_misspelt_exercise_is_told_in_one_sentence():
    done = subprocess.run(["make", "EXERCISE=cwo", "all"], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 1
    assert "there is no exercise cwo; there is: cow" in done.stdout


def test_an_edit_compiles_one_file_and_no_edit_none():
    """What the tree's own exercise is: it is not edited here."""
    text = solution()
    kernel_with(text)
    target = os.path.join(FOLDER, "cow", "cow.c")
    assert not re.search(r"^ +(CC|LD) ", make_elsewhere(FOLDER, "cow",
                                                        "calf.img"), re.M)
    with open(os.path.join(ROOT, target), "a", encoding="utf-8") as f:
        f.write("/* edited */\n")
    said = make_elsewhere(FOLDER, "cow", "calf.img")
    assert re.findall(r"^ +CC +(.*)$", said, re.M) == [target]


GREETING = """\
/* What a kernel says of itself. */
#include "greeting.h"

const char *greeting(void)
{
    return "hello, " WHOM;
}
"""


def test_a_second_exercise_needs_its_folder_alone():
    """A patch, a file, a header and a flag of its own: all take part."""
    own = os.path.join(ROOT, FOLDER, "second", "greeting")
    os.makedirs(own, exist_ok=True)
    with open(os.path.join(ROOT, "kernel", "main.c"), encoding="utf-8") as f:
        old = f.read()
    new, count = re.subn(r'(register_text\("version",)\s.*?"\)(?=\))',
                         r"\1 greeting())", old, 1, re.S)
    new = re.sub(r"^#include", '#include "greeting.h"\n#include', new, 1, re.M)
    assert count == 1
    change = difflib.unified_diff(
        old.splitlines(True), new.splitlines(True),
        "a/kernel/main.c", "b/kernel/main.c")
    for name, text in (("kernel.patch", "Another text\n\n" + "".join(change)),
                       ("greeting.c", GREETING),
                       ("greeting.h", "const char *greeting(void);\n"),
                       ("exercise.mk",
                        "kernel_flags += -DWHOM='\"student\"'\n")):
        with open(os.path.join(own, name), "w", encoding="utf-8") as f:
            f.write(text)
    folder = os.path.join(FOLDER, "second")
    make_elsewhere(folder, "greeting", "calf.img")
    r = tools_run("--kernel", os.path.join(ROOT, folder, "build", "calf.img"),
                  "cat /proc/version")
    assert (r.status, r.out) == (0, "hello, student\n"), r


def test_every_section_is_worth_something():
    """A section that is added to cowtest is not forgotten here."""
    listed = tools_run("cowtest list").out
    names = {line.split(":")[0].split()[0] for line in listed.splitlines()}
    with open(os.path.join(ROOT, "exercises", "cow", "points")) as f:
        worth = {line.split()[1]: int(line.split()[2]) for line in f
                 if line.strip() and line[0] != "#"}
    assert names == set(worth)
    assert sum(worth.values()) == 100


def test_as_it_stands_only_sharing_is_missing(tmp_path):
    make("all")
    result, status = grade(tmp_path)
    assert status == 1
    assert result["worth"] == 100
    assert failed(result) == SHARING
    assert result["points"] == 30


def test_as_it_stands_it_is_a_whole_system():
    make("all")
    r = tools_run("--build", "release-cow", "--harts", "4",
                  "ls | wc; forkstorm 8 3; cat /proc/audit")
    assert r.status == 0, r
    assert "audit: clean\n" in r.out, r


def test_it_can_be_solved(tmp_path):
    image = kernel_with(solution())
    result, status = grade(tmp_path, "--kernel", image, "--harts", "4")
    assert failed(result) == set()
    assert (status, result["points"]) == (0, 100)
    r = tools_run("--kernel", image, "--harts", "4",
                  "forkstorm 8 3; cowtest; cat /proc/audit")
    assert r.status == 0 and "audit: clean\n" in r.out, r
    assert "ALL COW TESTS PASSED" in r.out


def test_a_fork_that_separates_nobody_is_worth_little(tmp_path):
    """Sharing without protection gets no points for what sharing is for."""
    right = solution()
    old, new = MISTAKES["the parent goes on writing"]
    image = kernel_with(right.replace(old, new))
    result, _ = grade(tmp_path, "--kernel", image, "--seconds", "20")
    assert {"simple", "three", "parent-writes-first"} <= failed(result)
    # 34, and 20 more when parent and child do not meet on the one stack.
    assert result["points"] < 60, result


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_costs_points(tmp_path, mistake):
    right = solution()
    old, new = MISTAKES[mistake]
    assert right.count(old) == 1
    image = kernel_with(right.replace(old, new))
    # Some of these kernels do not even get to a shell, and some hang.
    result, status = grade(tmp_path, "--kernel", image, "--seconds", "20",
                           *ENOUGH)
    assert status == 1
    assert len(result["sections"]) == len(ENOUGH)
    assert failed(result)
