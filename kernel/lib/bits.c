/*
 * Counting zeros for harts without Zbb: the compiler calls these for its
 * builtins where it has no instruction for them (libgcc's names and meaning;
 * zero is not asked for).
 */
#include "lib/bits.h"

int __ctzdi2(uint64_t value);
int __clzdi2(uint64_t value);

int __ctzdi2(uint64_t value)
{
    int zeros = 0;
    for (int half = 32; half; half /= 2)
        if (!(value << (64 - half))) {
            value >>= half;
            zeros += half;
        }
    return zeros;
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
