"""What the guest tests share: running one command, and typing at a console.

Everything goes through tools/run, as a person would use it. After a command
the same machine's /proc/audit is read, and must be clean.
"""

import os
import pty
import re
import selectors
import signal
import subprocess
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))
from console import LEFT_OUT  # noqa: E402
RUN = os.path.join(ROOT, "tools", "run")
PROGRAMS = os.path.join(ROOT, "build", "user", "tests")
# The kernel that tests run which do not ask for one: see tools/test.
BUILD = os.environ.get("CALF_BUILD", "release")
STATUS = re.compile(r"^test-status (\d+)\n", re.M)
# pytest that is to end ends its machines first.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def same_in_all_builds(item):
    """Does a test, or its file by OWN_BUILD = True, choose what it boots?"""
    chosen_by_name = hasattr(item, "callspec") and \
        "build" in item.callspec.params
    return chosen_by_name or getattr(item.module, "OWN_BUILD", False)


def pytest_collection_modifyitems(config, items):
    """The release build has run what is the same on any other."""
    if BUILD != "release":
        same = [item for item in items if same_in_all_builds(item)]
        config.hook.pytest_deselected(items=same)
        items[:] = [item for item in items if item not in same]


def needs(there, what):
    """Skip a test, or a file, if WHAT it needs is not there."""
    if not there:
        pytest.skip(f"{what} is not here", allow_module_level=True)


class Result:
    """What a run printed (out, err), its status, and all of the console."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __str__(self):
        return f"status {self.status}\n--- out\n{self.out}--- err\n{self.err}"

    __repr__ = __str__      # what a failed assertion shows


def chosen(arguments):
    """The words that choose the kernel, for arguments which do not."""
    asked = {"--build", "--debug", "--kernel", "--icount"} & set(arguments)
    return [] if asked or BUILD == "release" else ["--build", BUILD]


def tools_run(*arguments, stdin=None, **more):
    """tools/run with these arguments, nothing added but perhaps the build."""
    done = subprocess.run(
        [RUN, *chosen(arguments), *arguments], text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **({"input": stdin} if stdin is not None
           else {"stdin": subprocess.DEVNULL}), **more)
    return Result(done.returncode, done.stdout, done.stderr)


def run_command(command, harts=1, mem="128M", build=BUILD, timeout=240,
                audit=True, stdin=None, add=(), options=()):
    """Run COMMAND in the guest's shell; with AUDIT, count everything after.

    The audit needs a shell that has survived: leave it out for a command that
    ends the machine or the shell itself. With it, the line that says how many
    messages were left out is no part of the output.
    """
    # With assertions and checks all takes longer.
    longest = 3 * timeout if build == "debug" else timeout
    words = ["--harts", str(harts), "--mem", mem, "--build", build,
             "--timeout", str(longest), *options]
    for item in add:
        words += ["--add", item]
    if audit:
        command = f"({command}); echo test-status $?; cat /proc/audit"
    result = tools_run(*words, "--", command, stdin=stdin)
    if audit:
        result.out = LEFT_OUT.sub("", result.out)
        found = STATUS.search(result.out)
        assert found, f"the command did not come to its end\n{result}"
        tail = result.out[found.end():]
        assert tail.startswith("audit: clean\n"), f"audit\n{result}"
        result.status = int(found[1])
        result.out = result.out[:found.start()]
    return result


def program(name):
    """The path of a program of tests/guest/programs, for --add."""
    return os.path.join(PROGRAMS, name)


def run_program(words, **how):
    """Run a test program, which checks for itself; its Result."""
    r = run_command(f"/{words}", add=[program(words.split()[0])], **how)
    assert r.status == 0 and r.out.endswith("all checks passed\n"), r
    return r


def meminfo(text):
    """The numbers of /proc/meminfo, by name."""
    return {name: int(number) for name, number in
            re.findall(r"^(\w+): *(\d+)$", text, re.M)}


@pytest.fixture
def calf():
    return run_command


class Console:
    """An interactive machine; what it says is collected in `text`."""

    def __init__(self, harts=1, options=(), command=None):
        self.text = ""
        self.at = 0
        # A terminal of its own, as a person has; QEMU makes it raw.
        self.terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(
            list(command or [RUN, *chosen(options), "--harts", str(harts),
                             *options]),
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT,
            start_new_session=True)
        os.close(theirs)
        os.set_blocking(self.terminal, False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.terminal, selectors.EVENT_READ)

    def expect(self, pattern, seconds=60):
        """Wait for PATTERN after what was matched last; the match."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.compile(pattern, re.M).search(self.text, self.at)
            if found:
                self.at = found.end()
                return found
            left = deadline - time.monotonic()
            assert left > 0 and self._read(left), (
                f"no {pattern!r} in {self.text[self.at:]!r}, after "
                f"{self.text[:self.at][-300:]!r}")

    def _read(self, seconds):
        """More text; false when the machine is gone."""
        if not self.selector.select(seconds):
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            data = b""      # Linux's way to say that nobody has it open
        self.text += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def type(self, text):
        """Type TEXT, a few characters at a time as a terminal would."""
        for i in range(0, len(text), 8):
            os.write(self.terminal, text[i:i + 8].encode())
            time.sleep(0.02)

    def prompt(self):
        return self.expect(r"^\$ ")

    def ends(self, seconds=60):
        """Wait until the machine has ended; the status."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.2)
        return self.process.poll()

    def close(self):
        if self.process.poll() is None:
            # The whole session: make, tools/run and QEMU.
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)
        os.close(self.terminal)


@pytest.fixture
def console():
    made = []

    def start(**how):
        made.append(Console(**how))
        made[-1].prompt()
        return made[-1]

    yield start
    for machine in made:
        machine.close()
