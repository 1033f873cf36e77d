/*
 * Writing back. See writeback.h.
 */
#include "cache/writeback.h"
#include "cache/cache.h"
#include "lib/errno.h"
#include "mm/oom.h"
#include "sched/thread.h"
#include "sched/waitq.h"

#define SECOND 1000000000ul

/* A change is written when it is this old. */
#define AGE (5 * SECOND)

/* How often a writer that waits checks whether a round is over. */
#define PACE (SECOND / 100)

#define FILE_SYSTEMS 8

static struct writeback *systems[FILE_SYSTEMS]; /* I once boot is over */
static unsigned count;

static struct waitq asked;      /* the thread waits here */
static _Atomic uint64_t rounds; /* a: made by the thread */

static struct shrinker shrinker = {.scan = writeback_scan, .sleeps = true};

int writeback_add(struct writeback *writeback)
{
    if (count == FILE_SYSTEMS)
        return -ENOSPC;
    if (!count) {
        oom_add_shrinker(&shrinker);
        waitq_init(&asked);
    }
    systems[count++] = writeback;
    return 0;
}

/* With more dirty pages than this, all are written, whatever their age; with
 * more than twice as many, writers wait. */
static uint64_t bound(void)
{
    return page_total_count() / 16;
}

static bool is_any_dirty(void)
{
    for (unsigned i = 0; i < count; i++)
        if (systems[i]->ops->is_dirty(systems[i]))
            return true;
    return false;
}

int writeback_sync(bool stop)
{
    int result = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct writeback_ops *ops = systems[i]->ops;
        int error = (stop ? ops->stop : ops->sync)(systems[i]);
        if (!result)
            result = error;
    }
    return result;
}

/* Errors of the round are not returned here: a later sync returns them. */
int writeback_pace(void)
{
    uint64_t before = atomic_load(&rounds);
    if (cache_dirty_count() <= 2 * bound())
        return 0;
    waitq_wake_all(&asked);
    while (atomic_load(&rounds) == before)
        if (thread_sleep_until(hal_time() + PACE))
            return -EINTR;
    return 0;
}

uint64_t writeback_scan(uint64_t wanted)
{
    bool any = false;
    (void)wanted;
    for (unsigned i = 0; i < count; i++)
        any |= systems[i]->ops->shrink(systems[i]);
    /* Changed metadata counts, too: it is pinned until it is safe on the disk.
     */
    if (is_any_dirty())
        any |= writeback_sync(false) == 0;
    return any;
}

/* The file system reports errors of its disk itself, once. */
void writeback_run(void *)
{
    uint64_t clean = hal_time(); /* when nothing was dirty last */
    struct wait_set_entry entry;
    struct wait_set set = WAIT_SET(&entry, 1);
    bool is_asked = false; /* then do not wait for AGE */
    for (;;) {
        wait_set_join(&set, &asked);
        uint64_t now = hal_time();
        if (!is_any_dirty())
            clean = now;
        if (is_asked || now - clean >= AGE || cache_dirty_count() > bound()) {
            (void)writeback_sync(false);
            clean = now;
            atomic_fetch_add(&rounds, 1);
        }
        is_asked = !wait_set_sleep(&set, SLEEP_KILLABLE, now + SECOND);
        wait_set_leave(&set);
    }
}
