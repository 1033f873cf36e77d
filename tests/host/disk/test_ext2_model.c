/*
 * ext2 beside a model that keeps each file as an array of bytes: the same
 * random operations on both give the same results, the same names and the same
 * bytes, and e2fsck finds nothing to say of the disk after each unmount.
 * SEED= and OPERATIONS= choose others, or more.
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

#define MEBI        (1ul << 20)
#define NODES       64
#define ENTRIES     400
#define OPEN        4
#define FILE_MOST   (600u << 10)
#define DIRECTORIES 12

/* ---- The model: a file is an array of bytes ------------------------------ */

struct node {
    bool used, directory, link; /* a symbolic link: `bytes` is its target */
    unsigned links, open;
    size_t size;
    uint8_t *bytes;
    int parent; /* of a directory */
    char path[600];
};

struct entry {
    bool used;
    int directory, node;
    char name[260];
};

static struct node nodes[NODES];
static struct entry entries[ENTRIES];
static struct file *open_files[OPEN];
static int open_nodes[OPEN];
static uint64_t random_state;
static unsigned long operation;

static unsigned pick(unsigned below)
{
    return (unsigned)(disk_random(&random_state) % below);
}

static int new_node(bool directory)
{
    for (int i = 0; i < NODES; i++)
        if (!nodes[i].used) {
            nodes[i] = (struct node){.used = true, .directory = directory};
            nodes[i].bytes = directory ? NULL : calloc(1, FILE_MOST);
            return i;
        }
    return -1;
}

static void drop_node(int i)
{
    if (nodes[i].links || nodes[i].open)
        return;
    free(nodes[i].bytes);
    nodes[i] = (struct node){0};
}

static struct entry *find(int directory, const char *name)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (entries[i].used && entries[i].directory == directory &&
            strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

static struct entry *add(int directory, const char *name, int node)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (!entries[i].used) {
            entries[i] = (struct entry){true, directory, node, ""};
            strcpy(entries[i].name, name);
            nodes[node].links++;
            return &entries[i];
        }
    return NULL;
}

static unsigned count_in(int directory)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ENTRIES; i++)
        count += entries[i].used && entries[i].directory == directory;
    return count;
}

static unsigned count_entries(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ENTRIES; i++)
        count += entries[i].used;
    return count;
}

static int pick_directory(void)
{
    for (;;) {
        int i = (int)pick(NODES);

        if (nodes[i].used && nodes[i].directory)
            return i;
    }
}

static void pick_name(char *name)
{
    unsigned n = pick(24);

    sprintf(name, "%c", 'a' + (int)n);
    if (n >= 12)
        sprintf(name, "name%u", n * 137 % 1000);
    if (n >= 20) {
        memset(name, 'x', 240 + n % 16);
        name[240 + n % 16] = '\0';
    }
}

/* A place: a directory, a name, its path and what is there. */
struct place {
    int directory;
    char name[260], path[900];
    struct entry *entry;
};

static struct place pick_place(void)
{
    struct place place = {.directory = pick_directory()};

    pick_name(place.name);
    sprintf(place.path, "%s/%s", nodes[place.directory].path, place.name);
    place.entry = find(place.directory, place.name);
    return place;
}

static bool is_file(const struct place *place)
{
    return place->entry && !nodes[place->entry->node].directory &&
           !nodes[place->entry->node].link;
}

/* ---- Operations: the same on both ---------------------------------------- */

#define SAME(got, wanted)                                                      \
    do {                                                                       \
        long got_ = (got), wanted_ = (wanted);                                 \
        if (got_ != wanted_)                                                   \
            fail_msg("operation %lu: %s is %ld, not %ld", operation, #got,     \
                     got_, wanted_);                                           \
    } while (0)

/* What was made is `node`, or more than the model has room for. */
static void keep_new(const struct place *place, int node)
{
    unsigned directories = 0;

    for (int i = 0; i < NODES; i++)
        directories += nodes[i].used && nodes[i].directory;
    if (node < 0 || count_entries() == ENTRIES ||
        (nodes[node].directory &&
         (directories > DIRECTORIES ||
          strlen(place->path) >= sizeof(nodes[0].path)))) {
        SAME(vfs_remove(&host_at, NULL, place->path), 0);
        if (node >= 0)
            drop_node(node);
        return;
    }
    add(place->directory, place->name, node);
    if (nodes[node].directory) {
        strcpy(nodes[node].path, place->path);
        nodes[node].parent = place->directory;
    }
}

static void do_create(bool directory)
{
    struct place place = pick_place();
    int result = directory ? vfs_mkdir(&host_at, NULL, place.path)
                           : host_touch(place.path);

    if (place.entry) {
        const struct node *there = &nodes[place.entry->node];

        SAME(result, directory          ? -EEXIST
                     : there->directory ? -EISDIR
                     : there->link      ? -ENOENT
                                        : 0);
        return;
    }
    if (result == -ENOSPC)
        return;
    SAME(result, 0);
    keep_new(&place, new_node(directory));
}

/* A symbolic link that leads nowhere. */
static void do_symlink(void)
{
    struct place place = pick_place();
    char target[1100];
    unsigned length = pick(2) ? 4 + pick(80) : 4 + pick(1030);
    int result, node;

    memset(target, 'a' + (int)pick(26), length);
    memcpy(target, "no/", 3);
    target[length] = '\0';
    result = vfs_symlink(&host_at, target, NULL, place.path);
    if (result == -ENOSPC || (result == -ENAMETOOLONG && length >= 1024))
        return;
    SAME(result, place.entry ? -EEXIST : 0);
    if (result)
        return;
    node = new_node(false);
    if (node >= 0) {
        nodes[node].link = true;
        nodes[node].size = length;
        memcpy(nodes[node].bytes, target, length);
    }
    keep_new(&place, node);
}
static void do_remove(void)
{
    struct place place = pick_place();
    int wanted = 0, node = place.entry ? place.entry->node : -1;

    if (!place.entry)
        wanted = -ENOENT;
    else if (nodes[node].directory && count_in(node))
        wanted = -ENOTEMPTY;
    SAME(vfs_remove(&host_at, NULL, place.path), wanted);
    if (wanted)
        return;
    place.entry->used = false;
    nodes[node].links--;
    drop_node(node);
}

static void do_link(void)
{
    struct place old = pick_place(), new = pick_place();
    int wanted = 0, result;

    if (!old.entry)
        wanted = -ENOENT;
    else if (nodes[old.entry->node].directory)
        wanted = -EPERM;
    else if (new.entry)
        wanted = -EEXIST;
    if (!wanted && count_entries() == ENTRIES)
        return;
    result = vfs_link(&host_at, NULL, old.path, NULL, new.path);
    if (result == -ENOSPC)
        return;
    SAME(result, wanted);
    if (!wanted)
        add(new.directory, new.name, old.entry->node);
}

/* Whether directory `i` is `above` or below it. */
static bool is_within(int i, int above)
{
    while (i != above && i)
        i = nodes[i].parent;
    return i == above;
}

static int wanted_of_rename(const struct place *old, const struct place *new)
{
    int node = old->entry ? old->entry->node : -1;
    int there = new->entry ? new->entry->node : -1;

    if (node < 0)
        return -ENOENT;
    if (node == there)
        return 0;
    if (there >= 0 && nodes[node].directory != nodes[there].directory)
        return nodes[node].directory ? -ENOTDIR : -EISDIR;
    if (nodes[node].directory && is_within(new->directory, node))
        return -EINVAL;
    return there >= 0 && nodes[there].directory && count_in(there) ? -ENOTEMPTY
                                                                   : 0;
}

/* Give the paths of a directory, and of all below it, a new beginning. Whether
 * there is room. */
static bool move_paths(int moved, const char *to, bool really)
{
    size_t before = strlen(nodes[moved].path);
    char path[1600];

    for (int i = 0; i < NODES; i++) {
        if (!nodes[i].used || !nodes[i].directory || !is_within(i, moved) ||
            i == moved)
            continue;
        sprintf(path, "%s%s", to, nodes[i].path + before);
        if (strlen(path) >= sizeof(nodes[i].path))
            return false;
        if (really)
            strcpy(nodes[i].path, path);
    }
    if (really)
        strcpy(nodes[moved].path, to);
    return strlen(to) < sizeof(nodes[moved].path);
}

static void do_rename(void)
{
    struct place old = pick_place(), new = pick_place();
    int wanted = wanted_of_rename(&old, &new), result, node;

    if (!wanted && nodes[old.entry->node].directory &&
        !move_paths(old.entry->node, new.path, false))
        return;
    result = vfs_rename(&host_at, NULL, old.path, NULL, new.path);
    if (result == -ENOSPC)
        return;
    SAME(result, wanted);
    node = wanted ? -1 : old.entry->node;
    if (wanted || (new.entry &&new.entry->node == node))
        return;
    if (new.entry) {
        new.entry->used = false;
        nodes[new.entry->node].links--;
        drop_node(new.entry->node);
    }
    old.entry->directory = new.directory;
    strcpy(old.entry->name, new.name);
    if (nodes[node].directory) {
        move_paths(node, new.path, true);
        nodes[node].parent = new.directory;
    }
}

/* What a write of the stream `seed` that moved `moved` bytes has done. */
static void model_write(struct node *node, size_t offset, const uint8_t *bytes,
                        ssize_t moved)
{
    if (moved <= 0)
        return;
    memcpy(node->bytes + offset, bytes, (size_t)moved);
    if (offset + (size_t)moved > node->size)
        node->size = offset + (size_t)moved;
}

static void do_write(void)
{
    static uint8_t bytes[FILE_MOST];
    struct place place = pick_place();
    size_t length = pick(3) ? pick(5000) : pick(100000);
    size_t offset = pick(4) ? pick(60000) : pick(FILE_MOST - 100000);
    struct node *node;
    ssize_t moved;

    if (!is_file(&place))
        return;
    node = &nodes[place.entry->node];
    if (pick(3) == 0)
        offset = node->size;
    if (offset + length > FILE_MOST)
        length = FILE_MOST - offset;
    host_fill(bytes, disk_random(&random_state), 0, length);
    moved = host_put(place.path, offset, bytes, length);
    if (moved == -ENOSPC)
        return;
    if (moved < 0 || moved > (ssize_t)length)
        SAME(moved, (long)length);
    model_write(node, offset, bytes, moved);
}

static void do_truncate(void)
{
    struct place place = pick_place();
    size_t size = pick(3) ? pick(30000) : pick(FILE_MOST);
    struct node *node;

    if (!is_file(&place))
        return;
    node = &nodes[place.entry->node];
    if (pick(4) == 0)
        size = 0;
    SAME(host_truncate(place.path, size), 0);
    if (size < node->size)
        memset(node->bytes + size, 0, node->size - size);
    node->size = size;
}

static void compare(const struct node *node, const uint8_t *bytes, long moved,
                    size_t offset, size_t length)
{
    long wanted = offset >= node->size           ? 0
                  : node->size - offset < length ? (long)(node->size - offset)
                                                 : (long)length;

    SAME(moved, wanted);
    for (long i = 0; i < wanted; i++)
        if (bytes[i] != node->bytes[offset + (size_t)i])
            fail_msg("operation %lu: inode %d: byte %ld is %d, not %d",
                     operation, (int)(node - nodes), (long)offset + i, bytes[i],
                     node->bytes[offset + (size_t)i]);
}

static void do_read(void)
{
    static uint8_t bytes[FILE_MOST];
    struct place place = pick_place();
    size_t offset = pick(FILE_MOST), length = pick(100000);

    if (!is_file(&place))
        return;
    if (pick(2))
        offset %= 60000;
    compare(&nodes[place.entry->node], bytes,
            host_get(place.path, offset, bytes, length), offset, length);
}

/* Open a file, or read and close one that may have lost its name. */
static void do_open(void)
{
    static uint8_t bytes[FILE_MOST];
    unsigned i = pick(OPEN);
    struct cursor cursor = cursor_kernel(bytes, FILE_MOST);
    struct place place = pick_place();

    if (open_files[i]) {
        struct node *node = &nodes[open_nodes[i]];

        compare(node, bytes, file_read_at(open_files[i], &cursor, 0), 0,
                FILE_MOST);
        file_put(open_files[i]);
        open_files[i] = NULL;
        node->open--;
        drop_node(open_nodes[i]);
    } else if (is_file(&place)) {
        SAME(vfs_open(&host_at, NULL, place.path, OPEN_READ, &open_files[i]),
             0);
        open_nodes[i] = place.entry->node;
        nodes[open_nodes[i]].open++;
    }
}

/* ---- All of it ----------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name,
                  ((const struct entry *)b)->name);
}

static void compare_directory(int directory)
{
    static struct entry sorted[ENTRIES];
    static char wanted[ENTRIES * 260];
    const char *path = nodes[directory].path;
    unsigned count = 0, below = 0;
    char *got = host_list(*path ? path : "/");

    for (unsigned i = 0; i < ENTRIES; i++)
        if (entries[i].used && entries[i].directory == directory)
            sorted[count++] = entries[i];
    qsort(sorted, count, sizeof(sorted[0]), by_name);
    wanted[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        strcat(strcat(wanted, sorted[i].name), "/");
        below += nodes[sorted[i].node].directory;
    }
    assert_non_null(got);
    if (strcmp(got, wanted))
        fail_msg("operation %lu: %s has %s, not %s", operation, path, got,
                 wanted);
    free(got);
    SAME(host_stat(*path ? path : "/").links, 2 + below);
}

static void compare_file(const char *path, const struct node *node)
{
    static uint8_t bytes[FILE_MOST];
    struct cursor cursor = cursor_kernel(bytes, FILE_MOST);
    struct file_stat stat;

    SAME(vfs_stat(&host_at, NULL, path, false, &stat), 0);
    SAME(stat.links, node->links);
    SAME(stat.size, node->size);
    compare(node, bytes,
            node->link ? vfs_read_link(&host_at, NULL, path, &cursor)
                       : host_get(path, 0, bytes, FILE_MOST),
            0, FILE_MOST);
}

static void compare_all(void)
{
    for (int i = 0; i < NODES; i++)
        if (nodes[i].used && nodes[i].directory)
            compare_directory(i);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct node *node = &nodes[entries[i].node];
        char path[900];

        if (!entries[i].used || node->directory)
            continue;
        sprintf(path, "%s/%s", nodes[entries[i].directory].path,
                entries[i].name);
        compare_file(path, node);
    }
}

static void close_all(void)
{
    for (unsigned i = 0; i < OPEN; i++)
        if (open_files[i]) {
            file_put(open_files[i]);
            open_files[i] = NULL;
            nodes[open_nodes[i]].open--;
            drop_node(open_nodes[i]);
        }
}

static void do_one(void)
{
    static void (*const others[])(void) = {
        do_remove, do_link, do_write, do_rename, do_truncate,
        do_read,   do_open, do_write, do_rename, do_symlink};
    unsigned what = pick(100);

    if (what < 18)
        do_create(what < 3);
    else if (what < 20)
        SAME(host_sync(), 0);
    else if (what == 20)
        host_super->writeback->ops->shrink(host_super->writeback);
    else
        others[what % ARRAY_SIZE(others)]();
}

static void start_model(void)
{
    memset(entries, 0, sizeof(entries));
    for (int i = 0; i < NODES; i++) {
        free(nodes[i].bytes);
        nodes[i] = (struct node){0};
    }
    nodes[new_node(true)].links = 1;
}

/* An empty root. */
static void remove_found(void)
{
    assert_int_equal(vfs_rmdir(&host_at, NULL, "/lost+found"), 0);
}

static void run(const char *kind, uint64_t size, unsigned which)
{
    struct disk *disk = disk_format(kind, size);
    unsigned long operations = test_number("OPERATIONS", 1000);
    uint64_t seed = test_number("SEED", 1) + which;

    random_state = seed;
    start_model();
    assert_int_equal(host_mount(disk, false), 0);
    remove_found();
    for (operation = 1; operation <= operations; operation++) {
        do_one();
        if (operation % 250)
            continue;
        close_all();
        compare_all();
        assert_int_equal(host_unmount(), 0);
        assert_int_equal(mm_audit(), 0);
        if (!disk_is_clean(disk))
            fail_msg("%s, seed %llu, before operation %lu", kind,
                     (unsigned long long)seed, operation);
        assert_int_equal(host_mount(disk, false), 0);
        compare_all();
    }
    close_all();
    assert_int_equal(host_unmount(), 0);
    disk_free(disk);
}

static void test_log_small_blocks(void **state)
{
    (void)state;
    run("-t ext3 -b 1024 -J size=1", 8 * MEBI, 0);
}

static void test_log_big_blocks(void **state)
{
    (void)state;
    run("-t ext3 -b 4096", 32 * MEBI, 1);
}

static void test_small_blocks(void **state)
{
    (void)state;
    run("-t ext2 -b 1024 -I 128", 20 * MEBI, 2);
}

static void test_middle_blocks(void **state)
{
    (void)state;
    run("-t ext2 -b 2048 -O ^filetype", 16 * MEBI, 3);
}

static void test_disk_that_is_mostly_full(void **state)
{
    (void)state;
    run("-t ext3 -b 1024 -J size=1 -N 64", 3 * MEBI, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_small_blocks),
        cmocka_unit_test(test_log_big_blocks),
        cmocka_unit_test(test_small_blocks),
        cmocka_unit_test(test_middle_blocks),
        cmocka_unit_test(test_disk_that_is_mostly_full),
    };

    return cmocka_run_group_tests(tests, host_boot, NULL);
}
