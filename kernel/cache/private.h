/*
 * What the parts of the page cache share; nothing else includes it. The parts
 * find and pin pages (cache.c), change and drop them (change.c), move them from
 * and to the device (io.c) and give them back (reclaim.c).
 *
 * A page is of kind CACHE exactly while it is in the hash table. During that
 * time cache_lock guards all fields of its descriptor except the count.
 * `transfers` is the number of pieces that are being moved, plus one while
 * pieces are still being added.
 */
#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include "cache/cache.h"
#include "lib/bits.h"
#include "sched/waitq.h"

/* Bits of a page's state (page.state). */
#define CACHE_VALID      BIT8(0) /* shows what the device has, or newer */
#define CACHE_READING    BIT8(1)
#define CACHE_WRITING    BIT8(2)
#define CACHE_DIRTY      BIT8(3)
#define CACHE_REFERENCED BIT8(4) /* used since the clock's hand passed */
#define CACHE_FAILED     BIT8(5) /* the last transfer failed */
#define CACHE_CHANGING   BIT8(6) /* between cache_write_begin and _end */
#define CACHE_KEPT       BIT8(7) /* written, without a device (change.c) */
#define BIT8(n)          ((uint8_t)(1u << (n)))

extern struct spinlock cache_lock; /* LOCK_CACHE */

/* Whether a page of the table is pinned or being moved. cache_lock held. */
static inline bool cache_busy(const struct page *page)
{
    return page->pins || page->state & (CACHE_READING | CACHE_WRITING);
}

/* ---- cache.c: with cache_lock held --------------------------------------- */

struct page *cache_find(const struct cache *cache, uint64_t index);

/* Put a page of kind KERNEL, count 1, into the table, unpinned; none is at
 * `index`. */
void cache_insert(struct cache *cache, uint64_t index, struct page *page,
                  uint8_t state);

/* Put a page of kind KERNEL, count 1, at `index`: true. False: a page is there,
 * or `index` is past the end and `new` is false; `fresh` is freed. */
bool cache_add(struct cache *cache, uint64_t index, bool new,
               struct page *fresh);

/* Take the page out of the table, and give the cache's reference back; mappings
 * keep the page as theirs. The number of kept pages stays as it is (change.c).
 */
void cache_remove(struct page *page);

/* cache_pin_locked: as cache_pin, but waits as cache_fetch if SLEEP_KILLABLE;
 * may release the lock meanwhile. cache_unpin_locked: as cache_unpin. */
int cache_pin_locked(struct cache *cache, uint64_t index, bool new,
                     enum sleep kind, struct page **out);
void cache_unpin_locked(struct page *page);

/* Mark the page dirty, and extend the cache's dirty range to it; or mark it
 * clean. Both keep the counts of dirty pages right. */
void cache_set_dirty(struct page *page);
void cache_clear_dirty(struct page *page);

/* cache_wait: sleep until `about` (a page or a cache) may have changed;
 * releases the lock meanwhile, and returns as waitq_sleep. cache_wake: `about`
 * has changed. */
int cache_wait(const void *about, enum sleep kind);
void cache_wake(const void *about);

/* Go through the places in [low, high] where the cache may have pages: true,
 * and the next one in *index; false: there are no more. *at is 0 at first. No
 * lock is held. */
bool cache_next(const struct cache *cache, uint64_t low, uint64_t high,
                uint64_t *at, uint64_t *index);

/* ---- io.c ---------------------------------------------------------------- */

/* Pages [from, to) to read ahead. */
struct cache_window {
    uint64_t from, to;
};

/* Mark the page as being moved; `way` is CACHE_READING or CACHE_WRITING.
 * cache_lock held. */
void cache_begin(struct page *page, uint8_t way);

/* Begin to read `page` (pinned, after cache_begin; or NULL) and pages in
 * `ahead` that are not cached; waits for none of them. 0, or why the read of
 * `page` could not begin. No lock is held. */
int cache_read(struct cache *cache, struct page *page,
               struct cache_window ahead);

/* The page reserved for a thread that writes dirty pages and has no memory to
 * read where they lie. NULL for other threads, and while the page is in use.
 * cache_lock held. */
struct page *cache_take_reserve(void);

void cache_io_start(void);

/* ---- reclaim.c ----------------------------------------------------------- */

/* 0 or -ENOMEM. */
int cache_reclaim_start(void);

/* A page that is not kept comes into the table (`is`), or leaves it. cache_lock
 * held. */
void cache_reclaim_mark(const struct page *page, bool is);

#endif
