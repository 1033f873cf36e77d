"""The machines that are measured: Calf under each of its policies, and Linux.

All are QEMU's `virt` with the same memory and the same benchmark; what differs
is the kernel and its command line. A new policy is one more row of SYSTEMS.
"""

import collections
import os
import re
import subprocess
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
LINUX = os.path.join(ROOT, "build", "linux")
MEMORY = "2G"
# Linux starts threads of its own for a while after its first process.
LINUX_SETTLES = {"icount": 20, "wall": 8}
# Seconds after which a machine must hang, on a busy host too.
PATIENCE = {"icount": 7200, "wall": 600}
ROW = re.compile(r"^(\w+) (\d+) (\d+) (\S+)$")

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


def calf_command(system, clock, harts, words, build):
    family = "clang-" if build.startswith("clang") else ""
    command = [os.path.join(ROOT, "tools", "run"), "--mem", MEMORY,
               "--build", build, "--timeout", "0", "--append", system.append,
               "--add", os.path.join(ROOT, "build", f"{family}user", "bench")]
    command += ["--icount"] if clock == "icount" else ["--harts", str(harts)]
    return command + ["--", "/bench", *words]


def linux_command(system, clock, harts, words):
    words = [f"settle={LINUX_SETTLES[clock]}", *words]
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", MEMORY,
               "-smp", str(harts), "-display", "none", "-serial", "stdio",
               "-monitor", "none", "-no-reboot", "-kernel", f"{LINUX}/Image",
               "-initrd", f"{LINUX}/initrd.cpio", "-append",
               f"console=ttyS0 quiet {system.append} -- {' '.join(words)}"]
    if clock == "icount":
        command += ["-icount", "shift=0,sleep=off"]
    return command


def measure(system, clock, harts, words, build, on_row):
    """
    Boot SYSTEM, let it do WORDS, and call ON_ROW(work, size, value, unit) for
    each figure. CLOCK is "icount" or "wall". Returns the remarks on what is
    missing; raises Failed.
    """
    if system.kind == "calf":
        command = calf_command(system, clock, harts, words, build)
    else:
        command = linux_command(system, clock, harts, words)
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               errors="replace")
    remarks, last, done = [], collections.deque(maxlen=8), False
    watch = threading.Timer(PATIENCE[clock], machine.terminate)
    watch.start()
    try:
        for line in machine.stdout:
            line = line.strip()
            last.append(line)
            done |= line == "# done"
            if found := ROW.match(line):
                work, size, value, unit = found.groups()
                on_row(work, int(size), int(value), unit)
            elif line.startswith("# ") and line != "# done":
                remarks.append(line[2:])
    finally:
        watch.cancel()
        if machine.poll() is None:
            machine.terminate()
        machine.wait()
    if not done:
        raise Failed(f"{system.title} hung or ended early; last lines:\n    "
                     + "\n    ".join(last))
    return remarks
