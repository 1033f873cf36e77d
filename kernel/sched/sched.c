/*
 * Which thread runs where.
 *
 * A thread is charged for the time that it runs. A hart takes the thread that
 * has used least: of its own queue; or of another's, if that one has used less
 * by more than a slice. It looks at other queues once in a slice, and when its
 * own is empty. So all threads get the same share, and threads seldom move.
 *
 * The credit of a thread is how much less it has used than the thread that has
 * used most. When it wakes, it keeps at most CREDIT. A new thread gets half of
 * its maker's credit. So neither sleeping nor forking leads to a larger share.
 *
 * If a thread is preempted, or woken on its way to sleep, it is put into a
 * queue only when its stack is no longer in use (finish_switch). So any hart
 * may run any thread that is in a queue. Whatever puts a thread into a queue
 * wakes an idle hart, if there is one.
 */
#include "lib/bits.h"
#include "lib/panic.h"
#include "sched/spinlock.h"
#include "sched/thread.h"

#define CREDIT (2 * SLICE_NS)
#define NOBODY UINT64_MAX

/* h: by its hart. */
struct run_queue {
    struct spinlock lock;
    struct heap_node *ready;  /* lock: struct thread by turn */
    _Atomic uint64_t least;   /* lock to change: the first one's; or NOBODY */
    _Atomic uint64_t running; /* h: what its thread had used; 0: idle */
    uint64_t since;           /* h: when its thread was charged last */
    uint64_t next_look;       /* h: when to look at other queues */
    struct thread *previous;  /* h: during a switch */
    struct thread *idle;      /* I */
};

static struct run_queue queues[] = {
    [0 ... HAL_MAX_HARTS - 1] = {.lock = SPINLOCK(LOCK_RUN_QUEUE),
                                 .least = NOBODY}};
static _Atomic uint64_t idle_harts;
/* What the thread that has used most has used, to about a millisecond. */
static _Atomic uint64_t most_used = CREDIT;

struct thread thread_boot = {
    .state = THREAD_RUNNING,
    .irq_depth = 1, /* boot runs with interrupts off until sched_start */
    .name = "idle",
};

static struct run_queue *my_queue(void)
{
    return &queues[hal_self()->hart];
}

static uint64_t load(_Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void store(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

/* ---- Queues -------------------------------------------------------------- */

static __attribute__((noinline)) void
queue_push(struct run_queue *queue, struct thread *thread, uint64_t used)
{
    thread->turn.key = used;
    spin_lock(&queue->lock);
    heap_push(&queue->ready, &thread->turn);
    store(&queue->least, queue->ready->key);
    spin_unlock(&queue->lock);
}

/* The first thread, which leaves the queue; NULL: the queue is empty. */
static struct thread *queue_pop(struct run_queue *queue)
{
    spin_lock(&queue->lock);
    struct heap_node *first = heap_pop(&queue->ready);
    store(&queue->least, queue->ready ? queue->ready->key : NOBODY);
    spin_unlock(&queue->lock);
    return first ? container_of(first, struct thread, turn) : NULL;
}

/* Take a thread that has used less than `limit` from another hart; or NULL. */
static __attribute__((noinline)) struct thread *steal(uint64_t limit)
{
    unsigned count = hal_hart_count(), self = hal_self()->hart;
    struct thread *thread = NULL;
    for (unsigned i = 1; i < count && !thread; i++) {
        struct run_queue *queue = &queues[(self + i) % count];
        if (load(&queue->least) < limit)
            thread = queue_pop(queue);
    }
    return thread;
}

/* Take a thread that has used less than `mine` out of a queue; or NULL. */
static inline struct thread *choose(struct run_queue *queue, uint64_t now,
                                    uint64_t mine)
{
    struct thread *next = NULL;
    uint64_t least = load(&queue->least);
    if (now >= queue->next_look) {
        queue->next_look = now + SLICE_NS;
        next = steal((least < mine ? least : mine) - SLICE_NS);
    }
    if (!next && least < mine)
        next = queue_pop(queue);
    if (!next && mine == NOBODY)
        next = steal(NOBODY);
    return next;
}

/* Charge the running thread until now. */
static inline uint64_t charge(struct run_queue *queue)
{
    uint64_t now = hal_time();
    uint64_t used = thread_current()->turn.key += now - queue->since;
    queue->since = now;
    if (used > load(&most_used) + SLICE_NS / 8)
        store(&most_used, used);
    return now;
}

/* ---- Waking harts -------------------------------------------------------- */

#ifdef DEBUG
/* A step changes which threads the queues hold, or which harts are idle. */
static _Atomic uint32_t steps_begun, steps_ended;
#define STEP_BEGINS() ((void)atomic_fetch_add(&steps_begun, 1))
#define STEP_ENDS()   ((void)atomic_fetch_add(&steps_ended, 1))

void sched_assert_told(void)
{
    struct run_queue *queue = my_queue();
    spin_lock(&queue->lock);
    uint32_t ended = atomic_load(&steps_ended);
    uint64_t idle = atomic_load(&idle_harts);
    bool wrong = queue->ready && idle;
    /* A hart that is not idle and runs no thread was woken just now. */
    for (unsigned i = 0; i < hal_hart_count(); i++)
        wrong &= (idle & BIT(i)) || atomic_load(&queues[i].running);
    /* If no step was under way, all this was true at one moment. */
    if (wrong && atomic_load(&steps_begun) == ended)
        panic("idle harts %lx have not been woken for a thread", idle);
    spin_unlock(&queue->lock);
}
#else
#define STEP_BEGINS()
#define STEP_ENDS()
#endif

/* A thread was put into `target`'s queue: wake that hart or, if it is busy,
 * another idle one. idle_harts is read only after the push, and an idle hart
 * sets its bit before it looks at the queues: so no wake-up is missed. */
static inline void wake_for(unsigned target)
{
    uint64_t idle;
    atomic_thread_fence(memory_order_seq_cst);
    while ((idle = load(&idle_harts))) {
        if (!(idle & BIT(target)))
            target = bit_lowest(idle);
        if (!(atomic_fetch_and(&idle_harts, ~BIT(target)) & BIT(target)))
            continue; /* Another thread has taken the bit meanwhile. */
        hal_hart_wake(target);
        return;
    }
}

/* Put a READY thread where it will run soonest: on its last hart, unless that
 * is busy and another is idle. If the thread that runs there has used much
 * more, its slice ends. */
static __attribute__((noinline)) void place(struct thread *thread)
{
    STEP_BEGINS();
    uint64_t idle = load(&idle_harts), used = load(&most_used) - CREDIT;
    if (used < thread->turn.key)
        used = thread->turn.key;
    unsigned target = thread->machine.hart;
    if (idle && !(idle & BIT(target)))
        target = bit_lowest(idle);
    queue_push(&queues[target], thread, used);
    wake_for(target);
    STEP_ENDS();
    if (used + SLICE_NS / 2 >= load(&queues[target].running))
        return;
    if (target != hal_self()->hart)
        hal_hart_wake(target);
    else
        __atomic_fetch_or(&hal_self()->work, HAL_WORK_RESCHEDULE,
                          __ATOMIC_RELAXED);
}

bool thread_wake(struct thread *thread)
{
    ASSERT(!hal_irq_enabled());
    uint32_t state = THREAD_ASLEEP;
    while (!atomic_compare_exchange_weak(&thread->state, &state, THREAD_READY))
        if (state != THREAD_ASLEEP && state != THREAD_SLEEPING)
            return false;
    if (state == THREAD_ASLEEP)
        place(thread);
    return true;
}

/* ---- Switching ----------------------------------------------------------- */

/* Called after a switch, when the previous thread's stack is no longer in use:
 * now others may run the thread or free it. */
static inline void finish_switch(void)
{
    struct thread *previous = my_queue()->previous;
    uint32_t state = THREAD_SLEEPING;
    if (atomic_compare_exchange_strong(&previous->state, &state, THREAD_ASLEEP))
        return;
    if (state == THREAD_READY)
        place(previous);
    else if (state == THREAD_DEAD)
        atomic_store(&previous->state, THREAD_GONE);
}

static void switch_to(struct run_queue *queue, struct thread *next,
                      uint64_t now)
{
    struct thread *self = thread_current();
    store(&queue->running, next->turn.key);
    queue->previous = self;
    atomic_store(&next->state, THREAD_RUNNING);
    clock_slice_start(next == queue->idle ? UINT64_MAX : now + SLICE_NS);
    hal_space_activate(next->space);
    hal_thread_switch(&self->machine, &next->machine);
    finish_switch();
}

void sched_switch(void)
{
    struct run_queue *queue = my_queue();
    ASSERT(!hal_irq_enabled());
    lockrank_assert_may_sleep();
    __atomic_fetch_and(&hal_self()->work, ~HAL_WORK_RESCHEDULE,
                       __ATOMIC_RELAXED);
    uint64_t now = charge(queue);
    struct thread *next = choose(queue, now, NOBODY);
    switch_to(queue, next ? next : queue->idle, now);
}

/* Switch if another thread has used less. Interrupts off. */
static void give_way(void)
{
    struct thread *self = thread_current();
    struct run_queue *queue = my_queue();
    lockrank_assert_may_sleep();
    uint64_t now = charge(queue);
    struct thread *next = choose(queue, now, self->turn.key);
    store(&queue->running, self->turn.key);
    if (!next)
        return;
    atomic_store(&self->state, THREAD_READY);
    switch_to(queue, next, now);
}

void thread_yield(void)
{
    irq_hold();
    uint64_t least = load(&my_queue()->least);
    struct heap_node *turn = &thread_current()->turn;
    if (least != NOBODY && turn->key <= least)
        turn->key = least + 1;
    give_way();
    irq_release();
}

/* A thread is not preempted between sleep_begin and its switch: interrupts are
 * held off there. */
void hal_upcall_preempt(void)
{
    struct hal_thread *self = hal_self();
    if (!(self->work & HAL_WORK_RESCHEDULE))
        return;
    __atomic_fetch_and(&self->work, ~HAL_WORK_RESCHEDULE, __ATOMIC_RELAXED);
    if (thread_current() == my_queue()->idle)
        return;
    irq_hold();
    give_way();
    irq_release();
}

/* ---- Threads ------------------------------------------------------------- */

static void thread_first_run(void *argument)
{
    struct thread *self = argument;
    finish_switch();
    irq_release();
    self->entry(self->argument);
    thread_end();
}

void thread_init(struct thread *thread, const char *name, void *stack,
                 void (*entry)(void *), void *argument)
{
    atomic_store(&thread->state, THREAD_NEW);
    list_init(&thread->timeout_link);
    thread->irq_depth = 1;
    thread->irq_was_on = true;
    thread->entry = entry;
    thread->argument = argument;
    thread->name = name;
    thread->machine.hart = hal_self()->hart;
    hal_thread_init(&thread->machine, stack, thread_first_run, thread);
}

void thread_run(struct thread *thread)
{
    struct heap_node *turn = &thread_current()->turn;
    irq_hold();
    charge(my_queue());
    uint64_t most = load(&most_used);
    if (turn->key < most)
        turn->key += (most - turn->key) / 2;
    thread->turn.key = turn->key;
    atomic_store(&thread->state, THREAD_READY);
    place(thread);
    irq_release();
}

_Noreturn void thread_end(void)
{
    irq_hold();
    atomic_store(&thread_current()->state, THREAD_DEAD);
    sched_switch();
    panic("a dead thread ran");
}

void thread_await_end(struct thread *thread)
{
    while (atomic_load_explicit(&thread->state, memory_order_acquire) !=
           THREAD_GONE)
        thread_yield();
}

/* Interrupts are off. hal_wait returns when one is pending; irq_release lets it
 * in. */
static _Noreturn void idle_loop(void *)
{
    struct run_queue *queue = my_queue();
    uint64_t bit = BIT(hal_self()->hart);
    for (;;) {
        STEP_BEGINS();
        atomic_fetch_or(&idle_harts, bit);
        atomic_thread_fence(memory_order_seq_cst);
        uint64_t now = hal_time();
        struct thread *next = choose(queue, now, NOBODY);
        /* This hart was woken, but found a thread by itself: wake another. */
        if (next && !(atomic_fetch_and(&idle_harts, ~bit) & bit))
            wake_for(hal_self()->hart);
        STEP_ENDS();
        if (next) {
            queue->since = now;
            switch_to(queue, next, now);
        } else {
            hal_wait();
            irq_release();
            irq_hold();
        }
    }
}

void sched_idle_thread(unsigned hart, struct thread *memory, void *stack)
{
    thread_init(memory, "idle", stack, NULL, NULL);
    hal_thread_init(&memory->machine, stack, idle_loop, NULL);
    atomic_store(&memory->state, THREAD_RUNNING);
    queues[hart].idle = memory;
}

_Noreturn void sched_start(void)
{
    my_queue()->idle = &thread_boot;
    thread_boot.irq_was_on = true;
    thread_boot.turn.key = 0; /* as for every idle thread */
    idle_loop(NULL);
}
