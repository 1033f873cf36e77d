/*
 * The clock of the day. At boot the board's clock is read, once; from then on
 * hal_time counts. So the clock runs evenly, and reading it costs no more than
 * hal_time. If the board has none, it starts at the date of the build.
 */
#ifndef SCHED_REALTIME_H
#define SCHED_REALTIME_H

#include "arch/hal.h"

#define REALTIME_SECOND INT64_C(1000000000)

/* The time at which hal_time was 0. Set at boot, before there are files. */
extern int64_t realtime_start;

/* Nanoseconds since 1970. */
static inline int64_t realtime(void)
{
    return realtime_start + (int64_t)hal_time();
}

#endif
