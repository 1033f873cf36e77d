/*
 * Finding, keeping and giving up the pages of caches. cache.h has the idea,
 * io.c moves pages, reclaim.c takes them back when memory is short.
 *
 * A page is looked up, made and taken away under one spinlock, but nothing is
 * allocated, copied or moved under it. Who finds that a page is being read
 * waits; who finds one that could not be read tries again himself.
 */
#include "cache/private.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/object.h"
#include "sched/hurry.h"
#include "sched/waitq.h"

/* Pages a sequential reader has read for him first, and at most. */
#define AHEAD_FIRST 4u

#define QUEUES 16

struct spinlock cache_lock = SPINLOCK(LOCK_CACHE);
static uint32_t *chains;        /* cache_lock: of frames; index plus 1, or 0 */
static unsigned chain_bits;     /* I: how many there are, as a power of two */
static _Atomic uint64_t cached; /* cache_lock to change: frames */
static _Atomic uint64_t dirty;  /* cache_lock to change: pages */
static struct waitq queues[QUEUES];

/* ---- The table: cache_lock held ------------------------------------------ */

static uint32_t *chain_of(const struct cache *cache, uint64_t index)
{
    uint64_t key = ((uintptr_t)cache >> 4) * 0x9e3779b97f4a7c15u + index;
    return &chains[(key * 0xd6e8feb86659fd93u) >> (64 - chain_bits)];
}

struct page *cache_find(const struct cache *cache, uint64_t index)
{
    uint32_t at = *chain_of(cache, index);
    while (at) {
        struct page *page = page_at(at - 1);
        if (page->cached.cache == cache && page->cached.index == index)
            return page;
        at = page->cached.next;
    }
    return NULL;
}

void cache_insert(struct cache *cache, uint64_t index, struct page *page)
{
    uint32_t *chain = chain_of(cache, index);
    page->cached = (struct page_cached){cache, (uint32_t)index, *chain};
    page->state = CACHE_REFERENCED;
    page->transfers = 0;
    page->pins = 0;
    page_become(page, PAGE_DISK);
    *chain = (uint32_t)(page - page_array) + 1;
    if (index > cache->highest)
        cache->highest = index;
    cache->pages++;
    cached++;
    cache_reclaim_add(page);
}

/* Take it out of its chain. Who has it mapped keeps it as his own; the change
 * of kind and of count are one step for an audit, as it finds no hart holding
 * a spinlock. */
static void unlink(struct page *page)
{
    struct cache *cache = page->cached.cache;
    uint32_t number = (uint32_t)(page - page_array) + 1;
    uint32_t *at = chain_of(cache, page->cached.index);
    while (*at != number)
        at = &page_at(*at - 1)->cached.next;
    *at = page->cached.next;
    cache->pages--;
    if (!cache->pages)
        cache->highest = 0;
    cached--;
    cache_reclaim_remove(page);
    page->state = 0;
    page->transfers = 0;
    page->pins = 0;
    page_become(page, PAGE_ANONYMOUS);
}

void cache_remove(struct page *page)
{
    cache_clear_dirty(page);
    unlink(page);
    page_put(page);
}

void cache_set_dirty(struct page *page)
{
    struct cache *cache = page->cached.cache;
    uint64_t index = page->cached.index;
    if (!(page->state & CACHE_DIRTY)) {
        page->state |= CACHE_DIRTY;
        cache->dirty++;
        dirty++;
    }
    cache->dirty_low = MIN(cache->dirty_low, index);
    cache->dirty_high = MAX(cache->dirty_high, index);
}

void cache_clear_dirty(struct page *page)
{
    if (!(page->state & CACHE_DIRTY))
        return;
    page->state &= (uint8_t)~CACHE_DIRTY;
    page->cached.cache->dirty--;
    dirty--;
}

static struct waitq *queue_of(const void *about)
{
    return &queues[((uintptr_t)about >> 5) % QUEUES];
}

int cache_wait(const void *about, enum sleep kind)
{
    return waitq_sleep(queue_of(about), &cache_lock, kind);
}

void cache_wake(const void *about)
{
    waitq_wake_all(queue_of(about));
}

/* ---- Pinning ------------------------------------------------------------- */

/* What to read ahead now that page `index` is asked for. Pages in order make
 * the window grow; the next part of it is begun when half of it is used up. */
static struct cache_window plan_ahead(struct cache *cache, uint64_t index)
{
    struct cache_window window = {0, 0};
    uint64_t end = atomic_load(&cache->end);
    bool in_order = index == cache->expected;
    if (index + 1 == cache->expected)
        return window; /* another part of the same page */
    cache->expected = index + 1;
    if (!in_order || index == 0) {
        cache->ahead = 0;
        cache->asked = index + 1;
        if (index)
            return window;
    }
    cache->ahead = MIN(MAX(2 * cache->ahead, AHEAD_FIRST), cache->ahead_limit);
    if (cache->asked > index + 1 + cache->ahead / 2)
        return window;
    window.from = MAX(cache->asked, index + 1);
    window.to = MIN(index + 1 + cache->ahead, end);
    cache->asked = MAX(cache->asked, window.to);
    return window;
}

/* A page to put there. cache_lock held; lets it go. */
static struct page *make_page(bool may_use_reserve)
{
    spin_unlock(&cache_lock);
    struct page *page = page_alloc(PAGE_KERNEL);
    spin_lock(&cache_lock);
    return page || !may_use_reserve ? page : cache_take_reserve();
}

/* Whether the page still exists the next look tells. */
static int fetch(void *of, uint64_t index)
{
    int error = cache_fetch(of, index);
    return error == -ENXIO ? 0 : error;
}

/* The page, found or put there, pinned, being read by nobody. `any`: also past
 * the end, and what was not there is not read. cache_lock held; lets it go. */
static int pin(struct cache *cache, uint64_t index, bool any, enum sleep kind,
               struct page **out)
{
    struct page *page, *fresh = NULL;
    int result = -ENXIO;
    while (index <= UINT32_MAX && (any || index < atomic_load(&cache->end))) {
        page = cache_find(cache, index);
        if (hurried() && (page ? page->state & CACHE_READING : !any)) {
            result = hurry_note(fetch, cache, index);
            break;
        }
        if (page && page->state & CACHE_READING) {
            if (!cache_wait(page, kind))
                continue;
            result = -EINTR;
            break;
        }
        if (!page && !fresh) {
            fresh = make_page(!any);
            if (!fresh)
                return -ENOMEM;
            continue;
        }
        if (!page) {
            cache_insert(cache, index, fresh);
            page = fresh;
            fresh = NULL;
        }
        page->pins++;
        page->state |= CACHE_REFERENCED;
        *out = page;
        result = 0;
        break;
    }
    if (fresh)
        page_put(fresh);
    return result;
}

static void unpin(struct page *page)
{
    ASSERT(cache_has(page) && page->pins > 0);
    page->pins--;
    cache_wake(page);
    if (!page->pins && !(page->state & (CACHE_VALID | CACHE_READING)))
        cache_remove(page);
}

/* Read a pinned page that shows nothing yet. It may fail for a neighbour in the
 * same request: then it is read alone. cache_lock held; lets it go. */
static int read_pinned(struct cache *cache, struct page *page,
                       struct cache_window ahead, enum sleep kind)
{
    for (;; ahead.to = ahead.from) {
        cache_begin(page, CACHE_READING);
        spin_unlock(&cache_lock);
        int error = cache_read(cache, page, ahead);
        spin_lock(&cache_lock);
        while (page->state & CACHE_READING)
            if (cache_wait(page, kind))
                return -EINTR;
        if (page->state & CACHE_VALID)
            return 0;
        if (ahead.from >= ahead.to)
            return error ? error : -EIO;
    }
}

/* cache_lock held; lets it go. */
static int pin_and_read(struct cache *cache, uint64_t index, enum sleep kind,
                        struct page **out)
{
    int error = pin(cache, index, false, kind, out);
    if (error)
        return error;
    struct cache_window ahead = plan_ahead(cache, index);
    if (!((*out)->level & CACHE_VALID)) {
        error = hurried() ? hurry_note(fetch, cache, index)
                          : read_pinned(cache, *out, ahead, kind);
        if (error)
            unpin(*out);
    } else if (ahead.from < ahead.to) {
        spin_unlock(&cache_lock);
        (void)cache_read(cache, NULL, ahead);
        spin_lock(&cache_lock);
    }
    return error;
}

int cache_pin(struct cache *cache, uint64_t index, struct page **out)
{
    spin_lock(&cache_lock);
    int error = pin_and_read(cache, index, SLEEP_UNINTERRUPTIBLE, out);
    spin_unlock(&cache_lock);
    return error;
}

int cache_fetch(struct cache *cache, uint64_t index)
{
    struct page *page;
    spin_lock(&cache_lock);
    int error = pin_and_read(cache, index, SLEEP_KILLABLE, &page);
    if (!error)
        unpin(page);
    spin_unlock(&cache_lock);
    return error;
}

int cache_pin_new(struct cache *cache, uint64_t index, struct page **out)
{
    spin_lock(&cache_lock);
    int error = pin(cache, index, true, SLEEP_UNINTERRUPTIBLE, out);
    if (!error && !((*out)->level & CACHE_VALID)) {
        hal_clear_page(page_data(*out));
        (*out)->level |= CACHE_VALID;
    }
    spin_unlock(&cache_lock);
    return error;
}

void cache_unpin(struct page *page)
{
    spin_lock(&cache_lock);
    unpin(page);
    spin_unlock(&cache_lock);
}

int cache_share(struct cache *cache, uint64_t index, struct page **out)
{
    if (index >= atomic_load(&cache->end))
        return -ENXIO;
    spin_lock(&cache_lock);
    struct page *page = cache_find(cache, index);
    bool there =
        page && (page->state & (CACHE_VALID | CACHE_READING)) == CACHE_VALID;
    if (there) {
        page_get(page);
        page->state |= CACHE_REFERENCED;
        if (index == cache->expected) /* so that reading ahead goes on */
            cache->expected++;
    }
    spin_unlock(&cache_lock);
    *out = page;
    return there ? 0 : -EAGAIN;
}

/* ---- Changing and forgetting --------------------------------------------- */

void cache_mark_dirty(struct cache *cache, struct page *page)
{
    spin_lock(&cache_lock);
    ASSERT(page->cached.cache == cache && page->pins > 0);
    cache_set_dirty(page);
    spin_unlock(&cache_lock);
}

/* `copy` shows the same as `page` and takes its place, pin and state. Others
 * who look at the page, or move it, let it go soon. cache_lock held. */
static void replace(struct cache *cache, struct page *page, struct page *copy)
{
    while (page->pins > 1 || (page->state & CACHE_WRITING))
        cache_wait(page, SLEEP_UNINTERRUPTIBLE);
    uint64_t index = page->cached.index;
    bool was_dirty = page->state & CACHE_DIRTY;
    cache_remove(page);
    cache_insert(cache, index, copy);
    copy->pins = 1;
    copy->state |= CACHE_VALID;
    if (was_dirty)
        cache_set_dirty(copy);
}

int cache_part(struct cache *cache, struct page **page)
{
    if (!object_has_mappings(*page))
        return 0;
    struct page *copy = page_alloc_copy(PAGE_KERNEL, *page);
    if (!copy)
        return -ENOMEM;
    spin_lock(&cache_lock);
    replace(cache, *page, copy);
    spin_unlock(&cache_lock);
    *page = copy;
    return 0;
}

static bool is_busy(const struct page *page)
{
    return page->pins || page->state & (CACHE_READING | CACHE_WRITING);
}

/* Forget the page, when nobody looks at it or moves it any more: false when
 * that is not now, and is not to be waited for. The lock is let go now and
 * then, so the page is found anew each time. */
static bool drop(struct cache *cache, uint64_t index, bool wait)
{
    struct page *page;
    spin_lock(&cache_lock);
    while ((page = cache_find(cache, index)) && is_busy(page) && wait)
        cache_wait(page, SLEEP_UNINTERRUPTIBLE);
    bool gone = !page || !is_busy(page);
    if (page && gone)
        cache_remove(page);
    spin_unlock(&cache_lock);
    return gone;
}

bool cache_drop(struct cache *cache, uint64_t first, bool wait)
{
    bool gone = true;
    spin_lock(&cache_lock);
    uint64_t index, last = cache->highest;
    spin_unlock(&cache_lock);
    if (last < first + page_span()) {
        for (index = first; index <= last && cache->pages && gone; index++)
            gone = drop(cache, index, wait);
        return gone;
    }
    /* Far apart: it is shorter to go by frame. */
    for (uint64_t i = 0; i < page_span() && cache->pages && gone; i++)
        if (cache_is_at(cache, i, 0, &index) && index >= first)
            gone = drop(cache, index, wait);
    return gone;
}

/* ---- Counts -------------------------------------------------------------- */

uint64_t cache_page_count(void)
{
    return cached;
}

uint64_t cache_dirty_count(void)
{
    return dirty;
}

/* ---- Start --------------------------------------------------------------- */

void cache_init(struct cache *cache, const struct cache_ops *ops,
                struct block_device *device, uint32_t piece_size, uint64_t end)
{
    *cache = (struct cache){.ops = ops,
                            .device = device,
                            .piece_size = piece_size,
                            .ahead_limit = CACHE_AHEAD,
                            .dirty_low = UINT64_MAX};
    atomic_store(&cache->end, end);
}

/* A chain for every second frame, at least as many as fit in one. */
int cache_start(void)
{
    uint64_t wanted = page_total_count() / 2 * sizeof chains[0];
    unsigned order =
        log2_ceil(align_up(wanted, HAL_PAGE_SIZE) >> HAL_PAGE_SHIFT);
    struct page *page;
    while (!(page = page_alloc_block(PAGE_KERNEL, order)) && order)
        order--;
    if (!page)
        return -ENOMEM;
    chains = page_data(page);
    memset(chains, 0, HAL_PAGE_SIZE << order);
    chain_bits = HAL_PAGE_SHIFT - 2 + order;
    for (unsigned i = 0; i < QUEUES; i++)
        waitq_init(&queues[i]);
    cache_io_start();
    return cache_reclaim_start();
}
