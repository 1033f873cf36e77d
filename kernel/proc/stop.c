/*
 * How the system stops. A thread of the kernel does it, which has nothing: so
 * all processes end, whichever of them asked, and give back what they have.
 */
#include "cache/writeback.h"
#include "dev/console.h"
#include "lib/printf.h"
#include "proc/process.h"

#define SECOND   1000000000ul
#define PATIENCE (10 * SECOND)
#define PACE     (SECOND / 1000)

static struct {
    struct waitq waitq;
    bool asked, restart; /* process_lock */
    char message[64];    /* likewise; stays once asked */
} stop = {.waitq = {.lock = SPINLOCK(LOCK_WAITQ),
                    .waiters = {&stop.waitq.waiters, &stop.waitq.waiters}}};

void process_ask_stop(bool restart, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    spin_lock(&process_lock);
    if (!stop.asked) {
        stop.asked = true;
        stop.restart = restart;
        kvsnprintf(stop.message, sizeof stop.message, format, arguments);
        waitq_wake_all(&stop.waitq);
    }
    spin_unlock(&process_lock);
    va_end(arguments);
}

static void await_ends(void)
{
    uint64_t limit = hal_time() + PATIENCE;
    while (process_end_all(false)) {
        if (hal_time() > limit) {
            process_end_all(true);
            return;
        }
        thread_sleep_until(hal_time() + PACE);
    }
}

_Noreturn void process_stop_when_asked(void)
{
    spin_lock(&process_lock);
    while (!stop.asked)
        (void)waitq_sleep(&stop.waitq, &process_lock, SLEEP_UNINTERRUPTIBLE);
    spin_unlock(&process_lock);
    await_ends();
    process_report_rest(true);
    int error = writeback_stop();
    if (error)
        kprintf("calf: not everything could be written to disk (error %d)\n",
                -error);
    console_flush();
    kprintf("%s", stop.message);
    console_flush();
    if (stop.restart)
        hal_restart();
    hal_power_off();
}
