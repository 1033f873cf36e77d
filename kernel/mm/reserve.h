/*
 * Pages for slabs and for the contents of files in memory, from a reserve.
 *
 * Programs written for xv6 take all memory before and after a test, and a page
 * less is a failure, although a small file may stay. So slabs and files hold a
 * fixed number of pages from the end of boot on, used or not, and take others
 * only when they use more than that.
 */
#ifndef MM_RESERVE_H
#define MM_RESERVE_H

#include "mm/page.h"

/* Pages in the reserve beyond those in use at the end of boot. */
#define RESERVE_PAGES 64

/* A page with count 1 for such a use, zeroed if wanted; NULL: no memory. */
struct page *reserve_alloc(enum page_kind kind, bool zeroed);

/* Give it back; NULL: it has been given back already, or left to mappings. */
void reserve_free(struct page *page);

/* At the end of boot: set the reserve aside, as far as there is memory. */
void reserve_fill(void);

#endif
