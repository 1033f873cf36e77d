"""What a guest's console says, told apart: chatter, a command's own output,
a panic, the end.

The kernel marks these places with lines of its own:

    calf: init started ...        what follows is the command's
    calf: power off, status N     the end of an ordered run
    calf: PANIC: ...              a panic; registers and a backtrace follow
    calf: cannot start ...        this machine will not do; no panic
    calf: halted                  the end of either

A program may print the same words by accident. So the power-off line only
counts if nothing comes after it, and it is shown when something does.
"""

import collections
import re

STARTED = b"calf: init started"
PANIC = b"calf: PANIC: "
REFUSED = b"calf: cannot start"
HALTED = b"calf: halted"
OFF = re.compile(rb"calf: power off, status (\d+)\n")
OFF_START = b"calf: power off, status "
# Programs have caused more messages than the kernel prints. It says so when
# some process exits seconds later, in the midst of another command's output.
LEFT_OUT = re.compile(
    r"(?m)^calf: (\d+) more messages about programs were left out\n")

LAST_LINES = 20
LONGEST = 1 << 16       # bytes kept of a line that has not ended


class Console:
    """Feed it bytes; it passes on what is to be shown and keeps the facts."""

    def __init__(self, show, verbose=False):
        self.show = show              # called with bytes to be shown
        self.visible = verbose
        self.verbose = verbose
        self.started = False
        self.panicked = False
        self.refused = False
        self.halted = False
        self.status = None
        self.lines = collections.deque(maxlen=LAST_LINES)
        self._partial = b""           # of the current line, all of it
        self._shown = 0               # how much of it was passed on
        self._held = b""              # a power-off line, perhaps the last

    def feed(self, data):
        """Take what the guest wrote."""
        for piece in data.replace(b"\r", b"").splitlines(keepends=True):
            self._partial += piece
            if self._partial.endswith(b"\n"):
                self._line(self._partial)
                self._partial, self._shown = b"", 0
        self._show_partial()
        self._forget_shown()

    def close(self):
        """The guest is gone: pass on what was held back of a last line."""
        if self._partial:
            self._line(self._partial)
            self._partial, self._shown = b"", 0

    def last_lines(self):
        """The last lines of everything seen, as text."""
        lines = list(self.lines) + ([self._partial] if self._partial else [])
        return [b.decode(errors="replace").rstrip("\n") for b in lines]

    def _line(self, line):
        self.lines.append(line)
        if not self.started and line.startswith(STARTED):
            self.started = True
            if self.verbose:
                self._emit(line)
            self.visible = True
            return
        if PANIC in line:       # it may come in the middle of a line
            self.panicked = self.visible = True
        if line.startswith(REFUSED):
            self.refused = True
        if line.startswith(HALTED) and (self.panicked or self.refused or
                                        not self.started):
            self.halted = True
        off = OFF.search(line)
        if off and self.started and not self.verbose:
            # The command's last words may lack a newline of their own.
            self._emit(line[self._shown:max(off.start(), self._shown)])
            self._held = line[max(off.start(), self._shown):]
        else:
            self._emit(line[self._shown:])
        self.status = int(off.group(1)) & 255 if off else None

    def _show_partial(self):
        line = self._partial
        if any(m.startswith(line) or line.startswith(m)
               for m in (STARTED, PANIC)):
            return
        safe = self._safe_end(line)
        if safe > self._shown:
            self._emit(line[self._shown:safe])
            self._shown = safe

    def _forget_shown(self):
        # The last bytes stay: they may begin one of the marks.
        if len(self._partial) > LONGEST:
            gone = min(self._shown, len(self._partial) - LONGEST // 2)
            self._partial = self._partial[gone:]
            self._shown -= gone

    def _safe_end(self, line):
        # What may yet become the power-off line waits for its rest.
        at = line.find(OFF_START, self._shown)
        if 0 <= at and len(line) - at < 2 * len(OFF_START):
            return at
        for length in range(min(len(OFF_START), len(line)), 0, -1):
            if OFF_START.startswith(line[-length:]):
                return len(line) - length
        return len(line)

    def _emit(self, data):
        if data and self._held:
            self.status = None
            data, self._held = self._held + data, b""
        if data and self.visible:
            self.show(data)
