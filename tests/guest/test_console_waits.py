"""Nobody waits for the console: neither for who writes much to it, nor for an
other end that takes nothing, as a terminal that is not read.

Bounds are several times what a quiet machine shows; the best of three counts.
"""

import re
import time

import pytest
from conftest import LEFT_OUT, program, tools_run

PROVOKE = program("provoke")


def stalled(console, command, seconds, harts=1):
    """A machine that runs COMMAND while nobody reads its terminal."""
    c = console(harts=harts, options=["--add", PROVOKE])
    c.type(command + "\n")
    time.sleep(seconds)
    return c


def best(measure, bound):
    """The least of three measurements, or the first within the bound."""
    seen = []
    while len(seen) < 3:
        seen.append(measure())
        if seen[-1] <= bound:
            break
    return min(seen), seen


def answer_time(c, number):
    """Seconds until the shell has done a line, whatever else is printed."""
    began = time.monotonic()
    c.type(f"echo an$?swer{number}\n")
    c.expect(f"an0swer{number}", 20)
    return time.monotonic() - began


@pytest.mark.parametrize("harts", [1, 2])
def test_f6_a_shell_beside_a_long_write(console, harts):
    c = console(harts=harts, options=["--add", PROVOKE])
    c.type("/provoke write &\n")
    c.expect("\0" * 1000)
    numbers = iter(range(3))
    least, seen = best(lambda: answer_time(c, next(numbers)), 1)
    assert least <= 1, seen


def test_f6_a_short_write_is_not_torn():
    """Nor lines of a longer one."""
    r = tools_run("--harts", "2", "--add", program("lines"), "/lines 4 300")
    lines = r.out.splitlines()
    assert r.status == 0 and lines.pop() == "all checks passed", r
    assert not [l for l in lines if not re.fullmatch(r"(\d)\1{4,}", l)], r
    assert len(lines) == 4 * 300, r


def kill_times(text):
    found = re.search(r"^the waiter took (\d+) ms, the writer (\d+) ms$", text,
                      re.M)
    assert found, "the writers never died"
    return max(map(int, found.groups()))


@pytest.mark.parametrize("harts", [1, 2])
def test_f6_writers_die_when_killed(harts):
    def once():
        r = tools_run("--harts", str(harts), "--add", PROVOKE, "--timeout",
                      "30", "/provoke kills")
        return kill_times(r.out)

    least, seen = best(once, 200)
    assert least <= 200, seen


def test_f6_writers_die_when_killed_while_the_console_stalls(console):
    def once():
        c = stalled(console, "/provoke kills", 2)
        c.expect(r"writer \d+ ms\n", 20)
        return kill_times(c.text)

    least, seen = best(once, 200)
    assert least <= 200, seen


@pytest.mark.parametrize("kind", ["calls", "faults"])
def test_f8_messages_stop_nobody_while_the_console_stalls(console, kind):
    """One hart, and slices of 10 ms; a poll of the device took 500 ms."""
    def once():
        c = stalled(console, f"/provoke gaps {kind}", 5)
        return int(c.expect(r"longest gap (\d+) us\n", 20)[1])

    least, seen = best(once, 300000)
    assert least <= 300000, seen


@pytest.mark.parametrize("kind,says", [
    ("calls", r"^calf: pid \d+ \(provoke\): unknown system call 99$"),
    ("faults", r"^calf: pid \d+ \(provoke\) killed: store to 0x3000000000: "),
])
def test_f8_messages_that_programs_cause_are_limited(kind, says):
    """Those that were left out are counted; here the end of the run tells."""
    r = tools_run("--add", PROVOKE, f"/provoke {kind} 300")
    told = len(re.findall(says, r.out, re.M))
    left_out = sum(map(int, LEFT_OUT.findall(r.out)))
    assert r.status == 0 and 20 <= told <= 150, r
    assert told + left_out == 300, r
    assert "lost" not in r.out, r


def test_f8_a_later_command_tells_what_was_left_out(console):
    c = console(options=["--add", PROVOKE])
    c.type("/provoke calls 300\n")
    c.prompt()
    time.sleep(5)
    c.type("echo later\n")
    c.expect(LEFT_OUT.pattern)


def test_f8_few_messages_are_all_told():
    r = tools_run("--add", PROVOKE, "/provoke faults 20")
    assert len(re.findall(r"^calf: pid \d+ \(provoke\) killed: ", r.out,
                          re.M)) == 20, r


def test_f8_a_long_list_and_messages_lost(console):
    """^P tells of few enough not to stop the machine; what a stalled console
    has no room for is lost, which is said."""
    c = stalled(console, "/provoke children 100 &", 2)
    c.type("\x10" * 8)
    c.expect(r"^calf: \d+ messages lost$", 20)
    c.type("\x10")
    c.expect(r"^ +pid state ")
    text = c.expect(r"(?s)(.*)^\.\.\. and more: /proc/processes has all$")[1]
    assert text.count("provoke") in range(55, 65), text


def test_f8_a_panic_gets_through_a_stalled_console(console):
    c = stalled(console, "/provoke file /proc/crash panic", 5)
    c.expect(r"calf: PANIC: asked for through /proc/crash$", 20)
    c.expect(r"^hart 0:$")
    c.expect(r"^calf: halted$")


def test_f8_power_off_does_not_wait_for_a_stalled_console(console):
    c = stalled(console, "/provoke file /proc/power off", 0)
    c.process.wait(20)
