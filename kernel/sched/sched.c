/*
 * Which thread runs where.
 *
 * Each hart has a queue of ready threads, served in turn; a hart with an
 * empty queue takes from the longest other one, and with nothing anywhere it
 * runs its idle thread, which waits for an interrupt. A thread made ready goes
 * to an idle hart if there is one, by preference the one it ran on last, and
 * that hart is woken.
 *
 * A thread may be in a run queue while its hart has not yet left its stack
 * (it was woken on the way to sleep). `on_hart` says so, and nobody else picks
 * it until then.
 */
#include "lib/bits.h"
#include "lib/panic.h"
#include "sched/spinlock.h"
#include "sched/thread.h"

struct run_queue {
    struct spinlock lock;
    struct list ready;       /* lock: struct thread by run_link */
    _Atomic uint32_t length; /* lock to change */
    struct thread *previous; /* by its hart, during a switch */
    struct thread *idle;     /* I */
};

static struct run_queue queues[HAL_MAX_HARTS];
static _Atomic uint64_t idle_harts;

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

static void queue_push(struct run_queue *queue, struct thread *thread)
{
    spin_lock(&queue->lock);
    list_push_back(&queue->ready, &thread->run_link);
    queue->length++;
    spin_unlock(&queue->lock);
}

/* A thread whose stack is still in use by another hart stays: two harts that
 * each waited for the other's thread would wait for ever. Its own hart leaves
 * it in a moment, and whoever owns the queue looks again. */
static bool may_run_here(struct thread *thread)
{
    return thread == thread_current() ||
           !atomic_load_explicit(&thread->on_hart, memory_order_acquire);
}

static struct thread *queue_pop(struct run_queue *queue)
{
    struct thread *thread;
    if (!queue->length)
        return NULL;
    spin_lock(&queue->lock);
    list_for_each_safe(thread, &queue->ready, run_link)
        if (may_run_here(thread)) {
            list_remove(&thread->run_link);
            queue->length--;
            spin_unlock(&queue->lock);
            return thread;
        }
    spin_unlock(&queue->lock);
    return NULL;
}

static struct thread *steal(void)
{
    unsigned count = hal_hart_count(), self = hal_self()->hart;
    struct run_queue *longest = NULL;
    for (unsigned i = 1; i < count; i++) {
        struct run_queue *queue = &queues[(self + i) % count];
        if (queue->length && (!longest || queue->length > longest->length))
            longest = queue;
    }
    return longest ? queue_pop(longest) : NULL;
}

/* There is work in `target`'s queue: have it done, by another idle hart if
 * that one is busy. The push came before, the look at the set comes after: an
 * idle hart sets its bit and then looks at the queues. Only who clears the bit
 * sends the interrupt. */
static void wake_for(unsigned target)
{
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t idle = atomic_load(&idle_harts);
    if (!idle)
        return;
    if (!(idle & BIT(target)))
        target = bit_lowest(idle);
    if (atomic_fetch_and(&idle_harts, ~BIT(target)) & BIT(target))
        hal_hart_wake(target);
}

/* Put a READY thread where it will run soonest. */
static void place(struct thread *thread)
{
    unsigned target = thread->machine.hart;
    uint64_t idle = atomic_load(&idle_harts);
    if (idle && !(idle & BIT(target)))
        target = bit_lowest(idle);
    queue_push(&queues[target], thread);
    wake_for(target);
}

bool thread_wake(struct thread *thread)
{
    uint32_t asleep = THREAD_SLEEPING;
    if (!atomic_compare_exchange_strong(&thread->state, &asleep, THREAD_READY))
        return false;
    place(thread);
    return true;
}

/* What is left to do once the previous thread's stack is no longer in use. */
static void finish_switch(void)
{
    struct run_queue *queue = my_queue();
    atomic_store_explicit(&queue->previous->on_hart, false,
                          memory_order_release);
}

void sched_switch(void)
{
    struct thread *self = thread_current();
    struct run_queue *queue = my_queue();
    ASSERT(!hal_irq_enabled());
    lockrank_assert_may_sleep();
    __atomic_fetch_and(&self->machine.work, ~HAL_WORK_RESCHEDULE,
                       __ATOMIC_RELAXED);
    struct thread *next = queue_pop(queue);
    if (!next)
        next = steal();
    if (!next)
        next = queue->idle;
    if (next == self) {
        atomic_store(&self->state, THREAD_RUNNING);
        return;
    }
    atomic_store(&next->on_hart, true);
    atomic_store(&next->state, THREAD_RUNNING);
    queue->previous = self;
    clock_slice_start(next == queue->idle);
    hal_space_activate(next->space);
    hal_thread_switch(&self->machine, &next->machine);
    finish_switch();
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
    list_init(&thread->run_link);
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
    atomic_store(&thread->state, THREAD_READY);
    place(thread);
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

void thread_yield(void)
{
    struct thread *self = thread_current();
    irq_hold();
    atomic_store(&self->state, THREAD_READY);
    queue_push(my_queue(), self);
    sched_switch();
    irq_release();
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
        thread_yield();
}

void sched_user_return(void)
{
    irq_hold();
    hal_upcall_preempt();
    irq_release();
}

static _Noreturn void idle_loop(void *unused)
{
    (void)unused;
    struct run_queue *queue = my_queue();
    uint64_t bit = BIT(hal_self()->hart);
    for (;;) {
        /* Interrupts are off; hal_wait returns for one that is pending, and
         * it is taken between the two calls below. */
        atomic_fetch_or(&idle_harts, bit);
        atomic_thread_fence(memory_order_seq_cst);
        struct thread *next = queue->length ? NULL : steal();
        if (next)
            queue_push(queue, next);
        if (!queue->length)
            hal_wait();
        irq_release();
        irq_hold();
        atomic_fetch_and(&idle_harts, ~bit);
        if (queue->length)
            sched_switch();
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
        list_init(&queues[i].ready);
    }
    list_init(&thread_boot.run_link);
    list_init(&thread_boot.timeout_link);
    queues[0].idle = &thread_boot;
}

_Noreturn void sched_start(void)
{
    thread_boot.irq_was_on = true;
    idle_loop(NULL);
}
