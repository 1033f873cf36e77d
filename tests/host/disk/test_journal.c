/*
 * The journal: what is committed is there after a power cut at any moment, and
 * what is not is not; e2fsck reads our logs as we do; and what fails (memory,
 * the device, a log that makes no sense) is told and harms nothing.
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

#include "fs/journal/format.h"
#include "host/disk/journal_image.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define MEMORY (48ul << 20)
#define SMALL  "-t ext3 -b 1024"
#define MIDDLE "-t ext3 -b 2048"
#define LARGE  "-t ext3 -b 4096"

/* The sizes of blocks, each with a disk large enough for the smallest log. */
static const struct {
    const char *options;
    uint64_t size;
} kinds[] = {{SMALL, 8 << 20}, {MIDDLE, 8 << 20}, {LARGE, 16 << 20}};

static int setup(void **state)
{
    (void)state;
    mm_boot(MEMORY);
    return cache_start();
}

static const struct log_superblock *log_super(const struct image *image)
{
    return (const struct log_superblock *)image_log(image, 0);
}

static void open_image(struct image *image, const char *options, uint64_t size)
{
    image_make(image, options, size);
    assert_true(image->run_count > 0);
    assert_int_equal(image_open(image, NULL), 0);
}

static void check_memory(uint64_t before)
{
    assert_int_equal(page_free_count(), before);
    assert_int_equal(mm_audit(), 0);
}

/* ---- One transaction ----------------------------------------------------- */

static void test_commit_and_close(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct image image;
        uint64_t before = page_free_count();
        open_image(&image, kinds[i].options, kinds[i].size);
        assert_true(be32_get(log_super(&image)->start) != 0);
        assert_false(journal_is_dirty(image.journal));
        uint32_t first = journal_running(image.journal);

        assert_int_equal(image_write(&image, image.free, 7), 0);
        assert_true(journal_is_dirty(image.journal));
        assert_true(image_is(&image, image_block(&image, image.free), 0));
        assert_int_equal(journal_running(image.journal), first);
        assert_int_equal(journal_committed(image.journal), first - 1);

        assert_int_equal(journal_commit(image.journal), 0);
        assert_false(journal_is_dirty(image.journal));
        assert_true(image_is(&image, image_block(&image, image.free), 7));
        assert_int_equal(journal_running(image.journal), first + 1);
        assert_int_equal(journal_committed(image.journal), first);
        /* Descriptor, block, commit block. */
        const struct log_header *at = (void *)image_log(&image, 1);
        assert_int_equal(be32_get(at->type), LOG_DESCRIPTOR);
        assert_true(image_is(&image, image_log(&image, 2), 7));
        at = (void *)image_log(&image, 3);
        assert_int_equal(be32_get(at->type), LOG_COMMIT);
        assert_int_equal(be32_get(at->sequence), first);

        assert_int_equal(image_close(&image), 0);
        assert_int_equal(be32_get(log_super(&image)->start), 0);
        assert_int_equal(be32_get(log_super(&image)->sequence), first + 1);
        assert_true(disk_is_clean(image.disk));
        image_free(&image);
        check_memory(before);
    }
}

/* Closing commits what is left, and lets go of it once. */
static void test_close_commits(void **state)
{
    (void)state;
    struct image image;
    uint64_t before = page_free_count();
    open_image(&image, SMALL, 8 << 20);
    assert_int_equal(image_write(&image, image.free, 6), 0);
    assert_int_equal(image_close(&image), 0);
    assert_true(image_is(&image, image_block(&image, image.free), 6));
    assert_true(disk_is_clean(image.disk));
    image_free(&image);
    check_memory(before);
}

/* A commit without changes writes contents and flushes, and no more. */
static void test_commit_of_nothing(void **state)
{
    (void)state;
    struct image image;
    open_image(&image, SMALL, 8 << 20);
    uint64_t writes = image.disk->writes, flushes = image.disk->flushes;
    assert_int_equal(journal_commit(image.journal), 0);
    assert_int_equal(image.contents_written, 2);
    assert_int_equal(image.disk->writes, writes);
    assert_int_equal(image.disk->flushes, flushes + 1);
    assert_int_equal(image_close(&image), 0);
    image_free(&image);
}

/* How many requests one small transaction takes. */
static void test_cost(void **state)
{
    (void)state;
    struct image image;
    open_image(&image, LARGE, 16 << 20);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(image_write(&image, image.free + i, i), 0);
    uint64_t writes = image.disk->writes, flushes = image.disk->flushes;
    uint64_t reads = image.disk->reads;
    assert_int_equal(journal_commit(image.journal), 0);
    assert_int_equal(image.disk->flushes, flushes + 2);
    /* Descriptor and blocks; commit block; the log's superblock; home. */
    assert_int_equal(image.disk->writes, writes + 4);
    assert_int_equal(image.disk->reads, reads);
    assert_int_equal(image_close(&image), 0);
    image_free(&image);
}

static void test_without_log(void **state)
{
    (void)state;
    struct image image;
    image_make(&image, "-t ext2 -b 1024", 8 << 20);
    assert_int_equal(image.run_count, 0);
    assert_int_equal(image_open(&image, NULL), 0);
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(image_write(&image, image.free + i, i + 1), 0);
    struct journal_handle handle;
    assert_int_equal(image_begin(image.journal, 1, &handle), 0);
    assert_int_equal(journal_revoke(&handle, image.free + 3), 0);
    journal_end(&handle);
    assert_int_equal(journal_commit(image.journal), 0);
    for (uint32_t i = 0; i < 50; i++)
        assert_true(image_is(&image, image_block(&image, image.free + i),
                             i == 3 ? 0 : i + 1));
    assert_int_equal(image_close(&image), 0);
    image_free(&image);
}

/* A block that begins like one of the log's own. */
static void test_escape(void **state)
{
    (void)state;
    struct image image;
    open_image(&image, SMALL, 8 << 20);
    struct journal_handle handle;
    void *bytes;
    disk_record(image.disk);
    assert_int_equal(image_begin(image.journal, 2, &handle), 0);
    assert_int_equal(journal_change_new(&handle, image.free, &bytes), 0);
    struct log_header header = {be32(LOG_MAGIC), be32(LOG_COMMIT),
                                be32(journal_running(image.journal))};
    memcpy(bytes, &header, sizeof header);
    journal_end(&handle);
    assert_int_equal(journal_commit(image.journal), 0);
    assert_memory_equal(image_block(&image, image.free), &header,
                        sizeof header);
    assert_memory_not_equal(image_log(&image, 2), &header, 4);

    /* By us and by e2fsck, as if the block had never reached its place. */
    for (int way = 0; way < 2; way++) {
        struct image again;
        struct disk *disk =
            disk_after_cut(image.disk, image.disk->event_count, 0);
        image_use(&again, disk);
        memset(image_block(&again, image.free), 0, 1024);
        image_mark(&again, true);
        if (way) {
            assert_in_range(disk_tool(disk, "e2fsck -fy % 2>&1", NULL, 0), 0,
                            1);
        } else {
            assert_int_equal(image_open(&again, NULL), 0);
            assert_int_equal(image_close(&again), 0);
        }
        assert_memory_equal(image_block(&again, image.free), &header,
                            sizeof header);
        image_free(&again);
    }
    image_crash(&image);
    image_free(&image);
}

/* The file system's superblock has the last word on what is to be replayed. */
static void test_replay_unneeded(void **state)
{
    (void)state;
    struct image image;
    uint64_t replayed;
    open_image(&image, SMALL, 8 << 20);
    assert_int_equal(image_write(&image, image.free, 8), 0);
    assert_int_equal(journal_commit(image.journal), 0);
    image_crash(&image);
    image_fill(&image, image_block(&image, image.free), 1);
    image.unneeded = true;
    assert_int_equal(image_open(&image, &replayed), 0);
    assert_int_equal(replayed, 0);
    image_crash(&image);
    image.unneeded = false;
    assert_int_equal(image_open(&image, &replayed), 0);
    assert_int_equal(replayed, 0);
    assert_true(image_is(&image, image_block(&image, image.free), 1));
    assert_int_equal(image_close(&image), 0);
    image_free(&image);
}

static void test_full_transactions(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct image image;
        open_image(&image, kinds[k].options, kinds[k].size);
        uint32_t limit = journal_limit(image.journal), count = 0;
        assert_in_range(limit, 32, 512);
        uint32_t first = journal_running(image.journal);
        while (journal_running(image.journal) < first + 20) {
            struct journal_handle handle;
            assert_int_equal(image_begin(image.journal, limit, &handle), 0);
            for (uint32_t i = 0; i < limit; i++, count++) {
                void *bytes;
                uint32_t block = image.free + count % (image.blocks / 8);
                assert_int_equal(journal_change(&handle, block, &bytes), 0);
                image_fill(&image, bytes, count);
            }
            journal_end(&handle);
        }
        image_crash(&image);
        image_mark(&image, true);
        assert_in_range(disk_tool(image.disk, "e2fsck -fy % 2>&1", NULL, 0), 0,
                        1);
        assert_true(disk_is_clean(image.disk));
        image_free(&image);
    }
}

/* An operation that has a block's bytes may forget the block, or another
 * operation may: the bytes stay where they are, however short memory is. */
static void test_u6_forgotten_bytes_stay(void **state)
{
    (void)state;
    struct image image;
    struct journal_handle handle;
    struct list taken;
    struct page *page;
    void *bytes;
    open_image(&image, LARGE, 16 << 20);
    assert_int_equal(image_begin(image.journal, 2, &handle), 0);
    assert_int_equal(journal_change(&handle, image.free, &bytes), 0);
    image_fill(&image, bytes, 9);
    assert_int_equal(journal_revoke(&handle, image.free), 0);
    list_init(&taken);
    while ((page = page_alloc_zeroed(PAGE_KERNEL)))
        list_push_back(&taken, &page->link);
    assert_true(image_is(&image, bytes, 9));
    for (struct list *at; (at = list_pop_front(&taken));)
        page_put(list_entry(at, struct page, link));
    journal_end(&handle);
    assert_int_equal(image_close(&image), 0);
    assert_true(image_is(&image, image_block(&image, image.free), 0));
    image_free(&image);
}

/* ---- Power cuts ---------------------------------------------------------- */

#define PLAYGROUND 40

/* What blocks a test plays with hold, by number of transaction. */
struct history {
    uint32_t values[4096][PLAYGROUND];
    uint32_t count; /* states; the last one was committed */
};

static struct history history;

/* Whether the playground is as state `number` says. */
static bool is_state(const struct image *image, uint32_t number)
{
    for (uint32_t i = 0; i < PLAYGROUND; i++)
        if (!image_is(image, image_block(image, image->free + i),
                      history.values[number][i]))
            return false;
    return true;
}

/* A block's contents that were never in the log: written in its place by a
 * commit that also frees the block. */
static struct {
    uint32_t blocks[PLAYGROUND], values[PLAYGROUND], count;
} direct;

static void write_direct(struct image *image)
{
    struct page *page = page_alloc(PAGE_KERNEL);
    for (uint32_t i = 0; i < direct.count; i++) {
        struct block_request request = {.command = BLOCK_WRITE,
                                        .count = 1,
                                        .sector = (uint64_t)direct.blocks[i] *
                                                  image->block_size / 512};
        image_fill(image, page_data(page), direct.values[i]);
        request.segments[0] =
            (struct block_segment){page, 0, image->block_size};
        assert_int_equal(block_do(&image->disk->device, &request), 0);
    }
    direct.count = 0;
    page_put(page);
}

/* A transaction of random changes. Blocks freed in the one before may now be
 * written directly (`contents` tells which), to what they will be found to be,
 * and then they may come back. */
static void random_transaction(struct image *image, uint64_t *random,
                               bool freed[PLAYGROUND])
{
    uint32_t *values = history.values[history.count];
    memcpy(values, history.values[history.count - 1], sizeof *history.values);
    for (uint32_t i = 0; i < PLAYGROUND; i++) {
        struct journal_handle handle;
        void *bytes;
        unsigned fate = disk_random(random) % 8;
        uint32_t block = image->free + i;
        assert_int_equal(image_begin(image->journal, 2, &handle), 0);
        if (freed[i]) {
            assert_int_equal(journal_change_new(&handle, block, &bytes), 0);
            freed[i] = false;
            fate = 0;
        }
        if (fate < 3) {
            assert_int_equal(journal_change(&handle, block, &bytes), 0);
            values[i] = fate == 2 ? __builtin_bswap32(LOG_MAGIC)
                                  : (uint32_t)disk_random(random);
            image_fill(image, bytes, values[i]);
        } else if (fate == 3) {
            assert_int_equal(journal_revoke(&handle, block), 0);
            freed[i] = true;
        }
        journal_end(&handle);
    }
}

/* Blocks freed by the last commit become a file's, with new contents. */
static void reuse_freed(const struct image *image, uint64_t *random,
                        const bool freed[PLAYGROUND])
{
    direct.count = 0;
    for (uint32_t i = 0; i < PLAYGROUND; i++)
        if (freed[i]) {
            direct.blocks[direct.count] = image->free + i;
            direct.values[direct.count++] = (uint32_t)disk_random(random);
        }
}

static void test_power_cuts(void **state)
{
    (void)state;
    uint64_t random = test_number("SEED", 1) | 1;
    unsigned cuts = test_number("CUTS", 400), by_fsck = cuts / 10;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct image image;
        bool freed[PLAYGROUND] = {false};
        open_image(&image, kinds[k].options, kinds[k].size);
        memset(history.values[0], 0, sizeof history.values[0]);
        history.count = 1;
        disk_record(image.disk);
        disk_mark(image.disk, 0);
        while (history.count < 40) {
            random_transaction(&image, &random, freed);
            assert_int_equal(journal_commit(image.journal), 0);
            disk_mark(image.disk, history.count++);
        }
        for (unsigned i = 0; i < cuts; i++) {
            struct image cut;
            size_t at = disk_random(&random) % (image.disk->event_count + 1);
            uint32_t safe = 0;
            for (size_t e = 0; e < at; e++)
                if (image.disk->events[e].kind == DISK_MARK)
                    safe = image.disk->events[e].sector;
            image_use(&cut,
                      disk_after_cut(image.disk, at, i % 8 ? random | 1 : 0));
            image_mark(&cut, true);
            if (i < by_fsck) {
                int status = disk_tool(cut.disk, "e2fsck -fy % 2>&1", NULL, 0);
                assert_in_range(status, 0, 1);
            } else {
                assert_int_equal(image_open(&cut, NULL), 0);
                image_crash(&cut);
            }
            bool found = is_state(&cut, safe) ||
                         (safe + 1 < history.count && is_state(&cut, safe + 1));
            if (!found)
                mm_fail("SEED=%lu: block size %u, cut %u at event %zu: not "
                        "transaction %u or the next",
                        test_number("SEED", 1), image.block_size, i, at, safe);
            image_free(&cut);
        }
        image_crash(&image);
        image_free(&image);
    }
}

/* Blocks that were metadata, then free, then a file's: an older copy in the
 * log must not come back over what the file has. */
static void test_revocation(void **state)
{
    (void)state;
    uint64_t random = test_number("SEED", 1) | 1;
    uint32_t reused = 0;
    for (unsigned k = 0; k < 3 * ARRAY_SIZE(kinds); k++) {
        struct image image;
        const char *options = kinds[k % 3].options;
        bool freed[PLAYGROUND] = {false};
        open_image(&image, options, kinds[k % 3].size);
        memset(history.values[0], 0, sizeof history.values[0]);
        history.count = 1;
        uint32_t first = journal_running(image.journal);
        disk_record(image.disk);
        for (unsigned i = 0; i < 12; i++) {
            random_transaction(&image, &random, freed);
            assert_int_equal(journal_commit(image.journal), 0);
            history.count++;
        }
        reuse_freed(&image, &random, freed);
        uint32_t count = direct.count;
        reused += count;
        uint32_t blocks[PLAYGROUND], values[PLAYGROUND];
        memcpy(blocks, direct.blocks, sizeof blocks);
        memcpy(values, direct.values, sizeof values);
        image.while_writing = write_direct;
        assert_int_equal(image_write(&image, image.free + PLAYGROUND, 1), 0);
        assert_int_equal(journal_commit(image.journal), 0);
        /* As if the log's superblock had never been written since. */
        struct disk *disk =
            disk_after_cut(image.disk, image.disk->event_count, 0);
        struct image cut;
        image_use(&cut, disk);
        image_mark(&cut, true);
        struct log_superblock *super = (void *)image_log(&cut, 0);
        super->start = super->first;
        super->sequence = be32(first);
        if (k % 2) {
            assert_int_equal(image_open(&cut, NULL), 0);
            image_crash(&cut);
        } else {
            disk_tool(disk, "e2fsck -fy % 2>&1", NULL, 0);
        }
        for (uint32_t i = 0; i < count; i++)
            assert_true(
                image_is(&cut, image_block(&cut, blocks[i]), values[i]));
        image_free(&cut);
        image_crash(&image);
        image_free(&image);
    }
    assert_true(reused > 0);
}

/* Numbers of transactions wrap, and so does the log, many times. */
static void test_numbers_wrap(void **state)
{
    (void)state;
    struct image image;
    image_make(&image, SMALL, 8 << 20);
    struct log_superblock *super = (void *)image_log(&image, 0);
    super->sequence = be32(0xfffffff0);
    assert_int_equal(image_open(&image, NULL), 0);
    disk_record(image.disk);
    for (uint32_t i = 0; i < 40; i++) {
        for (uint32_t j = 0; j < 60; j++)
            assert_int_equal(image_write(&image, image.free + j, i), 0);
        assert_int_equal(journal_commit(image.journal), 0);
    }
    assert_in_range(journal_running(image.journal), 1, 100);
    for (int way = 0; way < 2; way++) {
        struct image cut;
        image_use(&cut, disk_after_cut(image.disk, image.disk->event_count, 0));
        for (uint32_t j = 0; j < 60; j++)
            image_fill(&cut, image_block(&cut, image.free + j), 1234);
        image_mark(&cut, true);
        if (way) {
            disk_tool(cut.disk, "e2fsck -fy % 2>&1", NULL, 0);
        } else {
            uint64_t replayed;
            assert_int_equal(image_open(&cut, &replayed), 0);
            assert_int_equal(replayed, 60);
            image_crash(&cut);
        }
        for (uint32_t j = 0; j < 60; j++)
            assert_true(image_is(&cut, image_block(&cut, image.free + j), 39));
        image_free(&cut);
    }
    image_crash(&image);
    image_free(&image);
}

/* ---- What fails ---------------------------------------------------------- */

static void test_memory_ends(void **state)
{
    (void)state;
    struct image image;
    uint64_t before = page_free_count();
    int result = -ENOMEM;
    image_make(&image, SMALL, 8 << 20);
    for (unsigned nth = 1; result; nth++) {
        page_fail_after(nth);
        result = image_open(&image, NULL);
        page_fail_after(0);
        assert_in_range(-result, 0, ENOMEM);
        if (result)
            cache_drop(&image.metadata, 0, true);
    }
    for (unsigned kind = 0; kind < 3; kind++) {
        result = -ENOMEM;
        for (unsigned nth = 1; result; nth++) {
            struct journal_handle handle;
            void *bytes;
            uint32_t block = image.free + 64 * kind;
            assert_int_equal(image_begin(image.journal, 1, &handle), 0);
            page_fail_after(nth);
            if (kind == 0)
                result = journal_change(&handle, block, &bytes);
            else if (kind == 1)
                result = journal_change_new(&handle, block, &bytes);
            else
                result = journal_revoke(&handle, block);
            page_fail_after(0);
            assert_int_equal(handle.left, result ? 1 : 0);
            journal_end(&handle);
            assert_true(result == 0 || result == -ENOMEM);
            assert_int_equal(journal_is_dirty(image.journal),
                             !result || kind > 0);
        }
    }
    /* A commit allocates nothing. */
    page_fail_after(1);
    assert_int_equal(journal_commit(image.journal), 0);
    page_fail_after(0);
    /* But contents may need memory, and later there may be some. */
    image.contents_error = -ENOMEM;
    assert_int_equal(image_write(&image, image.free, 5), 0);
    assert_int_equal(journal_commit(image.journal), -ENOMEM);
    assert_int_equal(image.deaths, 0);
    image.contents_error = 0;
    assert_int_equal(journal_commit(image.journal), 0);
    assert_true(image_is(&image, image_block(&image, image.free), 5));
    assert_int_equal(image_close(&image), 0);
    image_free(&image);
    check_memory(before);
}

/* Each write and flush of a commit fails in turn: the journal dies, once; what
 * was committed before is there, and this transaction all or not at all. */
static void test_device_fails(void **state)
{
    (void)state;
    uint64_t before = page_free_count();
    for (unsigned nth = 1, survived = 0; !survived; nth++) {
        for (int flush = 0; flush < 2; flush++) {
            struct image image;
            struct journal_handle handle;
            open_image(&image, SMALL, 8 << 20);
            for (uint32_t i = 0; i < 4; i++)
                assert_int_equal(image_write(&image, image.free + i, 1), 0);
            assert_int_equal(journal_commit(image.journal), 0);
            for (uint32_t i = 0; i < 4; i++)
                assert_int_equal(image_write(&image, image.free + 2 * i, 2), 0);
            *(flush ? &image.disk->fail_flush : &image.disk->fail_write) = nth;
            int result = journal_commit(image.journal);
            image.disk->fail_write = image.disk->fail_flush = 0;
            assert_int_equal(image.deaths, result ? 1 : 0);
            if (result) {
                uint64_t writes = image.disk->writes;
                assert_int_equal(result, -EIO);
                assert_int_equal(image_begin(image.journal, 1, &handle),
                                 -EROFS);
                assert_int_equal(journal_commit(image.journal), -EROFS);
                assert_int_equal(image_close(&image), -EROFS);
                assert_int_equal(image.disk->writes, writes);
                assert_int_equal(image.deaths, 1);
            } else {
                survived += !flush;
                image_crash(&image);
            }
            assert_int_equal(image_open(&image, NULL), 0);
            bool both = image_is(&image, image_block(&image, image.free), 2);
            for (uint32_t i = 0; i < 4; i++)
                assert_true(image_is(&image,
                                     image_block(&image, image.free + 2 * i),
                                     both ? 2 : i < 2));
            assert_true(
                image_is(&image, image_block(&image, image.free + 1), 1));
            assert_int_equal(image_close(&image), 0);
            image_free(&image);
        }
    }
    check_memory(before);
}

static void test_reading_fails(void **state)
{
    (void)state;
    struct image image;
    struct journal_handle handle;
    void *bytes;
    open_image(&image, SMALL, 8 << 20);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(image_write(&image, image.free + i, 3), 0);
    image.disk->bad_from = (image.blocks - 1) * 2;
    image.disk->bad_to = image.blocks * 2;
    assert_int_equal(image_begin(image.journal, 2, &handle), 0);
    assert_int_equal(journal_change(&handle, image.blocks - 1, &bytes), -EIO);
    assert_int_equal(journal_change(&handle, image.blocks, &bytes), -EIO);
    assert_int_equal(journal_revoke(&handle, image.blocks), -EIO);
    journal_end(&handle);
    assert_int_equal(journal_commit(image.journal), 0);
    image_crash(&image);
    for (uint32_t i = 0; i < 4; i++)
        image_fill(&image, image_block(&image, image.free + i), 4);
    int result = -EIO;
    for (unsigned nth = 1; result; nth++) {
        image.disk->fail_read = nth;
        result = image_open(&image, NULL);
        assert_in_range(-result, 0, EIO);
        if (result)
            assert_non_null(strstr(image_console(), "calf: vda: journal: "));
        assert_true(nth < 100);
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_true(image_is(&image, image_block(&image, image.free + i), 3));
    image.disk->fail_read = 0;
    assert_int_equal(image_close(&image), 0);
    image_free(&image);
}

/* ---- Superblocks that cannot be ------------------------------------------ */

static void test_bad_superblocks(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint32_t value;
        int result;
        const char *message;
    } cases[] = {
        {0, 0, -EUCLEAN, "no superblock"},
        {4, 3, -EOPNOTSUPP, "version 1"},
        {4, 7, -EUCLEAN, "no superblock"},
        {12, 4096, -EUCLEAN, "bad size"},
        {16, 0, -EUCLEAN, "bad size"},
        {16, 0xffffffff, -EUCLEAN, "bad size"},
        {20, 0, -EUCLEAN, "bad size"},
        {20, 1000, -EUCLEAN, "bad size"},
        {20, 0xffffffff, -EUCLEAN, "bad size"},
        {28, 0x10000, -EUCLEAN, "bad start"},
        {28, 0xffffffff, -EUCLEAN, "bad start"},
        {40, 4, -EOPNOTSUPP, "async_commit"},
        {40, 32, -EOPNOTSUPP, "fast_commit"},
        {40, 0x4000, -EOPNOTSUPP, "0x4000"},
        {40, 0x18, -EOPNOTSUPP, "checksum"},
        {40, 0x10, -EOPNOTSUPP, "checksum"},
        {44, 1, -EOPNOTSUPP, "features"},
    };
    struct image image;
    uint64_t before = page_free_count();
    image_make(&image, SMALL, 8 << 20);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t saved[1024], *super = image_log(&image, 0);
        be32_t value = be32(cases[i].value);
        memcpy(saved, super, sizeof saved);
        memcpy(super + cases[i].offset, &value, sizeof value);
        (void)image_console();
        assert_int_equal(image_open(&image, NULL), cases[i].result);
        assert_non_null(strstr(image_console(), cases[i].message));
        memcpy(super, saved, sizeof saved);
        cache_drop(&image.metadata, 0, true);
    }
    image.runs[0].first = image.blocks;
    assert_int_equal(image_open(&image, NULL), -EUCLEAN);
    image_free(&image);
    check_memory(before);
}

static void test_read_only(void **state)
{
    (void)state;
    struct image image;
    struct journal_handle handle;
    open_image(&image, SMALL, 8 << 20);
    assert_int_equal(image_write(&image, image.free, 9), 0);
    assert_int_equal(journal_commit(image.journal), 0);
    image_crash(&image);
    image.disk->device.read_only = true;
    assert_int_equal(image_open(&image, NULL), -EROFS);
    image.disk->device.read_only = false;
    assert_int_equal(image_open(&image, NULL), 0);
    assert_int_equal(image_close(&image), 0);
    image.disk->device.read_only = true;
    uint64_t writes = image.disk->writes;
    assert_int_equal(image_open(&image, NULL), 0);
    assert_int_equal(image_begin(image.journal, 1, &handle), -EROFS);
    assert_int_equal(journal_commit(image.journal), 0);
    assert_int_equal(image_close(&image), 0);
    assert_int_equal(image.disk->writes, writes);
    image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit_and_close),
        cmocka_unit_test(test_close_commits),
        cmocka_unit_test(test_commit_of_nothing),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_without_log),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_replay_unneeded),
        cmocka_unit_test(test_full_transactions),
        cmocka_unit_test(test_u6_forgotten_bytes_stay),
        cmocka_unit_test(test_power_cuts),
        cmocka_unit_test(test_revocation),
        cmocka_unit_test(test_numbers_wrap),
        cmocka_unit_test(test_memory_ends),
        cmocka_unit_test(test_device_fails),
        cmocka_unit_test(test_reading_fails),
        cmocka_unit_test(test_bad_superblocks),
        cmocka_unit_test(test_read_only),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
