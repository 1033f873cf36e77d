/*
 * Damaged disks: bytes of a small file system's metadata are changed at random,
 * it is mounted, everything in it is looked at, and everything is changed that
 * can be. Each step may fail; none may end the kernel, hang, use memory that is
 * not its own, or leave some behind. MUTATIONS= and SEED= choose.
 */
/* sources: tests/host/disk/ext2_walk.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/ext2/private.h"
#include "host/disk/ext2_host.h"
#include "host/disk/ext2_walk.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"
#include "vfs/file.h"

/* Seconds one damaged disk may take. */
#define PATIENCE 60

static uint64_t random_state;

static unsigned pick(unsigned below)
{
    return (unsigned)(disk_random(&random_state) % below);
}

/* ---- Damage -------------------------------------------------------------- */

/* Blocks of zeros, and of files: their contents are all digits. */
static bool is_dull(const uint8_t *block)
{
    for (unsigned i = 0; i < 1024; i++)
        if (block[i] && block[i] != '\n' && (block[i] < '0' || block[i] > '9'))
            return false;
    return true;
}

/* A block of metadata. */
static uint8_t *pick_block(const struct disk *disk)
{
    for (;;) {
        uint8_t *block =
            disk->bytes + pick((unsigned)(disk->size / 1024)) * 1024ul;

        if (!is_dull(block))
            return block;
    }
}

static uint32_t pick_value(const struct disk *disk)
{
    static const uint32_t values[] = {
        0, 1, 2, 11, 0xffffffff, 0x7fffffff, 0x80000000, 0xffff, 0x10000};

    switch (pick(4)) {
    case 0:
        return values[pick(sizeof(values) / sizeof(values[0]))];
    case 1:
        return pick((unsigned)(disk->size / 1024) + 2);
    case 2:
        return pick(64);
    default:
        return (uint32_t)disk_random(&random_state);
    }
}

static void damage(struct disk *disk)
{
    unsigned count = 1 + pick(4) * pick(4);

    while (count--) {
        uint8_t *block = pick_block(disk);
        uint32_t value = pick_value(disk);
        unsigned at;

        /* Where something is: most of a table of inodes is not in use. */
        do
            at = pick(1024) & ~3u;
        while (!memcmp(block + at, "\0\0\0\0", 4) && pick(8));
        switch (pick(4)) {
        case 0:
            memcpy(block + at, &value, 4);
            break;
        case 1:
            memcpy(block + at + pick(2) * 2, &value, 2);
            break;
        case 2:
            block[at + pick(4)] = (uint8_t)value;
            break;
        default:
            block[at + pick(4)] ^= (uint8_t)(1u << pick(8));
            break;
        }
    }
}

/* ---- The tests ----------------------------------------------------------- */

static void look(struct disk *disk)
{
    alarm(PATIENCE);
    assert_true(walk_disk(disk));
    alarm(0);
}

static void mutate(const char *options)
{
    struct disk *image = walk_image(options);
    unsigned long mutations = test_number("MUTATIONS", 200);
    uint64_t seed = test_number("SEED", 1);

    look(image);
    for (; mutations--; seed++) {
        struct disk *disk = disk_new(image->size);

        memcpy(disk->bytes, image->bytes, image->size);
        random_state = seed * 0x9e3779b97f4a7c15u | 1;
        walk_random = seed;
        if (getenv("VERBOSE"))
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        damage(disk);
        look(disk);
        disk_free(disk);
    }
    assert_int_equal(mm_audit(), 0);
    disk_free(image);
}

static void test_damage_without_log(void **state)
{
    (void)state;
    mutate("-t ext2 -b 1024 -I 128");
}

static void test_damage_with_log(void **state)
{
    (void)state;
    mutate("-t ext3 -b 1024 -J size=1");
}

/* ---- A block that leads to itself ---------------------------------------- */

#define NAMES 450 /* of 20 letters: 12 blocks of 1 KB and some */

static void each_name(int (*act)(const char *))
{
    char path[32];

    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "/d/name-of-20-bytes-%03d", i);
        assert_int_equal(act(path), 0);
    }
}

static int remove_name(const char *path)
{
    return vfs_unlink(&host_at, NULL, path);
}

/* The block through which the directory finds its later ones. */
static uint32_t leading_block(const char *path)
{
    struct file *file;
    uint32_t block;

    assert_int_equal(vfs_open(&host_at, NULL, path, OPEN_READ, &file), 0);
    block = ext2_of(file->inode)->pointers[EXT2_DIRECT];
    file_put(file);
    return block;
}

static struct page *held[16384];
static unsigned held_count;

/* Another hart takes what memory there is, writes to it and gives it back. */
static void use_memory(bool shootdown)
{
    struct list taken;
    struct page *page;

    (void)shootdown;
    mm_set_interleave(NULL);
    list_init(&taken);
    while ((page = page_alloc(PAGE_KERNEL))) {
        memset(page_data(page), 0x3a, HAL_PAGE_SIZE);
        list_push_back(&taken, &page->link);
    }
    for (struct list *at; (at = list_pop_front(&taken));)
        page_put(list_entry(at, struct page, link));
    mm_set_interleave(use_memory);
}

static void hold_most_memory(void)
{
    while (page_unused_count() > 64)
        held[held_count++] = page_alloc(PAGE_KERNEL);
}

/* Once the leading block has been freed as one that it leads to itself, the
 * rest of it is still gone through. */
static void test_u6_block_leads_to_itself(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024 -I 128", 4 << 20);
    uint32_t *pointers, block;

    (void)state;
    assert_int_equal(host_mount(disk, false), 0);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
    each_name(host_touch);
    block = leading_block("/d");
    assert_int_not_equal(block, 0);
    each_name(remove_name);
    assert_int_equal(host_unmount(), 0);
    pointers = (uint32_t *)(disk->bytes + block * 1024ul);
    pointers[10] = block;

    assert_int_equal(host_mount(disk, false), 0);
    assert_int_equal(vfs_rmdir(&host_at, NULL, "/d"), 0);
    hold_most_memory();
    mm_set_interleave(use_memory);
    host_sync();
    mm_set_interleave(NULL);
    while (held_count)
        page_put(held[--held_count]);
    assert_true(host_is_read_only());
    assert_null(strstr(host_console, "no block of a file"));
    assert_non_null(strstr(host_console, "damaged"));
    host_unmount();
    assert_int_equal(mm_audit(), 0);
    disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_without_log),
        cmocka_unit_test(test_damage_with_log),
        cmocka_unit_test(test_u6_block_leads_to_itself),
    };

    return cmocka_run_group_tests(tests, host_boot, NULL);
}
