/*
 * The page allocator.
 *
 * One buddy allocator holds free blocks of 2^order pages, aligned to their
 * size; a freed block joins its free neighbour. In front of it every hart has a
 * cache of single pages, so that most allocations touch nothing that another
 * hart touches. When the buddy allocator is empty, a hart takes from the caches
 * of others, and then asks shrinkers (oom.h). If none of these has a page, the
 * allocation fails.
 */
#include "mm/page.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/oom.h"
#include "mm/stats.h"
#include "sched/thread.h"

#define ORDERS      11
#define CACHE_MAX   64
#define BATCH_ORDER 5
#define BATCH       (1u << BATCH_ORDER)
/* `order` of a page that is not the first of its block. */
#define NOT_FIRST 0xff
#define POISON    0xd5

/* A stack of free pages. */
struct free_pages {
    uint32_t length;
    struct page *pages[CACHE_MAX];
};

struct hart_cache {
    struct spinlock lock;
    struct free_pages any;    /* lock: of any contents */
    struct free_pages zeroed; /* lock: of zeros; not refilled */
};

struct page *page_array;
struct page *page_by_ppn;
static uint64_t page_first; /* lowest page number */
static uint64_t span;       /* descriptors in page_array */
static uint64_t total;      /* pages that exist */
static struct spinlock buddy_lock = SPINLOCK(LOCK_PAGE);
static struct list free_blocks[ORDERS]; /* buddy_lock */
static uint64_t buddy_free;             /* buddy_lock to change: pages */
static struct hart_cache caches[HAL_MAX_HARTS];

bool page_is_known(uint64_t ppn)
{
    return ppn - page_first < span; /* wraps below the first */
}

uint64_t page_span(void)
{
    return span;
}

uint64_t page_total_count(void)
{
    return total;
}

uint64_t page_free_count(void)
{
    return page_unused_count() + oom_count();
}

uint64_t page_unused_count(void)
{
    uint64_t count = buddy_free;
    for (unsigned i = 0; i < hal_hart_count(); i++)
        count += caches[i].any.length + caches[i].zeroed.length;
    return count;
}

_Noreturn void page_count_error(struct page *page, uint32_t count)
{
    panic("page %p (kind %u, last owner %u): count %u out of range",
          (void *)page_physical(page), page->kind, page->owner, count);
}

/* ---- The buddy allocator: buddy_lock held -------------------------------- */

static void block_push(struct page *page, unsigned order)
{
    page->order = order;
    list_push_front(&free_blocks[order], &page->link);
}

/* The other half of a block twice as large, if it is free as a whole. */
static struct page *free_neighbour(const struct page *page, unsigned order)
{
    uint64_t ppn = (uint64_t)(page - page_by_ppn) ^ 1ul << order;
    struct page *other = &page_by_ppn[ppn];
    bool free = page_is_known(ppn) &&
                __atomic_load_n(&other->kind, __ATOMIC_RELAXED) == PAGE_FREE &&
                other->order == order;
    return free ? other : NULL;
}

/* Only block_free makes a page FREE, and only block_take gives a FREE page
 * another kind. So a neighbour that is FREE while the lock is held lies in a
 * free block. */
static void set_kind(struct page *page, unsigned order, enum page_kind kind)
{
    for (uint64_t i = 0; i < 1ul << order; i++)
        page_become(&page[i], kind);
}

static void block_free(struct page *page, unsigned order)
{
    set_kind(page, order, PAGE_FREE);
    buddy_free += 1ul << order;
    while (order + 1 < ORDERS) {
        struct page *other = free_neighbour(page, order);
        if (!other)
            break;
        list_remove(&other->link);
        struct page *second = other < page ? page : other;
        page = other < page ? other : page;
        second->order = NOT_FIRST;
        order++;
    }
    block_push(page, order);
}

static struct page *block_take(unsigned order)
{
    unsigned at = order;
    while (at < ORDERS && list_is_empty(&free_blocks[at]))
        at++;
    if (at == ORDERS)
        return NULL;
    struct page *page =
        list_entry(list_pop_front(&free_blocks[at]), struct page, link);
    while (at > order) {
        at--;
        block_push(page + (1ul << at), at);
    }
    page->order = NOT_FIRST;
    set_kind(page, order, PAGE_KERNEL);
    buddy_free -= 1ul << order;
    return page;
}

/* ---- Caches of harts ----------------------------------------------------- */

/* The cache of this hart. If the thread moves to another hart before it has the
 * lock, that does no harm: any hart may use a cache it has locked. */
static inline struct hart_cache *lock_my_cache(void)
{
    struct hart_cache *cache = &caches[hal_self()->hart];
    spin_lock(&cache->lock);
    return cache;
}

/* A page is HART_CACHED exactly while it is in a cache, so that the audit finds
 * as many free pages as the allocator counts. */
static struct page *free_pages_pop(struct free_pages *free)
{
    if (!free->length)
        return NULL;
    struct page *page = free->pages[--free->length];
    page_become(page, PAGE_KERNEL);
    return page;
}

static void free_pages_push(struct free_pages *free, struct page *page)
{
    page->order = NOT_FIRST;
    page_become(page, PAGE_HART_CACHED);
    free->pages[free->length++] = page;
}

/* Fill an empty stack with a block of pages if there is one, else one by
 * one. */
static void refill(struct free_pages *free)
{
    struct page *page;
    spin_lock(&buddy_lock);
    page = block_take(BATCH_ORDER);
    for (unsigned i = BATCH; page && i-- > 0;)
        free_pages_push(free, page + i);
    while (free->length < BATCH && (page = block_take(0)))
        free_pages_push(free, page);
    spin_unlock(&buddy_lock);
}

/* All but `keep` pages go back to the buddy allocator. */
static void drain(struct free_pages *free, uint32_t keep)
{
    spin_lock(&buddy_lock);
    while (free->length > keep)
        block_free(free->pages[--free->length], 0);
    spin_unlock(&buddy_lock);
}

static inline void cache_push(struct free_pages *free, struct page *page)
{
    if (free->length == CACHE_MAX)
        drain(free, CACHE_MAX - BATCH);
    free_pages_push(free, page);
}

static struct page *take_from_others(void)
{
    struct page *page = NULL;
    for (unsigned i = 0; !page && i < hal_hart_count(); i++) {
        spin_lock(&caches[i].lock);
        page = free_pages_pop(&caches[i].any);
        if (!page)
            page = free_pages_pop(&caches[i].zeroed);
        spin_unlock(&caches[i].lock);
    }
    return page;
}

static inline struct page *take_one(bool zeroed)
{
    struct hart_cache *cache = lock_my_cache();
    if (!zeroed && !cache->any.length)
        refill(&cache->any);
    struct page *page = free_pages_pop(zeroed ? &cache->zeroed : &cache->any);
    spin_unlock(&cache->lock);
    return page;
}

/* Empty every cache into the buddy allocator, for a block of many pages. */
static void drain_all(void)
{
    for (unsigned i = 0; i < hal_hart_count(); i++) {
        spin_lock(&caches[i].lock);
        drain(&caches[i].any, 0);
        drain(&caches[i].zeroed, 0);
        spin_unlock(&caches[i].lock);
    }
}

/* ---- Allocation ---------------------------------------------------------- */

#if PAGE_FAIL_ON_COMMAND

/* thread.fail_after, after the allocation that was made to fail. */
#define JUST_FAILED UINT32_MAX

static _Atomic uint64_t failed_count;

void page_fail_after(uint32_t nth)
{
    thread_current()->fail_after = nth;
}

uint64_t page_failed_count(void)
{
    return atomic_load_explicit(&failed_count, memory_order_relaxed);
}

bool page_should_fail(void)
{
    struct thread *self = thread_current();
    if (!self->fail_after || self->fail_after == JUST_FAILED ||
        --self->fail_after)
        return false;
    self->fail_after = JUST_FAILED;
    atomic_fetch_add_explicit(&failed_count, 1, memory_order_relaxed);
    return true;
}

bool page_failed_on_command(void)
{
    struct thread *self = thread_current();
    if (self->fail_after != JUST_FAILED)
        return false;
    self->fail_after = 0;
    return true;
}

#endif

static inline void begin_use(struct page *page, enum page_kind kind,
                             unsigned order)
{
    uint32_t owner = thread_current()->owner_id;
    ASSERT(page_count(page) == 0);
    /* The count before the kind: between the two the audit may find a page of
     * the kernel with count 1, which is right. */
    atomic_store_explicit(&page->count, 1, memory_order_relaxed);
    for (uint64_t i = 0; i < 1ul << order; i++) {
        page_become(&page[i], kind);
        page[i].owner = owner;
        page[i].order = NOT_FIRST;
    }
    page->order = order;
    page->level = 0;
    atomic_store_explicit(&page->sealed, false, memory_order_relaxed);
}

/* A page from this hart's cache, another's, or a shrinker; or NULL. */
static inline struct page *get_page(void)
{
    struct page *page = take_one(false);
    while (!page) {
        page = take_from_others();
        if (page || !oom_reclaim())
            break;
        page = take_one(false);
    }
    return page;
}

struct page *page_alloc(enum page_kind kind)
{
    struct page *page = page_should_fail() ? NULL : get_page();
    if (page)
        begin_use(page, kind, 0);
    return page;
}

struct page *page_alloc_zeroed(enum page_kind kind)
{
    if (page_should_fail())
        return NULL;
    struct page *page = take_one(true);
    if (page) {
        begin_use(page, kind, 0);
        return page;
    }
    page = get_page();
    if (page) {
        begin_use(page, kind, 0);
        hal_clear_page(page_data(page));
    }
    return page;
}

struct page *page_alloc_copy(enum page_kind kind, const struct page *source)
{
    struct page *copy = page_alloc(kind);
    if (copy) {
        hal_copy_page(page_data(copy), page_data(source));
        if (kind == PAGE_ANONYMOUS)
            stat_count(STAT_PAGES_COPIED);
    }
    return copy;
}

static struct page *take_block(unsigned order)
{
    spin_lock(&buddy_lock);
    struct page *page = block_take(order);
    spin_unlock(&buddy_lock);
    return page;
}

struct page *page_alloc_block(enum page_kind kind, unsigned order)
{
    if (order >= ORDERS || page_should_fail())
        return NULL;
    struct page *page = take_block(order);
    while (!page) {
        drain_all();
        page = take_block(order);
        if (page || !oom_reclaim())
            break;
    }
    if (page)
        begin_use(page, kind, order);
    return page;
}

void page_free(struct page *page)
{
    unsigned order = page->order;
    if (page_is_free(page) || order >= ORDERS)
        panic("page %p freed that is not in use (last owner %u)",
              (void *)page_physical(page), page->owner);
#ifdef DEBUG
    memset(page_data(page), POISON, HAL_PAGE_SIZE << order);
#endif
    if (order) {
        spin_lock(&buddy_lock);
        block_free(page, order);
        spin_unlock(&buddy_lock);
        return;
    }
    struct hart_cache *cache = lock_my_cache();
    cache_push(&cache->any, page);
    spin_unlock(&cache->lock);
}

void page_free_zeroed(struct page *page)
{
    struct hart_cache *cache = lock_my_cache();
    cache_push(&cache->zeroed, page);
    spin_unlock(&cache->lock);
}

/* ---- Start-up (page_init.c) ---------------------------------------------- */

void page_begin(struct page *array, uint64_t first, uint64_t count)
{
    page_array = array;
    page_by_ppn = array - first;
    page_first = first;
    span = count;
    memset(array, 0, count * sizeof(struct page));
    for (unsigned i = 0; i < ORDERS; i++)
        list_init(&free_blocks[i]);
    for (unsigned i = 0; i < HAL_MAX_HARTS; i++)
        spin_init(&caches[i].lock, LOCK_HART_CACHE);
    for (uint64_t i = 0; i < span; i++) {
        page_array[i].kind = PAGE_ABSENT;
        page_array[i].order = NOT_FIRST;
    }
}

void page_add(struct page *page, bool in_use)
{
    total++;
    page->kind = PAGE_KERNEL;
    if (in_use)
        atomic_store(&page->count, 1);
    else
        block_free(page, 0);
}
