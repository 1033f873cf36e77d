"""How much of its time a host let a machine's harts run.

Each hart is a thread of QEMU. Linux says of every thread how long it ran and
how long it was ready but had to wait for a CPU (/proc/PID/task/TID/schedstat).
What is left of the time it slept, of its own will: the hart was idle. So

    free = 1 - waited / time

is the part of the time in which a hart could do as it liked, and a rate
divided by it is what the machine would have done on a host with nothing else
to do. A hart that waits or spins because the host stopped another one, which
has a lock, counts as free: the corrected rate is a little low, not high.
That holds while the host has a CPU for each hart. If it has not, they take
turns, and what two of them would have fought for is seen less often.
"""

import os
import re
import time

HART = re.compile(r"CPU \d+/")


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def threads(pid):
    """The numbers of the threads of a process."""
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def hart_threads(pid):
    """Paths of the harts' threads of a QEMU that is PID or comes from it; it
    must have been started with its threads named."""
    found, children = [], []
    for thread in threads(pid):
        folder = f"/proc/{pid}/task/{thread}"
        if HART.match(read(f"{folder}/comm")):
            found.append(folder)
        children += read(f"{folder}/children").split()
    for child in children:
        found += hart_threads(child)
    return found


class Watch:
    """From now on, the harts of process PID."""

    def __init__(self, pid):
        self.folders = hart_threads(pid)
        self.began = time.monotonic()
        self.before = self._waited()

    def _waited(self):
        """Seconds that all together have waited for a CPU; raises IndexError
        where the host does not tell, or no more."""
        return sum(int(read(f"{f}/schedstat").split()[1]) / 1e9
                   for f in self.folders)

    def free(self):
        """The part of the time since in which the harts were free to run, or
        None."""
        seconds = (time.monotonic() - self.began) * len(self.folders)
        try:
            waited = self._waited() - self.before
        except IndexError:
            return None
        return 1 - waited / seconds if waited < seconds else None


def watch(pid):
    """A Watch, or None where the host does not tell."""
    try:
        found = Watch(pid)
    except IndexError:
        return None
    return found if found.folders else None
