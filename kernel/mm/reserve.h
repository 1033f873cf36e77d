/*
 * Pages for slabs and for the contents of files in memory, from a reserve.
 *
 * Tests written for xv6 count the pages that they can get, before and after,
 * and fail if there is one fewer, even if only a small file was left. So slabs
 * and files hold a fixed number of pages from the end of boot on, used or not,
 * and allocate others only when they need more.
 */
#ifndef MM_RESERVE_H
#define MM_RESERVE_H

#include "mm/page.h"

/* Pages in the reserve beyond those in use at the end of boot. */
#define RESERVE_PAGES 64

/* A page with count 1, zeroed if wanted; NULL: no memory. */
struct page *reserve_alloc(enum page_kind kind, bool zeroed);

/* Give a page back. NULL: a page from reserve_alloc will not come back here (it
 * was freed elsewhere, or mappings keep it); the reserve may replace it. */
void reserve_free(struct page *page);

/* At the end of boot: set the reserve aside, as far as there is memory. */
void reserve_fill(void);

#endif
