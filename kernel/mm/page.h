/*
 * Physical pages: one descriptor each, reference counts, and the allocator.
 *
 * The count of a page is the number of edges that point at it: slots of
 * page-table nodes, plus one for each kernel holder. A get and a put are one
 * atomic instruction each; no lock guards a count. Pages come from small
 * caches, one a hart, in front of one buddy allocator.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "arch/hal.h"
#include "lib/list.h"
#include "sched/spinlock.h"

enum page_kind {
    PAGE_FREE,        /* in the buddy allocator; set under LOCK_PAGE only */
    PAGE_HART_CACHED, /* free too, in the cache of a hart */
    PAGE_ANONYMOUS,   /* a process's memory */
    PAGE_TABLE,       /* a page-table node of a process */
    PAGE_CACHE,  /* of a file or a disk; the page cache has one reference */
    PAGE_SLAB,   /* the kernel's structures */
    PAGE_STACK,  /* kernel stacks */
    PAGE_KERNEL, /* other pages of the kernel, also what boot left in use */
    PAGE_ABSENT, /* no memory at this address, or the firmware's */
    PAGE_KINDS
};

struct page_table {
    struct spinlock lock; /* entries of a node that is shared */
    uint16_t low, high;   /* used slots lie in low..high; low > high: none */
    uint32_t source;      /* of a lazy copy: index, plus 1; or 0 */
};

struct cache;

/* Where a page of the page cache belongs (cache/cache.h). */
struct page_cached {
    struct cache *cache;
    uint32_t index; /* in pages */
    uint32_t next;  /* in the hash chain: that page's number, plus 1; or 0 */
};

/* Letters: a atomic; o by the owner of the page (of kind CACHE: LOCK_CACHE); c
 * LOCK_CACHE; p LOCK_PAGE; f by the audit, while all other harts stand. */
struct page {
    _Atomic uint32_t count; /* a: edges and holders; free: 0 */
    uint8_t kind;           /* o: enum page_kind */
    union {
        uint8_t order;     /* o: this block has 2^order pages */
        uint8_t transfers; /* c: under way */
    };
    union {
        uint8_t level; /* o: of a node */
        uint8_t class; /* o: of a slab */
        uint8_t state; /* c */
    };
    _Atomic bool sealed; /* a: a node with nothing writable below it */
    union {
        struct list link;          /* p: free blocks of an order */
        struct page_table table;   /* o */
        struct page_cached cached; /* c */
    };
    union {
        uint32_t owner; /* o: process that allocated it, for reports */
        uint32_t pins;  /* c */
    };
    uint32_t audited; /* f: edges found by the audit */
};

/* Make descriptors for all pages of `ram`; those in `reserved` stay in use.
 * Both are lists of ranges. 0, or -ENOMEM when not even the descriptors fit. */
int page_init(const struct hal_range *ram, size_t ram_count,
              const struct hal_range *reserved, size_t reserved_count);

/* Free the whole pages in a range of boot's memory (the initrd). */
void page_release_range(struct hal_range range);

/* A page with count 1: its contents are unspecified, or zeros, or a copy of
 * `source`. NULL when there is none (oom.h). From any context but an interrupt
 * handler. */
struct page *page_alloc(enum page_kind kind);
struct page *page_alloc_zeroed(enum page_kind kind);
struct page *page_alloc_copy(enum page_kind kind, const struct page *source);

/* 2^order adjacent pages, with one count, 1, in the first one's descriptor.
 * NULL when there are none. */
struct page *page_alloc_block(enum page_kind kind, unsigned order);

static inline bool page_is_free(const struct page *page)
{
    return page->kind == PAGE_FREE || page->kind == PAGE_HART_CACHED;
}

/* page_free_count: pages that are free. page_unused_count: those of them that
 * are in the allocator; the rest is what shrinkers could give back (oom.h).
 * page_total_count: all pages that Calf manages. */
uint64_t page_free_count(void);
uint64_t page_unused_count(void);
uint64_t page_total_count(void);

/* Change the kind of a page. Only its owner may. */
static inline void page_become(struct page *page, enum page_kind kind)
{
    /* Atomic, as the allocator also reads the kind of neighbours in use. */
    __atomic_store_n(&page->kind, kind, __ATOMIC_RELAXED);
}

/* Free a page whose count has reached 0 and that holds zeros, for
 * page_alloc_zeroed, which then need not clear it. */
void page_free_zeroed(struct page *page);

/* ---- Failing on command, for tests of the paths where memory ends ---------
 * In debug builds only, or where the build asks for it.
 */
#ifndef PAGE_FAIL_ON_COMMAND
#ifdef DEBUG
#define PAGE_FAIL_ON_COMMAND 1
#else
#define PAGE_FAIL_ON_COMMAND 0
#endif
#endif

#if PAGE_FAIL_ON_COMMAND

/* Make the nth allocation (page or object) of the running thread from now on
 * fail, once; 0 switches it off. */
void page_fail_after(uint32_t nth);
/* How many allocations of all threads have failed in this way since boot. */
uint64_t page_failed_count(void);
/* For allocators: whether this allocation is to fail. */
bool page_should_fail(void);
/* Whether an allocation of this thread has failed in this way since the last
 * call: such a failure does not mean that memory is short. */
bool page_failed_on_command(void);

#else

#define page_should_fail()       false
#define page_failed_on_command() false
#endif

/* ---- Descriptors, numbers and addresses ---------------------------------- */

extern struct page *page_array;  /* descriptor of the lowest page */
extern struct page *page_by_ppn; /* where the descriptor of page 0 would be */

/* The number of descriptors: page_at takes an index below it. */
uint64_t page_span(void);

static inline struct page *page_at(uint64_t index)
{
    return &page_array[index];
}

static inline uint64_t page_physical(const struct page *page)
{
    return (uint64_t)(page - page_by_ppn) << HAL_PAGE_SHIFT;
}

static inline struct page *page_of_physical(uint64_t physical)
{
    return page_by_ppn + (physical >> HAL_PAGE_SHIFT);
}

/* The page's address in the direct map, and back. */
static inline void *page_data(const struct page *page)
{
    return hal_phys_to_virt(page_physical(page));
}

static inline struct page *page_of_data(const void *data)
{
    return page_of_physical(hal_virt_to_phys(data));
}

/* ---- Counts -------------------------------------------------------------- */

/* Free a page or block whose count has reached 0. */
void page_free(struct page *page);
_Noreturn void page_count_error(struct page *page, uint32_t count);

static inline uint32_t page_count(const struct page *page)
{
    return atomic_load_explicit(&page->count, memory_order_acquire);
}

/* One more edge or holder. The caller has a reference, or a lock that keeps
 * one. */
static inline void page_get(struct page *page)
{
    uint32_t old =
        atomic_fetch_add_explicit(&page->count, 1, memory_order_relaxed);
    /* A count this high, or of 0, is a bug. */
    if (__builtin_expect((int32_t)old <= 0, 0))
        page_count_error(page, old);
}

/* Drop a reference. True: it was the last, and the caller sees all that other
 * holders did to the page. */
static inline bool page_drop(struct page *page)
{
    uint32_t old =
        atomic_fetch_sub_explicit(&page->count, 1, memory_order_release);
    if (__builtin_expect((int32_t)old <= 0, 0))
        page_count_error(page, old);
    if (old != 1)
        return false;
    /* In place of a fence, which race detectors do not understand. */
    (void)atomic_load_explicit(&page->count, memory_order_acquire);
    return true;
}

/* One edge or holder fewer; the last put frees the page or block. For nodes
 * there is pt_put. */
static inline void page_put(struct page *page)
{
    if (page_drop(page))
        page_free(page);
}

/* ---- Between page.c and page_init.c, at boot, on one hart ---------------- */

/* Use `array` for the descriptors of `count` pages from number `first` on. All
 * are absent at first. */
void page_begin(struct page *array, uint64_t first, uint64_t count);

/* Called once for each page that exists: free, or in use for good (count 1). */
void page_add(struct page *page, bool in_use);

/* Whether the page with that number has a descriptor. */
bool page_is_known(uint64_t ppn);

#endif
