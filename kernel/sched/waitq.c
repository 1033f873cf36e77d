/*
 * Sleeping and waking. See waitq.h for the rules.
 *
 * A thread first says that it sleeps, then joins the queue, and only then
 * releases the caller's lock. From the first step on a waker may make it ready
 * again; then finish_switch puts it into a run queue once it is off its stack.
 * A kill, a signal, a time-out and a waker may come at the same time: only one
 * of them changes SLEEPING to READY, and that one has woken the thread.
 */
#include "sched/waitq.h"
#include "lib/errno.h"
#include "sched/mutex.h"
#include "sched/thread.h"

void waitq_init(struct waitq *queue)
{
    spin_init(&queue->lock, LOCK_WAITQ);
    list_init(&queue->waiters);
    atomic_store(&queue->waiting, 0);
}

/* ---- The steps of a sleep ------------------------------------------------ */

void sleep_begin(enum sleep kind)
{
    struct thread *self = thread_current();
    atomic_store_explicit(&self->sleep, kind, memory_order_relaxed);
    atomic_store(&self->state, THREAD_SLEEPING);
}

bool sleep_interrupted(enum sleep kind)
{
    return __atomic_load_n(&hal_self()->work, __ATOMIC_SEQ_CST) & kind;
}

void waitq_join(struct waitq *queue, struct waiter *waiter,
                bool (*wake)(struct waiter *waiter))
{
    waiter->queue = queue;
    waiter->thread = thread_current();
    waiter->wake = wake;
    spin_lock(&queue->lock);
    list_push_back(&queue->waiters, &waiter->link);
    atomic_fetch_add(&queue->waiting, 1);
    spin_unlock(&queue->lock);
}

static void take_off(struct waiter *waiter)
{
    list_remove(&waiter->link);
    atomic_fetch_sub(&waiter->queue->waiting, 1);
}

void waitq_leave(struct waiter *waiter)
{
    struct waitq *queue = waiter->queue;
    spin_lock(&queue->lock);
    if (list_is_linked(&waiter->link))
        take_off(waiter);
    spin_unlock(&queue->lock);
}

/* ---- One queue ----------------------------------------------------------- */

static bool wake_sleeper(struct waiter *waiter)
{
    take_off(waiter);
    return thread_wake(waiter->thread);
}

static inline void begin(struct waitq *queue, struct waiter *waiter,
                         enum sleep kind)
{
    irq_hold();
    sleep_begin(kind);
    waitq_join(queue, waiter, wake_sleeper);
}

static inline int finish(struct waiter *waiter, enum sleep kind)
{
    if (!sleep_interrupted(kind))
        sched_switch();
    sched_stay_awake();
    waitq_leave(waiter);
    irq_release();
    return sleep_interrupted(kind) ? -EINTR : 0;
}

int waitq_sleep(struct waitq *queue, struct spinlock *lock, enum sleep kind)
{
    struct waiter waiter;
    begin(queue, &waiter, kind);
    spin_unlock(lock);
    lockrank_assert_may_sleep();
    int result = finish(&waiter, kind);
    spin_lock(lock);
    return result;
}

int waitq_sleep_mutex(struct waitq *queue, struct mutex *lock, enum sleep kind)
{
    struct waiter waiter;
    begin(queue, &waiter, kind);
    mutex_unlock(lock);
    int result = finish(&waiter, kind);
    mutex_lock(lock);
    return result;
}

/* ---- Many queues --------------------------------------------------------- */

static bool wake_set(struct waiter *waiter)
{
    struct wait_set *set =
        container_of(waiter, struct wait_set_entry, waiter)->set;
    atomic_store(&set->woken, true);
    return wake_sleeper(waiter);
}

void wait_set_join(struct wait_set *set, struct waitq *queue)
{
    if (!set)
        return;
    struct wait_set_entry *entry = &set->entries[set->count++];
    ASSERT(set->count <= set->room);
    entry->set = set;
    waitq_join(queue, &entry->waiter, wake_set);
}

/* Say that the thread sleeps, then look whether it should. */
static bool may_wait(const struct wait_set *set, enum sleep kind,
                     uint64_t deadline)
{
    sleep_begin(kind);
    return !atomic_load(&set->woken) && !sleep_interrupted(kind) &&
           hal_time() < deadline;
}

int wait_set_sleep(struct wait_set *set, enum sleep kind, uint64_t deadline)
{
    struct thread *self = thread_current();
    irq_hold();
    while (may_wait(set, kind, deadline)) {
        if (deadline != NO_DEADLINE)
            clock_add(self, deadline);
        sched_switch();
        clock_remove(self);
    }
    sched_stay_awake();
    irq_release();
    if (atomic_load(&set->woken))
        return 0;
    return sleep_interrupted(kind) ? -EINTR : -ETIMEDOUT;
}

void wait_set_leave(struct wait_set *set)
{
    while (set->count)
        waitq_leave(&set->entries[--set->count].waiter);
    atomic_store(&set->woken, false);
}

int thread_sleep_until(uint64_t deadline)
{
    struct wait_set none = WAIT_SET(NULL, 0);
    int result = wait_set_sleep(&none, SLEEP_INTERRUPTIBLE, deadline);
    return result == -ETIMEDOUT ? 0 : result;
}

/* ---- What ends a sleep --------------------------------------------------- */

static bool wake(struct waitq *queue, bool all)
{
    struct waiter *waiter;
    bool any = false;
    if (!atomic_load(&queue->waiting))
        return false;
    spin_lock(&queue->lock);
    list_for_each_safe(waiter, &queue->waiters, link) {
        any |= waiter->wake(waiter);
        if (any && !all)
            break;
    }
    spin_unlock(&queue->lock);
    return any;
}

bool waitq_wake_one(struct waitq *queue)
{
    return wake(queue, false);
}

void waitq_wake_all(struct waitq *queue)
{
    wake(queue, true);
}

/* First the mark is set, then the state is read; a sleeper first says that it
 * sleeps, then reads the marks. So no mark is missed. */
static void interrupt(struct thread *thread, uint32_t mark)
{
    irq_hold();
    __atomic_fetch_or(&thread->machine.work, mark, __ATOMIC_SEQ_CST);
    uint32_t state = atomic_load(&thread->state);
    bool woken = atomic_load(&thread->sleep) & mark && thread_wake(thread);
    if (!woken && state == THREAD_RUNNING && thread != thread_current())
        hal_hart_wake(__atomic_load_n(&thread->machine.hart, __ATOMIC_RELAXED));
    irq_release();
}

void thread_kill(struct thread *thread)
{
    interrupt(thread, HAL_WORK_KILLED);
}

void thread_signal(struct thread *thread)
{
    interrupt(thread, HAL_WORK_SIGNAL);
}
