/*
 * Floating point, in two ways: against the host's own in all the modes it has,
 * with its flags (IEEE 754, tininess after rounding, as on x86-64 and RISC-V),
 * and cases from the specification for what RISC-V says beyond that.
 */
/* flags: -Imachine -frounding-math -fno-builtin -lm */
/* sources: machine/fp.c tests/host/machine/host_fp.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "fp.h"
#include "host/lib/seed.h"
#include "host/machine/host_fp.h"

enum { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };
#define ROUNDS 200000

static uint64_t drawn;

static uint64_t draw(void)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 7;
    return drawn ^= drawn << 17;
}

/* Numbers at edges: fractions of few bits or all, exponents near each other,
 * the ends, and zero. */
static uint64_t number(enum fp_format format)
{
    unsigned fraction = format == FP_DOUBLE ? 52 : 23;
    unsigned top = format == FP_DOUBLE ? 2047 : 255;
    uint64_t r = draw(), bits = draw() & ((1ull << fraction) - 1), exp;
    if (r & 1)
        bits &= draw() & draw() & draw();
    if ((r & 14) == 2)
        bits = ~bits & ((1ull << fraction) - 1);
    switch (r >> 4 & 7) {
    case 0:
        exp = 0;
        break;
    case 1:
        exp = r >> 8 & 1 ? top : top - 1;
        break;
    case 2:
        exp = 1 + (r >> 8) % 60 % top;
        break;
    case 3:
        exp = r >> 8 & 7 ? draw() % (top + 1) : 0;
        bits = r >> 8 & 7 ? bits : 0;
        break;
    default:
        exp = top / 2 - 30 + (r >> 8) % 60;
    }
    return (r >> 63 << (format == FP_DOUBLE ? 63 : 31)) | exp << fraction |
           bits;
}

static bool is_nan(enum fp_format format, uint64_t a)
{
    return fp_class(format, a) >> 8;
}

static void compare(const char *what, struct fp_env env, uint64_t a, uint64_t b,
                    uint64_t c, uint64_t ours, struct host_result host)
{
    if (ours == host.bits && env.flags == host.flags)
        return;
    fail_msg("%s (format %d, mode %d) of %lx %lx %lx: %lx flags %x, "
             "on the host %lx flags %x",
             what, env.format, env.round, a, b, c, ours, env.flags, host.bits,
             host.flags);
}

static void arithmetic(enum fp_format format, enum fp_round round)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t a = number(format), b = number(format), c = number(format);
        struct fp_env env = {format, round, 0}, again = env;
        uint64_t ours = fp_add(&env, a, b);
        compare("sum", env, a, b, 0, ours, host_add(format, round, a, b));
        env = again;
        ours = fp_multiply(&env, a, b);
        compare("product", env, a, b, 0, ours,
                host_multiply(format, round, a, b));
        env = again;
        ours = fp_divide(&env, a, b);
        compare("quotient", env, a, b, 0, ours,
                host_divide(format, round, a, b));
        env = again;
        ours = fp_root(&env, a);
        compare("root", env, a, 0, 0, ours, host_root(format, round, a));
        if (is_nan(format, c))
            continue; /* hosts differ in what they raise */
        env = again;
        ours = fp_multiply_add(&env, a, b, c);
        compare("a * b + c", env, a, b, c, ours,
                host_multiply_add(format, round, a, b, c));
    }
}

static void test_arithmetic(void **state)
{
    (void)state;
    drawn = test_seed(1) * 2ull + 1;
    for (unsigned round = ROUND_EVEN; round <= ROUND_UP; round++) {
        arithmetic(FP_SINGLE, (enum fp_round)round);
        arithmetic(FP_DOUBLE, (enum fp_round)round);
    }
}

static void test_conversions(void **state)
{
    (void)state;
    drawn = test_seed(1) * 2ull + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum fp_format format = i & 1 ? FP_DOUBLE : FP_SINGLE;
        enum fp_format other = i & 1 ? FP_SINGLE : FP_DOUBLE;
        struct fp_env env = {format, (enum fp_round)(i / 2 % 4), 0};
        struct fp_env again = env;
        uint64_t a = number(other), n = draw() >> draw() % 64;
        bool is_signed = draw() & 1, negative;
        uint64_t ours = fp_from_format(&env, other, a);
        compare("format", env, a, 0, 0, ours,
                host_from_format(format, env.round, other, a));
        env = again;
        negative = is_signed && n >> 63;
        ours = fp_from_integer(&env, negative, negative ? 0 - n : n);
        compare("from integer", env, n, is_signed, 0, ours,
                host_from_integer(format, env.round, n, is_signed));
    }
}

/* Whole ones, and those that are half way or nearly. */
static uint64_t near_integer(enum fp_format format)
{
    struct fp_env env = {format, ROUND_EVEN, 0};
    uint64_t n = draw() >> draw() % 64,
             half = format == FP_DOUBLE ? 1022ull << 52 : 126ull << 23;
    uint64_t a = fp_from_integer(&env, draw() & 1, n);
    if (draw() & 1)
        a = fp_add(&env, a, half);
    a += draw() % 3 - 1;
    return format == FP_DOUBLE ? a : (uint32_t)a;
}

static void test_to_integers(void **state)
{
    (void)state;
    drawn = test_seed(1) * 2ull + 1;
    for (unsigned i = 0; i < 4 * ROUNDS; i++) {
        enum fp_format format = i & 1 ? FP_DOUBLE : FP_SINGLE;
        struct fp_env env = {format, (enum fp_round)(i / 2 % 5), 0};
        uint64_t a = draw() & 3 ? near_integer(format) : number(format);
        unsigned bits = draw() & 1 ? 32 : 64;
        bool is_signed = draw() & 1;
        uint64_t ours = fp_to_integer(&env, a, bits, is_signed);
        compare("to integer", env, a, bits, is_signed, ours,
                host_to_integer(format, env.round, a, bits, is_signed));
    }
}

static bool is_signaling(enum fp_format format, uint64_t a)
{
    return is_nan(format, a) && !(a >> (format == FP_DOUBLE ? 51 : 22) & 1);
}

/* One comparison by what the host says of the order. */
static void relate(struct fp_env env, uint64_t a, uint64_t b,
                   enum fp_relation relation)
{
    static const bool holds[3][3] = {{1, 1, 0}, {1, 0, 0}, {0, 1, 0}};
    int order = host_order(env.format, a, b);
    bool signaling = is_signaling(env.format, a) || is_signaling(env.format, b);
    bool quiet = relation == FP_EQUAL && !signaling;
    struct host_result host = {order < 2 && holds[relation][order + 1],
                               order == 2 && !quiet ? NV : 0};
    bool ours = fp_compare(&env, a, b, relation);
    compare("relation", env, a, b, relation, ours, host);
}

/* Section 11.6: -0 is less than +0, and a number is chosen before a NaN. */
static void choose(struct fp_env env, uint64_t a, uint64_t b, bool least)
{
    int order = host_order(env.format, a, b);
    bool signaling = is_signaling(env.format, a) || is_signaling(env.format, b);
    uint64_t sign = env.format == FP_DOUBLE ? 1ull << 63 : 1ull << 31;
    struct host_result host = {a, signaling ? NV : 0};
    if (order == 2)
        host.bits = !is_nan(env.format, a)   ? a
                    : !is_nan(env.format, b) ? b
                                             : fp_nan(env.format);
    else if (order ? (order > 0) == least : !(a & sign) == least)
        host.bits = b;
    uint64_t ours = fp_choose(&env, a, b, least);
    compare("least or greatest", env, a, b, least, ours, host);
}

static void test_orders(void **state)
{
    (void)state;
    drawn = test_seed(1) * 2ull + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct fp_env env = {i & 1 ? FP_DOUBLE : FP_SINGLE, ROUND_EVEN, 0};
        uint64_t a = number(env.format), b = number(env.format);
        if (i % 8 < 2)
            b = a;
        for (unsigned relation = 0; relation < 3; relation++)
            relate(env, a, b, (enum fp_relation)relation);
        choose(env, a, b, true);
        choose(env, a, b, false);
    }
}

/* ---- Ties away from zero: a mode that the host lacks --------------------- */

/* A double to a single, half away from zero, if both are normal. */
static bool narrowed(uint64_t wide, uint64_t *bits, bool *tie)
{
    uint64_t size = wide & ~(1ull << 63), exp = size >> 52;
    if (exp < 1023 - 125 || exp > 1023 + 126)
        return false;
    *bits = ((size + (1 << 28)) >> 29) - ((1023ull - 127) << 23);
    *bits |= wide >> 63 << 31;
    *tie = (size & ((1 << 29) - 1)) == 1 << 28;
    return true;
}

/* Of singles whose result is exact in double, `op` of `ours`. */
static unsigned one_away(unsigned op, const uint64_t operands[3])
{
    struct fp_env one = {FP_SINGLE, ROUND_MAX, 0};
    struct fp_env two = {FP_DOUBLE, ROUND_EVEN, 0};
    uint64_t a[3], ours, wide, bits;
    bool tie;
    for (unsigned i = 0; i < 3; i++)
        a[i] = fp_from_format(&two, FP_SINGLE, operands[i]);
    switch (op) {
    case 0:
        ours = fp_add(&one, operands[0], operands[1]);
        wide = fp_add(&two, a[0], a[1]);
        break;
    case 1:
        ours = fp_multiply(&one, operands[0], operands[1]);
        wide = fp_multiply(&two, a[0], a[1]);
        break;
    case 2:
        ours = fp_divide(&one, operands[0], operands[1]);
        wide = fp_divide(&two, a[0], a[1]);
        break;
    default:
        ours = fp_multiply_add(&one, operands[0], operands[1], operands[2]);
        wide = fp_multiply_add(&two, a[0], a[1], a[2]);
    }
    if (two.flags || !narrowed(wide, &bits, &tie))
        return 0;
    struct host_result expected = {bits, (wide & ((1 << 29) - 1)) ? NX : 0};
    compare("ties away", one, operands[0], operands[1], operands[2], ours,
            expected);
    return tie;
}

static void test_all_ties_away(void **state)
{
    unsigned ties[4] = {0};
    (void)state;
    drawn = test_seed(1) * 2ull + 1;
    for (unsigned i = 0; i < 4 * ROUNDS; i++) {
        uint64_t operands[3];
        for (unsigned n = 0; n < 3; n++)
            operands[n] = number(FP_SINGLE) & ~(draw() & 0x3fff);
        ties[i % 4] += one_away(i % 4, operands);
    }
    for (unsigned op = 0; op < 4; op++)
        assert_true(ties[op] > 20 || op == 2); /* quotients have none */
}

static void test_ties_away(void **state)
{
    struct fp_env env = {FP_SINGLE, ROUND_MAX, 0};
    (void)state;
    /* 2^24 and 1: half way to the next. */
    assert_int_equal(fp_add(&env, 0x4b800000, 0x3f800000), 0x4b800001);
    assert_int_equal(env.flags, NX);
    env.round = ROUND_EVEN;
    assert_int_equal(fp_add(&env, 0x4b800000, 0x3f800000), 0x4b800000);
    env.round = ROUND_MAX;
    assert_int_equal(fp_to_integer(&env, 0xbf000000, 32, true),
                     (uint64_t)-1); /* -0.5 */
    assert_int_equal(fp_to_integer(&env, 0x3effffff, 32, true), 0);
    env.flags = 0;
    assert_int_equal(fp_multiply(&env, 0x7f7fffff, 0x40000000), 0x7f800000);
    assert_int_equal(env.flags, OF | NX);
}

/* Just below the normal numbers: tiny or not is seen after rounding. */
static void test_tininess(void **state)
{
    struct fp_env env = {FP_SINGLE, ROUND_EVEN, 0};
    (void)state;
    /* (1 - 2^-24) * 2^-126 is half way to 2^-126, which it becomes. Rounded
     * to 24 bits without a bound to the exponent it would stay below. */
    assert_int_equal(fp_multiply(&env, 0x3f7fffff, 0x00800000), 0x00800000);
    assert_int_equal(env.flags, NX | UF);
    /* With 2^-26 less than 1 it would not. */
    env.flags = 0;
    assert_int_equal(fp_multiply_add(&env, 0x32800000, 0x80800000, 0x00800000),
                     0x00800000);
    assert_int_equal(env.flags, NX);
    /* Exact, so no underflow, however small. */
    env.flags = 0;
    assert_int_equal(fp_multiply(&env, 0x00000001, 0x3f800000), 1);
    assert_int_equal(env.flags, 0);
}

static void test_nans(void **state)
{
    struct fp_env env = {FP_SINGLE, ROUND_EVEN, 0};
    (void)state;
    /* The canonical one, whatever came in. */
    assert_int_equal(fp_add(&env, 0xffc12345, 0x3f800000), 0x7fc00000);
    assert_int_equal(env.flags, 0);
    assert_int_equal(fp_add(&env, 0x7f800001, 0x3f800000), 0x7fc00000);
    assert_int_equal(env.flags, NV);
    /* Zero by infinity, to which a quiet NaN is added. */
    env.flags = 0;
    fp_multiply_add(&env, 0, 0x7f800000, 0x7fc00000);
    assert_int_equal(env.flags, NV);
}

static void test_least_and_greatest(void **state)
{
    struct fp_env env = {FP_SINGLE, ROUND_EVEN, 0};
    (void)state;
    assert_int_equal(fp_choose(&env, 0, 0x80000000, true), 0x80000000);
    assert_int_equal(fp_choose(&env, 0x80000000, 0, true), 0x80000000);
    assert_int_equal(fp_choose(&env, 0x80000000, 0, false), 0);
    assert_int_equal(fp_choose(&env, 0, 0x80000000, false), 0);
    assert_int_equal(fp_choose(&env, 0x7fc00000, 0x3f800000, true), 0x3f800000);
    assert_int_equal(env.flags, 0);
    assert_int_equal(fp_choose(&env, 0x3f800000, 0x7f800001, false),
                     0x3f800000);
    assert_int_equal(env.flags, NV);
    assert_int_equal(fp_choose(&env, 0x7fc00001, 0xffc00000, true), 0x7fc00000);
}

static void test_comparing(void **state)
{
    struct fp_env env = {FP_DOUBLE, ROUND_EVEN, 0};
    uint64_t one = 0x3ffull << 52, nan = fp_nan(FP_DOUBLE), minus = 1ull << 63;
    (void)state;
    assert_true(fp_compare(&env, 0, minus, FP_EQUAL));
    assert_false(fp_compare(&env, minus, 0, FP_LESS));
    assert_true(fp_compare(&env, 0, minus, FP_LESS_OR_EQUAL));
    assert_true(fp_compare(&env, one | minus, minus, FP_LESS));
    assert_true(fp_compare(&env, (one + 1) | minus, one | minus, FP_LESS));
    assert_int_equal(env.flags, 0);
    assert_false(fp_compare(&env, nan, nan, FP_EQUAL));
    assert_int_equal(env.flags, 0);
    assert_false(fp_compare(&env, nan, one, FP_LESS));
    assert_int_equal(env.flags, NV);
    env.flags = 0;
    assert_false(
        fp_compare(&env, nan - 1, one, FP_EQUAL)); /* a signaling one */
    assert_int_equal(env.flags, NV);
}

/* Section 11.7, the table of what does not fit. */
static void test_to_integer(void **state)
{
    static const struct {
        uint64_t a;
        unsigned bits;
        bool is_signed;
        uint64_t result;
        unsigned flags;
    } cases[] = {
        {0x41dfffffffc00000, 32, true, 0x7fffffff, 0},
        {0x41e0000000000000, 32, true, 0x7fffffff, NV},
        {0xc1e0000000000000, 32, true, 0xffffffff80000000, 0},
        {0xc1e0000000200000, 32, true, 0xffffffff80000000, NV},
        {0x41efffffffe00000, 32, false, UINT64_MAX, 0}, /* by its sign */
        {0x41f0000000000000, 32, false, UINT64_MAX, NV},
        {0xbff0000000000000, 32, false, 0, NV},
        {0xbfe0000000000000, 32, false, 0, NX}, /* -0.5 */
        {0xbfe8000000000000, 32, false, 0, NV}, /* -0.75 */
        {0x43e0000000000000, 64, true, INT64_MAX, NV},
        {0xc3e0000000000000, 64, true, 1ull << 63, 0},
        {0x43f0000000000000, 64, false, UINT64_MAX, NV},
        {0x43efffffffffffff, 64, false, 0xfffffffffffff800, 0},
        {0x7ff0000000000000, 64, true, INT64_MAX, NV},
        {0xfff0000000000000, 64, false, 0, NV},
        {0x7ff8000000000000, 64, true, INT64_MAX, NV},
        {0xfff8000000000000, 64, false, UINT64_MAX, NV},
        {0x3ff8000000000000, 64, true, 2, NX}, /* 1.5 */
        {0x4004000000000000, 64, true, 2, NX}, /* 2.5 */
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fp_env env = {FP_DOUBLE, ROUND_EVEN, 0};
        uint64_t result =
            fp_to_integer(&env, cases[i].a, cases[i].bits, cases[i].is_signed);
        if (result != cases[i].result || env.flags != cases[i].flags)
            fail_msg("%lx: %lx, flags %x", cases[i].a, result, env.flags);
    }
}

static void test_classes(void **state)
{
    static const uint32_t numbers[] = {
        0xff800000, 0x80800000, 0x80000001, 0x80000000, 0,
        1,          0x00800000, 0x7f800000, 0x7f800001, 0x7fc00000};
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(fp_class(FP_SINGLE, numbers[i]), 1u << i);
    for (unsigned i = 0; i < 8; i++) {
        struct fp_env env = {FP_DOUBLE, ROUND_EVEN, 0};
        uint64_t wide = fp_from_format(&env, FP_SINGLE, numbers[i]);
        /* What is less than normal as a single is not as a double. */
        unsigned class = i == 2 ? 1 : i == 5 ? 6 : i;
        assert_int_equal(fp_class(FP_DOUBLE, wide), 1u << class);
    }
    assert_int_equal(fp_class(FP_DOUBLE, (1ull << 52) - 1), 1 << 5);
    assert_int_equal(fp_class(FP_DOUBLE, 1ull << 63 | 1), 1 << 2);
    assert_int_equal(fp_class(FP_DOUBLE, fp_infinity(FP_DOUBLE) + 1), 1 << 8);
    assert_int_equal(fp_class(FP_DOUBLE, UINT64_MAX), 1 << 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_to_integers),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_all_ties_away),
        cmocka_unit_test(test_ties_away),
        cmocka_unit_test(test_tininess),
        cmocka_unit_test(test_nans),
        cmocka_unit_test(test_least_and_greatest),
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_to_integer),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
