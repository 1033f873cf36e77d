/*
 * The clock on the wall: Goldfish's, nanoseconds since 1970 in two halves.
 * There is no alarm.
 */
#include "private.h"

enum { TIME_LOW = 0, TIME_HIGH = 4 };

/* Reading the low half keeps the other for the next read. */
uint32_t rtc_load(struct machine *m, uint32_t at)
{
    uint64_t now = m->config.epoch * 1000000000 + machine_time(m) * 100;
    if (at == TIME_HIGH)
        return m->rtc_high;
    if (at != TIME_LOW)
        return 0;
    m->rtc_high = (uint32_t)(now >> 32);
    return (uint32_t)now;
}
