/*
 * Memory and strings against the host's libc.
 */
/* sources: tests/host/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/string.h"
#include "host/lib/seed.h"

void *calf_memcpy(void *to, const void *from, size_t length);
void *calf_memmove(void *to, const void *from, size_t length);
void *calf_memset(void *to, int value, size_t length);
int calf_memcmp(const void *left, const void *right, size_t length);
size_t calf_strlen(const char *text);
size_t calf_strnlen(const char *text, size_t limit);
int calf_strcmp(const char *left, const char *right);
int calf_strncmp(const char *left, const char *right, size_t limit);
char *calf_strchr(const char *text, int wanted);

#define ROOM 320

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void scribble(unsigned char *at, size_t length)
{
    while (length--)
        *at++ = (unsigned char)rand();
}

/* Every start in a word on both sides, every length over two blocks. */
static void test_copy(void **state)
{
    unsigned char from[ROOM], ours[ROOM], theirs[ROOM];

    (void)state;
    scribble(from, ROOM);
    for (size_t a = 0; a < 9; a++) {
        for (size_t b = 0; b < 9; b++) {
            for (size_t length = 0; length < 150; length++) {
                memset(ours, 0x5a, ROOM);
                memset(theirs, 0x5a, ROOM);
                memcpy(theirs + a, from + b, length);
                assert_ptr_equal(calf_memcpy(ours + a, from + b, length),
                                 ours + a);
                assert_memory_equal(ours, theirs, ROOM);
            }
        }
    }
}

static void test_move(void **state)
{
    unsigned char ours[ROOM], theirs[ROOM];

    (void)state;
    for (size_t to = 0; to < 40; to++) {
        for (size_t from = 0; from < 40; from++) {
            for (size_t length = 0; length < 150; length += 1 + length / 9) {
                scribble(ours, ROOM);
                memcpy(theirs, ours, ROOM);
                memmove(theirs + to, theirs + from, length);
                calf_memmove(ours + to, ours + from, length);
                assert_memory_equal(ours, theirs, ROOM);
            }
        }
    }
}

static void test_set(void **state)
{
    unsigned char ours[ROOM], theirs[ROOM];

    (void)state;
    for (size_t start = 0; start < 9; start++) {
        for (size_t length = 0; length < 200; length++) {
            memset(ours, 0x5a, ROOM);
            memset(theirs, 0x5a, ROOM);
            memset(theirs + start, 0x1f3, length);
            calf_memset(ours + start, 0x1f3, length);
            assert_memory_equal(ours, theirs, ROOM);
        }
    }
}

static void test_compare(void **state)
{
    unsigned char left[64], right[64];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t start = rand() % 9, length = rand() % 50;

        scribble(left, sizeof(left));
        memcpy(right, left, sizeof(left));
        right[rand() % 64] = (unsigned char)rand();
        assert_int_equal(sign(calf_memcmp(left + start, right + start, length)),
                         sign(memcmp(left + start, right + start, length)));
    }
}

/* Short strings over an alphabet with both ends of the unsigned range. */
static void test_strings(void **state)
{
    static const char letters[] = {'\0', 'a', '\xff', 'b', '\1'};
    char left[12] = "", right[12] = "";

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t limit = rand() % 12;
        char wanted = letters[rand() % 5];

        for (size_t j = 0; j < 11; j++) {
            left[j] = letters[rand() % 5];
            right[j] = rand() % 3 ? left[j] : letters[rand() % 5];
        }
        assert_int_equal(calf_strlen(left), strlen(left));
        assert_int_equal(calf_strnlen(left, limit), strnlen(left, limit));
        assert_int_equal(sign(calf_strcmp(left, right)),
                         sign(strcmp(left, right)));
        assert_int_equal(sign(calf_strncmp(left, right, limit)),
                         sign(strncmp(left, right, limit)));
        assert_ptr_equal(calf_strchr(left, wanted), strchr(left, wanted));
    }
}

static void test_strlcpy(void **state)
{
    char to[8];

    (void)state;
    assert_int_equal(strlcpy(to, "seven77", sizeof(to)), 7);
    assert_string_equal(to, "seven77");
    assert_int_equal(strlcpy(to, "eight888", sizeof(to)), 8);
    assert_string_equal(to, "eight88");
    assert_int_equal(strlcpy(to, "x", 1), 1);
    assert_string_equal(to, "");
    to[0] = '!';
    assert_int_equal(strlcpy(to, "abc", 0), 3);
    assert_int_equal(to[0], '!');
}

static void check_number(const char *text, bool good, uint64_t value,
                         size_t length)
{
    const char *at = text;
    uint64_t got = 4711;

    assert_int_equal(parse_u64(&at, &got), good);
    assert_int_equal(got, good ? value : 4711);
    assert_int_equal(at - text, good ? length : 0);
}

static void test_parse(void **state)
{
    (void)state;
    check_number("0", true, 0, 1);
    check_number("128M", true, 128, 3);
    check_number("0x1Fg", true, 0x1f, 4);
    check_number("0Xff", true, 255, 4);
    check_number("007", true, 7, 3);
    check_number("18446744073709551615", true, UINT64_MAX, 20);
    check_number("0xffffffffffffffff,", true, UINT64_MAX, 18);
    check_number("18446744073709551616", false, 0, 0);
    check_number("99999999999999999999", false, 0, 0);
    check_number("0x10000000000000000", false, 0, 0);
    check_number("", false, 0, 0);
    check_number("0x", false, 0, 0);
    check_number("-1", false, 0, 0);
    check_number(" 1", false, 0, 0);
    check_number("a", false, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),    cmocka_unit_test(test_move),
        cmocka_unit_test(test_set),     cmocka_unit_test(test_compare),
        cmocka_unit_test(test_strings), cmocka_unit_test(test_strlcpy),
        cmocka_unit_test(test_parse),
    };

    srand(test_seed(1));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
