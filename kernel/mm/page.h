/*
 * Physical frames: one descriptor each, reference counts, and the allocator.
 *
 * The count of a frame is the number of edges that point at it: slots of
 * page-table nodes, plus one for each kernel holder. Getting and putting are
 * single atomic instructions; no lock guards a count. Frames come from small
 * stocks kept by each hart in front of one buddy allocator.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "arch/hal.h"
#include "lib/list.h"
#include "sched/spinlock.h"

enum page_kind {
    PAGE_FREE,      /* in the buddy allocator; set under LOCK_PAGE only */
    PAGE_STOCKED,   /* free too, in some hart's stock */
    PAGE_ANONYMOUS, /* a process's memory */
    PAGE_TABLE,     /* a page-table node of a process */
    PAGE_CACHE,     /* of a file or a disk; the page cache has one reference */
    PAGE_SLAB,      /* the kernel's structures */
    PAGE_STACK,     /* kernel stacks */
    PAGE_KERNEL,    /* other frames of the kernel, also what boot left in use */
    PAGE_ABSENT,    /* no memory at this address, or not ours (firmware) */
    PAGE_KINDS
};

/* What a page-table node needs to know of itself. */
struct page_table {
    struct spinlock lock; /* entries of a node that is shared */
    uint16_t low, high;   /* used slots lie in low..high; low > high: none */
    uint32_t origin;      /* index, plus 1, of what it borrows from; or 0 */
};

struct cache;

/* Where a frame of the page cache belongs (cache/cache.h). */
struct page_cached {
    struct cache *cache;
    uint32_t index; /* in pages */
    uint32_t next;  /* in its hash chain: index of the frame, plus 1; or 0 */
};

/* Letters: a atomic; o by whoever owns the frame (of kind CACHE: LOCK_CACHE);
 * p LOCK_PAGE; f frozen. */
struct page {
    _Atomic uint32_t count; /* a: edges and holders; free: 0 */
    uint8_t kind;           /* o: enum page_kind */
    uint8_t order;          /* o: frames in this block, as a power of two;
                               of kind CACHE: transfers under way */
    uint8_t level;          /* o: of a node; size class of a slab frame; state
                               of one of kind CACHE */
    _Atomic bool sealed;    /* a: a node with nothing writable below it */
    union {
        struct list link; /* p: free blocks of an order */
        struct page_table table;
        struct page_cached cached;
    };
    uint32_t owner;   /* o: process that allocated it, for reports; of kind
                         DISK: pins */
    uint32_t audited; /* f: edges found by the audit */
};

/* Make descriptors for `ram`, leaving out `reserved`; both are lists of
 * `count` ranges. 0, or -ENOMEM when not even the descriptors fit. */
int page_init(const struct hal_range *ram, size_t ram_count,
              const struct hal_range *reserved, size_t reserved_count);

/* Give boot memory (the initrd) to the allocator: whole frames inside. */
void page_release_range(struct hal_range range);

/* A frame with count 1 and unspecified contents, or zeroed, or with those of
 * `source`; NULL when there is none (oom.h). From any context but an interrupt
 * handler. */
struct page *page_alloc(enum page_kind kind);
struct page *page_alloc_zeroed(enum page_kind kind);
struct page *page_alloc_copy(enum page_kind kind, const struct page *source);

/* 2^order adjacent frames under the first one's descriptor. */
struct page *page_alloc_block(enum page_kind kind, unsigned order);

static inline bool page_is_free(const struct page *page)
{
    return page->kind == PAGE_FREE || page->kind == PAGE_STOCKED;
}

/* Frames to be had; those that lie in the allocator (the rest is with
 * shrinkers, oom.h); and those Calf manages at all. */
uint64_t page_free_count(void);
uint64_t page_unused_count(void);
uint64_t page_total_count(void);

/* Frames by kind, and how many have a count above 1; under no lock: for
 * reports. */
void page_count_kinds(uint64_t counts[PAGE_KINDS], uint64_t *shared);

/* The frame is another kind from now on. Its owner alone says so. */
static inline void page_become(struct page *page, enum page_kind kind)
{
    /* The allocator may look at the kind of a neighbour in use. */
    __atomic_store_n(&page->kind, kind, __ATOMIC_RELAXED);
}

/* Give back a frame whose count has reached 0 and that holds zeros alone: the
 * next page_alloc_zeroed has it for nothing. */
void page_free_zeroed(struct page *page);

/* ---- Failing on command, for tests of the paths where memory ends ---------
 * In debug builds, and where the build says so; nothing of it in others.
 */
#ifndef PAGE_FAIL_ON_COMMAND
#ifdef DEBUG
#define PAGE_FAIL_ON_COMMAND 1
#else
#define PAGE_FAIL_ON_COMMAND 0
#endif
#endif

#if PAGE_FAIL_ON_COMMAND

/* Make the nth allocation (frame or object) from now by the running thread
 * fail, once; 0 switches it off. */
void page_fail_after(uint32_t nth);
/* How many allocations have failed in this way since boot, of any thread. */
uint64_t page_failed_count(void);
/* Whether this allocation is the one to fail: for allocators. */
bool page_should_fail(void);
/* Whether one has, since the last call: it is no sign of memory running out. */
bool page_failed_on_command(void);

#else

static inline bool page_failed_on_command(void)
{
    return false;
}

static inline bool page_should_fail(void)
{
    return false;
}
#endif

/* ---- Descriptors, numbers and addresses ---------------------------------- */

extern struct page *page_array;  /* descriptor of the lowest frame */
extern struct page *page_frames; /* where that of frame 0 would be */

/* All descriptors: [0, page_span). */
uint64_t page_span(void);

static inline struct page *page_at(uint64_t index)
{
    return &page_array[index];
}

static inline uint64_t page_physical(const struct page *page)
{
    return (uint64_t)(page - page_frames) << HAL_PAGE_SHIFT;
}

static inline struct page *page_of_physical(uint64_t physical)
{
    return page_frames + (physical >> HAL_PAGE_SHIFT);
}

/* The frame's address in the direct map, and back. */
static inline void *page_data(const struct page *page)
{
    return hal_phys_to_virt(page_physical(page));
}

static inline struct page *page_of_data(const void *data)
{
    return page_of_physical(hal_virt_to_phys(data));
}

/* ---- Counts -------------------------------------------------------------- */

/* Give back a frame or block whose count has reached 0. */
void page_free(struct page *page);
_Noreturn void page_count_error(struct page *page, uint32_t count);

static inline uint32_t page_count(const struct page *page)
{
    return atomic_load_explicit(&page->count, memory_order_acquire);
}

/* One more edge or holder. The caller has a reference, or holds the lock that
 * keeps one in place. */
static inline void page_get(struct page *page)
{
    uint32_t old =
        atomic_fetch_add_explicit(&page->count, 1, memory_order_relaxed);
    /* So many sharers, or none, are an error of ours. */
    if (__builtin_expect((int32_t)old <= 0, 0))
        page_count_error(page, old);
}

/* Drop a reference; true when it was the last, and then all that other
 * holders did to the frame is visible. */
static inline bool page_drop(struct page *page)
{
    uint32_t old =
        atomic_fetch_sub_explicit(&page->count, 1, memory_order_release);
    if (__builtin_expect((int32_t)old <= 0, 0))
        page_count_error(page, old);
    if (old != 1)
        return false;
    /* As good as a fence, and understood by every race detector. */
    (void)atomic_load_explicit(&page->count, memory_order_acquire);
    return true;
}

/* One edge or holder fewer; the last one gives the frame (or block) back. Nodes
 * go through pt_put instead. */
static inline void page_put(struct page *page)
{
    if (page_drop(page))
        page_free(page);
}

/* ---- Between page.c and page_init.c, at boot, on one hart ---------------- */

/* Take over `array`, for the descriptors of `count` frames from number `first`
 * on, of which none is there yet. */
void page_begin(struct page *array, uint64_t first, uint64_t count);

/* A frame that is there, once: free, or in use for good (count 1). */
void page_add(struct page *page, bool in_use);

/* Whether the frame of that number has a descriptor. */
bool page_is_known(uint64_t frame);

#endif
