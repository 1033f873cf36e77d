/*
 * Memory objects: what a region shows where it is not anonymous.
 *
 * A file system embeds one in its inode. The object gives pages; a private
 * mapping shares them, read-only, until somebody writes.
 */
#ifndef MM_OBJECT_H
#define MM_OBJECT_H

#include "mm/page.h"

struct object;

struct object_ops {
    /* The page at `index` (in pages) with a reference for the caller. 0,
     * -ENXIO past the end, -EIO, -ENOMEM. With `wait` no space is locked, and
     * it may sleep, but takes no lock below LOCK_OBJECT. Without, the caller
     * has its space locked: -EAGAIN if the page would have to be waited for. */
    int (*page)(struct object *object, uint64_t index, bool wait,
                struct page **out);
    /* One more user of the object; one fewer: the last one's put may sleep,
     * but takes no lock below LOCK_OBJECT. */
    void (*get)(struct object *object);
    void (*put)(struct object *object);
    /* A name for /proc/PID/maps. */
    void (*name)(struct object *object, char *buffer, size_t size);
};

struct object {
    const struct object_ops *ops;
};

#endif
