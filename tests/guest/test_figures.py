"""The figures in the documents are true, and a false one is seen."""

import os
import subprocess

import pytest
from conftest import ROOT

# What the documents tell is what the release build does.
OWN_BUILD = ABOUT_TOOLS = True


def figures(*arguments):
    return subprocess.run([os.path.join(ROOT, "tools", "figures"), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)


def test_documents():
    done = figures()
    assert done.returncode == 0, done.stdout


BLOCK = "<!-- run{}: {} -->\n```\n$ tool\n{}```\n"
TRUE = [
    BLOCK.format("", "echo one; echo 2", "one\n2\n"),
    BLOCK.format("", "seq 9", "1\n...\n9\n"),
    BLOCK.format("", "echo pid 5 at 0xabc", "pid 1234 at 0x77\n"),
    BLOCK.format("", "echo 87c56 80000 87c56", "12345 abcdef 12345\n"),
    BLOCK.format(" within 5%", "echo 'a   98 2.0'", "a 100   2.0\n"),
    "<!-- 3 = seq 3 | wc -l -->\nThere are 3\nof them.\n",
    "<!-- 512 = kernel/ipc/pipe.h PIPE_SIZE -->\nPipes of 512 bytes.\n",
    "<!-- 256 = kernel/vfs/file.c PART_BYTES / 1024 -->\n256 KB\n",
]
FALSE = [
    BLOCK.format("", "echo one; echo 2", "one\n3\n"),
    BLOCK.format("", "seq 9", "1\n...\n8\n"),
    BLOCK.format("", "echo 87c56 80000 87c57", "12345 abcdef 12345\n"),
    BLOCK.format(" within 5%", "echo 94", "100\n"),
    BLOCK.format("", "echo 98", "100\n"),
    "<!-- 3 = seq 4 | wc -l -->\nThere are 3\nof them.\n",
    "<!-- 511 = kernel/ipc/pipe.h PIPE_SIZE -->\nPipes of 511 bytes.\n",
]


@pytest.mark.parametrize("text", TRUE)
def test_what_is_true_stays(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    done = figures("--update", str(page))
    assert done.returncode == 0 and page.read_text() == text, done.stdout


@pytest.mark.parametrize("text", FALSE)
def test_what_is_false_is_told_and_corrected(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    assert figures(str(page)).returncode == 1 and page.read_text() == text
    assert figures("--update", str(page)).returncode == 1
    done = figures(str(page))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("text", [
    "<!-- 3 = echo 3 -->\nThere are four.\n\nAnd 3 elsewhere.\n",
    "<!-- run: echo 3 -->\nno block\n"])
def test_what_has_no_figure_is_told(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    assert figures(str(page)).returncode == 1
