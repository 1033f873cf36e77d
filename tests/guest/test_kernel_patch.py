"""tools/kernel-patch, and what is made with it: known bugs and exercises.

Patches are spoilt in a copy of the tree, never in the tree itself.
"""

import glob
import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

OWN_BUILD = ABOUT_TOOLS = True

FOUR = "tests/mutants/04-copyout-writes-shared.patch"
LINE = "    return may_copy(to, length) ? hal_user_write(to, from, length)"
HARMLESS = """\
--- a/kernel/sched/mutex.c
+++ b/kernel/sched/mutex.c
@@ -1 +1,2 @@
+/* Harmless. */
 /*
"""


def command(*words, folder=ROOT, **environment):
    done = subprocess.run(words, cwd=folder, text=True,
                          env={**os.environ, **environment},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=600)
    return done.returncode, done.stdout


def kernel_patch(*words, folder=ROOT):
    return command(os.path.join(folder, "tools", "kernel-patch"), *words,
                   folder=folder)


def replace(path, old, new):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert text.count(old) == 1, (path, old)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


@pytest.fixture
def copy(tmp_path):
    """A copy of the tree, with patch 4 next to a line that has changed."""
    folder = tmp_path / "tree"
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(
        "build", ".git", "__pycache__"))
    replace(folder / "kernel" / "mm" / "uaccess.c", LINE,
            "    /* As the program would. */\n" + LINE)
    return str(folder)


@pytest.mark.parametrize("number, named", [
    ("99", "99"), ("4x", "4x"), ("0", "0"), ("04", "04"), ("4 8", "4 8"),
    ("%", "%"), (None, "without a number")])
def test_a_mutant_that_does_not_exist_is_told_in_one_sentence(number, named):
    words = ["make", "mutant", *([] if number is None else [f"N={number}"])]
    status, said = command(*words)
    assert status == 2
    assert len(said.splitlines()) == 1, said
    assert (f"there is no mutant {named}; tools/mutants --list shows what "
            "there is") in said
    assert not os.path.exists(os.path.join(ROOT, "build", "mutants", "99"))


@pytest.mark.parametrize("number", ["99", "4x", "04"])
def test_tools_mutants_says_the_same(number):
    assert command("tools/mutants", number) == (
        2, f"there is no mutant {number}; tools/mutants --list shows what "
           "there is\n")


def test_mutants_are_listed_by_the_titles_of_their_patches():
    status, said = command("tools/mutants", "--list")
    listed = dict(re.findall(r"^ *(\d+)  (.+)$", said, re.M))
    patches = glob.glob(os.path.join(ROOT, "tests", "mutants", "*.patch"))
    assert status == 0 and len(listed) == len(patches) >= 30
    with open(os.path.join(ROOT, FOUR), encoding="utf-8") as f:
        assert listed["4"] == f.readline().strip()


@pytest.mark.parametrize("number, compiled", [
    (33, ["build/mutants/33/kernel/sched/mutex.c"]), (10, None)])
def test_what_has_no_bug_is_not_compiled_again(number, compiled):
    """Unless the bug is in a header: who includes it is compiled, too."""
    test = "test_mutex" if number == 33 else "test_mm_page"
    folder = os.path.join(ROOT, "build", "mutants", str(number))
    shutil.rmtree(folder, ignore_errors=True)
    assert command("make", f"build/host/{test}")[0] == 0
    status, said = command("make", f"MUTANT={number}",
                           f"build/mutants/{number}/host/{test}")
    assert status == 0, said
    found = re.findall(r"^ +HOSTCC (.*)$", said, re.M)
    assert found == compiled or compiled is None and len(found) > 5, said


@pytest.mark.parametrize("harmless", [False, True])
def test_a_mutant_that_is_caught_has_passed(copy, harmless):
    """In the sum; one whose patch changes nothing has failed there."""
    if harmless:
        path, = glob.glob(os.path.join(copy, "tests/mutants/33-*.patch"))
        with open(path, "w", encoding="utf-8") as f:
            f.write("Nothing\n\n" + HARMLESS)
    status, said = command("tools/mutants", "--where", "host", "33",
                           folder=copy)
    assert (status, said.splitlines()[-1]) == (
        (1, "0 passed, 1 failed") if harmless else (0, "1 passed, 0 failed"))
    report = os.path.join(copy, "build", "reports", "mutants.xml")
    with open(report, encoding="utf-8") as f:
        assert ("not caught" in f.read()) == harmless


def test_every_mutant_has_its_story():
    with open(os.path.join(ROOT, "docs", "BUGS.md"), encoding="utf-8") as f:
        stories = f.read()
    for path in glob.glob(os.path.join(ROOT, "tests", "mutants", "*.patch")):
        number = int(os.path.basename(path).partition("-")[0])
        with open(path, encoding="utf-8") as f:
            title, empty, *rest = f.read().split("\n")
        text = " ".join(rest).partition("--- a/kernel/")[0]
        assert title and not empty and f"bug {number} of docs/BUGS.md" in text
        assert re.search(rf"^(## {number}\. |\| {number} \|)", stories, re.M)
        if re.search(rf"^## {number}\. ", stories, re.M):
            told = re.split(rf"^## {number}\. ", stories, 1, re.M)[1]
            assert "**Put back**" in told.partition("\n## ")[0], path


def test_the_kernels_sources_know_nothing_of_it():
    status, said = command("grep", "-rE", "MUTATE|MUTANT|EXERCISE", "kernel")
    assert (status, said) == (1, "")


def test_what_is_right_already_is_not_written(tmp_path):
    def times():
        return {path: os.stat(path).st_mtime_ns for path in
                glob.glob(f"{tmp_path}/kernel/**/*.[chS]", recursive=True)}
    assert kernel_patch("apply", FOUR, str(tmp_path)) == (0, "")
    path = tmp_path / "kernel" / "mm" / "uaccess.c"
    text, before = path.read_text(), times()
    assert "write_through(to, from, length)" in text and len(before) > 100
    path.write_text("spoilt")
    (tmp_path / "kernel" / "extra.c").write_text("spoilt")
    assert kernel_patch("apply", FOUR, str(tmp_path)) == (0, "")
    assert path.read_text() == text
    after = times()
    assert after.pop(str(path)) > before.pop(str(path))
    assert after == before


def test_a_patch_that_does_not_apply_fails_lint(copy, tmp_path):
    """The other checks of lint find nothing here."""
    tools = os.path.join(copy, "tools")
    for path in (tmp_path / "clang-format", tmp_path / "cppcheck",
                 f"{tools}/layers", f"{tools}/glossary", f"{tools}/figures",
                 f"{tools}/analyse"):
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n")
        os.chmod(path, 0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    status, said = command("make", "lint", folder=copy, PATH=path)
    assert status == 2, said
    stale = re.findall(r"^(\S+) no longer applies to kernel/", said, re.M)
    assert stale == [f"tests/mutants/{name}.patch" for name in (
        "04-copyout-writes-shared", "05-copyout-first-page",
        "06-copyout-ignores-nomem")]
    assert (f"run tools/kernel-patch edit {FOUR}, correct the copy that it "
            f"makes, then run tools/kernel-patch save {FOUR}") in said
    replace(os.path.join(copy, "kernel", "mm", "uaccess.c"),
            "    /* As the program would. */\n", "")
    status, said = command("make", "lint", folder=copy, PATH=path)
    assert (status, said) == (0, "")


def test_a_kernel_is_not_built_from_a_patch_that_does_not_apply(copy):
    status, said = command("make", "MUTANT=4", "all", folder=copy)
    assert status == 2 and len(said.splitlines()) == 1
    assert f"{FOUR} no longer applies to kernel/" in said


def test_a_patch_is_refreshed_by_two_commands(copy):
    with open(os.path.join(copy, FOUR), encoding="utf-8") as f:
        text, _, old = f.read().partition("--- a/kernel")
    status, said = kernel_patch("edit", FOUR, folder=copy)
    assert status == 0 and "*.rej" in said
    edited = os.path.join(copy, "build", "patches",
                          FOUR.removesuffix(".patch").replace("/", "-"), "b",
                          "kernel", "mm", "uaccess.c")
    replace(edited, LINE, LINE.replace("hal_user_write", "write_through"))
    assert kernel_patch("edit", FOUR, folder=copy)[0] == 1      # not lost
    assert kernel_patch("save", FOUR, folder=copy) == (0, "")
    with open(os.path.join(copy, FOUR), encoding="utf-8") as f:
        again, _, new = f.read().partition("--- a/kernel")
    assert again == text and new != old
    assert "As the program would" in new and ".rej" not in new
    assert kernel_patch("check", FOUR, folder=copy) == (0, "")


def test_a_new_patch_begins_the_same_way(copy):
    path = "tests/mutants/60-new.patch"
    assert kernel_patch("edit", path, folder=copy)[0] == 0
    folder = os.path.join(copy, "build/patches/tests-mutants-60-new/b/kernel")
    with open(os.path.join(folder, "lib", "new.c"), "w") as f:
        f.write("/* New. */\n")
    os.unlink(os.path.join(folder, "mm", "eager.c"))
    assert kernel_patch("save", path, folder=copy) == (0, "")
    target = os.path.join(copy, "build", "new")
    assert kernel_patch("apply", path, target, folder=copy) == (0, "")
    assert os.path.exists(os.path.join(target, "kernel", "lib", "new.c"))
    assert not os.path.exists(os.path.join(target, "kernel", "mm", "eager.c"))


@pytest.mark.parametrize("words", [[], ["apply", FOUR], ["frobnicate"],
                                   ["edit"], ["save", FOUR, FOUR]])
def test_wrong_usage_is_2(words):
    status, said = kernel_patch(*words)
    assert status == 2 and said.startswith("usage: ")


@pytest.mark.parametrize("words", [["check", "nosuch.patch"],
                                   ["apply", "nosuch.patch", "build/mutants"],
                                   ["save", "nosuch.patch"]])
def test_a_patch_that_is_not_there_is_told(words):
    status, said = kernel_patch(*words)
    assert status == 1 and "nosuch" in said and "Traceback" not in said
