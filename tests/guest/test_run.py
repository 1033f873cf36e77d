"""tools/run itself: statuses, time-outs, files added, words passed on."""

import os
import re
import subprocess

import pytest
from conftest import ROOT, tools_run
from console import LONGEST, Console


def test_status_is_the_commands(calf):
    for status in (0, 1, 7, 255):
        assert tools_run("--", f"exit {status}").status == status


def test_only_the_commands_output_is_shown():
    r = tools_run("echo hello world")
    assert (r.status, r.out, r.err) == (0, "hello world\n", "")


def test_output_without_a_last_newline(tmp_path):
    (tmp_path / "text").write_text("no newline")
    r = tools_run("--add", f"{tmp_path}/text", "cat /text")
    # The kernel may begin a new line for what it says at the end.
    assert (r.status, r.out.rstrip("\n")) == (0, "no newline")


def test_a_line_without_end_is_not_kept():
    shown = []
    console = Console(shown.append)
    console.feed(b"calf: init started\n")
    console.feed(b"calf: power off, status ")   # but more follows
    for _ in range(20):
        console.feed(b"\0" * LONGEST)
        assert len(console.last_lines()[-1]) <= LONGEST
    for piece in (b"calf: pow", b"er off, status 7", b"\n"):
        console.feed(piece)
    console.close()
    assert console.status == 7
    assert b"".join(shown) == \
        b"calf: power off, status " + b"\0" * (20 * LONGEST)


def test_verbose_shows_the_boot_too():
    r = tools_run("--verbose", "echo hello")
    assert r.status == 0
    assert "calf: init started" in r.out
    assert "\nhello\n" in r.out
    assert "calf: power off, status 0" in r.out


def test_timeout_is_124_and_names_every_hart():
    r = tools_run("--harts", "2", "--timeout", "5", "cat")
    assert r.status == 124, r
    assert "hart 0: pc 0x" in r.err and "hart 1: pc 0x" in r.err
    assert "calf: init started" in r.err
    assert "time-out" in r.err


def test_panic_is_125_with_registers_and_names():
    r = tools_run("--harts", "2", "echo before; echo panic > /proc/crash")
    assert r.status == 125, r
    assert r.out.startswith("before\ncalf: PANIC: ")
    assert "calf: halted" in r.out
    assert "+0x" in r.out, "a backtrace has function names"
    assert "panicked" in r.err


@pytest.mark.parametrize("build", ["release", "debug"])
def test_an_overflow_of_a_kernel_stack_is_told(build):
    r = tools_run("--build", build, "echo stack > /proc/crash")
    assert r.status == 125
    assert "calf: PANIC: kernel stack overflow at pc 0x" in r.out + r.err, r
    assert re.search(r"called from 0x\w+ recurse\+", r.out + r.err), r


def test_kernel_fault_is_125():
    r = tools_run("echo fault > /proc/crash")
    assert r.status == 125, r
    assert "calf: PANIC: " in r.out


def test_undefined_behaviour_of_a_debug_kernel_is_told():
    r = tools_run("--debug", "echo undefined > /proc/crash")
    assert r.status == 125, r
    assert re.search(r"calf: PANIC: this debug build found undefined behaviour "
                     r"at pc (0x\w+)\n(.*\n)*  at \1 write_crash\+", r.out), r
    assert re.search(r"called from 0x\w+ command_write\+", r.out), r


def test_a_program_cannot_fake_the_end():
    r = tools_run("echo calf: power off, status 0; echo more; exit 3")
    assert r.status == 3
    assert r.out == "calf: power off, status 0\nmore\n"


def test_add_puts_an_executable_into_the_root(tmp_path):
    echo = os.path.join(ROOT, "build", "user", "echo")
    (tmp_path / "note").write_text("a note\n")
    r = tools_run("--add", f"{echo}:parrot", "--add", f"{tmp_path}/note",
                  "/parrot hi; cat /note")
    assert (r.status, r.out) == (0, "hi\na note\n")


def test_add_of_a_missing_file_is_refused():
    r = tools_run("--add", "/nowhere/file", "echo")
    assert r.status == 2
    assert "/nowhere/file" in r.err


def test_add_makes_the_folders_it_needs(tmp_path):
    (tmp_path / "note").write_text("a note\n")
    r = tools_run("--add", f"{tmp_path}/note:some/where/note",
                  "--add", f"{tmp_path}/note:bin/note2",
                  "cat /some/where/note; cat /bin/note2; echo more")
    assert (r.status, r.out) == (0, "a note\na note\nmore\n"), r


def test_add_refuses_a_name_that_no_program_can_say(tmp_path):
    (tmp_path / "fifteen-letters").write_text("a note\n")
    for word in (f"{tmp_path}/fifteen-letters",
                 f"{tmp_path}/fifteen-letters:fifteen-letters/note"):
        r = tools_run("--add", word, "echo")
        assert r.status == 2 and "longer than 14 bytes" in r.err, r
    assert tools_run("--add", f"{tmp_path}/fifteen-letters:short",
                     "cat /short").out == "a note\n"


def test_append_reaches_the_kernels_command_line():
    r = tools_run("--append", "one=1 two", "cat /proc/cmdline")
    assert r.status == 0, r
    assert r.out == "one=1 two run=cat /proc/cmdline\n", r


def test_input_is_typed_into_the_console():
    r = tools_run("cat > /tmp/x; wc /tmp/x", stdin="one two\nthree\n")
    assert r.status == 0
    assert "2 3 14" in r.out


def test_wrong_usage_is_2():
    for words in (["--mem", "lots"], ["--harts", "0"], ["--nonsense"],
                  ["--icount", "--harts", "2", "echo"], ["echo a\necho b"]):
        assert tools_run(*words).status == 2, words


def test_every_tool_has_help():
    for tool in ("run", "layers", "install-tools", "mkcpio", "symbols", "test",
                 "grade", "analyse", "gdb/start", "bench", "bench-compare",
                 "profile", "user-program", "glossary"):
        done = subprocess.run([os.path.join(ROOT, "tools", tool), "--help"],
                              capture_output=True, text=True)
        assert done.returncode == 0, tool
        assert len(done.stdout) > 60, tool
