/*
 * Arithmetic on powers of two and on single bits.
 */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include "lib/types.h"

#define BIT(n) (UINT64_C(1) << (n))

/* Each argument is evaluated once; both must be of one type. */
#define MIN(a, b) CHOOSE_(a, <, b)
#define MAX(a, b) CHOOSE_(a, >, b)
#define CHOOSE_(a, before, b)                                                  \
    ({                                                                         \
        __typeof__(a) a_ = (a);                                                \
        __typeof__(b) b_ = (b);                                                \
        (void)(&a_ == &b_);                                                    \
        a_ before b_ ? a_ : b_;                                                \
    })

/* The number of elements of `array`: an array, not a pointer to one. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Whether exactly one bit of `value` is set. */
static inline bool is_power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

/* `value` rounded down to a multiple of `unit`, a power of two. */
static inline uint64_t align_down(uint64_t value, uint64_t unit)
{
    return value & ~(unit - 1);
}

/* `value` rounded up to a multiple of `unit`, a power of two. Wraps to 0 if
 * that multiple is 2^64: check the result if `value` is not trusted. */
static inline uint64_t align_up(uint64_t value, uint64_t unit)
{
    return align_down(value + (unit - 1), unit);
}

/* Whether `value` is a multiple of `unit`, a power of two. */
static inline bool is_aligned(uint64_t value, uint64_t unit)
{
    return !(value & (unit - 1));
}

/* The number (0 to 63) of the lowest set bit; `value` is not 0. */
static inline unsigned bit_lowest(uint64_t value)
{
    return (unsigned)__builtin_ctzll(value);
}

/* The number (0 to 63) of the highest set bit; `value` is not 0. */
static inline unsigned bit_highest(uint64_t value)
{
    return 63 - (unsigned)__builtin_clzll(value);
}

/* The least n (0 to 64) with 2^n >= `value`; 0 for 0. */
static inline unsigned log2_ceil(uint64_t value)
{
    return value <= 1 ? 0 : bit_highest(value - 1) + 1;
}

#endif
