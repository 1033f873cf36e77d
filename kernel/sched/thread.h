/*
 * Threads and the scheduler: what runs on a hart.
 *
 * A thread is always in one place: on a hart, in one run queue, or asleep.
 * Its owner gives it its memory and stack, and takes them back when it is
 * dead and off its hart. This layer knows nothing of processes.
 */
#ifndef SCHED_THREAD_H
#define SCHED_THREAD_H

#include "arch/hal.h"
#include "lib/heap.h"
#include "lib/list.h"

/* Nanoseconds of a time slice. */
#define SLICE_NS 10000000ul

enum thread_state {
    THREAD_NEW,      /* not yet started */
    THREAD_READY,    /* in a run queue, or its stack is still in use */
    THREAD_RUNNING,  /* on a hart */
    THREAD_SLEEPING, /* waiting to be woken, its stack still in use */
    THREAD_ASLEEP,   /* the same, off its stack */
    THREAD_DEAD,     /* will not run again, its stack still in use */
    THREAD_GONE      /* the same, off its stack */
};

/* See hurry.h. */
struct thread_note {
    int (*await)(void *of, uint64_t detail);
    void *of;
    uint64_t detail;
};

/* Letters: a atomic; s by the thread itself; t timeout lock; I set once. */
struct thread {
    struct hal_thread machine; /* first: hal_self() is also the thread */
    _Atomic uint32_t state;    /* a: enum thread_state */
    _Atomic uint8_t sleep;     /* a: enum sleep: what ends its present sleep */
    uint8_t timeout_hart;      /* s: whose list holds timeout_link */
    struct heap_node turn;     /* lock of its queue; .key: time it has used,
                                * written by itself or its waker */
    struct list timeout_link;  /* t */
    uint64_t deadline;         /* t */
    uint32_t irq_depth;        /* s: calls of irq_hold not yet released */
    bool irq_was_on;           /* s: before the first of these calls */
    bool gave_up;              /* s: see oom_retry */
    bool made_room;            /* s: see ext2_no_room */
    uint8_t restarts;          /* s: see hurry.h */
    uint8_t hurried;           /* s: see hurry.h */
    struct thread_note noted;  /* s: likewise */
    uint32_t fail_after;       /* s: see page_fail_after */
    struct hal_space *space;   /* s: what to translate by; NULL: kernel */
    void (*entry)(void *);     /* I */
    void *argument;            /* I */
    void *owner;               /* I: its process, or NULL */
    uint32_t owner_id;         /* I: the process's number, for reports */
    const char *name;          /* I: belongs to its owner */
#ifdef DEBUG
    uint8_t ranks[32]; /* s: of the locks held, in any order */
    uint8_t rank_count;
#endif
};

/* Runs on the boot hart; later its idle thread. */
extern struct thread thread_boot;

static inline struct thread *thread_current(void)
{
    return (struct thread *)hal_self();
}

/* Prepare `thread` (zeroed) to run entry(argument). `stack` is the low end of
 * its stack, HAL_STACK_PAGES long. `name` stays valid as long as the thread. */
void thread_init(struct thread *thread, const char *name, void *stack,
                 void (*entry)(void *), void *argument);

/* Let a new thread run. */
void thread_run(struct thread *thread);

/* thread_end ends the running thread. thread_await_end waits until `thread` has
 * ended; then its owner may free its memory. */
_Noreturn void thread_end(void);
void thread_await_end(struct thread *thread);

/* Let the first thread in this hart's queue run, whatever it has used. */
void thread_yield(void);

/* Sleep until hal_time() reaches `deadline`. 0; or -EINTR when a kill or a
 * signal has ended the sleep (waitq.c). */
int thread_sleep_until(uint64_t deadline);

/* thread_kill marks the thread as killed: a killable or interruptible sleep
 * ends now, and the thread ends on its way out of the kernel. thread_signal
 * marks that the thread has a signal: an interruptible sleep ends now. The
 * caller keeps the thread from being freed (waitq.c). */
void thread_kill(struct thread *thread);
void thread_signal(struct thread *thread);

static inline bool thread_killed(const struct thread *thread)
{
    return __atomic_load_n(&thread->machine.work, __ATOMIC_SEQ_CST) &
           HAL_WORK_KILLED;
}

/* Make a sleeping thread ready. False: it was not asleep. Interrupts are off,
 * so the caller is not preempted before it has woken a hart for it. */
bool thread_wake(struct thread *thread);

/* Give the hart to another thread; returns when this thread runs again. The
 * caller has set its own state, and holds interrupts off. */
void sched_switch(void);

/* clock_add: wake `self`, the running thread, when hal_time() reaches
 * `deadline`. clock_remove: cancel that, if it was set (clock.c). */
void clock_add(struct thread *self, uint64_t deadline);
void clock_remove(struct thread *self);
/* A slice starts on this hart, and ends at `end`. UINT64_MAX: it has no end, as
 * for the idle thread. */
void clock_slice_start(uint64_t end);

/* At boot, before a thread sleeps. */
void clock_init(void);

/* The boot hart begins to schedule; the boot thread becomes its idle thread
 * and this does not return. */
_Noreturn void sched_start(void);

/* Prepare `memory` as `hart`'s idle thread on `stack`, for hal_hart_start. */
void sched_idle_thread(unsigned hart, struct thread *memory, void *stack);

/* After sleep_begin, whether or not the thread has slept, and whether or not it
 * has been woken: it is RUNNING again. Interrupts are held off. */
static inline void sched_stay_awake(void)
{
    atomic_store(&thread_current()->state, THREAD_RUNNING);
}

#ifdef DEBUG
/* Panics if a thread waits in this hart's queue, a hart is idle, and no hart
 * has been woken for the thread. Called by the tick. */
void sched_assert_told(void);
#endif

#endif
