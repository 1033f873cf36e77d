"""tools/glossary: terms name what is there, and words do not come back."""

import os
import shutil
import subprocess

import pytest

from conftest import ROOT

OWN_BUILD = ABOUT_TOOLS = True
PAGE = "docs/GLOSSARY.md"


@pytest.fixture
def tree(tmp_path):
    """A copy of what the check reads."""
    for path in ("kernel", "docs"):
        shutil.copytree(os.path.join(ROOT, path), tmp_path / path)
    return tmp_path


def check(tree):
    done = subprocess.run([os.path.join(ROOT, "tools", "glossary"), tree],
                          capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def append(tree, path, text):
    with open(tree / path, "a", encoding="utf-8") as f:
        f.write(text)


def add_term(tree, where):
    text = (tree / PAGE).read_text(encoding="utf-8")
    head = "## Pages\n\n| term | what it means | where |\n|---|---|---|\n"
    assert head in text
    text = text.replace(head, f"{head}| thing | what it is | {where} |\n")
    (tree / PAGE).write_text(text, encoding="utf-8")


def test_the_tree_as_it_is(tree):
    assert check(tree) == (0, "glossary: 0 findings\n")


@pytest.mark.parametrize("where, finding", [
    ("`page_nowhere`", "thing: kernel/ has no page_nowhere"),
    ("`struct no_such`", "thing: kernel/ has no no_such"),
    ("`mm/nowhere.c`", "thing: kernel/ has no mm/nowhere.c"),
    ("`only_in_a_comment`", "thing: kernel/ has no only_in_a_comment"),
    ("somewhere", "thing: names no symbol")])
def test_a_term_without_a_symbol(tree, where, finding):
    append(tree, "kernel/mm/page.c", "/* only_in_a_comment */\n")
    add_term(tree, where)
    status, out = check(tree)
    assert status == 1 and finding in out and "1 findings" in out, out


@pytest.mark.parametrize("line, word", [
    ("/* The stock of a hart. */", "stock"),
    ("/* Whoever comes first. */", "Whoever"),
    ("static int node_origin;", "origin"),
    ("static int BORROWER_MAX;", "BORROWER"),
    ("/* A frame of memory. */", "frame")])
def test_a_word_that_comes_back(tree, line, word):
    append(tree, "kernel/mm/page.c", line + "\n")
    status, out = check(tree)
    assert status == 1 and f": {word}: write: " in out, out
    assert "kernel/mm/page.c:" in out and "1 findings" in out, out


def test_words_where_they_are_right(tree):
    append(tree, "kernel/proc/entry.c", "/* the frame of a trap; reap it */\n")
    append(tree, "kernel/mm/page.c", "/* original, frameless, restocked */\n")
    assert check(tree)[0] == 0
