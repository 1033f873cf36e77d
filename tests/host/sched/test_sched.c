/*
 * The scheduler in all schedules: harts switch, give way, wake and become idle,
 * and at one or two points where another hart could come between, one does. At
 * last all harts wait or compute, and then none may wait beside a thread that
 * could run.
 *
 * A hart is a number, a thread of the kernel a context of this program. A
 * thread follows a script of these: y  gives way to others      s  sleeps until
 * it is woken n  starts the next thread   w  wakes the next thread, when that
 * sleeps e  ends                     .  computes for ever, but for interrupts
 */
/* sources: kernel/sched/spinlock.c kernel/sched/lockrank.c kernel/lib/heap.c */
/* sources: kernel/lib/panic.c kernel/lib/printf.c */
/* flags: -Itests/host/sched/machine */
/* sanitize: undefined */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/printf.h"
#include "sched/sched.c"

#define HARTS      3
#define THREADS    10
#define STACK      (64 << 10)
#define MOST_STEPS 3000
#define SWITCHES   2 /* forced ones in a schedule */

enum hart_state { GOES, SPINS, WAITS, COMPUTES };

struct hart {
    enum hart_state state;
    bool told; /* an interrupt is pending */
    struct hal_thread *current;
    struct thread idle;
};

static struct hart harts[HARTS];
static struct thread threads[THREADS];
static const char *scripts[THREADS];
static _Alignas(16) char stacks[HARTS + THREADS][STACK];
static jmp_buf controller;
static uint64_t now;
static bool under_way; /* harts go on; else the test prepares them */

struct hal_thread *machine_self;

/* ---- The machine --------------------------------------------------------- */

static struct hart *my_hart(void)
{
    return &harts[machine_self->hart];
}

static _Noreturn void go_on(struct hal_thread *thread)
{
    machine_self = thread;
    if (thread->begun)
        _longjmp(thread->context, 1);
    thread->begun = true;
    setcontext(&thread->first);
    abort();
}

static void stop(enum hart_state state)
{
    my_hart()->state = state;
    if (!_setjmp(machine_self->context))
        _longjmp(controller, 1);
}

void machine_point(void)
{
    if (under_way)
        stop(GOES);
}

void hal_relax(void)
{
    stop(SPINS);
}

void hal_wait(void)
{
    while (!my_hart()->told)
        stop(WAITS);
    my_hart()->told = false;
}

void hal_hart_wake(unsigned hart)
{
    harts[hart].told = true;
}

unsigned hal_hart_count(void)
{
    return HARTS;
}

uint64_t hal_time(void)
{
    return now += 100;
}

void hal_space_activate(struct hal_space *space)
{
    (void)space;
}

void clock_slice_start(uint64_t end)
{
    (void)end;
}

static void prepare(struct hal_thread *thread, char *stack, void (*entry)(void))
{
    getcontext(&thread->first);
    thread->first.uc_stack.ss_sp = stack;
    thread->first.uc_stack.ss_size = STACK;
    makecontext(&thread->first, entry, 0);
    thread->begun = false;
}

static void follow_script(void)
{
    thread_first_run(machine_self);
}

void hal_thread_init(struct hal_thread *thread, void *stack,
                     void (*entry)(void *), void *argument)
{
    (void)entry;
    (void)argument;
    prepare(thread, stack, follow_script);
}

void hal_thread_switch(struct hal_thread *from, struct hal_thread *to)
{
    to->hart = from->hart;
    my_hart()->current = to;
    if (!_setjmp(from->context))
        go_on(to);
}

/* ---- Threads ------------------------------------------------------------- */

static void compute(void)
{
    for (;;) {
        while (!my_hart()->told)
            stop(COMPUTES);
        my_hart()->told = false;
        machine_self->work |= HAL_WORK_RESCHEDULE;
        hal_upcall_preempt();
    }
}

static void act(char what, struct thread *next)
{
    if (what == '.')
        compute();
    if (what == 'y')
        thread_yield();
    if (what == 'n')
        thread_run(next);
    if (what == 'e')
        thread_end();
    if (what == 'w')
        while (!thread_wake(next))
            stop(SPINS);
    if (what == 's') {
        atomic_store(&thread_current()->state, THREAD_SLEEPING);
        sched_switch();
        sched_stay_awake();
    }
}

static void run_script(void *number)
{
    size_t i = (uintptr_t)number;
    for (const char *at = scripts[i];; at++)
        act(*at, &threads[i + 1]);
}

static void begin_script(void)
{
    run_script(((struct thread *)machine_self)->argument);
}

/* The idle thread of a hart that began with another one. */
static void begin_idling(void)
{
    if (my_queue()->previous)
        finish_switch();
    idle_loop(NULL);
}

/* ---- One schedule -------------------------------------------------------- */

/* In a word for each thread: its script, and where it is at the beginning: `0`
 * runs on hart 0, `q` waits in hart 0's queue, `n` is not there yet. */
struct scenario {
    const char *words[THREADS];
    unsigned compute; /* so many threads do at the end */
};

static void start_thread(size_t i, const char *word)
{
    struct thread *thread = &threads[i];
    memset(thread, 0, sizeof *thread);
    scripts[i] = word + 1;
    thread_init(thread, "test", stacks[HARTS + i], run_script, (void *)i);
    thread->machine.hart = 0;
    thread->turn.key = most_used;
    if (*word == 'q') {
        thread->state = THREAD_READY;
        queue_push(&queues[0], thread, most_used);
    } else if (*word != 'n') {
        unsigned hart = *word - '0';
        thread->state = THREAD_RUNNING;
        thread->machine.hart = hart;
        prepare(&thread->machine, stacks[HARTS + i], begin_script);
        harts[hart].current = &thread->machine;
        queues[hart].running = most_used;
    }
}

static void boot(const struct scenario *scenario)
{
    static struct thread nobody;
    for (unsigned i = 0; i < HAL_MAX_HARTS; i++)
        queues[i] = (struct run_queue){.lock = SPINLOCK(LOCK_RUN_QUEUE),
                                       .least = NOBODY};
    memset(harts, 0, sizeof harts);
    idle_harts = 0;
    most_used = CREDIT;
    now = 0;
    machine_self = &nobody.machine;
    for (unsigned i = 0; i < HARTS; i++) {
        harts[i].current = &harts[i].idle.machine;
        harts[i].idle.machine.hart = i;
        harts[i].idle.state = THREAD_RUNNING;
        harts[i].idle.irq_depth = 1;
        prepare(harts[i].current, stacks[i], begin_idling);
        queues[i].idle = &harts[i].idle;
    }
    for (size_t i = 0; i < THREADS && scenario->words[i]; i++)
        start_thread(i, scenario->words[i]);
}

static bool may_go(const struct hart *hart)
{
    return hart->state <= SPINS || hart->told;
}

/* The hart after `last` that can go on, or HARTS. */
static unsigned next_hart(unsigned last)
{
    for (unsigned i = 1; i <= HARTS; i++)
        if (may_go(&harts[(last + i) % HARTS]))
            return (last + i) % HARTS;
    return HARTS;
}

/* Where a hart is made to stop, and how many others are passed over. */
struct forced {
    unsigned step, skip;
};

/* Goes on until all wait or compute. How many steps that took. */
static unsigned run(const struct forced forced[SWITCHES])
{
    static unsigned hart, step; /* stay what they are when it comes back */
    hart = step = 0;
    under_way = true;
    while (hart < HARTS && step < MOST_STEPS) {
        harts[hart].state = GOES;
        if (!_setjmp(controller))
            go_on(harts[hart].current);
        step++;
        unsigned others = harts[hart].state != GOES;
        for (unsigned i = 0; i < SWITCHES; i++)
            if (forced[i].step == step)
                others = 1 + forced[i].skip;
        for (; others && hart < HARTS; others--)
            hart = next_hart(hart);
    }
    under_way = false;
    return step;
}

static unsigned count(enum hart_state state)
{
    unsigned harts_so = 0;
    for (unsigned i = 0; i < HARTS; i++)
        harts_so += harts[i].state == state;
    return harts_so;
}

static void check_rest(const struct scenario *scenario,
                       const struct forced forced[SWITCHES], unsigned steps)
{
    unsigned waiting = 0;
    for (unsigned i = 0; i < HARTS; i++)
        waiting += queues[i].least != NOBODY;
    if (steps < MOST_STEPS && count(COMPUTES) == scenario->compute &&
        (!waiting || !count(WAITS)))
        return;
    fail_msg("%s %s: forced at %u (skip %u) and %u (skip %u): %u steps, %u "
             "harts compute, %u wait beside %u queues with threads",
             scenario->words[0], scenario->words[1], forced[0].step,
             forced[0].skip, forced[1].step, forced[1].skip, steps,
             count(COMPUTES), count(WAITS), waiting);
}

static unsigned try(const struct scenario *scenario,
                    const struct forced forced[SWITCHES])
{
    boot(scenario);
    unsigned steps = run(forced);
    check_rest(scenario, forced, steps);
    return steps;
}

/* One forced switch at every step, and with it another at every later one. */
static unsigned try_all(const struct scenario *scenario)
{
    struct forced forced[SWITCHES] = {{0}};
    unsigned schedules = 1, steps = try(scenario, forced);
    for (unsigned i = 0; i < 2 * steps; i++) {
        forced[0] = (struct forced){1 + i / 2, i % 2};
        forced[1].step = 0;
        unsigned longer = try(scenario, forced);
        for (unsigned j = i + 2; j < 2 * longer; j++, schedules++) {
            forced[1] = (struct forced){1 + j / 2, j % 2};
            try(scenario, forced);
        }
    }
    return schedules;
}

static void try_scenarios(const struct scenario *scenarios, size_t count)
{
    unsigned schedules = 0;
    for (size_t i = 0; i < count; i++)
        schedules += try_all(&scenarios[i]);
    print_message("%u schedules\n", schedules);
    assert_true(schedules > 1000);
}

/* ---- Tests --------------------------------------------------------------- */

/* A thread that gives way is taken by an idle hart. */
static void test_f3_giving_way(void **state)
{
    static const struct scenario scenarios[] = {
        {{"0y.", "q."}, 2},
        {{"0y.", "q.", "q."}, 3},
        {{"0yy.", "qy.", "1."}, 3},
        {{"0y.", "q.", "1.", "2."}, 3},
    };
    (void)state;
    try_scenarios(scenarios, ARRAY_SIZE(scenarios));
}

/* So is one that is woken, on the way to sleep or later. */
static void test_f3_waking(void **state)
{
    static const struct scenario scenarios[] = {
        {{"1w.", "0s."}, 2},
        {{"1w.", "0s.", "q."}, 3},
        {{"1w.", "0sy.", "qy."}, 3},
        {{"1w.", "0sw.", "2s."}, 3},
    };
    (void)state;
    try_scenarios(scenarios, ARRAY_SIZE(scenarios));
}

static void test_f3_new_and_ended(void **state)
{
    static const struct scenario scenarios[] = {
        {{"0n.", "n."}, 2},
        {{"0n.", "nn.", "n."}, 3},
        {{"0ne", "n.", "q."}, 2},
        {{"0e", "q.", "q.", "1."}, 3},
    };
    (void)state;
    try_scenarios(scenarios, ARRAY_SIZE(scenarios));
}

/* So many that compute, all on hart 0 at first: the others take some, and go on
 * doing so until all have had the same. */
static void compute_together(size_t count, unsigned slices,
                             unsigned had[THREADS])
{
    static const struct forced none[SWITCHES];
    struct scenario scenario = {{"0."}, HARTS};
    for (size_t i = 1; i < count; i++)
        scenario.words[i] = "q.";
    boot(&scenario);
    run(none);
    for (; slices; slices--) {
        now += SLICE_NS;
        for (unsigned i = 0; i < HARTS; i++) {
            had[(struct thread *)harts[i].current - threads]++;
            harts[i].told = true;
        }
        run(none);
    }
}

static void test_f2_equal_shares(void **state)
{
    (void)state;
    for (size_t count = HARTS; count <= THREADS; count++) {
        unsigned had[THREADS] = {0}, least = UINT32_MAX, most = 0;
        compute_together(count, 500, had);
        for (size_t i = 0; i < count; i++) {
            least = had[i] < least ? had[i] : least;
            most = had[i] > most ? had[i] : most;
        }
        if (most > least + least / 20)
            fail_msg("%zu threads: one had %u slices, one %u", count, most,
                     least);
    }
}

static void say(const char *text, size_t length)
{
    fwrite(text, 1, length, stderr);
}

int main(void)
{
    kprintf_set_sink(say);
    panic_set_hook(abort);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f3_giving_way),
        cmocka_unit_test(test_f3_waking),
        cmocka_unit_test(test_f3_new_and_ended),
        cmocka_unit_test(test_f2_equal_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
