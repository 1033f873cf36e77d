/*
 * kernel/mm against the naive model: random trees of processes that read,
 * write, fork, map, drop, protect and die, by turns on four harts, sometimes
 * without memory. Wherever a real hart could come between, another operation
 * may, of another process on another hart.
 *
 * SEED and OPS in the environment choose the sequence and its length; a
 * failure prints both and the last operations.
 */
/* sources: tests/host/mm_model.c tests/host/mm_hal.c tests/host/mm_tlb.c */
/* sources: kernel/mm/page.c kernel/mm/slab.c kernel/mm/pt.c */
/* sources: kernel/mm/pt_range.c kernel/mm/pt_borrow.c kernel/mm/eager.c */
/* sources: kernel/mm/region.c kernel/mm/space.c */
/* sources: kernel/mm/fault.c kernel/mm/audit.c kernel/mm/uaccess.c */
/* sources: kernel/mm/stats.c kernel/mm/stack.c kernel/mm/report.c */
/* sources: kernel/sched/spinlock.c kernel/sched/mutex.c */
/* sources: kernel/sched/waitq.c kernel/sched/lockrank.c */
/* sources: kernel/lib/panic.c kernel/lib/printf.c kernel/lib/text.c */
/* flags: -Itests/host/machine -Wl,--wrap=page_free,--wrap=page_free_zeroed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "mm/eager.h"
#include "mm/stats.h"
#include "mm_model.h"

#define MEMORY     (16ul << 20)
#define MOST_TAKEN 4096

static uint64_t state;
static unsigned nesting;
static bool hart_busy[MM_HARTS];
static struct page *taken[MOST_TAKEN];
static unsigned taken_count;
static unsigned long interleaved;

static uint64_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dul >> 16;
}

static unsigned below(unsigned limit)
{
    return random_bits() % limit;
}

static bool one_in(unsigned chances)
{
    return below(chances) == 0;
}

static unsigned long setting(const char *name, unsigned long usual)
{
    const char *value = getenv(name);
    return value ? strtoul(value, NULL, 0) : usual;
}

/* ---- Choices ---------------------------------------------------------------
 */

/* A process at rest, or NULL; often the one this hart has anyway. */
static struct process *some_process(void)
{
    unsigned at = below(PROCESSES);
    if (one_in(2))
        for (int i = 0; i < PROCESSES; i++)
            if (processes[i].space && !processes[i].busy &&
                processes[i].space == space_current())
                return &processes[i];
    for (int i = 0; i < PROCESSES; i++, at = (at + 1) % PROCESSES)
        if (processes[at].space && !processes[at].busy)
            return &processes[at];
    return NULL;
}

static uint64_t some_address(void)
{
    unsigned cell = model_window(below(WINDOWS)) + below(WINDOW_PAGES);
    static const uint16_t offsets[] = {0, 1, 7, 2048, 4095};
    return model_address(cell) +
           (one_in(4) ? below(HAL_PAGE_SIZE) : offsets[below(5)]);
}

/* A length that stays in the window of `va`. */
static size_t some_length(uint64_t va)
{
    unsigned w = WINDOWS;
    while (va < model_address(model_window(--w)))
        continue;
    uint64_t end =
        model_address(model_window(w)) + WINDOW_PAGES * HAL_PAGE_SIZE;
    size_t length = one_in(3) ? below(5 * HAL_PAGE_SIZE) : below(16);
    length++;
    return length < end - va ? length : end - va;
}

/* A range of cells: a few, or many with gaps between. */
static void some_cells(unsigned *first, unsigned *end)
{
    *first = below(CELLS);
    unsigned count = 1 + below(one_in(6) ? CELLS : 6);
    *end = *first + count < CELLS ? *first + count : CELLS;
}

static uint8_t some_prot(void)
{
    static const uint8_t prots[] = {
        PROT_READ | PROT_WRITE,   PROT_READ | PROT_WRITE,
        PROT_READ | PROT_WRITE,   PROT_READ,
        PROT_READ | PROT_EXECUTE, PROT_READ | PROT_WRITE | PROT_EXECUTE};
    return prots[below(6)];
}

static uint32_t some_failure(void)
{
    return one_in(12) ? 1 + below(8) : 0;
}

/* ---- Operations ------------------------------------------------------------
 */

static void do_touch(struct process *p)
{
    uint64_t va = some_address();
    size_t length = some_length(va);
    uint32_t nth = some_failure();
    int which = below(10);
    uint8_t fill = random_bits();
    model_log("%d hart %u: touch %d of %lx+%lx, fail %u", (int)(p - processes),
              hal_self()->hart, which, va, length, nth);
    if (which < 3)
        model_read(p, va, length, nth);
    else if (which < 7)
        model_write(p, va, length, fill, nth);
    else if (which < 8)
        model_fetch(p, va & ~(HAL_PAGE_SIZE - 1), nth);
    else if (which < 9)
        model_copy_in(p, va, length);
    else
        model_copy_out(p, va, length, fill);
}

static void do_fork(struct process *p)
{
    uint32_t nth = some_failure();
    uint64_t write = some_address(), execute = some_address();
    model_log("%d hart %u: fork %lx %lx, fail %u", (int)(p - processes),
              hal_self()->hart, write, execute, nth);
    static const char *const policies[] = {"tables", "bytes", "share"};
    eager_set_policy(policies[one_in(20) ? below(2) : 2]);
    model_fork(p, write, execute, nth);
}

static void do_exit(struct process *p)
{
    model_log("%d hart %u: exit", (int)(p - processes), hal_self()->hart);
    model_exit(p);
}

static void do_range(struct process *p)
{
    unsigned first, end, which = below(7);
    uint32_t nth = some_failure();
    uint8_t prot = some_prot();
    int file = one_in(3) ? (int)below(FILE_PAGES + 4) : -1;
    some_cells(&first, &end);
    model_log("%d hart %u: range %u of cells %u..%u prot %u file %d, fail %u",
              (int)(p - processes), hal_self()->hart, which, first, end, prot,
              file, nth);
    if (which < 4)
        model_map(p, first, end, prot, file, nth);
    else if (which < 5)
        model_unmap(p, first, end, nth);
    else
        model_protect(p, first, end, one_in(9) ? PROT_WRITE : prot, nth);
}

/* The contract: pages of one anonymous region, and a writable one. */
static void do_populate(struct process *p)
{
    unsigned first = model_window(below(WINDOWS)) + below(WINDOW_PAGES);
    unsigned end = first;
    uint8_t prot = p->cells[first].prot;
    uint32_t nth = some_failure();
    while (end < CELLS && end < first + 5 && model_is_page(end) &&
           p->cells[end].prot == prot && p->cells[end].file < 0)
        end++;
    model_log("%d hart %u: populate cells %u..%u, fail %u",
              (int)(p - processes), hal_self()->hart, first, end, nth);
    if (prot & PROT_WRITE && end > first)
        model_populate(p, first, end, nth);
}

/* A program's first regions, with gaps here and there. */
static struct process *create(uint32_t nth)
{
    struct process *p = model_create(nth);
    unsigned at = 0;
    while (p && at < CELLS) {
        unsigned end = at + 1 + below(40);
        end = end < CELLS ? end : CELLS;
        if (!one_in(8))
            model_map(p, at, end, some_prot(), one_in(5) ? (int)below(20) : -1,
                      0);
        at = end;
    }
    return p;
}

/* A new program in place of the old: a new space, then the old one goes. */
static void do_exec(struct process *p)
{
    uint32_t nth = some_failure();
    model_log("%d hart %u: exec, fail %u", (int)(p - processes),
              hal_self()->hart, nth);
    p->busy = true;
    bool made = create(nth);
    p->busy = false;
    if (made)
        model_exit(p);
}

static void give_back(void)
{
    while (taken_count)
        page_put(taken[--taken_count]);
    model_low = false;
}

/* Take all frames but a few. */
static void take_memory(void)
{
    unsigned left = below(12);
    while (taken_count < MOST_TAKEN &&
           (taken[taken_count] = page_alloc(PAGE_KERNEL)))
        taken_count++;
    while (left-- && taken_count)
        page_put(taken[--taken_count]);
    model_low = true;
}

static void one_operation(void)
{
    struct process *p = some_process();
    unsigned which = below(100);
    if (!p) {
        model_log("create");
        create(0);
    } else if (which < 64)
        do_touch(p);
    else if (which < 75)
        do_fork(p);
    else if (which < 81)
        do_exit(p);
    else if (which < 93)
        do_range(p);
    else if (which < 96)
        do_populate(p);
    else if (which < 97)
        do_exec(p);
    else
        mm_speculate(some_address());
}

/* ---- Harts that come between -----------------------------------------------
 */

/* A process in mid-operation goes on on its other harts, as far as their
 * caches serve it: with what its memory was. */
static void touch_cached(void)
{
    for (struct process *p = processes; p < processes + PROCESSES; p++) {
        uint64_t va = some_address();
        uint8_t byte;
        if (p->space && p->busy && !p->unsure && space_current() == p->space &&
            mm_touch_cached(va, &byte, ACCESS_READ) &&
            byte != model_byte(p, va))
            mm_fail("in mid-operation %lx reads %02x, but should %02x", va,
                    byte, model_byte(p, va));
    }
}

static void come_between(bool shootdown)
{
    struct hal_thread *self = hal_self();
    unsigned hart = below(MM_HARTS);
    if (nesting >= 2 || !one_in(shootdown ? 2 : 16))
        return;
    if (hart_busy[hart] || hart == self->hart)
        return;
    nesting++;
    hart_busy[self->hart] = true;
    mm_on_hart(hart);
    model_log("-- between, on hart %u:", hart);
    one_operation();
    touch_cached();
    model_log("-- back to hart %u", self->hart);
    mm_on_hart(self->hart);
    hart_busy[self->hart] = false;
    nesting--;
    interleaved++;
}

/* ---- The test --------------------------------------------------------------
 */

static void check(bool all)
{
    mm_set_interleave(NULL);
    if (all)
        model_check_all();
    else if (mm_stale_entries())
        mm_fail("stale translations");
    mm_set_interleave(come_between);
}

static void run(unsigned long operations)
{
    for (unsigned long i = 0; i < operations; i++) {
        mm_on_hart(below(MM_HARTS));
        if (one_in(2000)) {
            mm_set_interleave(NULL);
            if (model_low)
                give_back();
            else
                take_memory();
            mm_set_interleave(come_between);
        }
        one_operation();
        check(i % 500 == 0);
    }
    check(true);
}

static void all_exit(void)
{
    mm_set_interleave(NULL);
    give_back();
    for (int i = 0; i < PROCESSES; i++)
        if (processes[i].space)
            model_exit(&processes[i]);
    model_check_all();
}

static void test_model(void **unused)
{
    (void)unused;
    unsigned long seed = setting("SEED", 1),
                  operations = setting("OPS", 200000);
    uint64_t before = page_unused_count();
    fprintf(stderr, "model: SEED=%lu OPS=%lu\n", seed, operations);
    state = seed * 0x9e3779b97f4a7c15ul + 1;
    mm_set_interleave(come_between);
    run(operations);
    all_exit();
    if (page_unused_count() != before)
        mm_fail("%ld frames are lost", (long)(before - page_unused_count()));
    assert_int_equal(model_file_users, 0);
    fprintf(stderr, "model: %lu operations came between others\n", interleaved);
    for (unsigned i = 0; i < STATS; i++)
        fprintf(stderr, "model: %s %lu\n", stat_names[i], stat_read(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    model_init(MEMORY);
    /* The second, when another hart of the space has made an edge visible that
     * this one remembers as missing. */
    mm_most_faults = 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
