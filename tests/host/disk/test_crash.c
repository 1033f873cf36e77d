/*
 * Power cuts under ext3. A random workload runs on a disk that keeps its
 * history; then, for moments all over that history and with any part of the
 * writes lost that no flush had covered, the disk is made as it would be, and
 * mounted. What must be there is a state the workload went through: the last
 * one that was synced, or a later one. Names and sizes are exactly those of
 * that state (the operation after it may have been cut in pieces, but changes
 * no other file); every byte is that state's, or one written to that place
 * since. And e2fsck has nothing to say.
 *
 * SEED= chooses another workload, CUTS= more moments of each.
 */
/* sources: tests/host/disk/ext2_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/disk/ext2_host.h"
#include "vfs/file.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define DIRECTORIES 4 /* besides the root */
#define FILES       6 /* in each */
#define PATHS       (DIRECTORIES + (DIRECTORIES + 1) * FILES)
#define OPERATIONS  400
#define SMALL_MOST  (40u << 10)
#define LARGE_MOST  (300u << 10)

/* ---- What each path was, after each operation ---------------------------- */

enum kind { NOTHING, PLAIN, DIRECTORY, LINK };

struct version {
    struct version *older;
    unsigned operation; /* that made it so */
    enum kind kind;
    bool frozen;   /* has two names, so is not written any more */
    bool renamed;  /* all of it came in one step */
    unsigned file; /* which this is, under all its names */
    unsigned mode;
    size_t size;
    uint8_t *bytes;
};

static struct {
    char name[24];
    int directory; /* the path it is in, or -1 */
    struct version *latest;
} paths[PATHS];

static unsigned operation;      /* the last one that has ended */
static struct file *orphans[4]; /* open, without a name */

static const struct version *version_at(int path, unsigned number)
{
    static const struct version nothing = {.kind = NOTHING};
    const struct version *at = paths[path].latest;
    while (at && at->operation > number)
        at = at->older;
    return at ? at : &nothing;
}

static struct version *new_version(int path, enum kind kind, size_t size)
{
    struct version *version = calloc(1, sizeof(*version));
    const struct version *old = version_at(path, operation);
    version->older = paths[path].latest;
    version->operation = operation + 1;
    version->kind = kind;
    version->mode = kind == old->kind   ? old->mode
                    : kind == PLAIN     ? 0644
                    : kind == DIRECTORY ? 0755
                    : kind == LINK      ? 0777
                                        : 0;
    version->size = size;
    version->bytes = calloc(1, size + 1);
    version->file = operation + 1;
    if (kind == PLAIN && old->kind == PLAIN) {
        memcpy(version->bytes, old->bytes, MIN(size, old->size));
        version->file = old->file;
    }
    paths[path].latest = version;
    return version;
}

/* A path is from now on what another one was. */
static struct version *copy_version(int path, const struct version *old)
{
    struct version *version = new_version(path, old->kind, old->size);
    if (old->size)
        memcpy(version->bytes, old->bytes, old->size);
    version->frozen = old->frozen;
    version->file = old->file;
    version->mode = old->mode;
    return version;
}

static void model_start(void)
{
    int path = 0;
    operation = 0;
    for (int i = 0; i < DIRECTORIES; i++, path++) {
        snprintf(paths[path].name, sizeof paths->name, "/d%d", i);
        paths[path].directory = -1;
    }
    for (int d = -1; d < DIRECTORIES; d++)
        for (int i = 0; i < FILES; i++, path++) {
            snprintf(paths[path].name, sizeof paths->name, "%s/f%d",
                     d < 0 ? "" : paths[d].name, i);
            paths[path].directory = d;
        }
}

static void model_end(void)
{
    for (int i = 0; i < PATHS; i++)
        while (paths[i].latest) {
            struct version *version = paths[i].latest;
            paths[i].latest = version->older;
            free(version->bytes);
            free(version);
        }
}

/* ---- The workload -------------------------------------------------------- */

static enum kind kind_now(int path)
{
    return version_at(path, operation)->kind;
}

static bool has_place(int path)
{
    int directory = paths[path].directory;
    return directory < 0 || kind_now(directory) == DIRECTORY;
}

static bool is_empty(int directory)
{
    for (int i = 0; i < PATHS; i++)
        if (paths[i].directory == directory && kind_now(i) != NOTHING)
            return false;
    return true;
}

/* Contents say by their values which operation wrote them. */
static void do_write(int path, uint64_t *random)
{
    static uint8_t data[LARGE_MOST];
    const struct version *old = version_at(path, operation);
    bool large = disk_random(random) % 12 == 0;
    size_t length = 1 + disk_random(random) % (large ? 200000 : 9000);
    size_t offset = disk_random(random) % (old->size + 2000);
    if (offset + length > (large ? LARGE_MOST : SMALL_MOST))
        offset = 0;
    host_fill(data, operation * 1000003ul, offset, length);
    struct version *version =
        new_version(path, PLAIN, MAX(old->size, offset + length));
    memcpy(version->bytes + offset, data, length);
    assert_int_equal(host_put(paths[path].name, offset, data, length), length);
}

static void do_truncate(int path, uint64_t *random)
{
    size_t size = disk_random(random) % (version_at(path, operation)->size + 1);
    if (disk_random(random) % 4 == 0)
        size = 0;
    new_version(path, PLAIN, size);
    assert_int_equal(host_truncate(paths[path].name, size), 0);
}

/* Take the name away, perhaps with the file open. */
static void do_unlink(int path, uint64_t *random)
{
    struct file **slot = &orphans[disk_random(random) % ARRAY_SIZE(orphans)];
    bool plain = kind_now(path) == PLAIN;
    new_version(path, NOTHING, 0);
    if (plain && !*slot && disk_random(random) % 3 == 0)
        assert_int_equal(
            vfs_open(&host_at, NULL, paths[path].name, OPEN_READ, slot), 0);
    assert_int_equal(vfs_unlink(&host_at, NULL, paths[path].name), 0);
}

static void do_setattr(int path, uint64_t *random)
{
    struct file_stat to = {.mode = disk_random(random) % (MODE_MASK + 1)};
    copy_version(path, version_at(path, operation))->mode = (unsigned)to.mode;
    assert_int_equal(
        vfs_setattr(&host_at, NULL, paths[path].name, false, SET_MODE, &to), 0);
}

static void do_link(int path, int to)
{
    paths[path].latest->frozen = true;
    copy_version(to, version_at(path, operation));
    assert_int_equal(
        vfs_link(&host_at, NULL, paths[path].name, NULL, paths[to].name), 0);
}

/* A symbolic link that leads nowhere; its target says which operation made it,
 * and is short or long. */
static void do_symlink(int path, uint64_t *random)
{
    char target[300];
    size_t length = disk_random(random) % 2 ? 290 : 20;
    snprintf(target, sizeof target, "/no/%0*u", (int)length, operation);
    struct version *version = new_version(path, LINK, strlen(target));
    memcpy(version->bytes, target, strlen(target));
    assert_int_equal(vfs_symlink(&host_at, target, NULL, paths[path].name), 0);
}

/* In one step: what a path was another one is. */
static void note_rename(int path, int to)
{
    copy_version(to, version_at(path, operation))->renamed = true;
    new_version(path, NOTHING, 0)->renamed = true;
}

static void do_rename(int path, int to)
{
    note_rename(path, to);
    for (int i = DIRECTORIES; path < DIRECTORIES && i < PATHS; i++)
        if (paths[i].directory == path)
            note_rename(i, i + (to - path) * FILES);
    assert_int_equal(
        vfs_rename(&host_at, NULL, paths[path].name, NULL, paths[to].name), 0);
}

static void do_directory(int path)
{
    bool there = kind_now(path) == DIRECTORY;
    new_version(path, there ? NOTHING : DIRECTORY, 0);
    assert_int_equal(there ? vfs_rmdir(&host_at, NULL, paths[path].name)
                           : vfs_mkdir(&host_at, NULL, paths[path].name),
                     0);
}

static void close_orphan(struct file **slot)
{
    if (*slot)
        file_put(*slot);
    *slot = NULL;
}

static void do_file(int path, uint64_t *random)
{
    int other = DIRECTORIES + disk_random(random) % (PATHS - DIRECTORIES);
    unsigned choice = disk_random(random) % 13;
    enum kind kind = kind_now(path);
    bool frozen = version_at(path, operation)->frozen;
    bool fixed = frozen || kind == LINK;
    if (kind == NOTHING && choice == 0)
        do_symlink(path, random);
    else if (kind == NOTHING || (choice < 5 && !fixed))
        do_write(path, random);
    else if (choice < 7 && !fixed)
        do_truncate(path, random);
    else if (choice == 12 && !frozen)
        do_setattr(path, random);
    else if (choice > 8 && has_place(other) &&
             version_at(other, operation)->file !=
                 version_at(path, operation)->file)
        do_rename(path, other);
    else if (choice == 7 && kind == PLAIN && kind_now(other) == NOTHING &&
             has_place(other))
        do_link(path, other);
    else
        do_unlink(path, random);
}

/* One operation on a path; false: there was nothing to do with it. */
static bool operate(uint64_t *random)
{
    int path = disk_random(random) % PATHS;
    if (!has_place(path))
        return false;
    if (path < DIRECTORIES && kind_now(path) == DIRECTORY && !is_empty(path)) {
        int to = disk_random(random) % DIRECTORIES;
        if (to == path || (kind_now(to) == DIRECTORY && !is_empty(to)))
            do_setattr(path, random);
        else
            do_rename(path, to);
        return true;
    }
    if (path < DIRECTORIES)
        do_directory(path);
    else
        do_file(path, random);
    return true;
}

/* Marks tell which operations had ended, and which of them were safe. */
#define MARK_SAFE (1ul << 32)

static void run(struct disk *disk, uint64_t *random)
{
    disk_mark(disk, 0);
    while (operation < OPERATIONS) {
        unsigned choice = disk_random(random) % 16;
        if (choice == 0) {
            assert_int_equal(host_sync(), 0);
            disk_mark(disk, operation | MARK_SAFE);
        } else if (choice == 1) {
            close_orphan(&orphans[disk_random(random) % ARRAY_SIZE(orphans)]);
        } else if (operate(random)) {
            disk_mark(disk, ++operation);
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(orphans); i++)
        close_orphan(&orphans[i]);
}

/* ---- After the cut ------------------------------------------------------- */

static char workload[64], what[128]; /* which this is, for messages */

/* What the mounted file system has. */
static struct {
    enum kind kind;
    unsigned mode;
    size_t size;
    uint8_t *bytes;
} found[PATHS];

static void look(void)
{
    for (int i = 0; i < PATHS; i++) {
        struct file_stat stat = {0};
        int result = vfs_stat(&host_at, NULL, paths[i].name, false, &stat);
        free(found[i].bytes);
        memset(&found[i], 0, sizeof found[i]);
        if (result && result != -ENOENT)
            mm_fail("%s: %s: %d: %s", what, paths[i].name, result,
                    host_console);
        if (result)
            continue;
        found[i].kind = stat.type == INODE_DIRECTORY ? DIRECTORY
                        : stat.type == INODE_LINK    ? LINK
                                                     : PLAIN;
        found[i].mode = (unsigned)stat.mode;
        if (found[i].kind == DIRECTORY)
            continue;
        found[i].size = stat.size;
        found[i].bytes = malloc(stat.size + 1);
        struct cursor cursor = cursor_kernel(found[i].bytes, stat.size);
        assert_int_equal(
            found[i].kind == LINK
                ? vfs_read_link(&host_at, NULL, paths[i].name, &cursor)
                : host_get(paths[i].name, 0, found[i].bytes, stat.size),
            stat.size);
    }
}

/* Whether names, modes and sizes are those after operation `number`, the next
 * one perhaps having been begun. */
static bool is_shape(unsigned number)
{
    for (int i = 0; i < PATHS; i++) {
        const struct version *version = version_at(i, number);
        const struct version *next = version_at(i, number + 1);
        size_t low = MIN(version->size, next->size);
        size_t high = MAX(version->size, next->size);
        bool begun = next->kind == PLAIN && !next->renamed &&
                     (version->kind == PLAIN || version->kind == NOTHING) &&
                     found[i].kind == PLAIN && found[i].size >= low &&
                     found[i].size <= high;
        if (found[i].mode != version->mode &&
            !((begun || next->kind == DIRECTORY) &&
              found[i].mode == next->mode))
            return false;
        if (begun)
            continue;
        if (found[i].kind != version->kind || found[i].size != version->size)
            return false;
    }
    return true;
}

static uint8_t byte_of(const struct version *version, size_t at)
{
    return at < version->size ? version->bytes[at] : 0;
}

/* Whether byte `at` of the path is that of operation `number` or of a later
 * one, up to `last`: of the path, or of the same file under another name. */
static bool is_byte(int path, size_t at, unsigned number, unsigned last)
{
    const struct version *then = version_at(path, number);
    uint8_t byte = found[path].bytes[at];
    if (then->kind == found[path].kind && byte_of(then, at) == byte)
        return true;
    if (found[path].kind != PLAIN)
        return false;
    for (int i = 0; i < PATHS; i++) {
        const struct version *version = version_at(i, last);
        for (; version && version->operation > number; version = version->older)
            if (version->kind == PLAIN && byte_of(version, at) == byte &&
                (i == path || version->file == then->file))
                return true;
    }
    return then->kind == NOTHING && byte == 0;
}

/* The first path and byte that are wrong; -1: none. */
static int wrong_path(unsigned number, unsigned last, size_t *at)
{
    for (int i = 0; i < PATHS; i++)
        for (*at = 0; found[i].bytes && *at < found[i].size; ++*at)
            if (!is_byte(i, *at, number, last))
                return i;
    return -1;
}

/* The mounted disk has a state from `safe` on; `ended` operations had ended
 * when power went, and one more may have been under way. */
static void check_state(unsigned safe, unsigned ended)
{
    size_t at = 0;
    int wrong = -1;
    bool shaped = false;
    look();
    for (unsigned number = safe; number <= ended + 1; number++) {
        if (number > operation || !is_shape(number))
            continue;
        shaped = true;
        wrong = wrong_path(number, MIN(ended + 1, operation), &at);
        if (wrong < 0)
            return;
    }
    if (!shaped)
        mm_fail("%s: names and sizes of no state from %u to %u", what, safe,
                ended + 1);
    mm_fail("%s: %s is not what it was in any state from %u to %u, at byte %zu",
            what, paths[wrong].name, safe, ended + 1, at);
}

static void check_mounted(struct disk *disk, unsigned safe, unsigned ended)
{
    int result = host_mount(disk, false);
    if (result)
        mm_fail("%s: does not mount: %d: %s", what, result, host_console);
    check_state(safe, ended);
    assert_int_equal(host_unmount(), 0);
    if (!disk_is_clean(disk))
        mm_fail("%s: e2fsck finds something", what);
}

/* Let e2fsck replay the log; it must find nothing else to do. */
static void replay_by_fsck(struct disk *disk)
{
    char output[2048];
    int status = disk_tool(disk, "e2fsck -fy % 2>&1", output, sizeof output);
    if (status > 1 || !disk_is_clean(disk))
        mm_fail("%s: e2fsck: %d: %s", what, status, output);
    char *at = strstr(output, "Pass 1");
    if (!at || strstr(at, "Fix") || strstr(at, "Clear"))
        mm_fail("%s: e2fsck had to repair: %s", what, output);
}

/* Mount it, with power going again during that. */
static struct disk *cut_again(struct disk *disk, uint64_t *random)
{
    disk_record(disk);
    int result = host_mount(disk, false);
    if (result)
        mm_fail("%s: does not mount: %d: %s", what, result, host_console);
    size_t at = disk_random(random) % (disk->event_count + 1);
    struct disk *again = disk_after_cut(disk, at, *random);
    (void)host_unmount();
    disk_free(disk);
    return again;
}

static void check_cut(const struct disk *disk, size_t at, unsigned number,
                      uint64_t *random)
{
    unsigned safe = 0, ended = 0;
    for (size_t i = 0; i < at; i++)
        if (disk->events[i].kind == DISK_MARK) {
            ended = (uint32_t)disk->events[i].sector;
            if (disk->events[i].sector & MARK_SAFE)
                safe = ended;
        }
    struct disk *cut = disk_after_cut(disk, at, number % 8 ? *random : 0);
    snprintf(what, sizeof what, "%s, cut %u at event %zu of %zu", workload,
             number, at, disk->event_count);
    if (number % 4 == 1)
        replay_by_fsck(cut);
    else if (number % 4 == 2)
        cut = cut_again(cut, random);
    check_mounted(cut, safe, ended);
    disk_free(cut);
}

/* The whole, on one kind of disk. */
static void test_cuts(const char *options, uint64_t size, bool served)
{
    unsigned seed = test_number("SEED", 1), cuts = test_number("CUTS", 100);
    uint64_t random = seed * 0x9e3779b97f4a7c15u | 1;
    struct disk *disk = disk_format(options, size);
    model_start();
    disk_record(disk);
    if (served)
        disk_serve(disk, seed);
    assert_int_equal(host_mount(disk, false), 0);
    run(disk, &random);
    assert_int_equal(host_unmount(), 0);
    if (served)
        disk_unserve(disk);
    assert_true(disk_is_clean(disk));
    snprintf(workload, sizeof workload, "SEED=%u: %s", seed, options);
    for (unsigned i = 0; i < cuts; i++)
        check_cut(disk, disk_random(&random) % (disk->event_count + 1), i,
                  &random);
    disk_free(disk);
    model_end();
}

static void test_1k(void **state)
{
    (void)state;
    test_cuts("-t ext3 -b 1024 -J size=1", 6 << 20, false);
}

static void test_2k_out_of_order(void **state)
{
    (void)state;
    test_cuts("-t ext3 -b 2048 -J size=2", 8 << 20, true);
}

static void test_4k(void **state)
{
    (void)state;
    test_cuts("-t ext3 -b 4096 -J size=4", 16 << 20, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_1k),
        cmocka_unit_test(test_2k_out_of_order),
        cmocka_unit_test(test_4k),
    };
    return cmocka_run_group_tests(tests, host_boot, NULL);
}
