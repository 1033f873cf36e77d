/*
 * Comparing and classifying floating-point numbers (Volume I,
 * sections 11.6, 11.8 and 11.9), by their bits.
 */
#include "fp.h"
#include "private.h"

static uint64_t size_of(enum fp_format format, uint64_t a)
{
    return a & ~fp_negate(format, 0);
}

static bool is_nan(enum fp_format format, uint64_t a)
{
    return size_of(format, a) > fp_infinity(format);
}

static bool is_signaling(enum fp_format format, uint64_t a)
{
    return is_nan(format, a) && (a & fp_nan(format)) != fp_nan(format);
}

/* Is there a NaN? A signaling one is told of. */
static bool unordered(struct fp_env *env, uint64_t a, uint64_t b)
{
    if (is_signaling(env->format, a) || is_signaling(env->format, b))
        env->flags |= FP_NV;
    return is_nan(env->format, a) || is_nan(env->format, b);
}

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
    uint64_t size = size_of(format, a),
             least = format == FP_DOUBLE ? 1ull << 52 : 1ull << 23;
    unsigned distance; /* from zero */
    if (is_nan(format, a))
        return 1u << (is_signaling(format, a) ? 8 : 9);
    if (size == fp_infinity(format))
        distance = 3;
    else
        distance = (size > 0) + (size >= least);
    return 1u << (size != a ? 3 - distance : 4 + distance);
}
