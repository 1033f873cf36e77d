/*
 * Counting zeros for harts without Zbb, which have no instruction for it: there
 * the compiler's builtins call these functions. They have the names and the
 * meaning of libgcc's; the value is not 0.
 */
#include "lib/bits.h"

int __ctzdi2(uint64_t value);
int __clzdi2(uint64_t value);

/* A de Bruijn sequence: all windows of six bits in it differ. So the top six
 * bits, after a shift by n, determine n. */
#define SEQUENCE 0x022fdd63cc95386dul

int __ctzdi2(uint64_t value)
{
    static const uint8_t position[64] = {
        0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28,
        62, 5,  39, 46, 44, 42, 22, 9,  24, 35, 59, 56, 49, 18, 29, 11,
        63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10,
        51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
    };
    return position[(value & -value) * SEQUENCE >> 58];
}

int __clzdi2(uint64_t value)
{
    int zeros = 0;
    for (int half = 32; half; half /= 2)
        if (!(value >> (64 - half))) {
            value <<= half;
            zeros += half;
        }
    return zeros;
}
