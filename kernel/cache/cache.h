/*
 * The page cache: the contents of all files, and the metadata of file systems
 * on disks.
 *
 * A cache is an array of pages with a way to find each page's sectors: a file
 * has one, and so has the device as a whole (for metadata, by disk address). A
 * cache without a device is a file in memory: a page that is not there is
 * zeros, and one that has been written is kept until it is dropped, as nobody
 * writes it back.
 *
 * All pages of all caches are found by one hash table, chained through the
 * frames' descriptors, so a page costs no memory but its frame, and can be
 * given up anywhere, any time, without freeing anything else: a clean page
 * that nobody pins and nobody maps is as good as free memory. A hand goes round
 * the frames like a clock's to choose which.
 *
 * A page is pinned while it is looked at; a pin is not a reference. References
 * are the cache's one and those of mappings, so a count above 1 means that the
 * page is mapped. A mapped page must not change: before it is written, the
 * cache is given a copy, and the mappings keep the old page as their own. While
 * a page is written, a new mapping is given a copy. Mappings are counted and
 * given pages under the cache's lock, and a write begins under it
 * (cache_write_begin), so no file system can get this wrong.
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

/* Pages read ahead at most, unless the owner says otherwise. */
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
    /* Or NULL. Page `index` has been read, and nobody has seen it: clear what
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
    bool walked;                 /* c: somebody is in cache_write */
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

/* The page at `index`, read in if it is not there, pinned: it stays where it
 * is until cache_unpin. 0, or -ENXIO (at or past the end), -EIO, -ENOMEM. A
 * failed read is tried again by the next who asks. May sleep, unless the
 * thread is hurried: -ERESTART; takes no lock below LOCK_OBJECT. */
int cache_pin(struct cache *cache, uint64_t index, struct page **out);

/* See that it has been read; it may be given up again at once. Also -EINTR: a
 * kill ends the wait. Not hurried. */
int cache_fetch(struct cache *cache, uint64_t index);
/* If page `index` is not there, begin to read it and its neighbours, which will
 * be asked for soon: CACHE_AROUND pages in all, from a multiple of that. Waits
 * for none, and fails silently: who asks for the page is told. No lock is
 * held below which `map` may take one. */
void cache_read_around(struct cache *cache, uint64_t index);

/* The same for one whose contents nobody wants: a page that was not there is
 * zeroed instead of read. Ignores the end. */
int cache_pin_new(struct cache *cache, uint64_t index, struct page **out);

void cache_unpin(struct page *page);

/* Without a device: the page at `index` if it has been written; NULL: zeros. It
 * stays as long as the caller keeps away what writes or drops it. */
struct page *cache_kept_page(struct cache *cache, uint64_t index);

/* A reference for a mapping (object_ops.page) to the page, or to a copy if it
 * is being written. Never sleeps: -ENXIO, -EAGAIN when the page is not there,
 * or -ENOMEM. */
int cache_share(struct cache *cache, uint64_t index, struct page **out);

/* Pin the page, to be written to: no mapping shows it until cache_write_end. A
 * page from the end on is new: zeros. As cache_pin, but without -ENXIO; -ENOSPC
 * without a device, when no more can be kept. The caller keeps other writers
 * away. */
int cache_write_begin(struct cache *cache, uint64_t index, struct page **out);
void cache_write_end(struct page *page);

/* Clear bytes [from, to) of the contents, which lie in that page. */
void cache_clear(struct page *page, uint64_t from, uint64_t to);

/* A pinned page has been written (or will be before it is unpinned): it is
 * kept until cache_write has had it. */
void cache_mark_dirty(struct cache *cache, struct page *page);

/* Write all pages that are dirty now, and wait until they are written: 0, or
 * -EIO, or -ENOMEM when some could not be begun for want of memory; pages that
 * failed stay dirty. Pages may be dirtied again meanwhile. A dirty page that
 * has holes: only the other pieces are written. */
int cache_write(struct cache *cache);

/* Whether there is a dirty page; dirty pages of all caches together. */
bool cache_is_dirty(const struct cache *cache);
uint64_t cache_dirty_count(void);

/* Forget pages from `first` on, dirty or not: what is mapped stays with the
 * mappings. With `wait` it waits for reads and writes under way, and until
 * nobody has them pinned; so with no lock that `map` takes, and no pin there.
 * Else, false: some are left. The caller keeps others from putting new ones
 * there. */
bool cache_drop(struct cache *cache, uint64_t first, bool wait);

/* Frames that caches have and need not keep, and how many of them could be
 * given back now. */
uint64_t cache_page_count(void);
uint64_t cache_spare_count(void);

#endif
