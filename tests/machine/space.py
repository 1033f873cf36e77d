"""Random page tables (Sv39) for random instructions, and what they lead to.

Addresses come with what may be done there: code must not be overwritten, and
nothing but code is executed, whatever the tables let through.
"""

import struct

PAGE, MEGA, GIGA = 1 << 12, 1 << 21, 1 << 30
RAM, FRAMES, TABLES = 0x80000000, 0x80400000, 0x803fd000
NOWHERE = 0x90000000
V, R, W, X, U, G, A, D = (1 << n for n in range(8))
DATA_FRAMES, CODE_FRAMES, PAGES = 4, 2, 64
ROOT, MIDDLE, LAST = (TABLES + n * PAGE for n in range(3))
DATA, CODE, NOTHING = range(3)


class Spot:
    """A page by its virtual address."""

    def __init__(self, va, kind, flags, alone=True):
        self.va, self.kind = va & (1 << 64) - 1, kind
        self.storable = kind != CODE or not flags & W
        self.jumpable = kind != DATA or not flags & X
        self.alone = alone      # the next page is none that is known


class Space:
    """`tables` and `frames` are bytes for blocks.S."""

    def __init__(self, generator):
        self.g = generator
        self.root, self.middle, self.last = ([0] * 512 for _ in range(3))
        self.spots = []
        self.fill_last()
        self.fill_middle()
        self.fill_root()
        self.tables = struct.pack("<1536Q", *self.root, *self.middle,
                                  *self.last)
        # nop's first half is at the end of a page of code, its other at the
        # beginning; between them returns.
        code = struct.pack("<2048H", 0, *[0x8082] * 2046, 0x0013)
        self.frames = generator.numbers(DATA_FRAMES * PAGE) + \
            code * CODE_FRAMES

    def chance(self, of):
        return self.g.r.randrange(of) == 0

    def flags(self):
        """Of a leaf; sometimes something that is none."""
        rwx = self.g.pick(R, R | W, R | W, R | X, R | W | X, R | W | X, X)
        if self.chance(16):
            rwx = self.g.pick(W, W | X)
        flags = rwx | self.g.bits(10) & (U | G | A | D | 3 << 8)
        if not self.chance(16):
            flags |= V
        if self.chance(24):
            flags |= 1 << self.g.r.randrange(54, 64)
        return flags

    def pointer(self, to):
        """(For one to where there is no memory QEMU has a page fault.)"""
        bits = V | self.g.bits(1) * G
        if self.chance(4):
            bits |= self.g.pick(U, A, D)
        if self.chance(16):
            bits |= 1 << self.g.r.randrange(54, 64)
        return to >> 2 | bits

    def frame(self):
        """An address and its kind."""
        n = self.g.r.randrange(DATA_FRAMES + CODE_FRAMES + 1)
        if n == DATA_FRAMES + CODE_FRAMES and self.chance(2):
            return NOWHERE, NOTHING
        n %= DATA_FRAMES + CODE_FRAMES
        return FRAMES + n * PAGE, DATA if n < DATA_FRAMES else CODE

    def fill_last(self):
        self.kinds = []
        for i in range(PAGES):
            at, kind = self.frame()
            flags = self.flags()
            if self.chance(24):
                flags &= ~(R | W | X)
            self.last[i] = at >> 2 | flags
            self.kinds.append((kind, flags))
        self.pages_at(GIGA)

    def pages_at(self, base):
        """What the last table has, seen from there."""
        for i, (kind, flags) in enumerate(self.kinds):
            self.spots.append(Spot(base + i * PAGE, kind, flags,
                                   i == PAGES - 1))

    def large(self, base, at, size):
        """A leaf for a large page at `at`, perhaps misaligned."""
        flags = self.flags()
        if self.chance(4):
            at += self.g.pick(PAGE, size // 2, 255 * PAGE)
        for n in range(DATA_FRAMES + CODE_FRAMES):
            self.spots.append(Spot(base + FRAMES % size + n * PAGE,
                                   DATA if n < DATA_FRAMES else CODE, flags))
        return at >> 2 | flags

    def fill_middle(self):
        self.middle[0] = LAST >> 2 | V | self.g.bits(1) * G
        for i in range(1, 12):
            base = GIGA + i * MEGA
            if self.chance(3):
                self.middle[i] = self.pointer(LAST)
                self.pages_at(base)
            else:
                self.middle[i] = self.large(base, FRAMES, MEGA)

    def fill_root(self):
        """The kernel's: devices, RAM, and RAM for U mode (blocks.S)."""
        self.root[0] = V | R | W | A | D
        self.root[2] = RAM >> 2 | V | R | W | X | A | D
        self.root[3] = self.root[2] | U
        self.root[1] = MIDDLE >> 2 | V
        for i in (*range(4, 10), 255, 256, 510, 511):
            base = i * GIGA if i < 256 else (i - 512) * GIGA
            if self.chance(3):
                self.root[i] = self.pointer(MIDDLE)
                self.pages_at(base)
            else:
                self.root[i] = self.large(base, RAM, GIGA)

    # ---- Addresses ----

    def some(self, wanted):
        """One of its pages, or an address beside all of them."""
        while True:
            spot = self.g.pick(*self.spots)
            if wanted(spot):
                break
        if self.chance(24):
            spot = Spot(spot.va ^ 1 << self.g.r.randrange(38, 64), NOTHING, 0)
        return spot

    def next_of(self, spot):
        if spot.alone:
            return None
        return self.spots[self.spots.index(spot) + 1]

    def across(self, spot, size, wanted):
        """Does `size` fit over the end of the page?"""
        if size == 0 or not self.chance(8) or spot.alone:
            return False
        after = self.next_of(spot)
        return wanted(after) and NOTHING not in (spot.kind, after.kind)

    def data(self, log, wanted):
        size = 1 << log
        spot = self.some(wanted)
        if spot in self.spots and self.across(spot, log, wanted):
            return spot.va + PAGE - self.g.r.randrange(1, size)
        at = self.g.r.randrange(PAGE - 7)
        # (Where there is no memory, QEMU tells of an aligned address.)
        odd = spot.kind != NOTHING and self.chance(8)
        return spot.va + (at if odd else at & -size)

    def load(self, log):
        return self.data(log, lambda spot: True)

    def store(self, log):
        return self.data(log, lambda spot: spot.storable)

    def atomic(self, log):
        spot = self.some(lambda s: s.storable and s.kind != NOTHING)
        at = self.g.r.randrange(PAGE - 7)
        return spot.va + (at if self.chance(8) else at & -(1 << log))

    def jump(self):
        spot = self.some(lambda s: s.jumpable)
        if spot in self.spots and self.across(spot, 1, lambda s: s.jumpable):
            return spot.va + PAGE - 2
        return spot.va + self.g.r.randrange(PAGE // 2 - 1) * 2
