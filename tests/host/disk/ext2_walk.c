/*
 * Each step may fail, and the walk goes on: what it shows is that nothing else
 * happens. It ends even where a directory holds itself.
 */
/* sources: tests/host/disk/ext2_host.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/disk/ext2_host.h"
#include "host/disk/ext2_walk.h"
#include "host/mm/hal.h"

/* Names below names, and names in all. */
#define DEPTH 6
#define STEPS 400

uint64_t walk_random = 1;
static unsigned steps;

static unsigned pick(unsigned below)
{
    return (unsigned)(disk_random(&walk_random) % below);
}

static void use_file(const char *path, bool change)
{
    static uint8_t bytes[70000];
    struct cursor cursor = cursor_kernel(bytes, sizeof(bytes));
    struct file_stat stat;

    (void)vfs_read_link(&host_at, NULL, path, &cursor);
    if (vfs_stat(&host_at, NULL, path, true, &stat))
        return;
    (void)host_get(path, 0, bytes, sizeof(bytes));
    (void)host_get(path, stat.size / 2, bytes, sizeof(bytes));
    (void)host_get(path, stat.size - 1, bytes, 10);
    if (!change || stat.type != INODE_FILE)
        return;
    (void)host_put(path, 0, bytes, 3000);
    (void)host_put(path, stat.size, bytes, 3000);
    (void)host_put(path, 300000, bytes, 100);
    if (pick(2))
        (void)host_truncate(path, pick(20000));
}

/* One thing that changes names, near `path`. */
static void change_name(const char *path)
{
    static char last[2000] = "/before"; /* where this was called last */
    char near[2010];

    sprintf(near, "%s.l", path);
    switch (pick(9)) {
    case 0:
        (void)vfs_remove(&host_at, NULL, path);
        break;
    case 1:
        (void)host_touch(near);
        break;
    case 2:
        sprintf(near, "%s/sub", path);
        (void)vfs_mkdir(&host_at, NULL, near);
        break;
    case 3:
        (void)vfs_link(&host_at, NULL, path, NULL, near);
        break;
    case 4:
        (void)vfs_symlink(&host_at, last, NULL, near);
        break;
    case 5:
        (void)vfs_rename(&host_at, NULL, path, NULL, near);
        break;
    case 6:
        (void)vfs_rename(&host_at, NULL, last, NULL, path);
        break;
    case 7:
        (void)vfs_setattr(&host_at, NULL, path, pick(2), pick(SET_ALL + 1),
                          &(struct file_stat){.mode = pick(MODE_MASK + 1),
                                              .owner = pick(1u << 31)});
        break;
    }
    strcpy(last, path);
}

static void walk(const char *path, unsigned depth, bool change)
{
    char *names = host_list(*path ? path : "/"), *at = names, *end;

    for (; at && *at && steps < STEPS; at = end + 1) {
        char child[2000];

        end = strchr(at, '/');
        if (!end) /* a name with a slash in it */
            break;
        *end = '\0';
        steps++;
        if (strlen(path) + strlen(at) + 10 >= sizeof(child))
            continue;
        sprintf(child, "%s/%s", path, at);
        use_file(child, change);
        if (depth < DEPTH)
            walk(child, depth + 1, change);
        if (change)
            change_name(child);
    }
    free(names);
}

bool walk_disk(struct disk *disk)
{
    uint64_t free_pages = page_free_count();
    bool read_only = pick(4) == 0;

    if (!host_mount(disk, read_only)) {
        steps = 0;
        walk("", 0, false);
        if (!read_only) {
            steps = 0;
            walk("", 0, true);
            (void)host_sync();
            (void)vfs_mkdir(&host_at, NULL, "/last");
        }
        if (getenv("VERBOSE"))
            fprintf(stderr, "%u steps%s\n", steps,
                    host_console[0] ? ", damage was noticed" : "");
        (void)host_unmount();
    } else if (getenv("VERBOSE")) {
        fprintf(stderr, "refused: %s", host_console);
    }
    return page_free_count() == free_pages;
}

/* ---- Images -------------------------------------------------------------- */

/* The same at every time, as far as e2fsprogs lets it. */
static const char stage[] =
    "set -e; cd %s; truncate -s 3M image; mkdir -p s/a/deep/er s/b; cd s; "
    "seq 90000 | head -c 5000 >a/f; seq 90000 | head -c 40000 >a/g; "
    "seq 90000 | head -c 400000 >b/big; ln a/f b/other; ln -s a/f link; "
    "ln -s $(printf %%0100d 1) long-link; truncate -s 600000 hole; "
    "for i in $(seq 60); do : >b/a-file-with-a-rather-long-name-$i; done; "
    "find . -exec touch -h -d @1000000000 {} +; "
    "export E2FSPROGS_FAKE_TIME=1000000000; id=$(printf "
    "1%%07d-%%04d-%%04d-%%04d"
    "-%%012d); mke2fs -q -F -U $id -E hash_seed=$id %s -d . ../image "
    "2>/dev/null; rm -r ../s";

struct disk *walk_image(const char *options)
{
    char folder[] = "/tmp/ext2-XXXXXX", command[2000], path[100];
    struct disk *disk;

    if (!mkdtemp(folder))
        abort();
    sprintf(path, "%s/image", folder);
    sprintf(command, stage, folder, options);
    if (system(command))
        abort();
    disk = disk_load(path);
    unlink(path);
    rmdir(folder);
    return disk;
}
