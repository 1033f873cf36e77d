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
    /* The page at `index` (in pages) with a reference for the caller: 0, -ENXIO
     * past the end, -ENOMEM, or -EAGAIN when it has to be waited for. The
     * caller has a space locked. Takes spinlocks only. */
    int (*page)(struct object *object, uint64_t index, struct page **out);
    /* Wait for the page. Then `page` finds it, unless memory is short and it
     * was reclaimed again. 0, -ENXIO, -EIO, -ENOMEM. No space is locked; may
     * sleep, but takes no lock below LOCK_OBJECT. Called only after -EAGAIN. */
    int (*fetch)(struct object *object, uint64_t index);
    /* One more user of the object; one fewer. The last put may sleep, but takes
     * no lock below LOCK_OBJECT. */
    void (*get)(struct object *object);
    void (*put)(struct object *object);
    /* A name for /proc/PID/maps. */
    void (*name)(struct object *object, char *buffer, size_t size);
};

/* If a mapped file is written, the file goes on with a copy of the page, and
 * the mappings keep the old one. A writer (one at a time) says which page it
 * writes, then looks whether mappings have the page. A fault takes a reference
 * to the page, then looks whether it is being written; if so, it maps a copy.
 * One of the two sees the other, so a mapping never has a page that changes. */
struct object {
    const struct object_ops *ops; /* NULL: cannot be mapped */
    _Atomic uint64_t written;     /* index of the page that is being written */
};

#define OBJECT_NO_PAGE UINT64_MAX

/* Page `index` is going to be written: then ask object_has_mappings; and it has
 * been written. */
static inline void object_write_begin(struct object *object, uint64_t index)
{
    atomic_store(&object->written, index);
}

/* Whether a page of a file is in mappings as well. */
static inline bool object_has_mappings(const struct page *page)
{
    return atomic_load(&page->count) > 1;
}

static inline void object_write_end(struct object *object)
{
    atomic_store_explicit(&object->written, OBJECT_NO_PAGE,
                          memory_order_release);
}

/* Whether page `index`, to which the caller has a reference, may yet change. */
static inline bool object_is_written(struct object *object, uint64_t index)
{
    return atomic_load(&object->written) == index;
}

#endif
