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
    /* The page at `index` (in pages) with a reference for the caller, who has
     * its space locked: 0, -ENXIO past the end, -ENOMEM, or -EAGAIN when it
     * has to be waited for. Takes spinlocks only. */
    int (*page)(struct object *object, uint64_t index, struct page **out);
    /* Wait for the page; then `page` has it, unless memory is short and it was
     * given up again. 0, -ENXIO, -EIO, -ENOMEM. No space is locked; may sleep,
     * but takes no lock below LOCK_OBJECT. Only for objects of which `page`
     * may say -EAGAIN. */
    int (*fetch)(struct object *object, uint64_t index);
    /* One more user of the object; one fewer: the last one's put may sleep,
     * but takes no lock below LOCK_OBJECT. */
    void (*get)(struct object *object);
    void (*put)(struct object *object);
    /* A name for /proc/PID/maps. */
    void (*name)(struct object *object, char *buffer, size_t size);
};

/* A file that is written while it is mapped goes on with pages of its own, and
 * mappings keep what they had. Its writers, one at a time, say which page they
 * write, and then look whether mappings have that; a fault takes a page, and
 * then looks whether it is being written: then it has a copy. So a mapping
 * never has a page that changes. */
struct object {
    const struct object_ops *ops; /* NULL: cannot be mapped */
    _Atomic uint64_t written;     /* index of the page that is being written */
};

#define OBJECT_NO_PAGE UINT64_MAX

/* Page `index` is going to be written: now ask object_has_mappings. It has
 * been. */
static inline void object_write_begin(struct object *object, uint64_t index)
{
    atomic_store(&object->written, index);
}

/* Whether a page that its file has is in mappings as well. */
static inline bool object_has_mappings(const struct page *page)
{
    return atomic_load(&page->count) > 1;
}

static inline void object_write_end(struct object *object)
{
    atomic_store_explicit(&object->written, OBJECT_NO_PAGE,
                          memory_order_release);
}

/* For who has got a reference to page `index`: whether it may change yet. */
static inline bool object_is_written(struct object *object, uint64_t index)
{
    return atomic_load(&object->written) == index;
}

#endif
