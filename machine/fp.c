/*
 * Floating point in integers. A number is taken apart into sign, exponent and a
 * significand whose highest bit is set; results are computed with some bits
 * more than they need and one, the lowest, that says whether anything below was
 * not zero ("sticky"); `pack` rounds, once.
 */
#include "fp.h"
#include "private.h"

struct shape {
    int fraction; /* bits */
    int bias;
};

static const struct shape shapes[] = {
    [FP_SINGLE] = {23, 127},
    [FP_DOUBLE] = {52, 1023},
};

enum kind { ZERO, FINITE, INFINITE, QUIET, SIGNALING };

/* A finite number is sig * 2^(exp - 63), and bit 63 of sig is set; `low` are 64
 * bits below. */
struct number {
    enum kind kind;
    bool sign;
    int exp;
    uint64_t sig, low;
};

#define TOP (1ull << 63)

static uint64_t sign_bit(enum fp_format format)
{
    return format == FP_DOUBLE ? TOP : 1ull << 31;
}

uint64_t fp_infinity(enum fp_format format)
{
    const struct shape *s = &shapes[format];
    return (2ull * (unsigned)s->bias + 1) << s->fraction;
}

uint64_t fp_nan(enum fp_format format)
{
    return fp_infinity(format) | 1ull << (shapes[format].fraction - 1);
}

/* Shifts right; the lowest bit becomes sticky. */
static uint64_t shift_sticky(uint64_t value, int by)
{
    if (by == 0)
        return value;
    if (by > 63)
        return value != 0;
    return value >> by | (value << (64 - by) != 0);
}

/* With the highest bit set, which is somewhere. */
static struct number normalized(struct number n)
{
    if (!n.sig) {
        n.sig = n.low;
        n.low = 0;
        n.exp -= 64;
    }
    int zeros = __builtin_clzll(n.sig);
    if (zeros) {
        n.sig = n.sig << zeros | n.low >> (64 - zeros);
        n.low <<= zeros;
        n.exp -= zeros;
    }
    return n;
}

static struct number unpack(enum fp_format format, uint64_t bits)
{
    const struct shape *s = &shapes[format];
    uint64_t fraction = bits & ((1ull << s->fraction) - 1);
    int field = (int)((bits & ~sign_bit(format)) >> s->fraction);
    struct number n = {.kind = FINITE, .sign = bits & sign_bit(format)};
    if (field == 2 * s->bias + 1) {
        n.kind = INFINITE;
        if (fraction)
            n.kind = fraction >> (s->fraction - 1) ? QUIET : SIGNALING;
    } else if (field) {
        n.exp = field - s->bias;
        n.sig = TOP | fraction << (63 - s->fraction);
    } else if (fraction) {
        n.sig = fraction << (63 - s->fraction);
        n.exp = 1 - s->bias;
        n = normalized(n);
    } else {
        n.kind = ZERO;
    }
    return n;
}

/* ---- Rounding ------------------------------------------------------------ */

static bool rounds_away(enum fp_round round, bool sign, bool odd, uint64_t rest,
                        uint64_t half)
{
    switch (round) {
    case ROUND_EVEN:
        return rest > half || (rest == half && odd);
    case ROUND_DOWN:
        return sign && rest;
    case ROUND_UP:
        return !sign && rest;
    case ROUND_MAX:
        return rest >= half;
    default:
        return false;
    }
}

/* `sig` without its last `drop` bits. */
static uint64_t rounded(const struct fp_env *env, bool sign, uint64_t sig,
                        int drop)
{
    uint64_t rest = sig & ((1ull << drop) - 1), kept = sig >> drop;
    return kept +
           rounds_away(env->round, sign, kept & 1, rest, 1ull << (drop - 1));
}

static uint64_t with_sign(const struct fp_env *env, bool sign, uint64_t bits)
{
    return bits | (sign ? sign_bit(env->format) : 0);
}

static uint64_t overflow(struct fp_env *env, bool sign)
{
    bool stays = env->round == ROUND_ZERO ||
                 env->round == (sign ? ROUND_UP : ROUND_DOWN);
    env->flags |= FP_OF | FP_NX;
    return with_sign(env, sign, fp_infinity(env->format) - stays);
}

/* Would it be below the normal numbers even if its exponent had no bounds? */
static bool is_tiny(const struct fp_env *env, bool sign, int exp, uint64_t sig,
                    int drop)
{
    int least = 1 - shapes[env->format].bias;
    if (exp >= least)
        return false;
    return exp < least - 1 || rounded(env, sign, sig, drop) >> (64 - drop) == 0;
}

static uint64_t pack(struct fp_env *env, struct number n)
{
    const struct shape *s = &shapes[env->format];
    int drop = 63 - s->fraction, least = 1 - s->bias;
    uint64_t below = 0; /* what the exponent field adds to the significand */
    uint64_t sig = n.sig | (n.low != 0);
    if (n.exp > s->bias)
        return overflow(env, n.sign);
    bool tiny = is_tiny(env, n.sign, n.exp, sig, drop);
    if (n.exp < least)
        sig = shift_sticky(sig, least - n.exp);
    else
        below = (uint64_t)(n.exp - least) << s->fraction;
    uint64_t bits = below + rounded(env, n.sign, sig, drop);
    if (bits >= fp_infinity(env->format))
        return overflow(env, n.sign);
    if (sig & ((1ull << drop) - 1))
        env->flags |= FP_NX | (tiny ? FP_UF : 0);
    return with_sign(env, n.sign, bits);
}

/* ---- NaNs ---------------------------------------------------------------- */

static bool is_nan(struct number n)
{
    return n.kind >= QUIET;
}

static uint64_t invalid(struct fp_env *env)
{
    env->flags |= FP_NV;
    return fp_nan(env->format);
}

/* The result if an operand is a NaN. */
static uint64_t nan_of(struct fp_env *env, struct number a, struct number b)
{
    if (a.kind == SIGNALING || b.kind == SIGNALING)
        env->flags |= FP_NV;
    return fp_nan(env->format);
}

/* ---- Sums ---------------------------------------------------------------- */

static struct number shift_wide(struct number n, int by)
{
    if (by >= 64) {
        n.low = shift_sticky(n.sig, by - 64) | (n.low != 0);
        n.sig = 0;
    } else if (by) {
        n.low = shift_sticky(n.low, by) | n.sig << (64 - by);
        n.sig >>= by;
    }
    return n;
}

static uint64_t zero_sum(struct fp_env *env)
{
    return with_sign(env, env->round == ROUND_DOWN, 0);
}

/* Two finite numbers, of which each is exact, has its highest bit set and its
 * lowest 20 clear: so a difference of nearly equal ones is exact. */
static uint64_t sum(struct fp_env *env, struct number a, struct number b)
{
    if (a.exp < b.exp) {
        struct number other = a;
        a = b;
        b = other;
    }
    b = shift_wide(b, a.exp - b.exp + 1);
    a = shift_wide(a, 1);
    a.exp++;
    if (a.sign == b.sign) {
        a.low += b.low;
        a.sig += b.sig + (a.low < b.low);
        return pack(env, normalized(a));
    }
    a.sig -= b.sig + (a.low < b.low);
    a.low -= b.low;
    if (a.sig & TOP) { /* below zero */
        a.sig = ~a.sig + !a.low;
        a.low = 0 - a.low;
        a.sign = b.sign;
    }
    if (!a.sig && !a.low)
        return zero_sum(env);
    return pack(env, normalized(a));
}

/* ---- Products ------------------------------------------------------------ */

static struct number product(struct number a, struct number b)
{
    struct number n = {.sign = a.sign != b.sign, .exp = a.exp + b.exp + 1};
    n.sig = multiply_high(a.sig, b.sig);
    n.low = a.sig * b.sig;
    return normalized(n);
}

static bool zero_by_infinity(struct number a, struct number b)
{
    return (a.kind == ZERO && b.kind == INFINITE) ||
           (a.kind == INFINITE && b.kind == ZERO);
}

uint64_t fp_multiply_add(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c)
{
    struct number x = unpack(env->format, a), y = unpack(env->format, b);
    struct number z = unpack(env->format, c);
    bool sign = x.sign != y.sign;
    if (zero_by_infinity(x, y))
        return invalid(env); /* even with a quiet NaN to be added */
    if (is_nan(x) || is_nan(y) || is_nan(z)) {
        nan_of(env, x, y);
        return nan_of(env, z, z);
    }
    if (x.kind == INFINITE || y.kind == INFINITE) {
        if (z.kind == INFINITE && z.sign != sign)
            return invalid(env);
        return with_sign(env, sign, fp_infinity(env->format));
    }
    if (z.kind == INFINITE)
        return c;
    if (x.kind == ZERO || y.kind == ZERO)
        return z.kind == ZERO && z.sign != sign ? zero_sum(env) : c;
    if (z.kind == ZERO)
        return pack(env, product(x, y));
    return sum(env, product(x, y), z);
}

uint64_t fp_add(struct fp_env *env, uint64_t a, uint64_t b)
{
    const struct shape *s = &shapes[env->format];
    return fp_multiply_add(env, a, (uint64_t)s->bias << s->fraction, b);
}

/* To a zero of the product's sign the product adds nothing else. */
uint64_t fp_multiply(struct fp_env *env, uint64_t a, uint64_t b)
{
    return fp_multiply_add(env, a, b, (a ^ b) & sign_bit(env->format));
}

/* a / b of significands, both with the highest bit set: 64 bits, the first set
 * if a >= b; the last is sticky. */
static uint64_t quotient(uint64_t a, uint64_t b)
{
    uint64_t result = 0, rest = a;
    bool carry = false;
    for (int i = 0; i < 64; i++) {
        bool fits = carry || rest >= b;
        if (fits)
            rest -= b;
        result = result << 1 | fits;
        carry = rest >> 63;
        rest <<= 1;
    }
    return result | (rest != 0 || carry);
}

uint64_t fp_divide(struct fp_env *env, uint64_t a, uint64_t b)
{
    struct number x = unpack(env->format, a), y = unpack(env->format, b);
    bool sign = x.sign != y.sign;
    if (is_nan(x) || is_nan(y))
        return nan_of(env, x, y);
    if (x.kind == y.kind && x.kind != FINITE)
        return invalid(env);
    if (x.kind == ZERO || y.kind == INFINITE)
        return with_sign(env, sign, 0);
    if (y.kind == ZERO && x.kind == FINITE)
        env->flags |= FP_DZ;
    if (x.kind == INFINITE || y.kind == ZERO)
        return with_sign(env, sign, fp_infinity(env->format));
    x.sign = sign;
    x.exp -= y.exp;
    x.sig = quotient(x.sig, y.sig);
    return pack(env, normalized(x));
}

/* The root of high * 2^64, by pairs of bits; 62 of them, two to spare. */
static uint64_t root_of(uint64_t high, uint64_t low)
{
    uint64_t root = 0, rest = 0;
    for (int i = 0; i < 62; i++) {
        uint64_t trial = root << 2 | 1;
        rest = rest << 2 | high >> 62;
        high = high << 2 | low >> 62;
        low <<= 2;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    return root << 2 | (rest != 0);
}

uint64_t fp_root(struct fp_env *env, uint64_t a)
{
    struct number x = unpack(env->format, a);
    if (is_nan(x))
        return nan_of(env, x, x);
    if (x.kind == ZERO || (x.kind == INFINITE && !x.sign))
        return a;
    if (x.sign)
        return invalid(env);
    bool odd = x.exp & 1;
    x.exp = (x.exp - odd) / 2;
    x.sig = odd ? root_of(x.sig, 0) : root_of(x.sig >> 1, x.sig << 63);
    return pack(env, x);
}

uint64_t fp_negate(enum fp_format format, uint64_t a)
{
    return a ^ sign_bit(format);
}

/* ---- Other formats ------------------------------------------------------- */

uint64_t fp_from_format(struct fp_env *env, enum fp_format from, uint64_t a)
{
    struct number x = unpack(from, a);
    if (is_nan(x))
        return nan_of(env, x, x);
    if (x.kind == ZERO)
        return with_sign(env, x.sign, 0);
    if (x.kind == INFINITE)
        return with_sign(env, x.sign, fp_infinity(env->format));
    return pack(env, x);
}

uint64_t fp_from_integer(struct fp_env *env, bool negative, uint64_t size)
{
    if (!size)
        return 0;
    struct number n = {.sign = negative, .exp = 63, .sig = size};
    return pack(env, normalized(n));
}

/* What does not fit; a NaN counts as positive. */
static uint64_t saturated(struct fp_env *env, bool negative, unsigned bits,
                          bool is_signed)
{
    uint64_t greatest = UINT64_MAX >> (64 - bits + is_signed);
    env->flags |= FP_NV;
    if (!negative)
        return bits == 32 ? (uint64_t)(int32_t)greatest : greatest;
    return is_signed ? ~greatest : 0;
}

uint64_t fp_to_integer(struct fp_env *env, uint64_t a, unsigned bits,
                       bool is_signed)
{
    struct number x = unpack(env->format, a);
    uint64_t whole = 0, rest;
    if (x.kind == ZERO)
        return 0;
    if (x.kind != FINITE || x.exp > 63)
        return saturated(env, x.sign && !is_nan(x), bits, is_signed);
    if (x.exp >= 0) {
        whole = x.sig >> (63 - x.exp);
        rest = x.exp == 63 ? 0 : x.sig << (x.exp + 1);
    } else {
        rest = shift_sticky(x.sig, -1 - x.exp);
    }
    bool away = rounds_away(env->round, x.sign, whole & 1, rest, TOP);
    uint64_t most = UINT64_MAX >> (64 - bits + is_signed);
    if (x.sign)
        most = is_signed ? most + 1 : 0;
    if (whole > most || (away && whole == most))
        return saturated(env, x.sign, bits, is_signed);
    whole += away;
    env->flags |= rest ? FP_NX : 0;
    whole = x.sign ? 0 - whole : whole;
    return bits == 32 ? (uint64_t)(int32_t)whole : whole;
}
