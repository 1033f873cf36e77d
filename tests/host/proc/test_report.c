/*
 * How many messages programs may cause, by a clock that the test sets.
 */
/* sources: kernel/proc/report.c kernel/lib/printf.c tests/host/lib/string.c */
/* flags: -Itests/host/mm/machine */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/printf.h"
#include "proc/process.h"

#define SECOND   1000000000ul
#define LEFT_OUT "calf: %lu more messages about programs were left out\n"

static uint64_t now;
static unsigned printed;    /* messages that a program caused */
static unsigned long times; /* how often it was told what was left out */
static unsigned long told;

uint64_t hal_time(void)
{
    return now;
}

static void print(const char *text, size_t length)
{
    unsigned long number;

    assert_int_equal(text[length - 1], '\n');
    if (sscanf(text, LEFT_OUT, &number) == 1) {
        times++;
        told += number;
    } else {
        printed++;
    }
}

static void cause(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        process_report("message %u\n", i);
}

/* A few of them are all printed, and of more 50 in any five seconds. */
static void test_f8_a_limit(void **state)
{
    (void)state;
    now = 100 * SECOND;
    cause(50);
    assert_int_equal(printed, 50);
    now += 4 * SECOND;
    cause(1000);
    process_report_rest(false);
    assert_int_equal(printed, 50);
    assert_int_equal(times, 0);
    now += SECOND;
    cause(1);
    assert_int_equal(printed, 51);
    assert_int_equal(told, 1000);
    assert_int_equal(times, 1);
}

/* An exit tells, once the time is over; the end of the machine at once. */
static void test_f8_the_rest_is_told(void **state)
{
    (void)state;
    now += 100 * SECOND;
    times = told = printed = 0;
    cause(60);
    process_report_rest(false);
    assert_int_equal(told, 0);
    now += 5 * SECOND;
    process_report_rest(false);
    assert_int_equal(told, 10);
    process_report_rest(false);
    process_report_rest(true);
    assert_int_equal(times, 1);
    cause(53);
    process_report_rest(true);
    process_report_rest(true);
    assert_int_equal(told, 13);
    assert_int_equal(times, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f8_a_limit),
        cmocka_unit_test(test_f8_the_rest_is_told),
    };

    kprintf_set_sink(print);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
