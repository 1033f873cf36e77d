/*
 * Memory for the kernel's own structures: objects of a few sizes carved out
 * of whole pages, in front of the page allocator.
 *
 * Each page holds objects of one size and starts with a header: which are
 * free, how many are not. A page goes back when its last object does. What
 * does not fit a page twice is whole pages.
 *
 * Debug builds find writes outside small objects and into free ones, and what
 * is freed twice (slab_guard.h).
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "lib/types.h"

void slab_init(void);

/* Memory for `size` bytes, 16-aligned; NULL when there is none. The first
 * does not clear it. */
void *slab_alloc(size_t size);
void *slab_alloc_zeroed(size_t size);

/* Give it back. NULL is allowed. */
void slab_free(void *object);

/* The address of an object that somebody wrote around, or into when it was
 * free; NULL when there is none, and always in release builds. For the audit:
 * every other hart is frozen. */
const void *slab_find_damage(void);

/* How many objects there are, without those of whole pages. */
uint64_t slab_count_objects(void);

#endif
