/*
 * What tests of ext2 assert again and again: that a disk can be mounted, is
 * right for others after it, and holds what was written. For cmocka's tests.
 */
#ifndef TESTS_EXT2_CHECK_H
#define TESTS_EXT2_CHECK_H

#include "host/disk/ext2_host.h"

/* Mount, to read and write. */
void check_mount(struct disk *disk);

/* Unmount: the memory is as it was before the mount, and e2fsck has nothing to
 * say. */
void check_unmount(struct disk *disk);

/* Write the bytes of the stream `seed` to their places: the result of it. */
ssize_t put_stream(const char *path, uint64_t seed, uint64_t offset,
                   size_t size);

/* A file has the bytes of the stream `seed` there. */
void assert_stream(const char *path, uint64_t seed, uint64_t offset,
                   size_t size);

#endif
