/*
 * Memory objects: what a region shows where it is not anonymous.
 *
 * A file system embeds one in its inode. The object gives pages; a private
 * mapping shares them, read-only, until they are written.
 */
#ifndef MM_OBJECT_H
#define MM_OBJECT_H

#include "mm/page.h"

struct object;

struct object_ops {
    /* Give the page at `index` (in pages), or a copy of it, with a reference
     * for the caller: as long as the caller has it, it does not change. 0,
     * -ENXIO past the end, -ENOMEM, or -EAGAIN if the page has to be waited
     * for. The caller has a space locked. Takes spinlocks only. */
    int (*page)(struct object *object, uint64_t index, struct page **out);
    /* Wait until the page is in memory. Then `page` finds it, unless it was
     * reclaimed again because memory is short. 0, -ENXIO, -EIO, -ENOMEM. No
     * space is locked; may sleep, but takes no lock below LOCK_OBJECT. Called
     * only after -EAGAIN. */
    int (*fetch)(struct object *object, uint64_t index);
    /* get: one more user of the object. put: one fewer; the last may sleep, but
     * takes no lock below LOCK_OBJECT. */
    void (*get)(struct object *object);
    void (*put)(struct object *object);
    /* A name for /proc/PID/maps. */
    void (*name)(struct object *object, char *buffer, size_t size);
};

struct object {
    const struct object_ops *ops; /* NULL: cannot be mapped */
};

#endif
