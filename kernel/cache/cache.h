/*
 * The page cache: the contents of all files, and the metadata of file systems
 * on disks.
 *
 * A cache is an array of pages with a way to find each page's sectors: a file
 * has one, and so has the device as a whole (for metadata, by disk address). A
 * cache without a device is a file in memory. A page that is missing there
 * stands for zeros; one that has been written is never written back, so the
 * cache keeps it until it is dropped.
 *
 * One hash table, chained through the page descriptors, finds all pages of all
 * caches. So a page costs no other memory, and a clean one that is neither
 * pinned nor mapped is as good as free: reclaim takes it at any time
 * (reclaim.c).
 *
 * A page is pinned while it is in use. A pin is not a reference: the cache has
 * one reference and each mapping one, so a count above 1 means that the page is
 * mapped. A mapped page must not change: before it is written, the cache is
 * given a copy, and the mappings keep the old page as their own. While a page
 * is written, a new mapping is given a copy. The cache does both
 * (cache_write_begin, cache_share), so no file system can get it wrong.
 *
 * To shorten a file, `end` is lowered first, then the pages are dropped
 * (cache_drop), and only then their blocks are freed: a page asked for
 * meanwhile is either dropped or refused.
 *
 * One spinlock (LOCK_CACHE) guards all caches. Its rank is above those of slabs
 * and stacks: an allocation under one of these may reclaim cached pages.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "dev/block.h"
#include "lib/bits.h"
#include "mm/page.h"

/* The most pieces of a page that can lie apart on the device. */
#define CACHE_PIECES (HAL_PAGE_SIZE / 1024)

/* Pages read ahead at most (cache.ahead_limit). */
#define CACHE_AHEAD 64

/* Pages read around one that is wanted (cache_read_around). */
#define CACHE_AROUND 8

/* A piece that is nowhere on the device (or beyond its end): zeros. */
#define CACHE_HOLE UINT64_MAX

struct cache;

struct cache_ops {
    /* Put the first sector of each of the HAL_PAGE_SIZE / piece_size pieces of
     * page `index`, or CACHE_HOLE, into `sectors`. 0 or -EIO, -ENOMEM. May
     * sleep, but takes no lock below LOCK_OBJECT. */
    int (*map)(struct cache *cache, uint64_t index,
               uint64_t sectors[CACHE_PIECES]);
    /* May be NULL. Page `index` has been read and will now be shown: clear what
     * lies past the end of the contents. LOCK_CACHE is held. */
    void (*clear_tail)(struct cache *cache, uint64_t index, char *bytes);
};

/* How many pages a group of caches without a device may keep, and keeps. */
struct cache_memory {
    uint64_t limit;        /* I */
    _Atomic uint64_t used; /* a */
};

/* Letters: I immutable; c LOCK_CACHE; a atomic. */
struct cache {
    const struct cache_ops *ops; /* I: NULL without a device */
    struct block_device *device; /* I: or NULL */
    struct cache_memory *memory; /* I: without a device */
    uint32_t piece_size;         /* I: 1024, 2048 or 4096 */
    uint32_t ahead_limit;        /* I: pages to read ahead at most; 0: none */
    _Atomic uint64_t end;        /* a: the first page that does not exist; set
                                    by the owner; reading ahead stops there */
    _Atomic uint32_t pages;      /* a: how many are cached */
    uint64_t highest;            /* c: no cached page lies above */
    uint64_t dirty_low;          /* c: dirty pages lie in low..high */
    uint64_t dirty_high;         /* c */
    uint32_t dirty;              /* c: dirty pages */
    uint32_t writing;            /* c: pages being written */
    uint32_t failed;             /* c: writes of pages that failed */
    bool walked;                 /* c: a thread is in cache_write */
    uint64_t expected;           /* c: next index of a sequential reader */
    uint64_t asked;              /* c: where reading ahead has stopped */
    uint32_t ahead;              /* c: pages to read ahead next time */
};

/* Once at boot, after page_init: make the hash table and register the shrinker.
 * 0 or -ENOMEM. */
int cache_start(void);

/* Make an empty cache of pages [0, end). The owner may change ahead_limit
 * before the first page is asked for. */
void cache_init(struct cache *cache, const struct cache_ops *ops,
                struct block_device *device, uint32_t piece_size, uint64_t end);

/* Make an empty cache for a file in memory, whose pages are counted in
 * `memory`. What is said below about reading does not apply to it. */
void cache_init_memory(struct cache *cache, struct cache_memory *memory);

/* How many pages `bytes` bytes take. */
static inline uint64_t cache_pages_of(uint64_t bytes)
{
    return align_up(bytes, HAL_PAGE_SIZE) / HAL_PAGE_SIZE;
}

/* Pin the page at `index`: it stays there until cache_unpin. If it is not
 * cached it is read; with `new`, its old contents do not matter, so the page is
 * zeroed instead, and may lie past the end. 0, or -ENXIO (at or past the end),
 * -EIO (the next call reads again), -ENOMEM. May sleep; a hurried thread gets
 * -ERESTART instead. Takes no lock below LOCK_OBJECT. */
int cache_pin(struct cache *cache, uint64_t index, bool new, struct page **out);
void cache_unpin(struct page *page);

/* Read the page if it is not cached. It is not pinned, so it may be reclaimed
 * at once. Results as for cache_pin; -EINTR if a kill ended the wait. The
 * thread must not be hurried. */
int cache_fetch(struct cache *cache, uint64_t index);

/* If page `index` is not cached, begin to read the CACHE_AROUND pages around
 * it, which will be asked for soon; the first is a multiple of that number.
 * Does not wait for them and returns no error: a later cache_pin does. The
 * caller may take the locks that `map` takes. */
void cache_read_around(struct cache *cache, uint64_t index);

/* Without a device: the page at `index`, or NULL if it was never written, so is
 * zeros. The page stays as long as the caller's lock keeps others from writing
 * and dropping it. */
struct page *cache_kept_page(struct cache *cache, uint64_t index);

/* Give a mapping (object_ops.page) a reference to the page, or to a copy while
 * the page is being written. Never sleeps. 0, or -ENXIO (past the end), -EAGAIN
 * (the page is not cached), -ENOMEM. */
int cache_share(struct cache *cache, uint64_t index, struct page **out);

/* Pin the page to write to it: no mapping shows it until cache_write_end. A
 * page at or past the end is new, and zeros. Results as for cache_pin, but
 * never -ENXIO; without a device, -ENOSPC if no more pages can be kept. One
 * writer at a time. */
int cache_write_begin(struct cache *cache, uint64_t index, struct page **out);
void cache_write_end(struct page *page);

/* Clear bytes [from, to) of the contents, all of which lie in `page`. */
void cache_clear(struct page *page, uint64_t from, uint64_t to);

/* The contents of a pinned page have been changed (or will be before it is
 * unpinned): the cache keeps the page until cache_write has written it. */
void cache_mark_dirty(struct cache *cache, struct page *page);

/* Write all pages that are dirty now, and wait until they are written. 0, or
 * -EIO; -ENOMEM if there was no memory to begin some writes. Pages that failed
 * stay dirty. Others may dirty pages meanwhile. Of a page with holes, only the
 * other pieces are written. */
int cache_write(struct cache *cache);

/* cache_is_dirty: whether a page of the cache is dirty or being written.
 * cache_dirty_count: the number of dirty pages of all caches. */
bool cache_is_dirty(const struct cache *cache);
uint64_t cache_dirty_count(void);

/* Drop all pages from `first` on, even dirty ones; mappings keep theirs. With
 * `wait`, wait for each that is pinned or being moved; the caller then holds no
 * lock that `map` takes, and has pinned none of them. Without, stop at the
 * first such page and return false. The caller keeps others from adding pages.
 */
bool cache_drop(struct cache *cache, uint64_t first, bool wait);

/* cache_page_count: cached pages that are not kept. cache_spare_count: those of
 * them that are not pinned, mapped or being moved. */
uint64_t cache_page_count(void);
uint64_t cache_spare_count(void);

#endif
