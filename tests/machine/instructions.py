"""Random instructions, in blocks (see compare)."""

import random
import struct

from space import Space

ITEMS = 400
# The modes of blocks.S.
BARE, TRANSLATED, USER = range(3)
# Where x2, x9, x27 (memory) and x25 (the pool) point; x26 is for addresses.
RESERVED = (2, 9, 25, 26, 27)
FREE = [r for r in range(32) if r not in RESERVED]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.mode = BARE
        self.pool = self.numbers(4096)
        self.space = Space(self)

    def pick(self, *choices):
        return choices[self.r.randrange(len(choices))]

    def rd(self):
        return FREE[self.r.randrange(len(FREE))]

    def any(self):
        return self.r.randrange(32)

    def bits(self, n):
        return self.r.getrandbits(n)

    # ---- Single instructions, as bytes ----

    @staticmethod
    def word(value):
        return struct.pack("<I", value & 0xffffffff)

    def type_i(self, opcode, f3, rd, rs1, imm):
        return self.word((imm & 0xfff) << 20 | rs1 << 15 | f3 << 12 |
                         rd << 7 | opcode)

    def type_r(self, opcode, f3, f7, rd, rs1, rs2):
        return self.type_i(opcode, f3, rd, rs1, f7 << 5 | rs2)

    def type_s(self, opcode, f3, rs1, rs2, imm):
        return self.type_r(opcode, f3, imm >> 5 & 127, imm & 31, rs1, rs2)

    def integer(self):
        opcode = self.pick(0x13, 0x1b, 0x33, 0x3b)
        f3 = self.bits(3)
        if opcode in (0x13, 0x1b):
            imm = self.bits(12)
            if f3 in (1, 5) and self.bits(4):
                imm &= 0x43f if opcode == 0x13 else 0x41f
            return self.type_i(opcode, f3, self.rd(), self.any(), imm)
        f7 = self.pick(0, 0, 1, 1, 0x20) if self.bits(5) else self.bits(7)
        return self.type_r(opcode, f3, f7, self.rd(), self.any(), self.any())

    def upper(self):
        return self.word(self.bits(20) << 12 | self.rd() << 7 |
                         self.pick(0x37, 0x17))

    def offset(self, size):
        """Mostly aligned, and inside what its base points into."""
        at = self.r.randrange(-2048, 2048 - 8)
        return at & -size if self.bits(3) else at

    def load(self):
        f3 = self.bits(3) if self.bits(4) == 0 else self.r.randrange(7)
        base = self.pick(25, 25, 2, 27, 9)
        return self.type_i(0x03, f3, self.rd(), base, self.near(f3 & 3, base))

    def near(self, log, base):
        at = self.offset(1 << log)
        return at // 4 & ~7 if base == 9 else at

    def store(self):
        f3 = self.r.randrange(4)
        base = self.pick(2, 27, 9)
        return self.type_s(0x23, f3, base, self.any(), self.near(f3, base))

    def fp_load(self):
        f3 = self.pick(2, 3)
        base = self.pick(25, 25, 25, 27)
        return self.type_i(0x07, f3, self.any(), base, self.near(f3, base))

    def fp_store(self):
        f3 = self.pick(2, 3)
        return self.type_s(0x27, f3, 27, self.any(), self.near(f3, 27))

    def rounding(self):
        return self.pick(0, 0, 7, 7, 1, 2, 3, 4) if self.bits(6) \
            else self.bits(3)

    def fp(self):
        f5 = self.pick(0, 1, 2, 3, 4, 5, 0x14, 0x18, 0x1a, 0x1c, 0x1e, 8, 0xb)
        if self.bits(6) == 0:
            f5 = self.bits(5)
        single = self.bits(1)
        rs2, rm = self.any(), self.rounding()
        if f5 in (0x18, 0x1a):
            rs2 = self.bits(2)
        elif f5 == 8:
            rs2 = single ^ 1
        elif f5 in (0x1c, 0x1e, 0xb) and self.bits(5):
            rs2 = 0
        if f5 in (4, 5, 0x14, 0x1c, 0x1e) and self.bits(5):
            rm = self.r.randrange(3) if f5 in (4, 0x14) else \
                self.bits(1) if f5 != 0x1e else 0
        rd = self.rd() if f5 in (0x14, 0x18, 0x1c) else self.any()
        if f5 not in (0, 1, 2, 3, 4, 5, 8, 0xb, 0x14, 0x18, 0x1a, 0x1c, 0x1e):
            rd = self.rd()
        fmt = single ^ 1 if self.bits(7) else self.bits(2)
        return self.type_r(0x53, rm, f5 << 2 | fmt, rd, self.any(), rs2)

    def fused(self):
        return self.word(self.any() << 27 | self.bits(1) << 25 |
                         self.any() << 20 | self.any() << 15 |
                         self.rounding() << 12 | self.any() << 7 |
                         self.pick(0x43, 0x47, 0x4b, 0x4f))

    def fcsr(self):
        return self.type_i(0x73, self.pick(1, 2, 3, 5, 6, 7), self.rd(),
                           self.any(), self.pick(1, 2, 3))

    def compressed(self):
        while True:
            c = self.bits(16)
            quadrant, f3, rd = c & 3, c >> 13, c >> 7 & 31
            if quadrant == 1 and f3 < 4 and rd not in RESERVED:
                break
            if quadrant == 1 and f3 == 4 and 8 + (rd & 7) not in RESERVED:
                break
            if quadrant == 2 and f3 == 0 and rd not in RESERVED:
                break
            if quadrant == 2 and f3 == 4 and c >> 2 & 31 and \
                    rd not in RESERVED:
                break
            if quadrant == 2 and f3 in (1, 2, 3) and (
                    f3 == 1 or rd not in RESERVED):
                break
            if quadrant == 2 and f3 in (5, 6, 7):
                break
            if quadrant == 0 and f3 == 0 and 8 + (c >> 2 & 7) not in RESERVED:
                break
            if quadrant == 0 and f3 in (1, 2, 3) and c >> 7 & 7 == 1 and (
                    f3 == 1 or c >> 2 & 7 != 1):
                break
            if quadrant == 0 and f3 in (5, 6, 7) and c >> 7 & 7 == 1:
                break
        return struct.pack("<H", c)

    # ---- Items: what a branch may lead to the beginning of ----

    def amo(self):
        size = self.pick(2, 3)
        at = self.offset(1 << size)
        f5 = self.pick(0, 1, 2, 4, 8, 12, 16, 20, 24, 28)
        rs2 = 0 if f5 == 2 else self.any()
        rs2 = 5 if rs2 == 26 else rs2
        one = self.type_i(0x13, 0, 26, 27, at)
        two = self.type_r(0x2f, size, f5 << 2 | self.bits(2), self.rd(), 26,
                          rs2)
        return one + two

    def reserve(self):
        """LR and SC of the same place, and an SC too many. (One after an
        older LR fails under QEMU if the value has changed meanwhile, here and in
        the specification only if another hart changed it.)"""
        size = self.pick(2, 3)
        one = self.type_i(0x13, 0, 26, 27, self.offset(8) & ~7)
        two = self.type_r(0x2f, size, 2 << 2, self.rd(), 26, 0)
        rs2 = self.rd()
        return one + two + b"".join(
            self.type_r(0x2f, size, 3 << 2, self.rd(), 26, rs2)
            for _ in range(2))

    def number_in_x26(self, value):
        """auipc, ld, and a jump over what is loaded."""
        return self.word(26 << 7 | 0x17) + \
            self.type_i(0x03, 3, 26, 26, 12) + self.word(0x00c0006f) + \
            struct.pack("<Q", value & (1 << 64) - 1)

    def csr(self, f3, number, rd=None, rs1=26):
        return self.type_i(0x73, f3, self.rd() if rd is None else rd, rs1,
                           number)

    def sstatus(self):
        """SIE, SPIE, SPP, FS, SUM, MXR by chance; FS seldom off."""
        f3 = self.pick(1, 2, 3)
        value = self.bits(20) & 0xc0122
        if (f3 == 3) != (self.bits(5) != 0):
            value |= 0x6000
        return self.number_in_x26(value) + self.csr(f3, 0x100)

    def privileged(self):
        """Registers of S mode that are the same everywhere, and those that
        nobody has below M mode. Counters only go to x0."""
        kind = self.r.randrange(10)
        if kind < 3:
            return self.sstatus()
        if kind == 3:
            return self.csr(self.pick(6, 7, 2), self.pick(0x104, 0x144),
                            rs1=self.pick(0, 2))
        if kind == 4:
            return self.number_in_x26(self.bits(64) & ~1) + \
                self.csr(self.pick(1, 2, 3), self.pick(0x141, 0x142, 0x143))
        if kind == 5:
            return self.number_in_x26(self.bits(32)) + self.csr(1, 0x106)
        if kind == 6:
            # (QEMU takes csrrs of a register that is zero for no write.)
            f3 = self.pick(2, 2, 2, 1, 6)
            return self.csr(f3, 0xc00 + self.bits(2) % 3, 0,
                            0 if f3 == 2 else self.pick(0, 5))
        if kind == 7:
            return self.csr(self.pick(1, 2, 5, 6),
                            self.pick(0x300, 0x200, 0x700, 0xb00, 0xf00) +
                            self.bits(7), rs1=self.any())
        if kind == 8:                   # modes of satp that do not exist
            return self.number_in_x26(
                self.pick(1, 5, 7, 11, 15) << 60 | self.bits(60)) + \
                self.csr(1, 0x180) + self.csr(2, 0x180, rs1=0)
        return self.csr(self.pick(6, 7), 0x10a, rs1=self.pick(0, 1))

    def fences_and_others(self):
        """fence, fence.i, sfence.vma; what is none of the instructions with
        this opcode (of those are ecall, ebreak, sret, wfi)."""
        kind = self.bits(3)
        if kind < 2:
            return self.type_i(0x0f, kind, self.bits(5), self.any(),
                               self.bits(12))
        if kind < 5:
            return self.type_r(0x73, 0, 9, 0, self.pick(0, self.any()),
                               self.pick(0, self.any()))
        number = self.bits(12)
        if number in (0, 1, 0x102, 0x105) or number >> 5 == 9:
            number = 0x302
        return self.type_i(0x73, 0, self.pick(0, 0, 1), 0, number)

    def back(self):
        """sret to the next instruction, a nop. If it leads to U mode, there is
        an exception, which that is for."""
        if self.mode != TRANSLATED:
            return self.type_i(0x73, 0, 0, 0, 0x302)
        return self.word(26 << 7 | 0x17) + self.type_i(0x13, 0, 26, 26, 16) + \
            self.csr(1, 0x141, 0) + self.word(0x10200073) + \
            self.word(0x13)

    def far(self):
        """Something with an address that page tables lead from."""
        kind = self.r.randrange(8)
        size = self.bits(2)
        if kind < 2:
            va, last = self.space.jump(), self.type_i(0x67, 0, 1, 26, 0)
            if self.mode == TRANSLATED:
                # (Of a page of U mode that S mode may load from, QEMU
                # remembers that it may be executed.)
                last = self.word(0x12000073) + last
        elif kind == 2:
            va = self.space.store(size)
            last = self.type_s(0x23, size, 26, self.any(), 0)
        elif kind == 3:
            size = self.pick(2, 3)
            va = self.space.store(size)
            last = self.type_s(0x27, size, 26, self.any(), 0)
        elif kind == 4:
            size = self.pick(2, 3)
            va = self.space.atomic(size)
            f5 = self.pick(0, 1, 4, 8, 12, 16, 20, 24, 28)
            last = self.type_r(0x2f, size, f5 << 2, self.rd(), 26, self.any())
        elif kind == 5:
            size = self.pick(2, 3)
            va = self.space.atomic(size)
            last = self.type_r(0x2f, size, 2 << 2, self.rd(), 26, 0)
        else:
            f3 = self.r.randrange(7)
            va = self.space.load(f3 & 3)
            last = self.type_i(0x03, f3, self.rd(), 26, 0)
        return self.number_in_x26(va) + last

    def twice(self):
        """A load before and after SUM and MXR change, with no fence."""
        va, f3 = self.space.load(3), self.r.randrange(7)
        load = self.type_i(0x03, f3, self.rd(), 26, 0)
        r = self.pick(*FREE[1:])
        return self.number_in_x26(va) + load + \
            self.word(self.pick(0x40, 0x80, 0xc0) << 12 | r << 7 | 0x37) + \
            self.csr(self.pick(2, 3), 0x100, rs1=r) + load

    def item(self):
        kinds = ((self.integer, 26), (self.upper, 3), (self.load, 8),
                 (self.store, 6), (self.fp_load, 10), (self.fp_store, 3),
                 (self.fp, 22), (self.fused, 6), (self.fcsr, 1),
                 (self.compressed, 16), (self.amo, 4), (self.reserve, 1),
                 (self.privileged, 4), (self.fences_and_others, 2))
        if self.mode != BARE:
            kinds += ((self.far, 40), (self.back, 1), (self.twice, 4))
        at = self.r.randrange(sum(weight for _, weight in kinds))
        for make, weight in kinds:
            if at < weight:
                return make()
            at -= weight

    def branch(self, distance):
        """Over what is `distance` long, behind this instruction of 4."""
        d = distance + 4
        if self.bits(2):
            f3 = self.pick(0, 1, 4, 5, 6, 7)
            return self.word((d >> 12 & 1) << 31 | (d >> 5 & 63) << 25 |
                             self.any() << 20 | self.any() << 15 | f3 << 12 |
                             (d >> 1 & 15) << 8 | (d >> 11 & 1) << 7 | 0x63)
        return self.word((d >> 1 & 1023) << 21 | (d >> 11 & 1) << 20 |
                         self.rd() << 7 | 0x6f)

    def block(self):
        """A mode and a list of items."""
        self.mode = self.pick(BARE, BARE, TRANSLATED, USER)
        items = [self.item() for _ in range(ITEMS)]
        for i in reversed(range(len(items) - 6)):
            if self.bits(4) == 0:
                over = items[i + 1:i + 1 + self.r.randrange(5)]
                items[i] = self.branch(sum(map(len, over)))
        return self.mode, items

    def number(self):
        """Bits that are interesting as a number of some kind."""
        kind = self.r.randrange(8)
        if kind == 0:
            return self.bits(64)
        if kind == 1:
            return (1 << self.bits(6)) + self.r.randrange(-2, 3)
        if kind == 2:
            return self.single() << 32 | self.single()
        if kind < 6:
            return 0xffffffff << 32 | self.single()
        return self.double()

    def special(self, exponent_bits, fraction_bits):
        top = (1 << exponent_bits) - 1
        exponent = self.pick(0, 0, top, top, top - 1, top // 2, 1,
                             top // 2 + self.r.randrange(-4, 70),
                             self.bits(exponent_bits)) & top
        fraction = self.pick(0, 1, (1 << fraction_bits) - 1,
                             1 << self.r.randrange(fraction_bits),
                             self.bits(fraction_bits),
                             self.bits(fraction_bits),
                             self.bits(8) << (fraction_bits - 8))
        return (self.bits(1) << exponent_bits | exponent) << fraction_bits \
            | fraction

    def single(self):
        return self.special(8, 23)

    def double(self):
        return self.special(11, 52)

    def numbers(self, size):
        mask = (1 << 64) - 1
        return b"".join(struct.pack("<Q", self.number() & mask)
                        for _ in range(size // 8))
