"""A run of the machine of our own that can be wound back.

What happens follows from what the machine was and from what came in. So what
comes in is written down with its time, and the machine is copied now and then:
an earlier moment is reached from the last copy before it, by running on. A
copy shares what has not changed with the one before; of old ones some are
dropped, so that gaps are a part of their age.

Times are instructions. At a time at which something came in, it has not come
in yet.
"""

import bisect
import ctypes

import own_machine as own

CHUNK = 4 * own.PAGE
SLICE = 2_000_000       # between looks for a key or a packet
OFTEN = 50_000_000      # between copies, in what is new
FEW = 1000
NEAR = 1_000_000        # one is made so long before where one went back to
GAP = 4                 # between copies: at most this part of their age

_compare = ctypes.CDLL(None).memcmp
_compare.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]


class Point:
    """The machine at a time."""

    def __init__(self, time, chunks, came, printed):
        self.time, self.chunks = time, chunks
        self.came, self.printed = came, printed     # how much came in, out


class Interrupted(Exception):
    """A key or a packet has come: it is to stop."""


class History:
    """`show` gets what the console says, once. `look` is called every few
    milliseconds; when it raises Interrupted, run() and all others end. `wait`
    is called with the time of the next event when nothing is to be done until
    then, and may wait as long as that takes; true: it should be asked again."""

    def __init__(self, machine, show, look=lambda: None, wait=lambda _: None):
        self.machine = machine
        self.show, self.look, self.wait = show, look, wait
        self.events = []        # (time, what to do)
        self.came = 0           # how many of them
        self.printed = self.shown = 0
        self.furthest = machine.now
        self.watches = []
        zeros = bytes(CHUNK)
        self.points = []
        self._take([zeros[:min(CHUNK, machine.size - at)]
                    for at in range(0, machine.size, CHUNK)])

    @property
    def now(self):
        return self.machine.now

    @property
    def is_new(self):
        """Is this the present, where things may come in?"""
        return self.came == len(self.events) and self.now >= self.furthest

    # ---- Copies ----

    def _take(self, chunks):
        """Copy the machine; chunks are those of an earlier copy."""
        chunks, base = list(chunks), self.machine.base
        for i, chunk in enumerate(chunks):
            at, size = base + i * CHUNK, len(chunk)
            if _compare(at, chunk, size):
                chunks[i] = ctypes.string_at(at, size)
        point = Point(self.now, chunks, self.came, self.printed)
        bisect.insort(self.points, point, key=lambda p: p.time)

    def _before(self, time):
        """The last copy at or before a time."""
        return self.points[bisect.bisect_right(
            self.points, time, key=lambda p: p.time) - 1]

    def _thin(self):
        points, i = self.points, 1
        while i < len(points) - 1:
            before, after = points[i - 1].time, points[i + 1].time
            if (after - before) * GAP < self.now - before:
                del points[i]
            else:
                i += 1

    def _copy_if_useful(self):
        last = self._before(self.now)
        if self.now > last.time:
            self._take(last.chunks)
            self._thin()

    def _restore(self, point):
        base = self.machine.base
        for i, chunk in enumerate(point.chunks):
            at, size = base + i * CHUNK, len(chunk)
            if _compare(at, chunk, size):
                ctypes.memmove(at, chunk, size)
        self.came, self.printed = point.came, point.printed
        self.machine.watch([])

    # ---- Forwards ----

    def watch(self, watches):
        """What ends run(), run_back() and step()."""
        self.watches = watches

    def happen(self, event):
        """Something comes in, here and now: event(machine). What was the
        future is forgotten."""
        del self.events[self.came:]
        self.points = [p for p in self.points if p.time <= self.now]
        self.events.append((self.now, event))
        self.furthest = self.now

    def _one(self, limit):
        """Run on for a little. Returns a machine_stop; IDLE is for good."""
        m = self.machine
        while self.came < len(self.events) and \
                self.events[self.came][0] <= self.now:
            self.events[self.came][1](m)
            self.came += 1
        if self.came < len(self.events):
            limit = min(limit, self.events[self.came][0])
        stop = m.run(min(limit, self.now + SLICE))
        self._print(m.output())
        if stop == own.IDLE and (event := m.next_event) != own.NEVER:
            if not self.is_new or not self.wait(event):
                m.skip(min(limit, event))
            stop = own.LIMIT
        self.furthest = max(self.furthest, self.now)
        return stop

    def _print(self, data):
        new = self.printed + len(data) - self.shown
        if new > 0:
            self.show(data[-new:])
            self.shown += new
        self.printed += len(data)

    def run(self, limit=own.NEVER):
        """Run until that time: LIMIT; or HIT; or for good IDLE, OFF, RESTART.
        """
        self.machine.watch(self.watches)
        stop = own.LIMIT
        while stop in (own.LIMIT, own.OUTPUT, own.FLUSH) and self.now < limit:
            self.look()
            stop = self._one(limit)
            if self.now - self.points[-1].time >= OFTEN:
                self._copy_if_useful()
        return stop

    def done(self, hart):
        """How many instructions it has executed."""
        return self.machine.register(hart, own.INSTRET)

    def _to_next(self, hart, watches=()):
        """Run until this hart's next instruction; if it stands before one,
        until the next but one; or until something watched. How it stopped."""
        self.machine.watch([*watches, (0, own.NEVER, own.FETCH, 1 << hart)])
        stop = own.LIMIT
        while stop in (own.LIMIT, own.OUTPUT, own.FLUSH):
            self.look()
            stop = self._one(own.NEVER)
        return stop

    def _stands(self, hart):
        """Was it found that the next instruction is this hart's?"""
        pc = self.machine.register(hart, own.PC)
        return self.machine.hit == (hart, own.FETCH, pc, self.now)

    def step(self, hart):
        """Run until this hart has executed an instruction: LIMIT; or HIT. One
        that is watched and where the hart stands is not hit."""
        start = self.now
        if not self._stands(hart):
            stop = self._to_next(hart, self.watches)
            if stop != own.HIT or not self._stands(hart) or \
                    self.now > start and self._is_watched(self.machine.hit[2]):
                return stop
        self.machine.watch([w for w in self.watches if w[2] != own.FETCH])
        return self._one(self.now + 1)

    def _is_watched(self, pc):
        return any(first <= pc <= last and kinds & own.FETCH
                   for first, last, kinds, _ in self.watches)

    # ---- Backwards ----

    def _forth(self, time):
        """On to a time in the past, with a copy not long before it."""
        for limit in (time - NEAR, time):
            while self.now < limit:
                self.look()
                if self._one(limit) in (own.IDLE, own.OFF, own.RESTART):
                    return
                if limit <= self.now < time and \
                        self.now - self._before(self.now).time > NEAR:
                    self._copy_if_useful()

    def goto(self, time):
        """To a time; one that is still to come is run to."""
        if time > self.furthest:
            self.machine.watch([])
            self.run(time)
            return
        self._restore(self._before(time))
        self._forth(time)

    def _last_hit(self, point, end):
        """What was hit last between a copy and a time."""
        self._restore(point)
        self.machine.watch(self.watches)
        last = None
        while self.now < end:
            self.look()
            stop = self._one(end)
            if stop == own.HIT and self.machine.hit[3] < end:
                last = self.machine.hit
            elif stop in (own.IDLE, own.OFF, own.RESTART):
                break
        return last

    def _or_stay(self, move):
        """When it is interrupted, it goes back to where it began."""
        start = self.now
        try:
            return move(start)
        except Interrupted:
            look, self.look = self.look, lambda: None
            self.goto(start)
            self.look = look
            raise

    def run_back(self):
        """To before what was hit last; the hit. None: to the beginning."""
        def move(end):
            for point in reversed([p for p in self.points if p.time < end]):
                if hit := self._last_hit(point, end):
                    self.goto(hit[3])
                    return hit
                end = point.time
            self._restore(self.points[0])
            return None
        return self._or_stay(move)

    def step_back(self, hart):
        """To after the instruction before this hart's last one. False: it has
        executed none, and this is the beginning."""
        wanted = self.done(hart) - 1

        def move(end):
            for point in reversed([p for p in self.points if p.time < end]):
                self._restore(point)
                if self.done(hart) <= wanted:
                    break
            # So many must pass at least, whatever other harts do meanwhile.
            while (rest := wanted - self.done(hart)) > FEW:
                self._forth(self.now + rest)
            while self.done(hart) < wanted:
                self._to_next(hart)
            return wanted >= 0
        return self._or_stay(move)
