/*
 * The clock of the day against a model of the chip: its halves belong together
 * only in the order in which the driver reads them.
 */
/* sources: kernel/dev/rtc.c */
/* flags: -include tests/host/dev/fake_mmio.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dev/rtc.h"

#define BASE 0x1000u

static uint64_t chip_time;
static uint32_t chip_high; /* kept by a read of the low half */

/* The low half wraps right after it was read. */
uint32_t hal_read32(uintptr_t va)
{
    uint32_t low = (uint32_t)chip_time;

    if (va == BASE + 4)
        return chip_high;
    assert_int_equal(va, BASE);
    chip_high = (uint32_t)(chip_time >> 32);
    chip_time += UINT64_C(1) << 32;
    return low;
}

static void test_one_moment(void **state)
{
    (void)state;
    chip_time = UINT64_C(0x17979cfeffffffff);
    assert_int_equal(rtc_read(BASE), 0x17979cfeffffffff);
    assert_int_equal(rtc_read(BASE), 0x17979cffffffffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_moment)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
