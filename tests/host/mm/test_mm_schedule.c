/*
 * Every schedule of two acts: one process acts, and at one point of it where
 * another hart could come between, a relative of it acts on another hart. For
 * each pair of acts, in each situation, every point in turn.
 */
/* sources: tests/host/mm/situation.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "host/mm/situation.h"

struct named {
    const char *name;
    union {
        struct process *(*prepare)(void);
        void (*act)(struct process *process);
    };
};

/* ---- Acts, all of them in one place
 * ------------------------------------------ */

static void read_page(struct process *p)
{
    model_read(p, at(0, 8), 9, 0);
}

static void write_page(struct process *p)
{
    model_write(p, at(0, 8), 9, 0x70 + (p - processes), 0);
}

static void write_neighbour(struct process *p)
{
    model_write(p, at(1, 10), 9, 0x60 + (p - processes), 0);
}

static void fork_there(struct process *p)
{
    model_fork(p, at(0, 8), at(0, 8), 0);
}

static void leave(struct process *p)
{
    model_exit(p);
}

static void unmap_page(struct process *p)
{
    unsigned first = model_window(0) + 7;
    model_unmap(p, first, first + 3, 0);
}

static void protect_page(struct process *p)
{
    unsigned first = model_window(0) + 7;
    model_protect(p, first, first + 3, PROT_READ, 0);
}

static const struct named acts[] = {
    {"read", .act = read_page},
    {"write", .act = write_page},
    {"write", .act = write_neighbour},
    {"fork", .act = fork_there},
    {"exit", .act = leave},
    {"unmap", .act = unmap_page},
    {"protect", .act = protect_page},
};
#define ACTS (sizeof acts / sizeof *acts)

static const struct named situations[] = {
    {"shared", .prepare = shared},
    {"linked", .prepare = linked},
    {"lazy copies", .prepare = lazy_copies},
    {"lazy and shared", .prepare = lazy_and_shared},
};
#define SITUATIONS (sizeof situations / sizeof *situations)

/* ---- One schedule
 * -------------------------------------------------------------- */

static unsigned point, chosen;
static struct process *other;
static const struct named *between;

static void come_between(bool shootdown)
{
    (void)shootdown;
    if (point++ != chosen)
        return;
    struct hal_thread *self = hal_self();
    mm_on_hart(1);
    between->act(other);
    mm_on_hart(self->hart);
}

static struct process *youngest(const struct process *not_this)
{
    for (int i = PROCESSES; i-- > 0;)
        if (processes[i].space && &processes[i] != not_this)
            return &processes[i];
    return NULL;
}

/* Whether the act has that many points. */
static bool run(const struct named *situation, const struct named *first)
{
    struct process *p = situation->prepare();
    other = youngest(p);
    point = 0;
    mm_set_interleave(come_between);
    first->act(p);
    mm_set_interleave(NULL);
    model_check_all();
    all_exit();
    mm_on_hart(0);
    return point > chosen;
}

static void test_schedules(void **unused)
{
    (void)unused;
    unsigned schedules = 0;
    uint64_t before = page_unused_count();
    for (unsigned i = 0; i < SITUATIONS * ACTS * ACTS; i++) {
        const struct named *situation = &situations[i / ACTS / ACTS];
        const struct named *first = &acts[i / ACTS % ACTS];
        between = &acts[i % ACTS];
        for (chosen = 0; chosen < 40; chosen++) {
            model_log("%s: %s, at point %u %s", situation->name, first->name,
                      chosen, between->name);
            if (!run(situation, first))
                break;
        }
        schedules += chosen;
    }
    assert_int_equal(mm_audit(), 0);
    assert_int_equal(page_unused_count(), before);
    assert_true(schedules > 500);
    fprintf(stderr, "schedules: %u\n", schedules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules)};
    model_init(4ul << 20);
    mm_most_faults = 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
