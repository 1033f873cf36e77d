/*
 * kernel/mm against the naive model: random trees of processes that read,
 * write, fork, map, drop, protect and die, by turns on four harts, sometimes
 * without memory. Wherever a real hart could come between, another operation
 * may, of another process on another hart.
 *
 * random.h says what the environment chooses; a failing sequence shrinks to
 * a few lines by itself.
 */
/* sources: tests/host/mm/random.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/mm/random.h"

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
