/*
 * What the parts of the page cache share, and no other file includes: finding
 * and pinning pages (cache.c), changing and dropping them (change.c), moving
 * them from and to the device (io.c), giving them back (reclaim.c).
 *
 * A page is of kind CACHE exactly while it is in the hash table, and all of its
 * descriptor's fields but the count are guarded by cache_lock for that time:
 * `state`, `pins`, and `transfers`: the pieces that are being moved, plus one
 * while pieces are still being added.
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
#define CACHE_FAILED     BIT8(5) /* the last move did not go well */
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

/* Put a page of kind KERNEL, count 1, at `index`, or free it: there is one, or
 * `index` is past the end and not `new`. Whether it was put there. */
bool cache_add(struct cache *cache, uint64_t index, bool new,
               struct page *fresh);

/* Take the page out of the table, and give the cache's reference back; mappings
 * keep the page as theirs. One that was kept still counts as such (change.c).
 */
void cache_remove(struct page *page);

/* As cache_pin or, with SLEEP_KILLABLE, cache_fetch; lets the lock go
 * meanwhile. As cache_unpin. */
int cache_pin_locked(struct cache *cache, uint64_t index, bool new,
                     enum sleep kind, struct page **out);
void cache_unpin_locked(struct page *page);

/* Keep the counts of dirty pages right; the range takes in the page. */
void cache_set_dirty(struct page *page);
void cache_clear_dirty(struct page *page);

/* Sleep until something about `about` (a page or a cache) may have changed;
 * lets the lock go meanwhile: waitq_sleep's results. Say that something has. */
int cache_wait(const void *about, enum sleep kind);
void cache_wake(const void *about);

/* The places in [low, high] where the cache may have pages: true, and one in
 * *index; or there are no more. *at is 0 before the first. No lock held. */
bool cache_next(const struct cache *cache, uint64_t low, uint64_t high,
                uint64_t *at, uint64_t *index);

/* ---- io.c ---------------------------------------------------------------- */

/* Pages [from, to) to read ahead. */
struct cache_window {
    uint64_t from, to;
};

/* Begin to move the page one way (READING or WRITING). cache_lock held. */
void cache_begin(struct page *page, uint8_t way);

/* Read `page` (pinned, begun; or NULL) and pages in `ahead` that are not there;
 * waits for none of them. 0, or why `page` could not be begun. No lock held. */
int cache_read(struct cache *cache, struct page *page,
               struct cache_window ahead);

/* For a thread that writes dirty pages and finds no memory to read what leads
 * to them: a page kept for that. NULL for other threads, and when it is in use.
 * cache_lock held. */
struct page *cache_take_reserve(void);

void cache_io_start(void);

/* ---- reclaim.c ----------------------------------------------------------- */

/* 0 or -ENOMEM. */
int cache_reclaim_start(void);

/* A page that is not kept has come into the table (`is`), or leaves it.
 * cache_lock held. */
void cache_reclaim_mark(const struct page *page, bool is);

#endif
