/*
 * Powers of two, single bits and folded errors, at their edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/bits.h"

static void test_align(void **state)
{
    (void)state;
    assert_int_equal(align_up(0, 4096), 0);
    assert_int_equal(align_up(1, 4096), 4096);
    assert_int_equal(align_up(4096, 4096), 4096);
    assert_int_equal(align_up(7, 1), 7);
    assert_int_equal(align_up(UINT64_MAX, 8), 0);
    assert_int_equal(align_down(4095, 4096), 0);
    assert_int_equal(align_down(UINT64_MAX, 8), UINT64_MAX - 7);
    assert_true(is_aligned(0, 8));
    assert_true(is_aligned(BIT(63), 4096));
    assert_false(is_aligned(4, 8));
}

static void test_bits(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 64; n++) {
        assert_true(is_power_of_two(BIT(n)));
        assert_int_equal(bit_lowest(BIT(n)), n);
        assert_int_equal(bit_highest(BIT(n)), n);
        assert_int_equal(bit_lowest(UINT64_MAX << n), n);
        assert_int_equal(bit_highest(UINT64_MAX >> n), 63 - n);
        assert_int_equal(log2_ceil(BIT(n)), n);
        if (n > 1)
            assert_int_equal(log2_ceil(BIT(n) - 1), n);
        if (n)
            assert_int_equal(log2_ceil(BIT(n) + 1), n + 1);
    }
    assert_false(is_power_of_two(0));
    assert_false(is_power_of_two(BIT(63) + 1));
    assert_int_equal(log2_ceil(0), 0);
    assert_int_equal(log2_ceil(UINT64_MAX), 64);
}

static void test_min_max(void **state)
{
    int calls = 0, array[3];

    (void)state;
    assert_int_equal(MIN(calls++, 5), 0);
    assert_int_equal(MAX(calls++, -5), 1);
    assert_int_equal(calls, 2);
    assert_int_equal(MIN(-1, 1), -1);
    assert_int_equal(MAX(-1, 1), 1);
    assert_int_equal(ARRAY_SIZE(array), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_align),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_min_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
