/*
 * The formatter, against the host's where the two promise the same; and the
 * two users it has, kprintf with its pieces and growing text.
 */
/* sources: kernel/lib/printf.c tests/host/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/printf.h"
#include "lib/text.h"

#define SAME(...)                                                              \
    do {                                                                       \
        char ours[200], theirs[200];                                           \
        size_t length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);         \
        assert_int_equal(ksnprintf(ours, sizeof(ours), __VA_ARGS__), length);  \
        assert_string_equal(ours, theirs);                                     \
    } while (0)

static void test_integers(void **state)
{
    static const long values[] = {
        0,       1,          -1,       9,         10,       -10,    INT_MAX,
        INT_MIN, LONG_MAX,   LONG_MIN, 0x80,      0xff,     0x8000, 0xffff,
        -129,    0x12345678, -32769,   123456789, UINT_MAX, 0777};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        long v = values[i];

        SAME("%d %u %x", (int)v, (unsigned)v, (unsigned)v);
        SAME("%ld %lu %lx", v, (unsigned long)v, (unsigned long)v);
        SAME("%lld %llu %llx", (long long)v, (unsigned long long)v,
             (unsigned long long)v);
        SAME("%zd %zu %zx", (ssize_t)v, (size_t)v, (size_t)v);
        SAME("[%12ld] [%-12ld] [%012ld]", v, v, v);
        SAME("[%3d] [%03x] [%-3u]", (int)v, (unsigned)v, (unsigned)v);
        SAME("[%*d] [%-*d]", 8, (int)v, 8, (int)v);
    }
}

static void test_strings(void **state)
{
    char open_ended[3] = {'a', 'b', 'c'};

    (void)state;
    SAME("%s|%10s|%-10s|%.2s|%5.1s|%.0s|%.9s", "one", "two", "three", "four",
         "five", "six", "seven");
    SAME("%.*s %c%c%5c%-5c.", 3, open_ended, 'x', 0x7f, 'y', 'z');
    SAME("100%% of %s", "it");
    SAME("%p", (void *)0x1234abcd);
    SAME("%s", "");
}

static void test_own_ways(void **state)
{
    char text[64];
    /* Not through the checked prototype: the compiler would object. */
    size_t (*volatile unchecked)(char *, size_t, const char *, ...) = ksnprintf;

    (void)state;
    unchecked(text, sizeof(text), "%s %p", (char *)NULL, (void *)NULL);
    assert_string_equal(text, "(null) 0x0");
    unchecked(text, sizeof(text), "%y %", 1);
    assert_string_equal(text, "%y %");
    unchecked(text, sizeof(text), "%*d|%*d", -8, 1, INT_MIN, 2);
    assert_string_equal(text, "1|2");
}

static void test_cut(void **state)
{
    char text[8] = "+++++++";

    (void)state;
    assert_int_equal(ksnprintf(text, 0, "%d", 12345), 0);
    assert_int_equal(text[0], '+');
    assert_int_equal(ksnprintf(NULL, 0, "%d", 12345), 0);
    assert_int_equal(ksnprintf(text, 1, "%d", 12345), 0);
    assert_string_equal(text, "");
    assert_int_equal(ksnprintf(text, 4, "%d", 12345), 3);
    assert_string_equal(text, "123");
    assert_int_equal(text[4], '+');
    assert_int_equal(ksnprintf(text, 6, "%d", 12345), 5);
    assert_string_equal(text, "12345");
}

/* ---- kprintf ------------------------------------------------------------ */

static char heard[2000];
static size_t heard_length, heard_calls;

static void listen(const char *text, size_t length)
{
    assert_true(length > 0 && length <= 256);
    assert_true(heard_length + length < sizeof(heard));
    memcpy(heard + heard_length, text, length);
    heard_length += length;
    heard[heard_length] = '\0';
    heard_calls++;
}

static void test_kprintf(void **state)
{
    char expected[1100];

    (void)state;
    kprintf("nobody hears %d\n", 1);
    kprintf_set_sink(listen);
    kprintf("hart %u of %s\n", 3u, "four");
    assert_string_equal(heard, "hart 3 of four\n");
    assert_int_equal(heard_calls, 1);
    for (int width = 255; width < 1000; width += 257) {
        heard_length = heard_calls = 0;
        kprintf("<%*d>", width, 7);
        snprintf(expected, sizeof(expected), "<%*d>", width, 7);
        assert_string_equal(heard, expected);
        assert_int_equal(heard_calls, (heard_length + 255) / 256);
    }
    heard_calls = 0;
    kprintf("%s", "");
    assert_int_equal(heard_calls, 0);
    kprintf_set_sink(NULL);
    kprintf("nobody again\n");
    assert_int_equal(heard_calls, 0);
}

/* ---- Text --------------------------------------------------------------- */

static void test_text(void **state)
{
    char *buffer = malloc(16); /* where an overrun is noticed */
    struct text text;

    (void)state;
    text_init(&text, buffer, 16);
    assert_string_equal(buffer, "");
    text_printf(&text, "one %d\n", 1);
    text_printf(&text, "%s", "");
    text_printf(&text, "two %d\n", 22);
    assert_string_equal(buffer, "one 1\ntwo 22\n");
    assert_int_equal(text.length, 13);
    assert_false(text.truncated);
    text_printf(&text, "ab");
    assert_false(text.truncated);
    text_printf(&text, "cd");
    assert_true(text.truncated);
    assert_int_equal(text.length, 15);
    assert_string_equal(buffer, "one 1\ntwo 22\nab");
    text_printf(&text, "x");
    assert_int_equal(text.length, 15);
    free(buffer);

    text_init(&text, NULL, 0);
    text_printf(&text, "%s", "");
    assert_false(text.truncated);
    text_printf(&text, "x");
    text_printf(&text, "%s", "");
    assert_true(text.truncated);
    assert_int_equal(text.length, 0);
}

/* After a cut in the middle, a shorter text must not slip in behind it. */
static void test_text_cut(void **state)
{
    char buffer[6];
    struct text text;

    (void)state;
    text_init(&text, buffer, sizeof(buffer));
    text_printf(&text, "abc");
    text_printf(&text, "defgh");
    assert_string_equal(buffer, "abcde");
    assert_int_equal(text.length, 5);
    assert_true(text.truncated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_own_ways), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_kprintf),  cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
