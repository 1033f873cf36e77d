"""The machine of our own (docs/MACHINE.md): the same system, told the same
things, as under QEMU."""

import filecmp
import functools
import os
import re
import signal
import socket
import subprocess
import termios
import time

import pytest
from conftest import ROOT, Console, run_command, run_program, tools_run
from test_disk import make_image

OWN_BUILD = ABOUT_TOOLS = True
OWN = ("--machine", "own")
MACHINE = os.path.join(ROOT, "tools", "own-machine")
RELEASE = os.path.join(ROOT, "build", "release")
KERNEL = os.path.join(RELEASE, "calf.img")
INITRD = os.path.join(RELEASE, "initrd.cpio")


@pytest.fixture(scope="module", autouse=True)
def built():
    assert tools_run(*OWN, "echo").status == 0


def summary(text):
    return re.findall(r"(?m)^[\w-]+(?: \(bug \d+\))?: ok$|^ALL .*PASSED$", text)


@functools.cache
def under_qemu(command):
    return run_command(command, timeout=600)


@pytest.mark.parametrize("harts", [1, 4])
@pytest.mark.parametrize("command", ["cowtest", "usertests -q"])
def test_same_summary_as_qemu(command, harts):
    own = run_command(command, harts=harts, options=OWN, timeout=600)
    qemu = under_qemu(command)
    assert own.status == qemu.status == 0, (own, qemu)
    assert summary(own.out) and summary(own.out) == summary(qemu.out)


@pytest.mark.parametrize("harts", [1, 4])
def test_same_forkstorm_as_qemu(harts):
    own, qemu = (re.sub(r"\d+ forks", "N forks", run_command(
        "forkstorm 8 5", harts=harts, options=o).out) for o in (OWN, ()))
    assert own == qemu and "8 processes, 5 s, N forks, 0 errors" in own


def milestones(command, harts, *options):
    """All lines of a run, the kernel's own as well, from its first. Without
    time; without the memory that the device tree takes."""
    r = tools_run(*options, "--harts", str(harts), "--verbose", command)
    assert r.status == 0, r
    lines = re.split(r"(?m)^(?=Calf \d)", r.out, maxsplit=1)[1]
    lines = re.sub(r"\d+ ms after power-on", "N ms after power-on", lines)
    return re.sub(r"(?m)^(free|kernel): \d+$", r"\1: N", lines)


def test_same_milestones_as_qemu():
    command = "echo a | cat; cowtest simple; cat /proc/meminfo " \
        "/proc/version /proc/audit; ls /proc"
    own = milestones(command, 1, *OWN)
    assert own.startswith("Calf ") and "\nfaults_copy: " in own
    assert own == milestones(command, 1)


@pytest.mark.parametrize("harts", [1, 4])
def test_same_devices_as_qemu(harts, tmp_path):
    disk = ("--disk", make_image(tmp_path / "disk.img"), "--snapshot")
    command = "ls /proc; wc /README"
    own = milestones(command, harts, *OWN, *disk)
    assert "\ncalf: vda: 16M\n" in own and f": {harts} hart" in own
    assert own == milestones(command, harts, *disk)


def run_machine(*options):
    return subprocess.run(
        [MACHINE, "--kernel", KERNEL, "--initrd", INITRD, "--harts", "4",
         *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def ran(seed):
    """Console and number of instructions of a run."""
    done = run_machine("--seed", str(seed), "--stats",
                       "forkstorm 4 1; cat /proc/meminfo")
    assert done.returncode == 0, done
    return done.stdout, done.stderr


def test_same_seed_same_bytes():
    first = ran(1)
    assert ran(1) == first
    assert ran(2) != first


def test_same_seed_same_machine(tmp_path):
    saved = [tmp_path / "first", tmp_path / "second"]
    for path in saved:
        run_machine("--seed", "3", "--adversary", "all", "--stop-at",
                    "60000000", "--save", str(path), "cowtest")
    assert filecmp.cmp(*saved, shallow=False)


def test_random_instructions():
    compare = os.path.join(ROOT, "tests", "machine", "compare")
    done = subprocess.run([compare, "--instructions", "1000000"], timeout=300,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("seed", [1, 2])
def test_the_worst_machine(seed):
    r = run_command("cowtest", harts=2, timeout=600,
                    options=(*OWN, "--seed", str(seed), "--adversary", "all"))
    assert r.status == 0 and "ALL COW TESTS PASSED" in r.out


def test_what_the_adversary_did():
    def stopped(at, names):
        done = run_machine("--seed", "3", "--stop-at", str(at), "--adversary",
                           names, "forkstorm 8 5")
        assert done.returncode == 1, done
        return re.findall(r"(?m)^at (\d+), hart \d: (\w+) [\da-f]{16}$",
                          done.stderr)

    every = stopped(3000000, "all")
    assert len(every) == 32 and every == stopped(3000000, "2047")
    assert stopped(3000000, "turns") == []
    some = stopped(3000000, "stores,walks")
    assert {name for _, name in some} == {"stores", "walks"}
    assert all(int(at) <= 3000000 for at, _ in some)


@pytest.mark.parametrize("options, why", [
    (["--harts", "9"], "there is no such machine"),
    (["--harts", "4294967297"], "4294967297: not from 0 to 4294967295"),
    (["--quantum", "4G"], "4G: not from 0"),
    (["--per-tick", "4G"], "4G: not from 0"),
    (["--seed", "-1"], "-1: not from 0"),
    (["--adversary", "2048"], "2048: not from 0 to 2047"),
    (["--adversary", "1x"], "1x: not a number"),
    (["--harts", "x"], "x: not a number"),
    (["--nonsense"], "--nonsense"),
    (["--kernel", "/none"], "/none: No such file"),
    (["--append", "x" * 3000], "the command line is too long"),
    (["--gdb", "1", "--stats"], "not for --gdb"),
    (["--gdb", "99999"], "own-machine: --gdb 99999: "),
    (["--save", os.devnull], "/dev/null: not a file"),
    (["--disk", os.devnull] * 5, "at most 4 disks"),
    (["--save", "/none/file"], "/none/file: No such"),
])
def test_wrong_usage(options, why):
    done = run_machine(*options)
    assert done.returncode == 2 and why in done.stderr, done
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_a_port_that_is_in_use():
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = run_machine("--gdb", str(other.getsockname()[1]))
    assert done.returncode == 2 and "in use" in done.stderr, done
    assert "Traceback" not in done.stderr


def test_refused_by_the_machine_is_wrong_usage():
    r = tools_run(*OWN, "--harts", "9", "echo")
    assert r.status == 2 and "there is no such machine" in r.err, r
    r = tools_run(*OWN, "--adversary", "2048", "echo")
    assert r.status == 2 and "2048: not from 0 to 2047" in r.err, r


def test_output_that_cannot_be_written():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([MACHINE, "--kernel", KERNEL], stdout=full,
                              stdin=subprocess.DEVNULL, timeout=60,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "No space left" in done.stderr, done
    assert "Traceback" not in done.stderr
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    assert reader.wait() == 0
    done = subprocess.run([MACHINE, "--kernel", KERNEL], stdout=reader.stdin,
                          stdin=subprocess.DEVNULL, timeout=60,
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGPIPE and done.stderr == "", done


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT,
                                    signal.SIGPIPE, signal.SIGTERM])
@pytest.mark.parametrize("options", [(), ("--gdb", "0")])
def test_a_terminal_is_restored(options, number):
    # What the tests' parent ignores (nohup, a job of a script), a child would.
    was = signal.signal(number, signal.SIG_DFL)
    c = Console(command=[MACHINE, "--kernel", KERNEL, "--initrd", INITRD,
                         *options])
    signal.signal(number, was)
    before = termios.tcgetattr(c.terminal)[3]
    assert before & termios.ECHO
    while termios.tcgetattr(c.terminal)[3] & termios.ECHO:
        time.sleep(0.05)
    time.sleep(0.5)         # it may well wait now
    c.process.send_signal(number)
    status = c.ends()
    after = termios.tcgetattr(c.terminal)[3]
    c.close()
    assert after == before
    if number != signal.SIGTERM:
        assert status == -number, c.text
    assert "Traceback" not in c.text


def test_told_to_end_while_it_waits():
    machine = subprocess.Popen(
        [MACHINE, "--kernel", KERNEL, "--initrd", INITRD, "--stats"], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while machine.stdout.read(1) != "$":
        pass
    time.sleep(0.5)         # it may well wait now
    machine.terminate()
    machine.wait(timeout=30)        # nothing is typed, and that has no end
    said = machine.communicate()[1]
    assert machine.returncode == 1
    assert re.search(r"(?m)^hart 0: pc 0xf.*\ninstructions: \d+$", said), said


def test_an_unknown_adversary():
    done = run_machine("--adversary", "tlb,nonsense", "echo")
    assert done.returncode == 2 and "nonsense" in done.stderr


@pytest.mark.parametrize("options", [(), OWN, (*OWN, "--seed", "1",
                                               "--adversary", "lrsc")])
def test_a_trap_ends_a_reservation(options):
    run_program("reserved", options=options)


def test_disk_keeps_what_is_written(tmp_path):
    disk = ("--disk", make_image(tmp_path / "disk.img"))
    assert tools_run(*OWN, *disk, "echo kept > /file").status == 0
    assert tools_run(*OWN, *disk, "cat /file").out == "kept\n"
    assert tools_run(*disk, "cat /file").out == "kept\n"        # QEMU, too
    tools_run(*OWN, *disk, "--snapshot", "echo lost > /file")
    assert tools_run(*OWN, *disk, "cat /file").out == "kept\n"


def test_typed_input():
    r = tools_run(*OWN, "--", "cat; echo done", stdin="one\ntwo\n")
    assert r.status == 0 and r.out.endswith("two\ndone\n"), r


def test_icount():
    def took():
        return tools_run(*OWN, "--icount", "--harts", "2", "--verbose",
                         "--append", "x", "echo").out
    assert took() == took()


def test_time_out_says_where():
    r = tools_run(*OWN, "--timeout", "3", "cat", stdin=None)
    assert r.status == 124
    assert re.search(r"hart 0: pc 0xf\w+ hal_wait", r.err), r


def test_a_run_that_can_be_repeated_waits_for_nobody():
    r = tools_run(*OWN, "--seed", "1", "cat")
    assert r.status == 125 and "no hart will ever go on" in r.err, r


def test_a_run_ends_at_an_instruction():
    r = tools_run(*OWN, "--seed", "1", "--stop-at", "50000000", "forkstorm 2 9")
    assert r.status == 125 and "at 50000000:" in r.err, r


def test_options_that_do_not_go_together():
    assert tools_run(*OWN, "--qemu", "-s", "echo").status == 2
    assert tools_run("--seed", "1", "echo").status == 2
