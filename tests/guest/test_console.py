"""The console under a person's hands: a terminal, keys, line editing."""

import re

import pytest


def test_a_prompt_and_an_echo(console):
    c = console()
    c.type("echo hello\n")
    c.expect(r"echo hello\nhello\n")
    c.prompt()


def test_line_editing(console):
    c = console()
    c.type("echo abX\x7fc\r")            # DEL erases, CR ends the line
    c.expect(r"^abc\n")
    c.prompt()
    c.type("echo dY\x08e\n")             # backspace too
    c.expect(r"^de\n")
    c.prompt()
    c.type("echo nonsense\x15echo kept\n")   # ^U: the line
    c.expect(r"^kept\n")
    c.prompt()


def test_what_is_erased_leaves_the_screen(console):
    c = console()
    c.type("abc\x7f")
    c.expect(r"abc\x08 \x08")
    c.type("\x15")
    c.expect(r"\x08 \x08\x08 \x08")
    c.type("echo on\n")
    c.expect(r"^on\n")


def test_erasing_stops_at_the_lines_start(console):
    c = console()
    c.type("\x7f\x7f\x7f\x08echo fine\n")
    c.expect(r"^fine\n")
    assert "\x08" not in c.text
    c.prompt()


def test_end_of_file(console):
    c = console()
    c.type("cat\n")
    c.type("a line\n")
    c.expect(r"^a line\na line\n")
    c.type("\x04")
    c.prompt()


def test_end_of_file_behind_half_a_line_gives_the_half(console):
    c = console()
    c.type("cat\n")
    c.type("half\x04")
    c.expect(r"halfhalf")
    c.type("\x04")
    c.prompt()


def test_end_of_file_at_the_prompt_gives_a_new_shell(console):
    c = console()
    c.type("\x04")
    c.prompt()
    c.type("echo again\n")
    c.expect(r"^again\n")


def test_typing_ahead(console):
    """Lines typed while a program runs wait for their readers, in order."""
    c = console()
    c.type("forkstorm 1 2\necho one\necho two\n")
    c.expect(r"^forkstorm: .*, 0 errors\n", 120)
    # Echoed when they were typed, so not after the prompt.
    c.expect(r"^\$ one\n\$ two\n\$ ")


@pytest.mark.parametrize("harts", [1, 4])
def test_process_list_by_key(console, harts):
    c = console(harts=harts)
    c.type("\x10")
    c.expect(r" init$")
    c.expect(r" sh$")
    c.type("echo on\n")
    c.expect(r"^on\n")
    c.prompt()
    c.type("cat\nit reads\n")           # and while a program reads
    c.expect(r"^it reads\nit reads\n")
    c.type("\x10")
    c.expect(r"^ +\d+ .* cat$")
    c.type("still here\n")
    c.expect(r"^still here\nstill here\n")


def test_a_line_too_long_is_survived(console):
    c = console()
    c.type("echo " + "x" * 300 + "\n\n\n")
    c.type("\x15echo alive\n")
    c.expect(r"^alive\n")


def test_a_line_of_127_characters_is_whole(console):
    c = console()
    word = "".join(chr(ord("a") + i % 26) for i in range(122))
    c.type(f"echo {word}\n")
    c.expect(rf"^{word}\n")
    c.prompt()


def test_more_than_the_console_holds_is_survived(console):
    """Nobody reads while it is typed: what has no room is lost, no more."""
    c = console()
    c.type("forkstorm 1 3\n")
    c.type(("y" * 60 + "\n") * 40)
    c.expect(r"forkstorm: .*, 0 errors\n", 120)
    c.type("\x15\n")
    c.type("echo alive\n")
    c.expect(r"^alive\n")


@pytest.mark.parametrize("target", ["run", "qemu"])
def test_make_run_is_a_shell_on_the_terminal(console, target):
    c = console(command=["make", target, "HARTS=2", "MEM=64M"])
    assert re.search(r"^Calf .*\b2 harts\b.*\b64M\b", c.text, re.M), c.text
    c.type("echo $? | cat; ps\n")
    c.expect(r"^0\n")
    c.expect(r"\bps$")
    c.prompt()
    c.type("poweroff\n")
    assert c.ends() == 0, c.text


def test_the_usual_key_leaves_qemu(console):
    c = console()
    c.type("\x01x")
    assert c.ends() == 0, c.text
