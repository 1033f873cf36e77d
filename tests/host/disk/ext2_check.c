/*
 * What tests of ext2 assert. See ext2_check.h.
 */
/* sources: tests/host/disk/ext2_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host/disk/ext2_check.h"
#include "host/mm/hal.h"

void check_mount(struct disk *disk)
{
    assert_int_equal(host_mount(disk, false), 0);
}

void check_unmount(struct disk *disk)
{
    assert_int_equal(host_unmount(), 0);
    assert_int_equal(mm_audit(), 0);
    assert_int_equal(page_free_count(), host_pages);
    assert_true(disk_is_clean(disk));
}

ssize_t put_stream(const char *path, uint64_t seed, uint64_t offset,
                   size_t size)
{
    uint8_t *bytes = malloc(size);
    ssize_t moved;

    host_fill(bytes, seed, offset, size);
    moved = host_put(path, offset, bytes, size);
    free(bytes);
    return moved;
}

void assert_stream(const char *path, uint64_t seed, uint64_t offset,
                   size_t size)
{
    uint8_t *bytes = malloc(size);

    assert_int_equal(host_get(path, offset, bytes, size), (ssize_t)size);
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != host_byte(seed, offset + i))
            fail_msg("%s: wrong byte at %zu", path, (size_t)offset + i);
    free(bytes);
}
