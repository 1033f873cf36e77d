/*
 * Threads on harts. The state of a thread changes as in kernel/sched/sched.c,
 * by atomic instructions; who waits for that or for a hart waits here.
 */
/* sources: tests/host/mm/hal.c */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "host/proc/sched.h"
#include "host/mm/hal.h"
#include "sched/spinlock.h"

_Atomic unsigned machine_powered_off;

static pthread_mutex_t monitor = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool busy[MM_HARTS] = {true}; /* monitor */

static void tell(void)
{
    pthread_mutex_lock(&monitor);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&monitor);
}

static unsigned free_hart(void)
{
    unsigned hart = 0;
    while (hart < MM_HARTS && busy[hart])
        hart++;
    return hart;
}

/* Wait until `self` may run, and for a hart. */
static void take_hart(struct thread *self)
{
    unsigned hart;
    pthread_mutex_lock(&monitor);
    while (atomic_load(&self->state) == THREAD_SLEEPING ||
           (hart = free_hart()) == MM_HARTS)
        pthread_cond_wait(&changed, &monitor);
    busy[hart] = true;
    pthread_mutex_unlock(&monitor);
    __atomic_store_n(&self->machine.hart, hart, __ATOMIC_RELAXED);
    atomic_store(&self->state, THREAD_RUNNING);
    hal_space_activate(self->space);
}

static void leave_hart(struct thread *self)
{
    hal_space_activate(NULL);
    pthread_mutex_lock(&monitor);
    busy[self->machine.hart] = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&monitor);
}

static void *run(void *argument)
{
    struct thread *self = argument;
    machine_self = &self->machine;
    take_hart(self);
    self->entry(self->argument);
    thread_end();
}

void thread_init(struct thread *thread, const char *name, void *stack,
                 void (*entry)(void *), void *argument)
{
    (void)stack;
    atomic_store(&thread->state, THREAD_NEW);
    list_init(&thread->timeout_link);
    thread->entry = entry;
    thread->argument = argument;
    thread->name = name;
}

void thread_run(struct thread *thread)
{
    pthread_attr_t attributes;
    pthread_t host;
    atomic_store(&thread->state, THREAD_READY);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&host, &attributes, run, thread))
        mm_fail("no thread of the host to be had");
    pthread_attr_destroy(&attributes);
}

_Noreturn void thread_end(void)
{
    struct thread *self = thread_current();
    lockrank_assert_may_sleep();
    if (self->space)
        mm_fail("a thread ends in a space, which may be gone by now");
    atomic_store(&self->state, THREAD_DEAD);
    leave_hart(self);
    /* The thread's memory is its owner's again. */
    atomic_store(&self->state, THREAD_GONE);
    pthread_exit(NULL);
}

void thread_await_end(struct thread *thread)
{
    while (atomic_load(&thread->state) != THREAD_GONE)
        thread_yield();
}

void thread_yield(void)
{
    struct thread *self = thread_current();
    lockrank_assert_may_sleep();
    if (self->machine.hart == 0) {
        sched_yield();
        return;
    }
    atomic_store(&self->state, THREAD_READY);
    leave_hart(self);
    sched_yield();
    take_hart(self);
}

bool thread_wake(struct thread *thread)
{
    uint32_t asleep = THREAD_SLEEPING;
    if (!atomic_compare_exchange_strong(&thread->state, &asleep, THREAD_READY))
        return false;
    tell();
    return true;
}

void sched_switch(void)
{
    struct thread *self = thread_current();
    lockrank_assert_may_sleep();
    if (self->machine.hart == 0) {
        /* The test sleeps between two audits, and for nothing else. */
        while (self->deadline && hal_time() < self->deadline)
            sched_yield();
        if (!self->deadline)
            mm_fail("the test itself would sleep");
        atomic_store(&self->state, THREAD_RUNNING);
        return;
    }
    leave_hart(self);
    /* hal_time() is no time to sleep by: each who looks moves it on. */
    if (self->deadline) {
        usleep(20000);
        thread_wake(self);
    }
    take_hart(self);
}

void hal_upcall_preempt(void)
{
}

/* ---- Programs ------------------------------------------------------------ */

struct hal_frame *hal_thread_frame(struct hal_thread *thread)
{
    return &thread->frame;
}

void hal_thread_copy_fpu(struct hal_thread *to)
{
    (void)to;
}

void hal_thread_drop_fpu(void)
{
}

void user_tick(void)
{
    thread_yield();
    while (__atomic_load_n(&hal_self()->work, __ATOMIC_SEQ_CST))
        hal_upcall_user_return();
}

_Noreturn void hal_enter_user(void)
{
    user_tick();
    user_programs[(hal_self()->frame.pc - USER_TEXT) / 2]();
    mm_fail("a program came to its end");
}

/* ---- The machine stops --------------------------------------------------- */

_Noreturn void hal_power_off(bool restart)
{
    struct thread *self = thread_current();
    if (restart)
        mm_fail("restarts");
    atomic_fetch_add(&machine_powered_off, 1);
    leave_hart(self);
    for (;;)
        pause();
}

_Noreturn void hal_halt(void)
{
    mm_fail("halted");
}
