/*
 * kernel/mm against the naive model: random trees of processes that read,
 * write, fork, map, drop, protect and die, by turns on four harts, sometimes
 * without memory. Wherever a real hart could come between, another operation
 * may, of another process on another hart.
 *
 * mm_random.h says what the environment chooses; a failing sequence shrinks to
 * a few lines by itself.
 */
/* sources: tests/host/mm_random.c tests/host/mm_shrink.c */
/* sources: tests/host/mm_sequence.c tests/host/mm_step.c */
/* sources: tests/host/mm_stream.c */
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

#include "mm_random.h"

static void test_model(void **unused)
{
    (void)unused;
    assert_true(random_test(1000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
