/*
 * Kernel threads for host tests of what starts some: threads of the host, each
 * a hart of its own. For a test that also has mm_hal.c. At most MM_HARTS - 2
 * of them at a time, since the test is hart 0 and a served disk the last one.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/errno.h"
#include "mm_hal.h"

#define MOST (MM_HARTS - 2)

static _Atomic uint32_t harts_taken;

uint64_t hal_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void thread_init(struct thread *thread, const char *name, void *stack,
                 void (*entry)(void *), void *argument)
{
    (void)stack;
    strncpy(thread->name, name, sizeof thread->name - 1);
    thread->entry = entry;
    thread->argument = argument;
    list_init(&thread->wait_link);
    atomic_store(&thread->state, THREAD_NEW);
}

static uint32_t take_hart(void)
{
    for (uint32_t hart = 1; hart <= MOST; hart++)
        if (!(atomic_fetch_or(&harts_taken, 1u << hart) & 1u << hart))
            return hart;
    mm_fail("more than %d kernel threads", MOST);
}

static void *run(void *argument)
{
    struct thread *thread = argument;
    machine_self = &thread->machine;
    thread->entry(thread->argument);
    thread_end();
}

void thread_run(struct thread *thread)
{
    pthread_t host;
    thread->machine.hart = take_hart();
    atomic_store(&thread->state, THREAD_RUNNING);
    if (pthread_create(&host, NULL, run, thread))
        mm_fail("no thread");
    pthread_detach(host);
}

_Noreturn void thread_end(void)
{
    struct thread *self = thread_current();
    atomic_fetch_and(&harts_taken, ~(1u << self->machine.hart));
    atomic_store(&self->state, THREAD_DEAD);
    pthread_exit(NULL);
}

void thread_await_end(struct thread *thread)
{
    while (atomic_load(&thread->state) != THREAD_DEAD)
        sched_yield();
}

void thread_yield(void)
{
    sched_yield();
}

int thread_sleep_until(uint64_t deadline)
{
    while (hal_time() < deadline)
        sched_yield();
    return 0;
}
