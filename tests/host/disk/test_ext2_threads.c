/*
 * ext2 with several harts on a device that ends requests in any order: each
 * hart has files of its own whose contents it knows, and all of them create,
 * link, unlink and read the same names, truncate and write the same files,
 * sync, and take memory back. At the end e2fsck has nothing to say. OPERATIONS=
 * and SEED= choose more, or others.
 */
/* sanitize: thread */
/* sources: tests/host/disk/ext2_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/disk/ext2_host.h"
#include "fs/ext2/ext2.h"
#include "vfs/file.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define MEBI    (1ul << 20)
#define WORKERS 3
#define FILES   4
#define MOST    60000u

/* A page of a file may be changed while the device reads it: it is marked dirty
 * after, and so written once more. `move` is the device. */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    return "race:^move$\n";
}

struct worker {
    unsigned hart;
    uint64_t random;
    size_t sizes[FILES]; /* 0: not there */
    uint64_t seeds[FILES];
    uint8_t bytes[MOST];
};

static struct worker workers[WORKERS];

static unsigned pick(struct worker *worker, unsigned below)
{
    return (unsigned)(disk_random(&worker->random) % below);
}

/* What an operation may say when others change the same names meanwhile. */
static void expect(int result)
{
    static const int usual[] = {-ENOENT,    -EEXIST, -EISDIR, -ENOTDIR,
                                -ENOTEMPTY, -EPERM,  -EINVAL, -ELOOP};

    for (unsigned i = 0; i < ARRAY_SIZE(usual); i++)
        if (result == usual[i])
            return;
    if (result < 0)
        mm_fail("%d", result);
}

static void check_own(struct worker *worker, unsigned i, const char *path)
{
    ssize_t moved = host_get(path, 0, worker->bytes, MOST);

    if (moved != (ssize_t)worker->sizes[i])
        mm_fail("%s: %zd bytes, not %zu", path, moved, worker->sizes[i]);
    for (size_t at = 0; at < worker->sizes[i]; at++)
        if (worker->bytes[at] != host_byte(worker->seeds[i], at))
            mm_fail("%s: wrong at %zu", path, at);
}

/* Write, read, shorten or remove a file nobody else knows. */
static void use_own(struct worker *worker)
{
    unsigned i = pick(worker, FILES);
    char path[30];

    sprintf(path, "/d%u/f%u", worker->hart, i);
    if (!worker->sizes[i]) {
        size_t size = 1 + pick(worker, MOST);

        worker->seeds[i] = disk_random(&worker->random);
        host_fill(worker->bytes, worker->seeds[i], 0, size);
        if (host_put(path, 0, worker->bytes, size) != (ssize_t)size)
            mm_fail("%s: not written", path);
        worker->sizes[i] = size;
        return;
    }
    check_own(worker, i, path);
    if (pick(worker, 3) == 0) {
        if (vfs_unlink(&host_at, NULL, path))
            mm_fail("%s: not removed", path);
        worker->sizes[i] = 0;
    } else if (pick(worker, 2)) {
        worker->sizes[i] = 1 + pick(worker, (unsigned)worker->sizes[i]);
        if (host_truncate(path, worker->sizes[i]))
            mm_fail("%s: not truncated", path);
    }
}

static void pick_shared(struct worker *worker, char *path)
{
    unsigned name = pick(worker, 5);

    if (pick(worker, 2))
        sprintf(path, "/shared/%u", name);
    else
        sprintf(path, "/shared/%u/%u", name, pick(worker, 5));
}

/* Change a name that all know. */
static void change_shared(struct worker *worker, const char *path,
                          const char *other)
{
    switch (pick(worker, 6)) {
    case 0:
        expect(host_touch(path));
        break;
    case 1:
        expect(vfs_mkdir(&host_at, NULL, path));
        break;
    case 2:
        expect(vfs_remove(&host_at, NULL, path));
        break;
    case 3:
        expect(vfs_link(&host_at, NULL, path, NULL, other));
        break;
    case 4:
        expect(vfs_symlink(&host_at, other, NULL, path));
        break;
    default:
        expect(vfs_rename(&host_at, NULL, path, NULL, other));
    }
}

static void use_shared(struct worker *worker)
{
    char path[30], other[30];

    pick_shared(worker, path);
    pick_shared(worker, other);
    switch (pick(worker, 10)) {
    case 0:
        expect((int)host_put(path, pick(worker, MOST), worker->bytes,
                             pick(worker, 9000)));
        break;
    case 1:
        expect((int)host_get(path, pick(worker, MOST), worker->bytes, 9000));
        break;
    case 2:
        expect(host_truncate(path, pick(worker, MOST)));
        break;
    case 3:
        free(host_list("/shared"));
        break;
    default:
        change_shared(worker, path, other);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    unsigned long count = test_number("OPERATIONS", 300);

    mm_on_hart(worker->hart);
    while (count--) {
        unsigned what = pick(worker, 20);

        if (what == 0 || what == 19)
            (void)host_super->writeback->ops->shrink(host_super->writeback);
        else if (what == 1 && host_sync())
            mm_fail("not synced");
        else if (what < 9)
            use_shared(worker);
        else
            use_own(worker);
    }
    return NULL;
}

static void on_all_harts(void *(*work)(void *))
{
    pthread_t threads[WORKERS];

    for (unsigned i = 0; i < WORKERS; i++) {
        memset(&workers[i], 0, sizeof(workers[i]));
        workers[i].hart = i;
        workers[i].random = test_number("SEED", 1) * 2 * WORKERS + 2 * i + 1;
    }
    for (unsigned i = 1; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]),
                         0);
    work(&workers[0]);
    for (unsigned i = 1; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

static void run(const char *options)
{
    struct disk *disk = disk_format(options, 16 * MEBI);
    char path[30];

    assert_int_equal(host_mount(disk, false), 0);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/shared"), 0);
    disk_serve(disk, test_number("SEED", 1));
    for (unsigned i = 0; i < WORKERS; i++) {
        sprintf(path, "/d%u", i);
        assert_int_equal(vfs_mkdir(&host_at, NULL, path), 0);
    }
    on_all_harts(work);
    for (unsigned i = 0; i < WORKERS * FILES; i++) {
        struct worker *worker = &workers[i / FILES];

        sprintf(path, "/d%u/f%u", worker->hart, i % FILES);
        if (worker->sizes[i % FILES])
            check_own(worker, i % FILES, path);
    }
    assert_false(host_is_read_only());
    assert_int_equal(host_unmount(), 0);
    disk_unserve(disk);
    assert_int_equal(mm_audit(), 0);
    assert_true(disk_is_clean(disk));
    disk_free(disk);
}

/* ---- Renames into each other's directories ------------------------------- */

#define ROUNDS 400

/* Each worker moves a name of its own around between directories that all of
 * them move into each other. It is never lost, and never there twice. */
static void *move_around(void *argument)
{
    struct worker *worker = argument;
    char from[30], to[30];
    unsigned at = 0, next;

    mm_on_hart(worker->hart);
    for (unsigned i = 0; i < ROUNDS; i++) {
        next = pick(worker, WORKERS);
        sprintf(from, "/d%u/mine%u", at, worker->hart);
        sprintf(to, "/d%u/mine%u", next, worker->hart);
        if (vfs_rename(&host_at, NULL, from, NULL, to))
            mm_fail("%s: lost", from);
        at = next;
        /* In and out again, or refused as the other is in this one. */
        sprintf(from, "/d%u/sub%u", worker->hart, worker->hart);
        next = pick(worker, WORKERS);
        sprintf(to, "/d%u/sub%u/in%u", next, next, worker->hart);
        expect(vfs_rename(&host_at, NULL, from, NULL, to));
        expect(vfs_rename(&host_at, NULL, to, NULL, from));
    }
    sprintf(from, "/d%u/mine%u", at, worker->hart);
    if (host_status(from))
        mm_fail("%s: lost at the end", from);
    for (unsigned i = 0; i < WORKERS; i++) {
        sprintf(from, "/d%u/mine%u", i, worker->hart);
        if (i != at && host_status(from) != -ENOENT)
            mm_fail("%s: there twice", from);
    }
    return NULL;
}

static void test_renames_into_each_other(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 16 * MEBI);
    char path[30];

    (void)state;
    assert_int_equal(host_mount(disk, false), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        sprintf(path, "/d%u", i);
        assert_int_equal(vfs_mkdir(&host_at, NULL, path), 0);
        sprintf(path, "/d%u/sub%u", i, i);
        assert_int_equal(vfs_mkdir(&host_at, NULL, path), 0);
        sprintf(path, "/d0/mine%u", i);
        assert_int_equal(host_touch(path), 0);
    }
    on_all_harts(move_around);
    assert_int_equal(host_unmount(), 0);
    assert_int_equal(mm_audit(), 0);
    assert_true(disk_is_clean(disk));
    disk_free(disk);
}

static void test_with_log(void **state)
{
    (void)state;
    run("-t ext3 -b 1024");
}

static void test_without_log(void **state)
{
    (void)state;
    run("-t ext2 -b 4096");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_log),
        cmocka_unit_test(test_without_log),
        cmocka_unit_test(test_renames_into_each_other),
    };

    return cmocka_run_group_tests(tests, host_boot, NULL);
}
