/*
 * Logs that Linux's tools left: debugfs writes transactions with every kind of
 * checksum, with revocations, escaped blocks and one left uncommitted; then we
 * replay, and e2fsck does, and both must have made the same disk. And logs that
 * are damaged: whatever is in them, there is a result.
 */
/* sources: tests/host/disk/journal_image.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/journal/crc.h"
#include "fs/journal/format.h"
#include "host/disk/journal_image.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define MEMORY     (32ul << 20)
#define SIZE       (4u << 20)
#define PLAYGROUND 60
#define WRITES     8 /* blocks in a transaction, at most */

/* What mke2fs and debugfs are told, and the log's features then. */
static const struct {
    const char *make, *open;
    uint32_t compat, incompat;
} kinds[] = {
    {"-t ext3 -b 1024 -J size=1", "jo", 0, 1},
    {"-t ext3 -b 1024 -J size=1", "jo -c", 1, 1},
    {"-t ext4 -b 1024 -J size=1 -O ^extents,^64bit,metadata_csum", "jo -c -v 2",
     0, 9},
    {"-t ext4 -b 1024 -J size=1 -O ^extents,^64bit,metadata_csum", "jo -c -v 3",
     0, 0x11},
    {"-t ext4 -b 1024 -J size=1 -O 64bit,metadata_csum", "jo -c -v 2", 0, 0xb},
    {"-t ext4 -b 1024 -J size=1 -O 64bit,metadata_csum", "jo -c -v 3", 0, 0x13},
};

static char folder[] = "/tmp/calf-logs-XXXXXX";

static int setup(void **state)
{
    (void)state;
    mm_boot(MEMORY);
    return !mkdtemp(folder) || cache_start();
}

static int teardown(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* ---- Logs by debugfs ----------------------------------------------------- */

/* A file with what the blocks of one transaction will be. */
static void make_contents(unsigned number, uint64_t *random)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%u", folder, number);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (unsigned i = 0; i < WRITES; i++) {
        uint64_t words[128];
        for (unsigned j = 0; j < ARRAY_SIZE(words); j++)
            words[j] = disk_random(random);
        be32_t magic = be32(LOG_MAGIC);
        if (words[0] % 4 == 0)
            memcpy(words, &magic, sizeof magic);
        fwrite(words, sizeof words, 1, file);
    }
    fclose(file);
}

static void add_list(FILE *script, const char *option, unsigned count,
                     uint32_t first, uint64_t *random)
{
    uint32_t at = disk_random(random) % PLAYGROUND;
    for (unsigned i = 0; i < count; i++)
        fprintf(script, "%s%u", i ? "," : option,
                first + (at + i * 7) % PLAYGROUND);
}

/* Let debugfs write some transactions; the last one may lack its commit. */
static void write_log(struct image *image, const char *open, bool may_lack,
                      uint64_t *random)
{
    char command[128], path[64];
    unsigned count = 1 + disk_random(random) % 6;
    snprintf(path, sizeof path, "%s/script", folder);
    FILE *script = fopen(path, "w");
    assert_non_null(script);
    for (unsigned i = 0; i < count; i++) {
        unsigned writes = 1 + disk_random(random) % WRITES;
        unsigned revokes = disk_random(random) % 4;
        bool cut = may_lack && i + 1 == count && disk_random(random) % 2;
        make_contents(i, random);
        /* In one session it would write over a commit after a revocation. */
        fprintf(script, "%s\njw%s", i ? "jo" : open, cut ? " -c" : "");
        add_list(script, " -b ", writes, image->free, random);
        add_list(script, " -r ", revokes, image->free, random);
        fprintf(script, " %s/%u\njc\n", folder, i);
    }
    fclose(script);
    snprintf(command, sizeof command, "debugfs -w -f %s %% 2>&1", path);
    assert_int_equal(disk_tool(image->disk, command, NULL, 0), 0);
}

static void test_features(void **state)
{
    (void)state;
    uint64_t random = test_number("SEED", 1) | 1;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct image image;
        image_make(&image, kinds[k].make, SIZE);
        write_log(&image, kinds[k].open, true, &random);
        const struct log_superblock *head = (void *)image_log(&image, 0);
        assert_int_equal(be32_get(head->compat), kinds[k].compat);
        assert_int_equal(be32_get(head->incompat), kinds[k].incompat);
        image_free(&image);
    }
}

static struct disk *copy_of(const struct disk *disk)
{
    struct disk *copy = disk_new(disk->size);
    memcpy(copy->bytes, disk->bytes, disk->size);
    return copy;
}

static void test_replay_as_e2fsck(void **state)
{
    (void)state;
    uint64_t random = test_number("SEED", 1) | 1;
    unsigned usual = test_number("LOGS", 8) * ARRAY_SIZE(kinds);
    unsigned replays[ARRAY_SIZE(kinds)] = {0};
    /* Of logs with sums of the first kind e2fsck, too, replays only a few. */
    for (unsigned i = 0; i < usual || (!replays[1] && i < 20 * usual); i++) {
        unsigned k = i < usual ? i % ARRAY_SIZE(kinds) : 1;
        struct image ours, theirs;
        uint64_t replayed = 0;
        image_make(&ours, kinds[k].make, SIZE);
        write_log(&ours, kinds[k].open, true, &random);
        image_use(&theirs, copy_of(ours.disk));
        assert_int_equal(image_open(&ours, &replayed), 0);
        image_crash(&ours);
        disk_tool(theirs.disk, "e2fsck -fy % 2>&1", NULL, 0);
        for (uint32_t j = 0; j < PLAYGROUND; j++)
            if (memcmp(image_block(&ours, ours.free + j),
                       image_block(&theirs, ours.free + j), 1024))
                mm_fail("SEED=%lu: log %u (%s %s): block %u differs",
                        test_number("SEED", 1), i, kinds[k].make, kinds[k].open,
                        j);
        replays[k] += replayed > 0;
        image_free(&ours);
        image_free(&theirs);
    }
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
        assert_true(replays[k] > 0);
}

/* ---- Damage -------------------------------------------------------------- */

/* Change a byte or two somewhere in what is used of the log. */
static void damage(struct image *image, uint64_t *random)
{
    for (unsigned n = 1 + disk_random(random) % 2; n > 0; n--) {
        uint32_t index = disk_random(random) % 40;
        uint32_t at = disk_random(random) % 1024;
        if (disk_random(random) % 2)
            at %= 64; /* where most of the meaning is */
        image_log(image, index)[at] = disk_random(random);
    }
}

static void test_damaged_logs(void **state)
{
    (void)state;
    uint64_t random = test_number("SEED", 1) | 1;
    uint64_t before = page_free_count();
    unsigned mutations = test_number("MUTATIONS", 300), good = 0, bad = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct image image;
        image_make(&image, kinds[k].make, SIZE);
        write_log(&image, kinds[k].open, true, &random);
        for (unsigned i = 0; i < mutations; i++) {
            struct image hurt;
            image_use(&hurt, copy_of(image.disk));
            damage(&hurt, &random);
            int result = image_open(&hurt, NULL);
            if (result && hurt.disk->writes)
                mm_fail("SEED=%lu: log %u, mutation %u: refused, but written",
                        test_number("SEED", 1), k, i);
            good += !result;
            bad += result == -EUCLEAN;
            if (!result)
                image_crash(&hurt);
            else
                assert_true(result == -EUCLEAN || result == -EOPNOTSUPP);
            image_free(&hurt);
        }
        image_free(&image);
    }
    assert_true(good > 0 && bad > 0);
    assert_int_equal(page_free_count(), before);
    assert_int_equal(mm_audit(), 0);
}

/* A bit of a block that a commit block vouches for is seen by checksums 2 and
 * 3, and nothing is replayed then. By the first kind it ends the log. */
static void test_checksums_see(void **state)
{
    (void)state;
    uint64_t random = test_number("SEED", 1) | 1;
    for (unsigned k = 1; k < ARRAY_SIZE(kinds); k++) {
        struct image image;
        uint64_t replayed = 1;
        image_make(&image, kinds[k].make, SIZE);
        write_log(&image, kinds[k].open, false, &random);
        image_log(&image, 2)[500] ^= 1;
        (void)image_console();
        int result = image_open(&image, &replayed);
        assert_int_equal(replayed, 0);
        if (kinds[k].compat) {
            assert_int_equal(result, 0);
            image_crash(&image);
        } else {
            assert_int_equal(result, -EUCLEAN);
            assert_non_null(strstr(image_console(), "is damaged: a block"));
            assert_int_equal(image.disk->writes, 0);
        }
        image_free(&image);
    }
}

/* The usual check values of the two sums. */
static void test_sums(void **state)
{
    (void)state;
    assert_int_equal(~crc32c(~0u, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32_be(~0u, "123456789", 9), 0x0376e6e7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_replay_as_e2fsck),
        cmocka_unit_test(test_checksums_see),
        cmocka_unit_test(test_damaged_logs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
