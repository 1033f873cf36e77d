/*
 * Messages that programs cause. A program can cause any number, so there is a
 * limit for all programs together: MOST in a period, which begins with its
 * first message. Further messages are counted, and at the first message or exit
 * after the period one line says how many were left out.
 */
#include "lib/printf.h"
#include "proc/process.h"

#define PERIOD 5000000000 /* nanoseconds */
#define MOST   50u

static _Atomic uint64_t began;  /* a: the period */
static _Atomic uint64_t caused; /* a: messages in it, printed or not */

static void begin_period(void)
{
    uint64_t count = atomic_exchange(&caused, 0);
    if (count > MOST)
        kprintf("calf: %lu more messages about programs were left out\n",
                count - MOST);
}

/* Signed, as another hart's clock may be ahead of this one's. */
static bool is_over(uint64_t then, uint64_t now)
{
    return (int64_t)(now - then) >= PERIOD;
}

void process_report(const char *format, ...)
{
    uint64_t then = atomic_load(&began), now = hal_time();
    va_list arguments;
    if (is_over(then, now) &&
        atomic_compare_exchange_strong(&began, &then, now))
        begin_period();
    if (atomic_fetch_add(&caused, 1) >= MOST)
        return;
    va_start(arguments, format);
    kvprintf(format, arguments);
    va_end(arguments);
}

void process_report_rest(bool at_once)
{
    if (atomic_load_explicit(&caused, memory_order_relaxed) <= MOST)
        return;
    uint64_t then = atomic_load(&began);
    if (at_once || is_over(then, hal_time()))
        begin_period();
}
