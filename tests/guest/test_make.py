"""The targets of the Makefile that are not tests themselves."""

import json
import os
import re
import select
import socket
import subprocess
import time

import pytest
from conftest import ROOT, needs, run_command, tools_run

OWN_BUILD = ABOUT_TOOLS = True

COW = "ALL COW TESTS PASSED"


def make(*words, **more):
    return subprocess.run(["make", *words], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=1800, **more)


def test_help_names_every_target():
    done = make("help")
    assert done.returncode == 0
    for target in ("run test test-all test-host test-guest test-debug bench lint gdb help qemu "
                   "qemu-gdb grade user-program mutants soak coverage fuzz "
                   "spin").split():
        assert re.search(rf"^ +{target} +\w", done.stdout, re.M), target


def test_a_second_make_compiles_nothing():
    done = make("all")
    assert done.returncode == 0, done.stdout
    assert not re.search(r"^ +(CC|AS|LD) ", done.stdout, re.M), done.stdout


def test_grade_gives_all_points():
    done = make("grade")
    assert done.returncode == 0, done.stdout
    with open(os.path.join(ROOT, "build", "grade.json")) as f:
        grade = json.load(f)
    assert grade["points"] == grade["worth"] >= 100
    assert f"{grade['points']}/{grade['worth']}" in done.stdout
    assert len(grade["sections"]) > 20


@pytest.mark.parametrize("build", ["clang-release", "debug"])
def test_other_builds_work(build):
    needs(os.path.exists(os.path.join(ROOT, "build", build, "calf.img")),
          "clang")
    r = run_command("cowtest", harts=4, build=build, timeout=900)
    assert r.status == 0 and r.out.endswith(COW + "\n"), r


def test_programs_of_each_compiler_start_with_the_other_kernel():
    clang = os.path.join(ROOT, "build", "clang-user", "stripped", "echo")
    needs(os.path.exists(clang), "clang")
    r = tools_run("--add", f"{clang}:echo2", "/echo2 other compiler")
    assert (r.status, r.out) == (0, "other compiler\n"), r


def graded(command, port, seconds=120):
    """What the console says to COMMAND, asked as course graders do it: the
    machine waits for gdb on a port that make tells, is let go from there, and
    gets its input through a pipe, at each prompt."""
    quiet = ["make", "-s", "--no-print-directory"]
    told = dict(cwd=ROOT, env={**os.environ, "GDB_PORT": str(port)})
    assert int(subprocess.check_output([*quiet, "print-gdbport"],
                                       **told)) == port
    machine = subprocess.Popen(
        [*quiet, "qemu-gdb", "CPUS=2"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **told)
    deadline, gdb, said, prompts = time.monotonic() + seconds, None, b"", 0
    try:
        while prompts < 2 and time.monotonic() < deadline:
            if not gdb:
                try:
                    gdb = socket.create_connection(("127.0.0.1", port), 1)
                    gdb.sendall(b"$c#63")
                except OSError:
                    pass
            if select.select([machine.stdout], [], [], 0.1)[0]:
                said += os.read(machine.stdout.fileno(), 4096)
            if said.count(b"$ ") > prompts:
                prompts += 1
                if prompts == 1:
                    machine.stdin.write(command.encode() + b"\n")
                    machine.stdin.flush()
    finally:
        machine.terminate()
        machine.wait(30)
        if gdb:
            gdb.close()
    assert prompts == 2, said
    return said.decode(errors="replace")


def test_a_course_grader_drives_it():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    for _ in range(2):          # the first leaves nothing behind
        said = graded("cowtest simple three", port)
        assert re.search(r"^2 COW TESTS PASSED$", said, re.M), said


def test_the_usual_port_for_gdb():
    assert make("-s", "print-gdbport").stdout == "1234\n"
