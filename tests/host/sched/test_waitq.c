/*
 * Wait queues with several harts under ThreadSanitizer: what ends which kind
 * of sleep, who is woken, and waiting on several queues at once. The scheduler
 * is tests/host/mm/hal.c's.
 */
/* sources: tests/host/mm/hal.c */
/* sanitize: thread */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "host/mm/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "sched/mutex.h"

static struct waitq queue, other;
static struct spinlock lock = {.rank = LOCK_TTY};
static struct mutex mutex;
static struct thread *sleepers[MM_HARTS];
static pthread_t threads[MM_HARTS];
static enum sleep kind;
static _Atomic int results[MM_HARTS];
static _Atomic uint64_t deadline;

static bool is_asleep(unsigned hart)
{
    return atomic_load(&sleepers[hart]->state) == THREAD_SLEEPING;
}

static void start(unsigned hart, void *(*entry)(void *))
{
    pthread_create(&threads[hart], NULL, entry, (void *)(uintptr_t)hart);
    while (!is_asleep(hart))
        sched_yield();
}

static int result_of(unsigned hart)
{
    pthread_join(threads[hart], NULL);
    return atomic_load(&results[hart]);
}

static void *sleep_spin(void *hart)
{
    mm_on_hart((unsigned)(uintptr_t)hart);
    spin_lock(&lock);
    results[(uintptr_t)hart] = waitq_sleep(&queue, &lock, kind);
    assert_true(spin_held(&lock));
    spin_unlock(&lock);
    return NULL;
}

static void *sleep_mutex(void *hart)
{
    mm_on_hart((unsigned)(uintptr_t)hart);
    mutex_lock(&mutex);
    results[(uintptr_t)hart] = waitq_sleep_mutex(&queue, &mutex, kind);
    assert_true(mutex_held(&mutex));
    mutex_unlock(&mutex);
    return NULL;
}

static void *sleep_for(void *hart)
{
    mm_on_hart((unsigned)(uintptr_t)hart);
    results[(uintptr_t)hart] = thread_sleep_until(deadline);
    return NULL;
}

/* ---- Kinds of sleep ------------------------------------------------------ */

static void nothing(struct thread *thread)
{
    (void)thread;
}

/* `event` ends the sleep, or the wake-up that follows does. */
static void expect(void *(*entry)(void *), void (*event)(struct thread *),
                   bool ends)
{
    start(1, entry);
    event(sleepers[1]);
    assert_int_equal(is_asleep(1), !ends);
    while (!ends && !waitq_wake_one(&queue))
        sched_yield();
    assert_int_equal(result_of(1), ends ? -EINTR : 0);
    assert_int_equal(queue.waiting, 0);
    /* What is pending already ends a sleep, or does not, just the same. */
    if (ends) {
        entry((void *)1ul);
        mm_on_hart(0);
        assert_int_equal(results[1], -EINTR);
    }
    sleepers[1]->machine.work = 0;
}

static void test_what_ends_a_sleep(void **state)
{
    static void *(*const entries[])(void *) = {sleep_spin, sleep_mutex};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
        kind = SLEEP_UNINTERRUPTIBLE;
        expect(entries[i], nothing, false);
        expect(entries[i], thread_signal, false);
        expect(entries[i], thread_kill, false);
        kind = SLEEP_KILLABLE;
        expect(entries[i], nothing, false);
        expect(entries[i], thread_signal, false);
        expect(entries[i], thread_kill, true);
        kind = SLEEP_INTERRUPTIBLE;
        expect(entries[i], nothing, false);
        expect(entries[i], thread_signal, true);
        expect(entries[i], thread_kill, true);
    }
    deadline = NO_DEADLINE;
    expect(sleep_for, thread_signal, true);
    expect(sleep_for, thread_kill, true);
}

static void test_sleeping_until(void **state)
{
    (void)state;
    assert_int_equal(thread_sleep_until(0), 0);
    deadline = hal_time() + 1000000000;
    assert_int_equal(thread_sleep_until(deadline), 0);
    assert_true(hal_time() > deadline);
    deadline = NO_DEADLINE;
    start(1, sleep_for);
    thread_wake(sleepers[1]); /* for no reason: it goes on sleeping */
    while (!is_asleep(1))
        sched_yield();
    thread_kill(sleepers[1]);
    assert_int_equal(result_of(1), -EINTR);
    sleepers[1]->machine.work = 0;
}

/* ---- Who is woken -------------------------------------------------------- */

static void test_one_or_all(void **state)
{
    (void)state;
    kind = SLEEP_UNINTERRUPTIBLE;
    assert_false(waitq_wake_one(&queue));
    for (unsigned hart = 1; hart < MM_HARTS; hart++) {
        start(hart, sleep_spin);
        while (queue.waiting < hart)
            sched_yield();
    }
    assert_true(waitq_wake_one(&queue));
    assert_int_equal(result_of(1), 0);
    assert_true(is_asleep(2) && is_asleep(3));
    waitq_wake_all(&queue);
    assert_int_equal(result_of(2), 0);
    assert_int_equal(result_of(3), 0);
    assert_int_equal(queue.waiting, 0);
}

static unsigned calls;

static bool note(struct waiter *waiter)
{
    assert_true(spin_held(&waiter->queue->lock));
    calls++;
    return false;
}

/* A waiter that does something else than waking its thread, and stays. */
static void test_wake_function(void **state)
{
    struct waiter waiter;

    (void)state;
    waitq_join(&queue, &waiter, note);
    assert_ptr_equal(waiter.thread, thread_current());
    start(1, sleep_spin);
    while (queue.waiting < 2)
        sched_yield();
    assert_true(waitq_wake_one(&queue)); /* it is not for the first */
    assert_int_equal(result_of(1), 0);
    assert_false(waitq_wake_one(&queue));
    assert_int_equal(calls, 2);
    waitq_leave(&waiter);
    assert_false(waitq_wake_one(&queue));
    assert_int_equal(calls, 2);
}

/* ---- Waiting for many ---------------------------------------------------- */

static _Atomic bool joined;

static void *sleep_on_two(void *hart)
{
    struct wait_set_entry entries[2];
    struct wait_set set = WAIT_SET(entries, 2);

    mm_on_hart((unsigned)(uintptr_t)hart);
    wait_set_join(&set, &queue);
    wait_set_join(&set, &other);
    atomic_store(&joined, true);
    /* What it finds out about its files may itself sleep. */
    mutex_lock(&mutex);
    mutex_unlock(&mutex);
    results[(uintptr_t)hart] = wait_set_sleep(&set, kind, deadline);
    wait_set_leave(&set);
    return NULL;
}

static void expect_left(int result)
{
    assert_int_equal(result_of(1), result);
    assert_int_equal(queue.waiting, 0);
    assert_int_equal(other.waiting, 0);
    sleepers[1]->machine.work = 0;
}

static void test_many(void **state)
{
    struct waitq *const queues[] = {&queue, &other};

    (void)state;
    kind = SLEEP_INTERRUPTIBLE;
    deadline = NO_DEADLINE;
    for (unsigned i = 0; i < 2; i++) {
        start(1, sleep_on_two);
        assert_int_equal(queue.waiting + other.waiting, 2);
        thread_wake(sleepers[1]); /* for no reason */
        while (!is_asleep(1))
            sched_yield();
        assert_true(waitq_wake_one(queues[i]));
        expect_left(0);
    }
    start(1, sleep_on_two);
    thread_signal(sleepers[1]);
    expect_left(-EINTR);
    kind = SLEEP_KILLABLE;
    start(1, sleep_on_two);
    thread_signal(sleepers[1]);
    assert_true(is_asleep(1));
    thread_kill(sleepers[1]);
    expect_left(-EINTR);
    deadline = hal_time() + 1000000000;
    pthread_create(&threads[1], NULL, sleep_on_two, (void *)1ul);
    expect_left(-ETIMEDOUT);
}

/* A wake-up that comes while the thread sleeps for a mutex is not forgotten. */
static void test_many_woken_early(void **state)
{
    (void)state;
    kind = SLEEP_UNINTERRUPTIBLE;
    deadline = NO_DEADLINE;
    joined = false;
    mutex_lock(&mutex);
    start(1, sleep_on_two);
    assert_true(joined);
    while (!mutex.waiters.waiting || !is_asleep(1))
        sched_yield();
    assert_true(waitq_wake_one(&other));
    while (!is_asleep(1)) /* for the mutex, again */
        sched_yield();
    mutex_unlock(&mutex);
    expect_left(0);
}

static void test_a_set_is_used_again(void **state)
{
    struct wait_set_entry entries[1];
    struct wait_set set = WAIT_SET(entries, 1);

    (void)state;
    wait_set_join(&set, &queue);
    waitq_wake_all(&queue);
    assert_int_equal(wait_set_sleep(&set, SLEEP_KILLABLE, NO_DEADLINE), 0);
    assert_int_equal(wait_set_sleep(&set, SLEEP_KILLABLE, 0), 0);
    wait_set_leave(&set);
    wait_set_join(&set, &queue);
    assert_int_equal(wait_set_sleep(&set, SLEEP_KILLABLE, 0), -ETIMEDOUT);
    wait_set_leave(&set);
    assert_int_equal(queue.waiting, 0);
}

static int prepare(void **state)
{
    (void)state;
    mm_start();
    waitq_init(&queue);
    waitq_init(&other);
    mutex_init(&mutex, LOCK_OBJECT);
    for (unsigned i = 0; i < MM_HARTS; i++) {
        mm_on_hart(i);
        sleepers[i] = thread_current();
    }
    mm_on_hart(0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ends_a_sleep),
        cmocka_unit_test(test_sleeping_until),
        cmocka_unit_test(test_one_or_all),
        cmocka_unit_test(test_wake_function),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_many_woken_early),
        cmocka_unit_test(test_a_set_is_used_again),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
