/*
 * How the allocator gets its frames: between page.c and page_init.c, at boot,
 * on one hart.
 */
#ifndef MM_PAGE_INIT_H
#define MM_PAGE_INIT_H

#include "mm/page.h"

/* Take over `array`, for the descriptors of `count` frames from number `first`
 * on, of which none is there yet. */
void page_begin(struct page *array, uint64_t first, uint64_t count);

/* A frame that is there, once: free, or in use for good (count 1). */
void page_add(struct page *page, bool in_use);

/* Whether the frame of that number has a descriptor. */
bool page_is_known(uint64_t frame);

#endif
