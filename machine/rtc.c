/*
 * The clock on the wall: Goldfish's, nanoseconds since 1970 in two halves,
 * and an alarm.
 */
#include "private.h"

enum {
    TIME_LOW = 0x00, /* reading it keeps the other half for the next read */
    TIME_HIGH = 0x04,
    ALARM_LOW = 0x08, /* writing it sets the alarm, the other half first */
    ALARM_HIGH = 0x0c,
    INTERRUPT_ENABLE = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c,
};
#define SECOND 1000000000ull
#define TICK   100ull /* nanoseconds */

static uint64_t rtc_now(const struct machine *m)
{
    return m->config.epoch * SECOND + machine_time(m) * TICK;
}

uint64_t rtc_deadline(const struct machine *m)
{
    uint64_t start = m->config.epoch * SECOND;
    if (!m->rtc.armed)
        return UINT64_MAX;
    if (m->rtc.alarm <= start)
        return 0;
    uint64_t ticks = (m->rtc.alarm - start + TICK - 1) / TICK;
    return ticks > UINT64_MAX / m->config.per_tick ? UINT64_MAX
                                                   : ticks * m->config.per_tick;
}

void rtc_poll(struct machine *m)
{
    struct rtc *r = &m->rtc;
    if (!r->armed || rtc_now(m) < r->alarm)
        return;
    r->armed = false;
    r->pending = true;
    plic_level(m, RTC_SOURCE, r->enabled);
}

uint32_t rtc_load(struct machine *m, uint32_t at)
{
    struct rtc *r = &m->rtc;
    uint64_t now = rtc_now(m);
    switch (at) {
    case TIME_LOW:
        r->high = (uint32_t)(now >> 32);
        return (uint32_t)now;
    case TIME_HIGH:
        return r->high;
    case ALARM_LOW:
        return (uint32_t)r->alarm;
    case ALARM_HIGH:
        return (uint32_t)(r->alarm >> 32);
    case INTERRUPT_ENABLE:
        return r->enabled;
    case ALARM_STATUS:
        return r->armed;
    default:
        return 0;
    }
}

void rtc_store(struct machine *m, uint32_t at, uint32_t value)
{
    struct rtc *r = &m->rtc;
    switch (at) {
    case ALARM_LOW:
        r->alarm = (r->alarm & ~(uint64_t)UINT32_MAX) | value;
        r->armed = true;
        rtc_poll(m);
        break;
    case ALARM_HIGH:
        r->alarm = (uint64_t)value << 32 | (uint32_t)r->alarm;
        break;
    case INTERRUPT_ENABLE:
        r->enabled = value & 1;
        break;
    case CLEAR_ALARM:
        r->armed = false;
        break;
    case CLEAR_INTERRUPT:
        r->pending = false;
        break;
    default:
        break;
    }
    plic_level(m, RTC_SOURCE, r->pending && r->enabled);
}
