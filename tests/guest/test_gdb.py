"""A session with gdb: what `make gdb` and `make qemu-gdb` prepare.

One machine, stopped twice: in the kernel, when a process that has forked
merges lazy copies, and in a program. All commands and all printers are
tried there.
"""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import ROOT, Console, needs

OWN_BUILD = True

START = os.path.join(ROOT, "tools", "gdb", "start")
TOP = "@@@|"

needs(shutil.which("gdb-multiarch"), "gdb-multiarch")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def session(commands, *words):
    """What gdb says to each of COMMANDS, by command."""
    lines = []
    for command in commands:
        lines += [f"echo {TOP}\\n", command]
    gdb = subprocess.Popen(
        [START, *words], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
        env=dict(os.environ, CALF_GDB_PORT=str(free_port())))
    try:
        out, _ = gdb.communicate("\n".join([*lines, "kill", "quit"]) + "\n",
                                 timeout=180)
    except subprocess.TimeoutExpired:
        os.killpg(gdb.pid, signal.SIGKILL)      # gdb and QEMU, too
        raise
    answers = out.replace("(gdb) ", "").split(TOP)[1:]
    assert len(answers) == len(commands), out
    return dict(zip(commands, answers))


SELF = "((struct process *)((struct thread *)$tp)->owner)"
ENTRY = f"*(pte_t *)(0xffffffc000000000 + {SELF}->space->machine.root)"
IN_THE_KERNEL = (
    "hbreak kernel_main", "continue", "backtrace 1", "info line kernel_main",
    "harts", "delete", "hbreak pt_merge if va > 0x1000", "continue 1",
    "calf ps", "calf regions", "calf regions 1", "calf regions 99",
    "calf tree", "calf walk 0", "calf walk 0x100000000", "calf walk $sp",
    "calf walk",
    "calf page root", "calf page", "calf page 10", "calf page 0x80200000",
    f"print *{SELF}->space->root", f"print {SELF}->space->lock",
    f"print {SELF}->first_task.thread", f"print/r {SELF}->first_task.thread.irq_depth",
    "print process_lock", "print 'kernel/proc/process.c'::processes",
    f"print {ENTRY}",
    "calf page nonsense", "calf tree nonsense", "print $runs(\"sh\")",
    "print $runs(\"init\")",
    "help calf", "calf nonsense", "calf program init", "info symbol 0",
    "calf program nosuch")
IN_A_PROGRAM = ("delete 3", "calf program wc",
                "hbreak main if $runs(\"wc\")", "continue", "info symbol $pc ",
                "print argc", "print $runs(\"wc\")",
                "delete 4", "hbreak *0", "continue 2", "print $priv",
                "calf program", "info symbol $pc", "calf ps 1", "calf ps ",
                "calf regions ", "calf tree ", "print $priv + 0")


@pytest.fixture(scope="module")
def said():
    commands = [*IN_THE_KERNEL, *IN_A_PROGRAM]
    return session(commands, "--harts", "2",
                   "cat /README | wc; cat /README | wc")


def test_the_kernel_stops_with_names(said):
    assert re.search(r"#0 +kernel_main \(hardware_id=", said["backtrace 1"])
    assert "kernel/main.c" in said["info line kernel_main"]
    assert "CPU#1" in said["harts"]


def test_processes(said):
    assert re.search(r"^ +1 +- sleeping +\d init$", said["calf ps"], re.M)
    assert re.search(r"^ +2 +1 \w+ +\d sh$", said["calf ps"], re.M)


def test_regions(said):
    assert re.search(r"^process \d+ \(sh\)", said["calf regions"], re.M)
    assert re.search(r"^0000000000-\w+ r-x image of a file at 0x1000$",
                     said["calf regions"], re.M)
    assert re.search(r"^\w+-\w+ rw- stack$", said["calf regions"], re.M)
    assert "process 1 (init)" in said["calf regions 1"]
    assert "there is no process 99" in said["calf regions 99"]


def test_the_tree_shows_lazy_copies(said):
    tree = said["calf tree"]
    assert re.search(r"^level 2 page \w+ count 1: 1 owned", tree, re.M)
    copies = re.search(r"^ +slot 0 owned level 0 page (\w+) count 1: .*\n"
                     r" +source level 0 page (\w+) count \d: .* writable; "
                     r"lazy copies: page (.*)$", tree, re.M)
    assert copies and copies[1] in copies[3].split(", "), tree


def test_an_address_is_walked(said):
    assert re.search(r"level 2 .* slot 0: owned -> page \w+\n"
                     r"level 1 .* slot 0: owned -> page \w+\n"
                     r"level 0 .* slot 0(, of the source)?: "
                     r"leaf r-x -> page \w+",
                     said["calf walk 0"])
    assert ": none" in said["calf walk 0x100000000"]
    assert "is no address of a program's" in said["calf walk $sp"]
    assert "which address?" in said["calf walk"]


def test_a_page(said):
    assert re.search(r"page \w+, table, count 1, level 2, last owner \d+\n"
                     r"  descriptor 0x\w+, data 0xffffffc0\w+",
                     said["calf page root"])
    assert "which page?" in said["calf page"]
    assert "page 10 has no descriptor" in said["calf page 10"]
    assert "page 80200, " in said["calf page 0x80200000"]


def test_printers(said):
    def printed(what):
        return said[f"print {what}"]

    assert re.search(r"= page \w+, table, count 1, level 2",
                     printed(f"*{SELF}->space->root"))
    assert re.search(r"= mutex space, held by thread sh \(pid \d+\) running "
                     r"hart \d, 0 waiting", printed(f"{SELF}->space->lock"))
    assert re.search(r"= thread sh \(pid \d+\) running hart \d",
                     printed(f"{SELF}->first_task.thread"))
    assert re.search(r"= spinlock process_table, (free|held by hart \d)",
                     printed("process_lock"))
    processes = re.findall(r"^ +\d+ +[-\d]+ \w+ ", said["calf ps"], re.M)
    assert (f"= list of {len(processes)}\n"
            in printed("'kernel/proc/process.c'::processes"))
    assert re.search(r"= owned -> page \w+", printed(ENTRY))


def test_help_names_all_commands(said):
    for word in ("ps", "regions", "tree", "page", "walk", "program"):
        assert re.search(rf"^calf {word} -- ", said["help calf"], re.M)
    assert "no command `calf nonsense`" in said["calf nonsense"]


def test_symbols_of_programs(said):
    assert "symbols of build/user/init" in said["calf program init"]
    assert "_start in section .text of" in said["info symbol 0"]
    assert "no program nosuch" in said["calf program nosuch"]
    name = re.search(r"symbols of build/user/(\w+)", said["calf program"])[1]
    assert f"build/user/{name}" in said["info symbol $pc"]


def test_a_word_that_gdb_does_not_know_is_told_in_a_line(said):
    for command in ("calf page nonsense", "calf tree nonsense"):
        assert said[command].strip() == (
            'No symbol "nonsense" in current context.'), said[command]


def test_a_breakpoint_for_one_program(said):
    """All programs begin at 0: main of wc lies somewhere in sh, too."""
    assert "= 1\n" in said['print $runs("sh")']
    assert "= 0\n" in said['print $runs("init")']
    assert "main in section .text of" in said["info symbol $pc "]
    assert "= 1\n" in said["print argc"]
    assert "= 1\n" in said['print $runs("wc")']


def test_all_of_it_works_from_user_mode_too(said):
    assert "= 0\n" in said["print $priv"]
    assert " init\n" in said["calf ps "]
    assert "at most 0 argument" in said["calf ps 1"]
    assert "r-x image" in said["calf regions "]
    assert "level 0 page" in said["calf tree "]
    assert "= 0\n" in said["print $priv + 0"], "the mode is as it was"


def test_before_the_kernel_runs():
    assert "Has the kernel been started?" in session(["calf ps"])["calf ps"]


def test_make_qemu_gdb_writes_a_gdbinit_that_works():
    """As course users do it: two terminals, gdb-multiarch in the root."""
    port = free_port()
    path = os.path.join(ROOT, ".gdbinit")
    machine = Console(command=["make", "qemu-gdb", "HARTS=1",
                               f"GDB_PORT={port}"])
    try:
        machine.expect("waiting for gdb")
        machine.expect(f"add-auto-load-safe-path {path}")
        done = subprocess.run(
            ["gdb-multiarch", "-q", "-batch", "-iex",
             f"add-auto-load-safe-path {path}", "-ex", "hbreak kernel_main",
             "-ex", "continue", "-ex", "calf ps", "-ex", "kill"], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120)
    finally:
        machine.close()
    assert "Breakpoint 2, kernel_main" in done.stdout, done.stdout
    assert "pid parent state" in done.stdout, done.stdout
