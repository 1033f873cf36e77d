/*
 * What the parts of the page cache share: finding and pinning pages is in
 * cache.c, changing and dropping them in change.c, moving them from and to the
 * device in io.c, giving them back in reclaim.c. Nobody else includes this.
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

/* Whether a frame is in the table. The others' kind may change any time. */
static inline bool cache_has(const struct page *page)
{
    return __atomic_load_n(&page->kind, __ATOMIC_RELAXED) == PAGE_CACHE;
}

/* ---- cache.c: with cache_lock held --------------------------------------- */

struct page *cache_find(const struct cache *cache, uint64_t index);

/* Put a frame of kind KERNEL, count 1, into the table: unpinned. */
void cache_insert(struct cache *cache, uint64_t index, struct page *page,
                  uint8_t state);

/* Take it out of the table, and the cache's reference back. One that was
 * kept is still counted as such (change.c). */
void cache_remove(struct page *page);

/* Pin the page at `index` as cache_pin and cache_pin_new do. */
int cache_pin_locked(struct cache *cache, uint64_t index, bool new,
                     struct page **out);
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

/* For who writes dirty pages and finds no memory to read what leads to them: a
 * frame kept for that; NULL for others, and when it is in use. cache_lock
 * held. */
struct page *cache_take_reserve(void);

/* Once at boot; -ENOMEM. */
void cache_io_start(void);
int cache_reclaim_start(void);

/* ---- reclaim.c: with cache_lock held ------------------------------------- */

/* The frame has come into the table, or left it, and is not kept. */
void cache_reclaim_add(const struct page *page);
void cache_reclaim_remove(const struct page *page);

#endif
