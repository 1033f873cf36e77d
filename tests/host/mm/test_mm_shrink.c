/*
 * Does a failure become short? Here user_write is replaced by one that has bug
 * 4 of docs/BUGS.md: the kernel writes through a shared page. So a random
 * sequence fails, and shrinks to a process, how its page came to be shared, and
 * a write by the kernel.
 * And the parts it is made of: streams, steps as text, sequences done again.
 */
/* sources: tests/host/mm/shrink.c */
/* flags: -Wl,--wrap=user_write */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/mm/shrink.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/uaccess.h"

#define MOST 5000

static struct sequence *steps;

int __real_user_write(uint64_t to, const char *from, size_t length);

/* The bug: where a page is mapped, nobody asks whether it is shared. */
int __wrap_user_write(uint64_t to, const char *from, size_t length)
{
    while (length) {
        size_t piece = MIN(length, HAL_PAGE_SIZE - to % HAL_PAGE_SIZE);
        uint8_t *page = (uint8_t *)mm_peek(space_current(), to);
        if (page)
            memcpy(page, from, piece);
        else if (__real_user_write(to, from, piece))
            return -EFAULT;
        to += piece;
        from += piece;
        length -= piece;
    }
    return 0;
}

/* ---- Streams ----------------------------------------------------------------
 */

static void test_seeded(void **unused)
{
    (void)unused;
    struct stream a = stream_seeded(7), b = stream_seeded(7),
                  c = stream_seeded(8);
    unsigned same = 0, low = 0;
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t value = stream_below(&a, 1000);
        assert_in_range(value, 0, 999);
        assert_int_equal(value, stream_below(&b, 1000));
        same += value == stream_below(&c, 1000);
        low += value < 100;
    }
    assert_in_range(same, 1, 50);
    assert_in_range(low, 850, 1150);
    assert_false(stream_ended(&a));
}

static void test_bytes(void **unused)
{
    (void)unused;
    const uint8_t bytes[] = {9, 1, 2, 255, 16};
    struct stream s = stream_of_bytes(bytes, sizeof bytes);
    assert_int_equal(stream_below(&s, 1), 0);
    assert_int_equal(stream_below(&s, 10), 9);
    assert_int_equal(stream_below(&s, 0x1000), 0x102);
    assert_int_equal(stream_below(&s, 256), 255);
    assert_true(stream_one_in(&s, 17));
    assert_true(stream_ended(&s));
    assert_int_equal(stream_below(&s, 100), 0);
    assert_false(stream_one_in(&s, 2));
}

/* ---- Text -------------------------------------------------------------------
 */

static void test_text(void **unused)
{
    (void)unused;
    struct stream s = stream_seeded(3);
    char text[STEP_TEXT], again[STEP_TEXT];
    struct step step, parsed;
    assert_non_null(model_create(0));
    for (unsigned i = 0; i < 2000; i++) {
        step_draw(&step, &s, true);
        step.depth = i % 3;
        step.point = i % 3 ? i : 0;
        step_print(&step, text);
        assert_true(step_parse(&parsed, text));
        step_print(&parsed, again);
        assert_string_equal(text, again);
        assert_memory_equal(parsed.numbers, step.numbers, sizeof step.numbers);
    }
    step_end_all();
}

static void test_no_steps(void **unused)
{
    (void)unused;
    static const char *const lines[] = {
        "",
        "hart 0 process 0",
        "hart 0 process 0: dance",
        "hart 4 process 0: exit",
        "hart 0 process 10: exit",
        "hart 0 process 0: read vb=1",
        "hart 0 process 0: read va",
        "    hart 0 process 0: exit",
    };
    struct step step;
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(step_parse(&step, lines[i]));
}

static void test_file(void **unused)
{
    (void)unused;
    char path[] = "/tmp/calf-steps-XXXXXX";
    int file = mkstemp(path);
    static const char text[] = "# a comment\n\nhart 1 process 2: create\n"
                               "    point 3: hart 2 process 0: exit\n";
    assert_int_equal(write(file, text, sizeof text - 1), sizeof text - 1);
    close(file);
    assert_true(sequence_read(steps, path));
    assert_int_equal(steps->count, 2);
    assert_int_equal(steps->steps[1].depth, 1);
    assert_int_equal(steps->steps[1].point, 3);
    assert_true(sequence_write(steps, path));
    assert_true(sequence_read(steps, path));
    assert_int_equal(steps->count, 2);
    unlink(path);
}

/* ---- Shrinking --------------------------------------------------------------
 */

static bool has(enum act act)
{
    for (unsigned i = 0; i < steps->count; i++)
        if (steps->steps[i].act == act)
            return true;
    return false;
}

static void test_shrinks(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct stream s = stream_seeded(seed);
        assert_false(trial_draw(steps, &s, MOST / 4, false));
        unsigned before = steps->count;
        assert_true(sequence_shrink(steps, 60) > 0);
        fprintf(stderr, "shrink: seed %lu: %u steps of %u are left\n", seed,
                steps->count, before);
        sequence_tell(steps, 0);
        assert_in_range(steps->count, 3, 6);
        assert_true(has(ACT_CREATE) && has(ACT_COPY_OUT));
        assert_false(trial_run(steps, false));
    }
}

/* What was drawn on a machine that has just booted is drawn again after another
 * sequence: so a fuzzer's finding fails by itself. */
static void test_independent(void **unused)
{
    (void)unused;
    enum { RUNS = 40, OPERATIONS = 100 };
    struct sequence *fresh[RUNS];
    bool good[RUNS];
    unsigned compared = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        struct stream s = stream_seeded(i);
        fresh[i] = sequence_create(MOST);
        good[i] = trial_draw(fresh[i], &s, OPERATIONS, false);
    }
    for (unsigned i = 0; i < RUNS; i++) {
        struct stream s = stream_seeded(i);
        if (good[i]) {
            sequence_draw(steps, &s, OPERATIONS);
            assert_int_equal(steps->count, fresh[i]->count);
            assert_memory_equal(steps->steps, fresh[i]->steps,
                                steps->count * sizeof(struct step));
            compared++;
        }
        sequence_destroy(fresh[i]);
    }
    assert_true(compared > RUNS / 4);
}

/* Without the kernel's writes that bug does no harm, so nothing else fails. */
static void test_passes(void **unused)
{
    (void)unused;
    struct stream s = stream_seeded(1);
    trial_draw(steps, &s, 2000, false);
    for (unsigned i = 0; i < steps->count; i++)
        if (steps->steps[i].act == ACT_COPY_OUT)
            steps->steps[i].act = ACT_COPY_IN;
    assert_true(steps->count > 10);
    assert_true(trial_run(steps, true));
    assert_int_equal(sequence_shrink(steps, 60), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeded),   cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_no_steps), cmocka_unit_test(test_file),
        cmocka_unit_test(test_shrinks),  cmocka_unit_test(test_passes),
        cmocka_unit_test(test_text),     cmocka_unit_test(test_independent),
    };
    sequence_boot(16ul << 20);
    steps = sequence_create(MOST);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
