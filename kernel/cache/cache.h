/*
 * The page cache: frames that show what is on a block device, for files and
 * for the metadata of a file system alike.
 *
 * A cache is an array of pages with a way to find each page's sectors: a file
 * has one, and so has the device as a whole (for metadata, by disk address).
 * All pages of all caches are found by one hash table, chained through the
 * frames' descriptors, so a page costs no memory but its frame, and can be
 * given up anywhere, any time, without freeing anything else: a clean page
 * that nobody pins and nobody maps is as good as free memory. A hand goes round
 * the frames like a clock's to choose which.
 *
 * Who looks at a page pins it; a pin is not a reference. References are the
 * cache's one and those of mappings, so a count above 1 means that the page is
 * mapped, and then it must not be written (mm/object.h): cache_part puts a copy
 * in its place first, and the mappings keep the old one as their own. Who
 * shortens a file lowers `end` first, then drops the pages (cache_drop), and
 * only then frees their blocks: a page asked for meanwhile is either dropped or
 * refused.
 *
 * Locks: one spinlock (LOCK_CACHE) above those of the slab and stacks, so that
 * an allocation made under them can still take pages back.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "dev/block.h"
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

/* Letters: I immutable; c LOCK_CACHE; a atomic. */
struct cache {
    const struct cache_ops *ops; /* I */
    struct block_device *device; /* I */
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

/* A reference to the page, for a mapping (object_ops.page). Never sleeps:
 * -ENXIO, or -EAGAIN when the page is not there. */
int cache_share(struct cache *cache, uint64_t index, struct page **out);

/* Make the pinned *page one that no mapping shows, so that it may be written:
 * perhaps another page, with the same contents, in its place; the pin goes
 * over to it. 0 or -ENOMEM. The caller keeps other writers away, and has called
 * object_write_begin. */
int cache_part(struct cache *cache, struct page **page);

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

/* Frames that all caches have, and how many of them could be given back. */
uint64_t cache_page_count(void);
uint64_t cache_spare_count(void);

#endif
