/*
 * Messages that programs cause. A program can cause any number, so what they
 * may print is limited, for all programs together: MOST in a period, which
 * begins with its first message. The rest are counted, and one line tells how
 * many they were, at the first message or exit after the period.
 */
#include "lib/printf.h"
#include "proc/process.h"

#define PERIOD 5000000000ul /* nanoseconds */
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

void process_report(const char *format, ...)
{
    uint64_t now = hal_time(), then = atomic_load(&began);
    va_list arguments;
    if (now - then >= PERIOD &&
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
    if (atomic_load_explicit(&caused, memory_order_relaxed) > MOST &&
        (at_once || hal_time() - atomic_load(&began) >= PERIOD))
        begin_period();
}
