/*
 * How the system stops. A kernel thread, which belongs to no process, stops it.
 * So all processes end first, even the one that asked, and give back what they
 * have.
 */
#include "cache/writeback.h"
#include "dev/console.h"
#include "lib/printf.h"
#include "proc/process.h"

#define PATIENCE 10000000000ul /* nanoseconds */
#define PACE     10000000ul

static struct {
    struct waitq waitq;
    const char *what; /* process_lock; like the rest, stays once it is set */
    int64_t status;
    bool restart;
} stop = {.waitq = {.lock = SPINLOCK(LOCK_WAITQ),
                    .waiters = {&stop.waitq.waiters, &stop.waitq.waiters}}};

void process_ask_stop(const char *what, int64_t status, bool restart)
{
    spin_lock(&process_lock);
    if (!stop.what) {
        stop.what = what;
        stop.status = status;
        stop.restart = restart;
        waitq_wake_all(&stop.waitq);
    }
    spin_unlock(&process_lock);
}

_Noreturn void process_stop_when_asked(void)
{
    spin_lock(&process_lock);
    while (!stop.what)
        (void)waitq_sleep(&stop.waitq, &process_lock, SLEEP_UNINTERRUPTIBLE);
    spin_unlock(&process_lock);
    uint64_t limit = hal_time() + PATIENCE;
    while (process_end_all(hal_time() >= limit) && hal_time() < limit)
        thread_sleep_until(hal_time() + PACE);
    process_report_rest(true);
    int error = writeback_sync(true);
    if (error)
        kprintf("calf: not everything could be written to disk (error %d)\n",
                -error);
    console_flush();
    kprintf("calf: %s, status %ld\n", stop.what, stop.status);
    console_flush();
    hal_power_off(stop.restart);
}
