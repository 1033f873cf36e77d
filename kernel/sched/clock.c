/*
 * Time-outs and slices.
 *
 * Each hart keeps the threads that went to sleep on it in a list ordered by
 * deadline. Its timer goes off at the first deadline or at the end of the
 * running thread's slice, whichever comes first; or earlier. Most slices end
 * early, by a sleep. Then the timer is left as it is: it goes off in a later
 * slice, and is armed anew at that moment. To arm it at every switch would cost
 * more than the switch.
 */
#include "sched/thread.h"
#include "sched/realtime.h"
#include "sched/spinlock.h"

struct clock {
    struct spinlock lock;
    struct list sleepers; /* lock: struct thread by timeout_link */
    uint64_t slice_end;   /* by its hart */
    uint64_t armed;       /* by its hart: when the timer goes off */
};

static struct clock clocks[HAL_MAX_HARTS];

int64_t realtime_start;

void clock_init(void)
{
    for (unsigned i = 0; i < HAL_MAX_HARTS; i++) {
        spin_init(&clocks[i].lock, LOCK_TIMEOUT);
        list_init(&clocks[i].sleepers);
        clocks[i].slice_end = clocks[i].armed = UINT64_MAX;
    }
}

/* The sleeper that is due first, or NULL. Lock held. */
static struct thread *first_sleeper(const struct clock *clock)
{
    struct list *link = list_first(&clock->sleepers);
    return link ? list_entry(link, struct thread, timeout_link) : NULL;
}

/* Arm the timer, if it must go off sooner. Lock held; on the clock's hart. */
static void arm(struct clock *clock)
{
    uint64_t next = clock->slice_end;
    const struct thread *first = first_sleeper(clock);
    if (first && first->deadline < next)
        next = first->deadline;
    if (next >= clock->armed)
        return;
    clock->armed = next;
    hal_timer_arm(next);
}

void clock_add(struct thread *self, uint64_t deadline)
{
    unsigned hart = hal_self()->hart;
    struct clock *clock = &clocks[hart];
    spin_lock(&clock->lock);
    self->deadline = deadline;
    self->timeout_hart = hart;
    struct list *at = clock->sleepers.next;
    while (at != &clock->sleepers &&
           list_entry(at, struct thread, timeout_link)->deadline <= deadline)
        at = at->next;
    list_insert_before(at, &self->timeout_link);
    arm(clock);
    spin_unlock(&clock->lock);
}

void clock_remove(struct thread *self)
{
    struct clock *clock = &clocks[self->timeout_hart];
    spin_lock(&clock->lock);
    list_remove(&self->timeout_link);
    spin_unlock(&clock->lock);
}

static __attribute__((noinline)) void arm_sooner(struct clock *clock)
{
    spin_lock(&clock->lock);
    arm(clock);
    spin_unlock(&clock->lock);
}

void clock_slice_start(uint64_t end)
{
    struct clock *clock = &clocks[hal_self()->hart];
    clock->slice_end = end;
    if (end < clock->armed)
        arm_sooner(clock);
}

void hal_upcall_tick(void)
{
    struct clock *clock = &clocks[hal_self()->hart];
    uint64_t now = hal_time();
    spin_lock(&clock->lock);
    clock->armed = UINT64_MAX;
    struct thread *thread;
    while ((thread = first_sleeper(clock)) && thread->deadline <= now) {
        list_remove(&thread->timeout_link);
        thread_wake(thread);
    }
    if (now >= clock->slice_end) {
        __atomic_fetch_or(&hal_self()->work, HAL_WORK_RESCHEDULE,
                          __ATOMIC_RELAXED);
        clock->slice_end = now + SLICE_NS;
    }
    arm(clock);
    spin_unlock(&clock->lock);
#ifdef DEBUG
    sched_assert_told();
#endif
}
