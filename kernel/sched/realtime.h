/*
 * The time of day. It is read once, at boot, from the board's clock; from then
 * on it is what hal_time counts, so it runs evenly and costs as little to ask
 * for as that. A board without a clock starts at the date of the kernel.
 */
#ifndef SCHED_REALTIME_H
#define SCHED_REALTIME_H

#include "arch/hal.h"

#define REALTIME_SECOND INT64_C(1000000000)

/* The time at which hal_time was 0. Set at boot, before there is a file. */
extern int64_t realtime_start;

/* Nanoseconds since 1970. */
static inline int64_t realtime(void)
{
    return realtime_start + (int64_t)hal_time();
}

#endif
