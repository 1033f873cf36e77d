/*
 * What tests of ext2 have in common: a machine to mount a disk on, and the
 * verbs on paths in the form tests want them.
 */
#ifndef TESTS_EXT2_HOST_H
#define TESTS_EXT2_HOST_H

#include "host/disk/disk.h"
#include "vfs/vfs.h"

/* The mounted file system's "/". */
extern struct fs_context host_at;
extern struct superblock *host_super;

/* Once: the set-up of a group of tests. What the kernel says is kept in
 * host_console, oldest lost. */
int host_boot(void **state);
extern char host_console[4096];

/* ext2_mount; then "/" is its root. So many pages were free before. */
extern uint64_t host_pages;
int host_mount(struct disk *disk, bool read_only);
/* The opposite; asserts that nothing of it is left in memory. */
int host_unmount(void);
int host_sync(void);
/* Whether it was mounted so, or has become so. */
bool host_is_read_only(void);

/* Contents that tell where they are: byte i of the stream `seed`. */
uint8_t host_byte(uint64_t seed, uint64_t i);
void host_fill(uint8_t *to, uint64_t seed, uint64_t from, size_t length);

/* Results of the kernel: bytes or 0, or a negative errno. */
ssize_t host_put(const char *path, uint64_t offset, const void *data,
                 size_t length);
ssize_t host_get(const char *path, uint64_t offset, void *data, size_t length);
int host_touch(const char *path);
int host_truncate(const char *path, uint64_t size);
struct file_stat host_stat(const char *path);
int host_status(const char *path);

/* Names in a directory, without "." and "..", each ended by a slash, sorted,
 * in malloc'ed text; NULL: could not be read. */
char *host_list(const char *path);

#endif
