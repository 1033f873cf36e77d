"""What the console and the shell survive: noise, nonsense, bad readers."""

import random

import pytest
from conftest import program, run_command, run_program, tools_run

PIECES = ["(", ")", "<", ">", ">>", "|", ";", "&", "&&", "||", "'", '"', "\\",
          "$?", "$", "#", " ", "  ", "\t", "echo", "echo a", "cd", "cd /tmp",
          "cd /none", "wait", "nosuch", "/tmp", "a", "b", "x" * 130,
          "y" * 1100, "\x01\x7f\xff", "''", '""', "../", "e\\", "\x0b"]


def nasty_line(source):
    line = "".join(source.choice(PIECES)
                   for _ in range(source.randrange(1, 12)))
    return line.encode("latin-1")


SPECIAL = [
    b"(" * 200, b")" * 200, b"(" * 40 + b"echo deep" + b")" * 40,
    b"echo a" + b"|cat" * 100, b";" * 900, b"&" * 900, b"echo " + b"a " * 60,
    b"> " * 400, b"<" * 1000, b"echo '" + b"q" * 900, b"\\" * 900,
    b"echo " + b"$?" * 400, bytes(range(1, 10)) + bytes(range(11, 256)),
    b"a" * 5000, b"exit nonsense", b"exit 1 2", b"cd a b", b"",
    b"echo x > ", b"< none cat", b"(cd /none) > out", b"wait wait", b"|", b"(",
]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_shell_survives_nonsense(tmp_path, seed):
    """Whatever is in a script, its last line is read and run."""
    source = random.Random(seed)
    lines = [nasty_line(source) for _ in range(250)] + SPECIAL
    source.shuffle(lines)
    lines = [b"cd /tmp"] + lines + [b"echo alive $?"]
    (tmp_path / "nasty").write_bytes(b"\n".join(lines) + b"\n")
    r = run_command("sh /nasty; echo ended", harts=2,
                    add=[f"{tmp_path}/nasty"])
    assert r.status == 0, r
    assert r.out.endswith("ended\n"), r
    assert "\nalive " in r.out, r


def test_an_interactive_shell_survives_nonsense(console):
    c = console()
    source = random.Random(3)
    for i in range(25):
        text = "".join(source.choice(PIECES) for _ in range(6))[:100]
        # Erased or entered; ^A is QEMU's own key.
        c.type(text.replace("\x01", "").encode("latin-1", "replace")
               .decode("latin-1") + source.choice(["\n", "\x15", "\r"]))
    c.type("\x15\n\necho alive\n")
    c.expect(r"^alive\n", 60)
    c.prompt()


@pytest.mark.parametrize("line,words", [
    ("nosuch", "nosuch: not found"), ("/README", "/README: cannot be run"),
    ("cd /none", "cannot cd to /none"), ("cat < /none", "cannot open /none"),
    ("echo > /none/x", "cannot open /none/x"), ("(", "near the end"),
    (")", "near ')'"), ("echo 'a", "missing closing quote"),
    ("exit x", "usage: exit"), ("echo " + "a " * 40, "too many arguments"),
])
def test_what_is_wrong_is_said(line, words):
    r = run_command(line, audit=False)
    assert r.status != 0, r
    told = [l for l in r.out.splitlines() if l.startswith("sh: ")]
    assert len(told) == 1 and words in told[0], r


def test_output_while_typing(console):
    """A line typed between lines of output is one line all the same."""
    c = console(options=["--add", program("chatter")])
    c.type("/chatter 30 &\n")
    c.expect(r"chatter 1\n")  # the prompt may come just before
    for part in ("ec", "ho to", "ge", "th", "er"):
        c.type(part)
        c.expect(r"chatter \d+\n")
    c.type("\n")
    c.expect(r"^together\n")
    c.expect(r"chatter 29\n")


def test_a_bad_reader_loses_no_line():
    r = run_program("badread", stdin="the line\n")
    assert "got the line\n" in r.out, r


def test_a_chatting_program_and_a_reader():
    """Reading goes on while another prints."""
    r = run_command("/chatter 8 & cat; wait", add=[program("chatter")],
                    stdin="one\ntwo\n", harts=2)
    assert "one\n" in r.out and "two\n" in r.out, r
    assert "chatter 7\n" in r.out, r


def test_what_is_typed_while_the_machine_starts_is_kept():
    """All but the first byte, which is the firmware's: here an empty line's."""
    r = tools_run("--timeout", "120",
                  stdin="\necho typed $? early\npoweroff\n")
    assert "typed 0 early\n" in r.out and "power off" in r.out, r
