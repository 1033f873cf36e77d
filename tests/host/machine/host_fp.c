/*
 * The reference of test_machine_fp: what the host's processor computes.
 * Operands go through volatile variables, so nothing is computed when it is
 * compiled, or before the flags are cleared.
 */
#include <fenv.h>
#include <math.h>
#include <string.h>
#include "host/machine/host_fp.h"

static void begin(enum fp_round round)
{
    static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                                FE_UPWARD};
    fesetround(modes[round]);
    feclearexcept(FE_ALL_EXCEPT);
}

static struct host_result end(enum fp_format format, double wide, float narrow)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    struct host_result r = {0};
    fesetround(FE_TONEAREST);
    r.flags = (raised & FE_INEXACT ? 1 : 0) | (raised & FE_UNDERFLOW ? 2 : 0) |
              (raised & FE_OVERFLOW ? 4 : 0) | (raised & FE_DIVBYZERO ? 8 : 0) |
              (raised & FE_INVALID ? 16 : 0);
    if (format == FP_DOUBLE)
        memcpy(&r.bits, &wide, sizeof wide);
    else
        memcpy(&r.bits, &narrow, sizeof narrow);
    if (format == FP_DOUBLE ? isnan(wide) : isnan(narrow))
        r.bits = fp_nan(format);
    return r;
}

static double wide_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float narrow_of(uint64_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define OPERATION(name, wide_expression, narrow_expression)                    \
    struct host_result name(enum fp_format format, enum fp_round round,        \
                            uint64_t a, uint64_t b)                            \
    {                                                                          \
        volatile double x = wide_of(a), y = wide_of(b), wide = 0;              \
        volatile float s = narrow_of(a), t = narrow_of(b), narrow = 0;         \
        begin(round);                                                          \
        if (format == FP_DOUBLE)                                               \
            wide = wide_expression;                                            \
        else                                                                   \
            narrow = narrow_expression;                                        \
        return end(format, wide, narrow);                                      \
    }

OPERATION(host_add, x + y, s + t)
OPERATION(host_multiply, x *y, s *t)
OPERATION(host_divide, x / y, s / t)

struct host_result host_root(enum fp_format format, enum fp_round round,
                             uint64_t a)
{
    volatile double x = wide_of(a), wide = 0;
    volatile float s = narrow_of(a), narrow = 0;
    begin(round);
    if (format == FP_DOUBLE)
        wide = sqrt(x);
    else
        narrow = sqrtf(s);
    return end(format, wide, narrow);
}

struct host_result host_multiply_add(enum fp_format format, enum fp_round round,
                                     uint64_t a, uint64_t b, uint64_t c)
{
    volatile double x = wide_of(a), y = wide_of(b), z = wide_of(c), wide = 0;
    volatile float s = narrow_of(a), t = narrow_of(b), u = narrow_of(c),
                   narrow = 0;
    begin(round);
    if (format == FP_DOUBLE)
        wide = fma(x, y, z);
    else
        narrow = fmaf(s, t, u);
    return end(format, wide, narrow);
}

struct host_result host_from_format(enum fp_format format, enum fp_round round,
                                    enum fp_format from, uint64_t a)
{
    volatile double x = wide_of(a), wide = 0;
    volatile float s = narrow_of(a), narrow = 0;
    begin(round);
    if (from == FP_DOUBLE)
        narrow = (float)x;
    else
        wide = s;
    return end(format, wide, narrow);
}

/* A long double holds it exactly. */
struct host_result host_from_integer(enum fp_format format, enum fp_round round,
                                     uint64_t a, bool is_signed)
{
    volatile long double n =
        is_signed ? (long double)(int64_t)a : (long double)a;
    volatile double wide = 0;
    volatile float narrow = 0;
    begin(round);
    if (format == FP_DOUBLE)
        wide = (double)n;
    else
        narrow = (float)n;
    return end(format, wide, narrow);
}

static double value_of(enum fp_format format, uint64_t a)
{
    return format == FP_DOUBLE ? wide_of(a) : (double)narrow_of((uint32_t)a);
}

static double whole(enum fp_round round, double x)
{
    if (round == ROUND_MAX)
        return trunc(x) + (fabs(x - trunc(x)) >= 0.5 ? copysign(1, x) : 0);
    begin(round);
    volatile double y = x, r = rint(y);
    fesetround(FE_TONEAREST);
    return r;
}

struct host_result host_to_integer(enum fp_format format, enum fp_round round,
                                   uint64_t a, unsigned bits, bool is_signed)
{
    double x = value_of(format, a), r = whole(round, x);
    double end = ldexp(1, (int)bits - is_signed);
    bool high = isnan(x) || r >= end, low = r < (is_signed ? -end : 0);
    uint64_t most = UINT64_MAX >> (64 - bits + is_signed);
    struct host_result result = {.flags = r != x}; /* inexact */
    if (high || low) {
        result.bits = high ? most : is_signed ? ~most : 0;
        result.flags = 16;
    } else {
        result.bits = is_signed ? (uint64_t)(int64_t)r : (uint64_t)r;
    }
    if (bits == 32)
        result.bits = (uint64_t)(int32_t)result.bits;
    return result;
}

int host_order(enum fp_format format, uint64_t a, uint64_t b)
{
    double x = value_of(format, a), y = value_of(format, b);
    if (isnan(x) || isnan(y))
        return 2;
    return (x > y) - (x < y);
}
