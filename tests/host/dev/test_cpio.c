/*
 * The archive reader: what it finds in sound archives, what it says of damaged
 * ones, and that no damage makes it read outside or go on for ever. Archives
 * under test lie in memory of exactly their size, for AddressSanitizer.
 */
/* sources: kernel/dev/cpio.c tests/host/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/cpio.h"
#include "lib/errno.h"
#include "host/lib/seed.h"

static char archive[2000];
static size_t size;

static void pad_from(size_t start)
{
    while ((size - start) % 4)
        archive[size++] = '\0';
}

/* Appends an entry to the archive that began at `start`. */
static void add(size_t start, const char *name, unsigned mode, const char *data)
{
    size_t length = strlen(data);

    size += (size_t)sprintf(archive + size,
                            "070701%08x%08X%08x%08x%08x%08x%08zX%08x%08x%08x"
                            "%08x%08zx%08x",
                            0xabc, mode, 11, 12, 2, 0xfedcba98, length, 0, 0, 0,
                            0, strlen(name) + 1, 0);
    memcpy(archive + size, name, strlen(name) + 1);
    size += strlen(name) + 1;
    pad_from(start);
    memcpy(archive + size, data, length);
    size += length;
    pad_from(start);
}

static void add_trailer(size_t start)
{
    add(start, "TRAILER!!!", 0, "");
}

static void check_entry(struct cpio *cpio, const char *name, uint32_t mode,
                        const char *data)
{
    struct cpio_entry entry;

    assert_int_equal(cpio_next(cpio, &entry), 1);
    assert_string_equal(entry.name, name);
    assert_int_equal(entry.name_length, strlen(name));
    assert_int_equal(entry.mode, mode);
    assert_int_equal(entry.ino, 0xabc);
    assert_int_equal(entry.uid, 11);
    assert_int_equal(entry.gid, 12);
    assert_int_equal(entry.mtime, 0xfedcba98);
    assert_int_equal(entry.nlink, 2);
    assert_int_equal(entry.size, strlen(data));
    assert_memory_equal(entry.data, data, entry.size);
}

static void check_end(struct cpio *cpio)
{
    struct cpio_entry entry;

    assert_int_equal(cpio_next(cpio, &entry), 0);
    assert_int_equal(cpio_next(cpio, &entry), 0);
    assert_null(cpio->error);
}

/* Says what ends the archive: NULL for its end. */
static const char *verdict(const char *data, size_t length)
{
    char *exact = malloc(length + !length);
    struct cpio cpio;
    struct cpio_entry entry;
    size_t entries = 0;
    int result;

    assert_non_null(exact);
    memcpy(exact, data, length);
    cpio_open(&cpio, exact, length);
    while ((result = cpio_next(&cpio, &entry)) == 1) {
        const char *from = entry.data;

        assert_true(++entries <= length);
        assert_int_equal(strlen(entry.name), entry.name_length);
        assert_true(from >= exact && entry.size <= length);
        assert_true(from + entry.size <= exact + length);
    }
    if (result) {
        assert_int_equal(result, -EUCLEAN);
        assert_non_null(cpio.error);
        assert_int_equal(cpio_next(&cpio, &entry), -EUCLEAN);
    }
    free(exact);
    return result ? cpio.error : NULL;
}

static int fresh(void **state)
{
    (void)state;
    size = 0;
    add(0, "bin", 040755, "");
    add(0, "bin/sh", 0100755, "seven77");
    add(0, "abcde", 0100644, "four");
    add_trailer(0);
    return 0;
}

static void test_sound(void **state)
{
    struct cpio cpio;

    (void)state;
    cpio_open(&cpio, archive, size);
    check_entry(&cpio, "bin", 040755, "");
    check_entry(&cpio, "bin/sh", 0100755, "seven77");
    check_entry(&cpio, "abcde", 0100644, "four");
    check_end(&cpio);
    assert_null(verdict(archive, 0));
}

/* A second archive need not begin at a multiple of four. */
static void test_several(void **state)
{
    struct cpio cpio;
    size_t start;

    (void)state;
    for (size_t gap = 0; gap < 9; gap++) {
        fresh(NULL);
        memset(archive + size, 0, gap + 512);
        size += gap;
        start = size;
        add(start, "second", 0100600, "12345");
        add_trailer(start);
        size += 512 - size % 512;
        cpio_open(&cpio, archive, size);
        check_entry(&cpio, "bin", 040755, "");
        check_entry(&cpio, "bin/sh", 0100755, "seven77");
        check_entry(&cpio, "abcde", 0100644, "four");
        check_entry(&cpio, "second", 0100600, "12345");
        check_end(&cpio);
    }
}

static void check_damage(size_t offset, const char *bytes, const char *says)
{
    const char *said;

    fresh(NULL);
    memcpy(archive + offset, bytes, strlen(bytes));
    said = verdict(archive, size);
    if (!said || !strstr(said, says))
        fail_msg("at %zu '%s': %s", offset, bytes, said ? said : "sound");
}

static void test_damage(void **state)
{
    const size_t data_size = 6 + 6 * 8, name_size = 6 + 11 * 8;

    (void)state;
    check_damage(0, "070702", "compressed");
    check_damage(0, "\x1f\x8b", "compressed");
    check_damage(30, "x", "hexadecimal");
    check_damage(30, " ", "hexadecimal");
    check_damage(data_size, "0x", "hexadecimal");
    check_damage(data_size, "ffffffff", "data");
    check_damage(data_size, "7fffffff", "data");
    check_damage(name_size, "ffffffff", "breaks off in a name");
    check_damage(name_size, "00000000", "empty");
    check_damage(name_size, "00000001", "empty");
    check_damage(name_size, "00000003", "terminated");
    check_damage(name_size, "00000005", "terminated");
    check_damage(size - 14, "x", "trailer");
    fresh(NULL);
    memcpy(archive + name_size, "00000001", 8);
    archive[name_size + 16] = '\0';
    assert_non_null(strstr(verdict(archive, size), "empty"));
    fresh(NULL);
    archive[size] = 'x';
    assert_non_null(strstr(verdict(archive, size + 1), "breaks off"));
}

/* Every beginning is refused, but for the empty one and for padding's sake:
 * the last one is whole without it. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t length = 1; length < size; length++) {
        const char *said = verdict(archive, length);

        if (length < size - 3)
            assert_non_null(said);
    }
}

static void test_random_damage(void **state)
{
    static const char likely[] = "0123456789abcdefF7xT\0\xff";
    int sound = 0, damaged = 0;

    (void)state;
    srand(test_seed(1));
    for (int round = 0; round < 30000; round++) {
        fresh(NULL);
        for (int hits = 1 + rand() % 4; hits; hits--)
            archive[rand() % size] = likely[rand() % (sizeof(likely) - 1)];
        if (verdict(archive, size))
            damaged++;
        else
            sound++;
    }
    assert_true(sound > 1000 && damaged > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sound, fresh),
        cmocka_unit_test_setup(test_several, fresh),
        cmocka_unit_test_setup(test_damage, fresh),
        cmocka_unit_test_setup(test_cut_short, fresh),
        cmocka_unit_test_setup(test_random_damage, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
