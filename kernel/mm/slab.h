/*
 * Memory for the kernel's own structures: objects of a few sizes carved out
 * of pages.
 *
 * A slab is a page with objects of one size. It starts with a header, which
 * says which objects are free and how many are in use. The page is freed with
 * its last object. An object too large for two in a page gets pages of its own.
 *
 * Debug builds find writes outside small objects, writes into free ones, and
 * objects that are freed twice (slab_guard.h).
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "lib/types.h"

void slab_init(void);

/* Memory for `size` bytes, 16-aligned. Its contents are unspecified, or, for
 * slab_alloc_zeroed, zeros. NULL when there is none. */
void *slab_alloc(size_t size);
void *slab_alloc_zeroed(size_t size);

/* Free an object. NULL is allowed. */
void slab_free(void *object);

/* The address of an object if something was written around it, or into it while
 * it was free; NULL when there is none, and always in release builds. For the
 * audit: every other hart is frozen. */
const void *slab_find_damage(void);

/* The number of objects, without those that have pages of their own. */
uint64_t slab_count_objects(void);

#endif
