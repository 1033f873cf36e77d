/*
 * The page cache: the contents of all files, and the metadata of file systems
 * on disks.
 *
 * A cache is an array of pages with a way to find each page's sectors: a file
 * has one, and so has the device as a whole (for metadata, by disk address). A
 * cache without a device is a file in memory: a page that is not there is
 * zeros, and one that has been written is kept until it is dropped, as it is
 * never written back.
 *
 * One hash table, chained through the page descriptors, finds all pages of all
 * caches. So a page costs no other memory, and a clean one that is neither
 * pinned nor mapped is as good as free: reclaim takes it at any time
 * (reclaim.c).
 *
 * A page is pinned while it is looked at; a pin is not a reference. References
 * are the cache's one and those of mappings, so a count above 1 means that the
 * page is mapped. A mapped page must not change: before it is written, the
 * cache is given a copy, and the mappings keep the old page as their own. While
 * a page is written, a new mapping is given a copy. The cache does both
 * (cache_write_begin, cache_share), so no file system can get it wrong.
 *
 * To shorten a file, `end` is lowered first, then the pages are dropped
 * (cache_drop), and only then their blocks are freed: a page asked for
 * meanwhile is either dropped or refused.
 *
 * Locks: one spinlock (LOCK_CACHE) above those of the slab and stacks, so that
 * an allocation made under them can still take pages back.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "dev/block.h"
#include "lib/bits.h"
#include "mm/page.h"

/* Pieces of a page that may lie apart on the device. */
#define CACHE_PIECES (HAL_PAGE_SIZE / 1024)

/* Pages read ahead at most (cache.ahead_limit). */
#define CACHE_AHEAD 64

/* Pages read around one that is wanted (cache_read_around). */
#define CACHE_AROUND 8

/* A piece that is nowhere on the device (or beyond its end): zeros. */
#define CACHE_HOLE UINT64_MAX

struct cache;

struct cache_ops {
    /* First sectors of the pieces of page `index`, HAL_PAGE_SIZE / piece_size
     * of them, or CACHE_HOLE. 0 or -EIO, -ENOMEM. May sleep, but takes no
     * lock below LOCK_OBJECT. */
    int (*map)(struct cache *cache, uint64_t index,
               uint64_t sectors[CACHE_PIECES]);
    /* Or NULL. Page `index` has been read, and is about to be seen: clear what
     * lies past the end of the contents. A spinlock is held. */
    void (*clear_tail)(struct cache *cache, uint64_t index, char *bytes);
};

/* What caches without a device may keep together, in pages. */
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
    _Atomic uint64_t end;        /* a: pages from here on do not exist; kept
                                    by the owner; reads ahead stop here */
    _Atomic uint32_t pages;      /* a: how many are cached */
    uint64_t highest;            /* c: no cached page lies above */
    uint64_t dirty_low;          /* c: dirty pages lie in low..high */
    uint64_t dirty_high;         /* c */
    uint32_t dirty;              /* c: dirty pages */
    uint32_t writing;            /* c: pages being written */
    uint32_t failed;             /* c: writes of pages that failed */
    bool walked;                 /* c: a thread is in cache_write */
    uint64_t expected;           /* c: index a sequential reader comes to */
    uint64_t asked;              /* c: pages before it were read ahead */
    uint32_t ahead;              /* c: pages to read ahead, when it does */
};

/* Once at boot, after page_init: the hash table, and the reclaiming of pages.
 * 0 or -ENOMEM. */
int cache_start(void);

/* An empty cache of pages [0, end). The owner may change ahead_limit before
 * the first page is asked for. */
void cache_init(struct cache *cache, const struct cache_ops *ops,
                struct block_device *device, uint32_t piece_size, uint64_t end);

/* One of a file in memory, empty, whose pages are counted in `memory`. What is
 * said about reading below is for the others. */
void cache_init_memory(struct cache *cache, struct cache_memory *memory);

/* Pages that so many bytes take. */
static inline uint64_t cache_pages_of(uint64_t bytes)
{
    return align_up(bytes, HAL_PAGE_SIZE) / HAL_PAGE_SIZE;
}

/* Pin the page at `index`: it stays where it is until cache_unpin. A page that
 * is not there is read; with `new`, when its contents do not matter, it is
 * zeroed instead, and may lie past the end. 0, or -ENXIO (at or past the end),
 * -EIO (the next call reads again), -ENOMEM. May sleep, unless the thread is
 * hurried: -ERESTART. Takes no lock below LOCK_OBJECT. */
int cache_pin(struct cache *cache, uint64_t index, bool new, struct page **out);
void cache_unpin(struct page *page);

/* Read the page if it is not there, but do not pin it, so it may go again at
 * once. Results as for cache_pin; -EINTR if a kill ended the wait. The thread
 * is not hurried. */
int cache_fetch(struct cache *cache, uint64_t index);

/* If page `index` is not there, begin to read it and its neighbours, which will
 * be asked for soon: CACHE_AROUND pages in all, from a multiple of that. Does
 * not wait, and fails silently: cache_pin will tell. No lock is held below
 * which `map` may take one. */
void cache_read_around(struct cache *cache, uint64_t index);

/* Without a device: the page at `index` if it has been written; NULL: zeros. It
 * stays as long as the caller sees that it is neither written nor dropped. */
struct page *cache_kept_page(struct cache *cache, uint64_t index);

/* A reference for a mapping (object_ops.page) to the page, or to a copy if it
 * is being written. Never sleeps: -ENXIO, -EAGAIN when the page is not there,
 * or -ENOMEM. */
int cache_share(struct cache *cache, uint64_t index, struct page **out);

/* Pin the page, to be written to: no mapping shows it until cache_write_end. A
 * page from the end on is new: zeros. As cache_pin, but without -ENXIO; -ENOSPC
 * without a device, when no more can be kept. One writer at a time. */
int cache_write_begin(struct cache *cache, uint64_t index, struct page **out);
void cache_write_end(struct page *page);

/* Clear bytes [from, to) of the contents, which lie in that page. */
void cache_clear(struct page *page, uint64_t from, uint64_t to);

/* The contents of a pinned page have been changed (or will be before it is
 * unpinned): the cache keeps the page until cache_write has written it. */
void cache_mark_dirty(struct cache *cache, struct page *page);

/* Write all pages that are dirty now, and wait until they are written: 0, or
 * -EIO, or -ENOMEM when some could not be begun for want of memory; pages that
 * failed stay dirty. Pages may be dirtied again meanwhile. A dirty page that
 * has holes: only the other pieces are written. */
int cache_write(struct cache *cache);

/* Whether there is a dirty page; dirty pages of all caches together. */
bool cache_is_dirty(const struct cache *cache);
uint64_t cache_dirty_count(void);

/* Forget all pages from `first` on, even dirty ones; mappings keep theirs. If
 * `wait`, wait for each that is being read or written or is pinned; the caller
 * then holds no lock that `map` takes, and has pinned none of them. If not,
 * false means that some are left. The caller lets no new ones be added. */
bool cache_drop(struct cache *cache, uint64_t first, bool wait);

/* Pages that caches need not keep, and how many of them could be given back
 * now. */
uint64_t cache_page_count(void);
uint64_t cache_spare_count(void);

#endif
