"""The shell and the small programs."""

import pytest

SIMPLE = [
    ("echo a b  c", "a b c\n"),
    ("echo one; echo two", "one\ntwo\n"),
    ("echo hello | cat", "hello\n"),
    ("echo hello | cat | cat | wc", "1 1 6"),
    ("echo first > /tmp/f; cat /tmp/f", "first\n"),
    ("echo a > /tmp/f; echo b >> /tmp/f; cat < /tmp/f", "a\nb\n"),
    ("echo abc > /tmp/f; echo d > /tmp/f; cat /tmp/f", "d\n"),
    ("(echo a; echo b) | wc", "2 2 4"),
    ("((echo deep)); echo out", "deep\nout\n"),
    ("mkdir /tmp/e; (cd /tmp/e; echo x > here); cat /tmp/e/here", "x\n"),
    ("(cd /tmp); cat README | grep Welcome", "Welcome to Calf.\n"),
    ("mkdir /tmp/d; cd /tmp/d; echo x > y; cat ../d/./y", "x\n"),
    ("echo 'a  b' \"c ; d\" e\\ f", "a  b c ; d e f\n"),
    ("cat /README | grep Welcome", "Welcome to Calf.\n"),
    ("mkdir /tmp/d && rm /tmp/d && echo gone", "gone\n"),
    ("echo a > /tmp/a; ln /tmp/a /tmp/b; rm /tmp/a; cat /tmp/b", "a\n"),
    ("echo aab > /tmp/a; echo ba >> /tmp/a; grep '^a*b$' /tmp/a", "aab\n"),
]


def machine_of_all(calf, commands):
    """Run the commands in one machine; their outputs, split at marks."""
    line = "; ".join(f"({c}); echo @@" for c in commands)
    r = calf(line)
    assert r.status == 0, r
    return r.out.split("@@\n")[:-1], r


def test_simple_commands(calf):
    for start in range(0, len(SIMPLE), 6):
        some = [(c.replace("/tmp/", f"/tmp/{i}"), o)
                for i, (c, o) in enumerate(SIMPLE[start:start + 6])]
        outs, r = machine_of_all(calf, [c.replace("../d", f"../{i}d")
                                        for i, (c, _) in enumerate(some)])
        assert len(outs) == len(some), r
        for (command, expected), out in zip(some, outs):
            if not expected.endswith("\n"):     # counts, however they are set
                out = " ".join(out.split())
            assert out == expected, (command, str(r))


@pytest.mark.parametrize("command,status,words", [
    ("nosuchprogram", None, ["nosuchprogram", "not found"]),
    ("cat /no/file", 1, ["/no/file"]),
    ("cat < /no/file", None, ["/no/file"]),
    ("cd /no/folder", None, ["/no/folder"]),
    ("grep nothing-like-it /README", 1, []),
    ("rm /nothing", 1, ["/nothing"]),
    ("mkdir /tmp/no/way", 1, ["/tmp/no/way"]),
    ("kill 99999", 1, ["99999"]),
])
def test_errors_say_what_and_where(calf, command, status, words):
    r = calf(command)
    assert r.status == status if status else r.status not in (0, 255), r
    for word in words:
        assert word in r.out, r


@pytest.mark.parametrize("line", ["echo )", "( echo", "echo a | | cat",
                                  "; ;", "echo <", "echo 'open", "| cat"])
def test_a_bad_line_is_refused_with_a_sentence(calf, line):
    r = calf(line, audit=False)
    assert r.status not in (0, 124, 125), r
    assert r.out.startswith("sh: "), r


def test_exit_status_of_the_last_command(calf):
    assert calf("exit 5", audit=False).status == 5
    assert calf("cat /none; echo ok", audit=False).status == 0
    assert calf("echo ok; cat /none", audit=False).status == 1


def test_comment(calf):
    r = calf("echo x # y; echo z", audit=False)
    assert (r.status, r.out) == (0, "x\n"), r


def test_background(calf):
    r = calf("forkstorm 1 1 > /tmp/out & echo at once; cat /tmp/out")
    assert r.status == 0
    assert r.out.splitlines()[0] == "at once", r


def test_many_pipes_on_many_harts(calf):
    r = calf("cat /bin/cowtest /bin/cowtest | cat | cat | cat | wc", harts=4)
    direct = calf("wc < /bin/cowtest")
    assert int(r.out.split()[2]) == 2 * int(direct.out.split()[2])
