"""The machines that are measured: Calf under each of its policies, and Linux.

All are QEMU's `virt` with the same memory and the same benchmark; what differs
is the kernel and its command line. A new policy is one more row of SYSTEMS.
"""

import collections
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading

import share

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))
import drives

LINUX = os.path.join(ROOT, "build", "linux")
# Each machine that uses a disk has a copy of this for itself.
DISK = os.path.join(ROOT, "build", "bench-disk.img")
MEMORY = "2G"
# Linux starts threads of its own for a while after its first process.
LINUX_SETTLES = {"icount": 20, "wall": 8}
# Seconds without a line after which a machine must hang, on a busy host too.
PATIENCE = {"icount": 1200, "wall": 240}
ROW = re.compile(r"^(\w+) (\d+) (\d+) (\S+)$")
# What a rate is called when it has been set right for what the host took.
FREE = "_free"
NAMED_THREADS = "guest=bench,debug-threads=on"

System = collections.namedtuple("System", "key title kind append")

SYSTEMS = [
    System("share", "Calf", "calf", "fork=share"),
    System("tables", "Calf fork=tables", "calf", "fork=tables"),
    System("bytes", "Calf fork=bytes", "calf", "fork=bytes"),
    System("linux", "Linux", "linux", "transparent_hugepage=never"),
    System("linux-huge", "Linux, huge pages", "linux",
           "transparent_hugepage=always"),
]
BY_KEY = {s.key: s for s in SYSTEMS}


class Failed(Exception):
    """A machine that did not come to the end of its work."""


def fetch_linux():
    """Get Linux if it is not there; False if there is none to be had."""
    done = subprocess.run([os.path.join(ROOT, "bench", "linux", "fetch")])
    return done.returncode == 0 and os.path.exists(f"{LINUX}/initrd.cpio")


def linux_version():
    try:
        with open(f"{LINUX}/version") as f:
            return f.read().strip()
    except OSError:
        return "none"


@contextlib.contextmanager
def fresh_disk(wanted):
    """The path of a new disk, or None."""
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory(dir=os.path.dirname(DISK),
                                     prefix="bench-disk-") as folder:
        path = os.path.join(folder, "disk.img")
        subprocess.run(["cp", "--sparse=always", DISK, path], check=True)
        yield path


def calf_command(system, clock, harts, words, build, disk):
    family = "clang-" if build.startswith("clang") else ""
    command = [os.path.join(ROOT, "tools", "run"), "--mem", MEMORY,
               "--build", build, "--timeout", "0", "--append", system.append,
               "--qemu", f"-name {NAMED_THREADS}"]
    command += ["--disk", disk] if disk else [
        "--add", os.path.join(ROOT, "build", f"{family}user", "bench")]
    command += ["--icount"] if clock == "icount" else ["--harts", str(harts)]
    return command + ["--", "/bench", *words]


def linux_command(system, clock, harts, words, disk):
    words = [f"settle={LINUX_SETTLES[clock]}", *words]
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", MEMORY,
               "-smp", str(harts), "-display", "none", "-serial", "stdio",
               "-monitor", "none", "-no-reboot", "-name", NAMED_THREADS,
               "-kernel", f"{LINUX}/Image",
               "-initrd", f"{LINUX}/initrd.cpio",
               *drives.arguments([disk] if disk else []), "-append",
               f"console=ttyS0 quiet {system.append} -- {' '.join(words)}"]
    if clock == "icount":
        command += ["-icount", "shift=0,sleep=off"]
    return command


def command_for(system, clock, harts, words, build, disk=None):
    if system.kind == "calf":
        return calf_command(system, clock, harts, words, build, disk)
    return linux_command(system, clock, harts, words, disk)


class Silence:
    """Ends a process that says nothing for so many SECONDS."""

    def __init__(self, process, seconds):
        self.process, self.seconds = process, seconds
        self.timer = None
        self.heard()

    def heard(self):
        self.over()
        self.timer = threading.Timer(self.seconds, self.process.terminate)
        self.timer.daemon = True
        self.timer.start()

    def over(self):
        if self.timer:
            self.timer.cancel()


def parse(machine, silence, on_row):
    """Take in what a MACHINE says. (Remarks, last lines, came to its end?)"""
    remarks, last, done = [], collections.deque(maxlen=8), False
    watch = None
    for line in machine.stdout:
        silence.heard()
        line = line.strip()
        last.append(line)
        done |= line == "# done"
        if found := ROW.match(line):
            work, size, value, unit = found.groups()
            on_row(work, int(size), int(value), unit)
            if watch and (free := watch.free()):
                on_row(work + FREE, int(size), round(int(value) / free), unit)
            watch = None
        elif line.startswith("+ "):
            watch = share.watch(machine.pid)
        elif line.startswith("# ") and line != "# done":
            remarks.append(line[2:])
    return remarks, last, done


def measure(system, clock, harts, words, build, on_row, disk=False):
    """
    Boot SYSTEM, let it do WORDS, and call ON_ROW(work, size, value, unit) for
    each figure. CLOCK is "icount" or "wall"; DISK says that it has one. Returns
    the remarks on what is missing; raises Failed.
    """
    with fresh_disk(disk) as path:
        return watched(system, clock, on_row,
                       command_for(system, clock, harts, words, build, path))


def watched(system, clock, on_row, command):
    """Start COMMAND and see it to its end; as measure."""
    machine = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace")
    silence = Silence(machine, PATIENCE[clock])
    try:
        remarks, last, done = parse(machine, silence, on_row)
    finally:
        silence.over()
        if machine.poll() is None:
            machine.terminate()
        machine.wait()
    if not done:
        raise Failed(f"{system.title} hung or ended early; last lines:\n    "
                     + "\n    ".join(last))
    return remarks
