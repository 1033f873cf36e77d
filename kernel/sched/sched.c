/*
 * Which thread runs where.
 *
 * A thread is charged for the time that it runs, and a hart always takes the
 * one that has used least: of its own queue, or, if that is more than a slice
 * less, of another's. It looks at the others once in a slice, and when its own
 * queue is empty. So all get the same, wherever they are, and stay where they
 * are as long as they do.
 *
 * A thread that wakes has at most CREDIT in hand: it counts as having used so
 * much less than the one that has used most. A new thread and its maker share
 * what the maker has in hand. Neither sleeping nor forking is a way to more.
 *
 * A thread that others may take, in whatever queue, has woken an idle hart, if
 * there was one. A hart tells its stack's last thread apart from these: it may
 * be in a queue (it was woken on the way to sleep, or gives way to others)
 * while its stack is still in use, and `on_hart` says so. It waits in the
 * queue of that hart, nobody else takes it, and the hart tells an idle one
 * when it is off the stack.
 */
#include "lib/bits.h"
#include "lib/panic.h"
#include "sched/spinlock.h"
#include "sched/thread.h"

#define CREDIT (3 * SLICE_NS)
#define NOBODY UINT64_MAX

struct run_queue {
    struct spinlock lock;
    struct heap_node *ready;  /* lock: struct thread by turn */
    _Atomic uint64_t least;   /* lock to change: the first one's; or NOBODY */
    _Atomic uint64_t running; /* h: what its thread had used; 0: idle */
    uint64_t since;           /* h: when it had */
    uint64_t next_look;       /* h: when to look at the others */
    struct thread *previous;  /* h: during a switch */
    struct thread *idle;      /* I */
};

static struct run_queue queues[HAL_MAX_HARTS];
static _Atomic uint64_t idle_harts;
/* What that thread has used which has used most, as good as. */
static _Atomic uint64_t most_used = CREDIT;

struct thread thread_boot = {
    .state = THREAD_RUNNING,
    .on_hart = true,
    .irq_depth = 1, /* boot runs with interrupts off until sched_start */
    .name = "idle",
};

static struct run_queue *my_queue(void)
{
    return &queues[hal_self()->hart];
}

/* ---- Queues -------------------------------------------------------------- */

static uint64_t load(_Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void store(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

static struct thread *of_turn(struct heap_node *turn)
{
    return turn ? container_of(turn, struct thread, turn) : NULL;
}

static bool stack_in_use(struct thread *thread)
{
    return atomic_load_explicit(&thread->on_hart, memory_order_acquire);
}

static bool may_run_here(struct thread *thread)
{
    return thread == thread_current() || !stack_in_use(thread);
}

static void publish_least(struct run_queue *queue)
{
    store(&queue->least, queue->ready ? queue->ready->key : NOBODY);
}

static void queue_push(struct run_queue *queue, struct thread *thread,
                       uint64_t used)
{
    spin_lock(&queue->lock);
    heap_push(&queue->ready, &thread->turn, used);
    publish_least(queue);
    spin_unlock(&queue->lock);
}

/* The first one's hart is on the way off its stack: take the next. At most one
 * in a queue is such a thread. */
static __attribute__((noinline)) struct heap_node *
pop_second(struct heap_node **ready, struct heap_node *leaving)
{
    struct heap_node *turn = heap_pop(ready);
    heap_push(ready, leaving, leaving->key);
    return turn;
}

/* The first that may run here. */
static struct thread *queue_pop(struct run_queue *queue)
{
    spin_lock(&queue->lock);
    struct heap_node *turn = heap_pop(&queue->ready);
    if (turn && !may_run_here(of_turn(turn)))
        turn = pop_second(&queue->ready, turn);
    publish_least(queue);
    spin_unlock(&queue->lock);
    return of_turn(turn);
}

/* From another hart, one that has used less than `limit`. */
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

/* Which thread this hart runs next; NULL: none. */
static inline struct thread *choose(struct run_queue *queue, uint64_t now)
{
    struct thread *next = NULL;
    if (now >= queue->next_look) {
        queue->next_look = now + SLICE_NS;
        next = steal(load(&queue->least) - SLICE_NS);
    }
    if (!next && load(&queue->least) != NOBODY)
        next = queue_pop(queue);
    return next ? next : steal(NOBODY);
}

/* ---- Time used ----------------------------------------------------------- */

/* Charge the running thread until now. */
static inline uint64_t charge(struct run_queue *queue, struct thread *self)
{
    uint64_t now = hal_time();
    uint64_t used = load(&self->used) + now - queue->since;
    queue->since = now;
    store(&self->used, used);
    /* Not for every little: the others would have to read it anew. */
    if (used > load(&most_used) + SLICE_NS / 8)
        store(&most_used, used);
    return now;
}

/* ---- Waking harts -------------------------------------------------------- */

#ifdef DEBUG
/* Of steps by which a thread can be taken, or by which a hart becomes idle. */
static _Atomic uint32_t steps_begun, steps_ended;

static void step_begins(void)
{
    atomic_fetch_add(&steps_begun, 1);
}

static void step_ends(void)
{
    atomic_fetch_add(&steps_ended, 1);
}

/* Neither idle nor with a thread: it has been woken and not looked yet. */
static bool a_hart_is_coming(uint64_t idle)
{
    for (unsigned i = 0; i < hal_hart_count(); i++)
        if (!(idle & BIT(i)) && !atomic_load(&queues[i].running))
            return true;
    return false;
}

void sched_assert_told(void)
{
    struct run_queue *queue = my_queue();
    spin_lock(&queue->lock);
    uint32_t ended = atomic_load(&steps_ended);
    uint64_t idle = atomic_load(&idle_harts);
    bool wrong = queue->ready && idle && !a_hart_is_coming(idle);
    /* So what was seen was so at one time, and it was no step on the way. */
    bool at_rest = atomic_load(&steps_begun) == ended;
    spin_unlock(&queue->lock);
    if (wrong && at_rest)
        panic("a thread waits for hart %u, and none of the idle harts %lx was "
              "told",
              hal_self()->hart, idle);
}
#else
static inline void step_begins(void)
{
}

static inline void step_ends(void)
{
}
#endif

/* Only who clears the bit sends the interrupt. */
static __attribute__((noinline)) void wake_one(uint64_t idle, unsigned target)
{
    if (!(idle & BIT(target)))
        target = bit_lowest(idle);
    if (atomic_fetch_and(&idle_harts, ~BIT(target)) & BIT(target))
        hal_hart_wake(target);
}

/* There is work in `target`'s queue since a moment ago: have it done, by
 * another idle hart if that one is busy. The work came before, the look at the
 * set comes after: an idle hart sets its bit and then looks at the queues. */
static inline void wake_for(unsigned target)
{
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t idle = load(&idle_harts);
    if (idle)
        wake_one(idle, target);
}

static __attribute__((noinline)) void end_slice(unsigned hart)
{
    if (hart != hal_self()->hart)
        hal_hart_wake(hart);
    else
        __atomic_fetch_or(&hal_self()->work, HAL_WORK_RESCHEDULE,
                          __ATOMIC_RELAXED);
}

/* Put a READY thread where it will run soonest. If it has used much less than
 * the one that runs there, that one's slice ends. */
static inline void place(struct thread *thread, uint64_t used)
{
    ASSERT(!hal_irq_enabled());
    step_begins();
    unsigned target = thread->machine.hart;
    uint64_t idle = load(&idle_harts);
    if (idle && !(idle & BIT(target)) && !stack_in_use(thread))
        target = bit_lowest(idle);
    queue_push(&queues[target], thread, used);
    wake_for(target);
    step_ends();
    if (used + SLICE_NS / 2 < load(&queues[target].running))
        end_slice(target);
}

bool thread_wake(struct thread *thread)
{
    uint32_t asleep = THREAD_SLEEPING;
    if (!atomic_compare_exchange_strong(&thread->state, &asleep, THREAD_READY))
        return false;
    uint64_t used = load(&thread->used), least = load(&most_used) - CREDIT;
    place(thread, used > least ? used : least);
    return true;
}

/* ---- Switching ----------------------------------------------------------- */

/* What is left to do once the previous thread's stack is no longer in use: if
 * it, or another, is in the queue, it can be taken from now on. */
static inline void finish_switch(void)
{
    unsigned hart = hal_self()->hart;
    step_begins();
    atomic_store_explicit(&queues[hart].previous->on_hart, false,
                          memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t idle = load(&idle_harts);
    if (idle && load(&queues[hart].least) != NOBODY)
        wake_one(idle, hart);
    step_ends();
}

static inline void switch_to(struct run_queue *queue, struct thread *next,
                             uint64_t now)
{
    struct thread *self = thread_current();
    if (load(&next->used) < next->turn.key)
        store(&next->used, next->turn.key);
    store(&queue->running, load(&next->used));
    atomic_store(&next->state, THREAD_RUNNING);
    if (next == self)
        return;
    atomic_store_explicit(&next->on_hart, true, memory_order_relaxed);
    queue->previous = self;
    clock_slice_start(now, next == queue->idle);
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
    uint64_t now = charge(queue, thread_current());
    struct thread *next = choose(queue, now);
    switch_to(queue, next ? next : queue->idle, now);
}

void sched_stay_awake(void)
{
    uint32_t asleep = THREAD_SLEEPING;
    /* READY: it is in some run queue, and goes on when its turn comes. */
    if (!atomic_compare_exchange_strong(&thread_current()->state, &asleep,
                                        THREAD_RUNNING) &&
        asleep == THREAD_READY)
        sched_switch();
}

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

/* What the running thread may say that it has used, and its new one as well:
 * they halve what it has in hand. */
static uint64_t share_credit(void)
{
    struct thread *self = thread_current();
    struct run_queue *queue = my_queue();
    uint64_t most = load(&most_used);
    if (self == queue->idle)
        return most;
    charge(queue, self);
    uint64_t used = load(&self->used);
    if (used < most)
        store(&self->used, used += (most - used) / 2);
    return used;
}

void thread_run(struct thread *thread)
{
    irq_hold();
    atomic_store(&thread->state, THREAD_READY);
    place(thread, share_credit());
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
               THREAD_DEAD ||
           atomic_load_explicit(&thread->on_hart, memory_order_acquire))
        thread_yield();
}

/* Into the queue with the running thread, and on with whoever is first. */
static void give_way(bool politely)
{
    struct thread *self = thread_current();
    irq_hold();
    struct run_queue *queue = my_queue();
    charge(queue, self);
    uint64_t used = load(&self->used), least = load(&queue->least);
    if (politely && least != NOBODY && used <= least)
        used = least + 1;
    atomic_store(&self->state, THREAD_READY);
    queue_push(queue, self, used);
    sched_switch();
    irq_release();
}

void thread_yield(void)
{
    give_way(true);
}

/* Preempted while asleep in name only (between joining a queue and the
 * switch) cannot be: interrupts are held off there. */
void hal_upcall_preempt(void)
{
    struct thread *self = thread_current();
    if (!(self->machine.work & HAL_WORK_RESCHEDULE))
        return;
    __atomic_fetch_and(&self->machine.work, ~HAL_WORK_RESCHEDULE,
                       __ATOMIC_RELAXED);
    if (self != my_queue()->idle)
        give_way(false);
}

void sched_user_return(void)
{
    irq_hold();
    hal_upcall_preempt();
    irq_release();
}

/* Interrupts are off; hal_wait returns for one that is pending, and it is taken
 * when they are let in. */
static _Noreturn void idle_loop(void *unused)
{
    (void)unused;
    struct run_queue *queue = my_queue();
    uint64_t bit = BIT(hal_self()->hart);
    for (;;) {
        step_begins();
        atomic_fetch_or(&idle_harts, bit);
        atomic_thread_fence(memory_order_seq_cst);
        uint64_t now = hal_time();
        struct thread *next = choose(queue, now);
        /* Told of work when it has found some: another is told instead. */
        if (next && !(atomic_fetch_and(&idle_harts, ~bit) & bit))
            wake_for(hal_self()->hart);
        step_ends();
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
    atomic_store(&memory->on_hart, true);
    queues[hart].idle = memory;
}

void sched_init(void)
{
    for (unsigned i = 0; i < HAL_MAX_HARTS; i++) {
        spin_init(&queues[i].lock, LOCK_RUN_QUEUE);
        atomic_init(&queues[i].least, NOBODY);
    }
    list_init(&thread_boot.timeout_link);
    queues[0].idle = &thread_boot;
}

_Noreturn void sched_start(void)
{
    thread_boot.irq_was_on = true;
    idle_loop(NULL);
}
