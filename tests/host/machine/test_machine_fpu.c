/*
 * Instructions of floating point around their arithmetic: what is boxed, which
 * register and which flags they change (Volume I, chapters 11 and 12).
 */
/* sources: tests/host/machine/rig.c */
#include "encodings.h"
#include "rig.h"

#define BOX                      (0xffffffffull << 32)
#define ONE                      0x3f800000u
#define SINGLE(n)                (BOX | (n))
#define FP(f7, rm, rd, rs1, rs2) type_r(0x53, rm, f7, rd, rs1, rs2)

/* Runs an instruction of f5 from f10 and f11 (and f12, if it is fused). */
static void run_with(uint32_t word, uint64_t a, uint64_t b, uint64_t c)
{
    h->status = STATUS_FS_DIRTY;
    h->fcsr &= ~31ull;
    h->f[5] = 0x5555;
    h->x[5] = 0x5555;
    h->f[10] = a;
    h->f[11] = b;
    h->f[12] = c;
    run_one(word);
    assert_int_equal(h->pc, CODE + 4);
}

static bool is_fused(uint32_t word)
{
    return (word & 0x7f) != 0x53;
}

/* Does it take singles out of f registers, and look at their boxes? */
static bool takes_singles(uint32_t word)
{
    unsigned f7 = word >> 25;
    if (word >> 25 & 3)
        return false; /* of doubles */
    return is_fused(word) ||
           ((word & 0x7f) == 0x53 && f7 != 0x68 && f7 != 0x78 && f7 != 0x20 &&
            (f7 != 0x70 || word >> 12 & 7));
}

static bool gives_integer(uint32_t word)
{
    unsigned f7 = word >> 25 & ~1u;
    return !is_fused(word) && (f7 == 0x50 || f7 == 0x60 || f7 == 0x70);
}

/* The registers of an encoding filled in. */
static uint32_t filled(const struct encoding *e)
{
    uint32_t word = e->match | 5 << 7 | 10 << 15;
    if (!(e->mask >> 20 & 31))
        word |= 11 << 20;
    return is_fused(word) ? word | 12u << 27 : word;
}

/* An operand that is not boxed does what the canonical NaN does. */
static void not_boxed(uint32_t word, unsigned which)
{
    uint64_t operands[3] = {SINGLE(ONE), SINGLE(ONE), SINGLE(ONE)};
    uint64_t f, x;
    uint64_t flags;
    operands[which] = SINGLE(0x7fc00000);
    run_with(word, operands[0], operands[1], operands[2]);
    f = h->f[5];
    x = h->x[5];
    flags = h->fcsr;
    operands[which] = 0xfffffffeull << 32 | ONE;
    run_with(word, operands[0], operands[1], operands[2]);
    if (h->f[5] != f || h->x[5] != x || h->fcsr != flags)
        fail_msg("%08x, operand %u: %lx %lx flags %lx, not %lx %lx %lx", word,
                 which, h->f[5], h->x[5], h->fcsr, f, x, flags);
}

static void test_boxes(void **state)
{
    unsigned tried = 0;
    (void)state;
    for (unsigned i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        uint32_t word = filled(&encodings[i]);
        unsigned opcode = word & 0x7f;
        if (opcode != 0x53 && (opcode < 0x43 || opcode > 0x4f))
            continue;
        run_with(word, SINGLE(ONE), SINGLE(ONE), SINGLE(ONE));
        if (gives_integer(word)) {
            assert_int_equal(h->f[5], 0x5555);
        } else {
            assert_int_equal(h->x[5], 0x5555);
            if (!(word >> 25 & 3))
                assert_true(h->f[5] >> 32 == UINT32_MAX); /* a single */
        }
        for (unsigned n = 0; takes_singles(word) && n < 3; n++)
            not_boxed(word, n);
        tried += takes_singles(word);
    }
    /* 4 fused, 4 of two operands, 3 signs, 2 of least and greatest, 3
     * relations, 4 to integers; root, class. */
    assert_int_equal(tried, 22);
    run_with(FP(0x21, 0, 5, 10, 0), ONE, 0, 0); /* fcvt.d.s */
    assert_int_equal(h->f[5], 0x7ff8000000000000);
}

/* Moves and stores take the bits as they are. */
static void test_bits(void **state)
{
    (void)state;
    run_with(FP(0x70, 0, 5, 10, 0), 0x1234567889abcdef, 0, 0); /* fmv.x.w */
    assert_int_equal(h->x[5], 0xffffffff89abcdef);
    run_with(FP(0x71, 0, 5, 10, 0), 0x1234567889abcdef, 0, 0); /* fmv.x.d */
    assert_int_equal(h->x[5], 0x1234567889abcdef);
    h->x[10] = 0x1234567889abcdef;
    run_with(FP(0x78, 0, 5, 10, 0), 0, 0, 0); /* fmv.w.x */
    assert_int_equal(h->f[5], BOX | 0x89abcdef);
    run_with(FP(0x79, 0, 5, 10, 0), 0, 0, 0); /* fmv.d.x */
    assert_int_equal(h->f[5], 0x1234567889abcdef);
    h->x[10] = DATA;
    poke(DATA, UINT64_MAX);
    run_with(type_r(0x27, 2, 0, 0, 10, 10), 0x1234567889abcdef, 0, 0);
    assert_int_equal(peek(DATA), 0xffffffff89abcdef);
    run_with(type_r(0x27, 3, 0, 0, 10, 10), 0x1234567889abcdef, 0, 0);
    assert_int_equal(peek(DATA), 0x1234567889abcdef);
    run_with(type_i(0x07, 2, 5, 10, 0), 0, 0, 0);
    assert_int_equal(h->f[5], BOX | 0x89abcdef);
    run_with(type_i(0x07, 3, 0, 10, 0), 0, 0, 0);
    assert_int_equal(h->f[0], 0x1234567889abcdef); /* f0 is one like others */
}

/* What an instruction raises is added to what there was. */
static void test_flags_stay(void **state)
{
    (void)state;
    run_with(FP(0x0c, 0, 5, 10, 11), SINGLE(ONE), SINGLE(0), 0); /* by zero */
    assert_int_equal(h->fcsr, FP_DZ);
    h->f[11] = SINGLE(0x40400000);
    run_one(FP(0x0c, 0, 5, 10, 11)); /* 1 / 3 */
    assert_int_equal(h->fcsr, FP_DZ | FP_NX);
    run_one(FP(0x00, 0, 5, 10, 10)); /* exact */
    assert_int_equal(h->fcsr, FP_DZ | FP_NX);
}

/* The mode is the instruction's, or that of frm. */
static void test_modes(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 5; mode++) {
        uint64_t given;
        h->fcsr = (mode + 1) % 5 << 5;
        run_with(FP(0x0c, mode, 5, 10, 11), SINGLE(ONE), SINGLE(0xc0400000), 0);
        given = h->f[5];
        h->fcsr = mode << 5;
        run_with(FP(0x0c, 7, 5, 10, 11), SINGLE(ONE), SINGLE(0xc0400000), 0);
        assert_int_equal(h->f[5], given);
        /* -1/3 is between ...aaaaaa and ...aaaaab, nearer to the latter. */
        assert_int_equal(given, SINGLE(0xbeaaaaaa + (mode != 1 && mode != 3)));
    }
    h->fcsr = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_boxes),
        BENCH(test_bits),
        BENCH(test_flags_stay),
        BENCH(test_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
