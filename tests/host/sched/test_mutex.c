/*
 * The mutex with several harts under ThreadSanitizer: one has it at a time, no
 * wake-up is lost, and nobody starves behind one that takes it again and
 * again. The scheduler is tests/host/mm/hal.c's.
 */
/* sources: tests/host/mm/hal.c */
/* sanitize: thread */
/* flags: -Wl,--wrap=sched_switch */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_waiter_gets_its_turn),
    };

    mm_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
