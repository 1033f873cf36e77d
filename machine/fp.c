/*
 * Floating point in integers. To compute, a number is taken apart into sign,
 * exponent and a significand whose highest bit is set; results are computed
 * with some bits more than they need and one, the lowest, that says whether
 * anything below was not zero ("sticky"); `pack` rounds, once.
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

enum kind { ZERO, FINITE, INFINITE, NOT_A_NUMBER };

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

uint64_t fp_negate(enum fp_format format, uint64_t a)
{
    return a ^ sign_bit(format);
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
static struct number shifted(struct number n, int by)
{
    for (; by >= 64; by -= 64) {
        n.low = n.sig | (n.low != 0);
        n.sig = 0;
    }
    if (by) {
        bool rest = n.low << (64 - by);
        n.low = n.sig << (64 - by) | n.low >> by | rest;
        n.sig >>= by;
    }
    return n;
}

/* With the highest bit set; or it is a zero. */
static struct number normalized(struct number n)
{
    if (!n.sig) {
        n.sig = n.low;
        n.low = 0;
        n.exp -= 64;
    }
    if (!n.sig) {
        n.kind = ZERO;
        return n;
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
    n.sig = fraction << (63 - s->fraction);
    n.exp = 1 - s->bias;
    if (!field)
        return normalized(n);
    if (field == 2 * s->bias + 1)
        n.kind = fraction ? NOT_A_NUMBER : INFINITE;
    n.sig |= TOP;
    n.exp = field - s->bias;
    return n;
}

/* ---- Rounding ------------------------------------------------------------ */

/* `rest` is what is below one, by 64 bits. */
static bool rounds_away(enum fp_round round, bool sign, bool odd, uint64_t rest)
{
    switch (round) {
    case ROUND_EVEN:
        return rest > TOP || (rest == TOP && odd);
    case ROUND_DOWN:
        return sign && rest;
    case ROUND_UP:
        return !sign && rest;
    case ROUND_MAX:
        return rest >= TOP;
    default:
        return false;
    }
}

/* `n.sig`, and one more if `n.low` makes it so. */
static uint64_t rounded(const struct fp_env *env, struct number n)
{
    return n.sig + rounds_away(env->round, n.sign, n.sig & 1, n.low);
}

static uint64_t with_sign(const struct fp_env *env, bool sign, uint64_t bits)
{
    return bits | (sign ? sign_bit(env->format) : 0);
}

static uint64_t pack(struct fp_env *env, struct number n)
{
    const struct shape *s = &shapes[env->format];
    int drop = 63 - s->fraction, below = 1 - s->bias - n.exp;
    uint64_t infinity = fp_infinity(env->format), bits;
    if (n.kind != FINITE)
        return with_sign(env, n.sign, n.kind == ZERO ? 0 : infinity);
    n = shifted(n, drop);
    bits = rounded(env, n);
    /* Below the normal numbers even if its exponent had no bounds? */
    bool tiny = below > 1 || (below == 1 && bits >> (64 - drop) == 0);
    if (below > 0) {
        n = shifted(n, below);
        bits = rounded(env, n);
    } else { /* the significand's highest bit adds one to the exponent */
        bits += (uint64_t)-below << s->fraction;
    }
    if (bits >= infinity) {
        env->flags |= FP_OF | FP_NX;
        bits = infinity - !rounds_away(env->round, n.sign, true, TOP);
    } else if (n.low) {
        env->flags |= FP_NX | (tiny ? FP_UF : 0);
    }
    return with_sign(env, n.sign, bits);
}

/* ---- NaNs ---------------------------------------------------------------- */

static uint64_t size_of(enum fp_format format, uint64_t a)
{
    return a & ~sign_bit(format);
}

static bool is_nan(enum fp_format format, uint64_t a)
{
    return size_of(format, a) > fp_infinity(format);
}

static bool is_signaling(enum fp_format format, uint64_t a)
{
    return is_nan(format, a) && (a & fp_nan(format)) != fp_nan(format);
}

static uint64_t invalid(struct fp_env *env)
{
    env->flags |= FP_NV;
    return fp_nan(env->format);
}

/* Is there a NaN? A signaling one is told of. */
static bool unordered(struct fp_env *env, uint64_t a, uint64_t b)
{
    if (is_signaling(env->format, a) || is_signaling(env->format, b))
        invalid(env);
    return is_nan(env->format, a) || is_nan(env->format, b);
}

/* ---- Sums ---------------------------------------------------------------- */

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
    b = shifted(b, a.exp - b.exp + 1);
    a = shifted(a, 1);
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
    a = normalized(a);
    return a.kind == ZERO ? zero_sum(env) : pack(env, a);
}

/* ---- Products ------------------------------------------------------------ */

static struct number product(struct number a, struct number b)
{
    struct number n = {FINITE, a.sign != b.sign, a.exp + b.exp + 1, 0, 0};
    n.sig = multiply_high(a.sig, b.sig);
    n.low = a.sig * b.sig;
    return normalized(n);
}

uint64_t fp_multiply_add(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c)
{
    struct number x = unpack(env->format, a), y = unpack(env->format, b);
    struct number z = unpack(env->format, c);
    bool differ = x.sign ^ y.sign ^ z.sign, nan = unordered(env, a, b);
    if ((x.kind == ZERO && y.kind == INFINITE) ||
        (x.kind == INFINITE && y.kind == ZERO))
        return invalid(env); /* even with a quiet NaN to be added */
    if (unordered(env, c, c) || nan)
        return fp_nan(env->format);
    if (x.kind == INFINITE || y.kind == INFINITE) {
        if (z.kind == INFINITE && differ)
            return invalid(env);
        return with_sign(env, x.sign != y.sign, fp_infinity(env->format));
    }
    if (z.kind == INFINITE)
        return c;
    if (x.kind == ZERO || y.kind == ZERO)
        return z.kind == ZERO && differ ? zero_sum(env) : c;
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

/* a / b of significands, both with the highest bit set and the lowest clear: 64
 * bits, the first set if a >= b; the last is sticky. */
static uint64_t quotient(uint64_t a, uint64_t b)
{
    uint64_t result = 0, rest = a >> 1;
    b >>= 1;
    for (int i = 0; i < 64; i++) {
        bool fits = rest >= b;
        rest = (fits ? rest - b : rest) << 1;
        result = result << 1 | fits;
    }
    return result | (rest != 0);
}

uint64_t fp_divide(struct fp_env *env, uint64_t a, uint64_t b)
{
    struct number x = unpack(env->format, a), y = unpack(env->format, b);
    if (unordered(env, a, b))
        return fp_nan(env->format);
    if (x.kind == y.kind && x.kind != FINITE)
        return invalid(env);
    x.sign ^= y.sign;
    if (x.kind != FINITE)
        return pack(env, x);
    if (y.kind == FINITE) {
        x.exp -= y.exp;
        x.sig = quotient(x.sig, y.sig);
        return pack(env, normalized(x));
    }
    env->flags |= y.kind == ZERO ? FP_DZ : 0;
    x.kind = y.kind == ZERO ? INFINITE : ZERO;
    return pack(env, x);
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
    if (unordered(env, a, a))
        return fp_nan(env->format);
    if (x.kind == ZERO || (x.kind == INFINITE && !x.sign))
        return a;
    if (x.sign)
        return invalid(env);
    bool odd = x.exp & 1;
    x.exp = (x.exp - odd) / 2;
    x.sig = odd ? root_of(x.sig, 0) : root_of(x.sig >> 1, x.sig << 63);
    return pack(env, x);
}

/* ---- Other formats ------------------------------------------------------- */

uint64_t fp_from_format(struct fp_env *env, enum fp_format from, uint64_t a)
{
    if (is_signaling(from, a))
        invalid(env);
    return is_nan(from, a) ? fp_nan(env->format) : pack(env, unpack(from, a));
}

uint64_t fp_from_integer(struct fp_env *env, bool negative, uint64_t size)
{
    struct number n = {FINITE, negative, 63, size, 0};
    return pack(env, normalized(n));
}

uint64_t fp_to_integer(struct fp_env *env, uint64_t a, unsigned bits,
                       bool is_signed)
{
    struct number x = unpack(env->format, a);
    bool negative = x.sign && x.kind != NOT_A_NUMBER;
    bool fits = x.kind <= FINITE && x.exp <= 63;
    uint64_t most = UINT64_MAX >> (64 - bits + is_signed), size;
    if (negative)
        most = is_signed ? most + 1 : 0;
    if (fits)
        x = shifted(x, 63 - x.exp);
    size = rounded(env, x);
    fits = fits && size <= most;
    env->flags |= !fits ? FP_NV : x.low ? FP_NX : 0;
    size = fits ? size : most;
    size = negative ? 0 - size : size;
    return bits == 32 ? (uint64_t)(int32_t)size : size;
}

/* ---- Comparing and classifying ------------------------------------------- */

/* A number that orders as they do; -0 before +0 if these differ. */
static int64_t rank(enum fp_format format, uint64_t a, bool zeros_differ)
{
    int64_t size = (int64_t)size_of(format, a);
    if (size_of(format, a) == a)
        return size;
    return zeros_differ ? -1 - size : -size;
}

uint64_t fp_choose(struct fp_env *env, uint64_t a, uint64_t b, bool least)
{
    if (unordered(env, a, b)) {
        if (!is_nan(env->format, a))
            return a;
        return is_nan(env->format, b) ? fp_nan(env->format) : b;
    }
    bool first = rank(env->format, a, true) < rank(env->format, b, true);
    return first == least ? a : b;
}

bool fp_compare(struct fp_env *env, uint64_t a, uint64_t b,
                enum fp_relation relation)
{
    int64_t first = rank(env->format, a, false);
    int64_t second = rank(env->format, b, false);
    if (unordered(env, a, b)) {
        env->flags |= relation == FP_EQUAL ? 0 : FP_NV;
        return false;
    }
    if (relation == FP_EQUAL)
        return first == second;
    return relation == FP_LESS ? first < second : first <= second;
}

unsigned fp_class(enum fp_format format, uint64_t a)
{
    uint64_t size = size_of(format, a), least = 1ull << shapes[format].fraction;
    unsigned distance /* from zero */ =
        (size > 0) + (size >= least) + (size == fp_infinity(format));
    if (is_nan(format, a))
        return 1u << (is_signaling(format, a) ? 8 : 9);
    return 1u << (size != a ? 3 - distance : 4 + distance);
}
