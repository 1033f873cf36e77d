/*
 * The machine's clock, which user mode may read: ten million steps a second.
 */
#include "calf.h"

#define NS_A_STEP 100

uint64 calf_clock_ns(void)
{
    uint64 steps;

    __asm__ volatile("rdtime %0" : "=r"(steps));
    return steps * NS_A_STEP;
}
