/*
 * The mutex with several harts under ThreadSanitizer: one has it at a time, no
 * wake-up is lost, and nobody starves behind one that takes it again and
 * again. The scheduler is tests/host/mm/hal.c's.
 */
/* sources: tests/host/mm/hal.c */
/* sanitize: thread */
/* flags: -Wl,--wrap=sched_switch,--wrap=sleep_interrupted */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "host/mm/hal.h"
#include "lib/errno.h"
#include "sched/mutex.h"

/* ---- Fairness ------------------------------------------------------------ */

#define CONTENDERS 3
#define ROUNDS     600

static struct mutex mutex;
static struct thread *contenders[CONTENDERS]; /* by hart */
static unsigned turns[CONTENDERS];            /* the mutex */
static _Atomic unsigned rounds;
static _Atomic bool greedy;

static bool others_sleep(void)
{
    for (unsigned i = 0; i < CONTENDERS; i++)
        if (contenders[i] != thread_current() &&
            atomic_load(&contenders[i]->state) != THREAD_SLEEPING)
            return false;
    return true;
}

/* Is called for sched_switch (see the flags): a contender that is woken looks
 * at the mutex only when somebody has it, so too late unless it was handed to
 * it. */
void __real_sched_switch(void);
void __wrap_sched_switch(void);

void __wrap_sched_switch(void)
{
    __real_sched_switch();
    while (atomic_load(&greedy) && !atomic_load(&mutex.holder))
        sched_yield();
}

/* Take the mutex, let go of it when both others sleep for it, and take it
 * again at once. */
static void *contend(void *number)
{
    unsigned hart = (unsigned)(uintptr_t)number;

    mm_on_hart(hart);
    while (atomic_load(&greedy)) {
        mutex_lock(&mutex);
        while (atomic_load(&greedy) &&
               (mutex.waiters.waiting < CONTENDERS - 1 || !others_sleep()))
            sched_yield();
        turns[hart]++;
        if (atomic_fetch_add(&rounds, 1) >= ROUNDS)
            atomic_store(&greedy, false);
        mutex_unlock(&mutex);
    }
    return NULL;
}

static void test_each_waiter_gets_its_turn(void **state)
{
    pthread_t threads[CONTENDERS];

    (void)state;
    mutex_init(&mutex, LOCK_OBJECT);
    for (unsigned i = 0; i < CONTENDERS; i++) {
        mm_on_hart(i);
        contenders[i] = thread_current();
    }
    atomic_store(&greedy, true);
    for (uintptr_t i = 0; i < CONTENDERS; i++)
        pthread_create(&threads[i], NULL, contend, (void *)i);
    for (unsigned i = 0; i < CONTENDERS; i++)
        pthread_join(threads[i], NULL);
    print_message("%u, %u and %u turns\n", turns[0], turns[1], turns[2]);
    for (unsigned i = 0; i < CONTENDERS; i++)
        assert_true(turns[i] >= ROUNDS / 10);
}

/* ---- Waits that end early ------------------------------------------------ */

static struct thread *waiter, *second;
static _Atomic int result;
static _Atomic bool second_has_it, may_go_on;
/* What hart 0 does when the waiter has found the mutex taken. */
static _Atomic bool at_last_look, last_look_over;

bool __real_sleep_interrupted(enum sleep kind);
bool __wrap_sleep_interrupted(enum sleep kind);

bool __wrap_sleep_interrupted(enum sleep kind)
{
    bool interrupted = __real_sleep_interrupted(kind);

    if (interrupted && thread_current() == waiter) {
        atomic_store(&at_last_look, true);
        while (!atomic_load(&last_look_over))
            sched_yield();
    }
    return interrupted;
}

static void *wait_interruptibly(void *unused)
{
    mm_on_hart(1);
    int got = mutex_lock_interruptible(&mutex);
    if (!got)
        mutex_unlock(&mutex);
    atomic_store(&result, got);
    return unused;
}

static void *wait_second(void *unused)
{
    mm_on_hart(2);
    mutex_lock(&mutex);
    atomic_store(&second_has_it, true);
    while (!atomic_load(&may_go_on))
        sched_yield();
    mutex_unlock(&mutex);
    return unused;
}

static void await_sleep(const struct thread *thread, unsigned waiting)
{
    while (atomic_load(&thread->state) != THREAD_SLEEPING ||
           mutex.waiters.waiting < waiting)
        sched_yield();
}

static pthread_t threads[2];

/* This hart has the mutex, one waits for it interruptibly, then another. */
static void line_up(void)
{
    mutex_init(&mutex, LOCK_OBJECT);
    mm_on_hart(1);
    waiter = thread_current();
    waiter->machine.work = 0;
    mm_on_hart(2);
    second = thread_current();
    mm_on_hart(0);
    atomic_store(&second_has_it, false);
    atomic_store(&may_go_on, false);
    atomic_store(&at_last_look, false);
    atomic_store(&last_look_over, false);
    mutex_lock(&mutex);
    pthread_create(&threads[0], NULL, wait_interruptibly, NULL);
    await_sleep(waiter, 1);
    pthread_create(&threads[1], NULL, wait_second, NULL);
    await_sleep(second, 2);
}

static void expect_end(int expected)
{
    while (!atomic_load(&second_has_it))
        sched_yield();
    atomic_store(&may_go_on, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&result), expected);
    assert_int_equal(mutex.waiters.waiting, 0);
    assert_null(atomic_load(&mutex.holder));
}

static void test_a_signal_ends_the_wait(void **state)
{
    (void)state;
    line_up();
    atomic_store(&last_look_over, true);
    thread_kill(second); /* does not */
    assert_int_equal(atomic_load(&second->state), THREAD_SLEEPING);
    thread_signal(waiter);
    while (mutex.waiters.waiting == 2)
        sched_yield();
    mutex_unlock(&mutex);
    expect_end(-EINTR);
}

/* The owner wakes the waiter just when it has decided to give up: the second
 * one is woken instead. */
static void test_a_wake_up_is_passed_on(void **state)
{
    (void)state;
    line_up();
    thread_kill(waiter);
    while (!atomic_load(&at_last_look))
        sched_yield();
    mutex_unlock(&mutex);
    atomic_store(&last_look_over, true);
    expect_end(-EINTR);
}

/* The same, but the mutex is handed off: it is taken. */
static void test_a_handoff_is_accepted(void **state)
{
    (void)state;
    line_up();
    thread_kill(waiter);
    while (!atomic_load(&at_last_look))
        sched_yield();
    atomic_store(&mutex.starving, true);
    mutex_unlock(&mutex);
    assert_ptr_equal(atomic_load(&mutex.holder), waiter);
    atomic_store(&last_look_over, true);
    expect_end(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_waiter_gets_its_turn),
        cmocka_unit_test(test_a_signal_ends_the_wait),
        cmocka_unit_test(test_a_wake_up_is_passed_on),
        cmocka_unit_test(test_a_handoff_is_accepted),
    };

    mm_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
