/*
 * Finding and pinning the pages of caches. cache.h has the idea, private.h the
 * other parts.
 *
 * Pages are found, inserted and removed under one spinlock; nothing is
 * allocated, copied or transferred under it. A thread that finds a page being
 * read waits; one that finds a page that could not be read tries again.
 */
#include "cache/private.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "sched/hurry.h"
#include "sched/waitq.h"

/* Pages read ahead at first. */
#define AHEAD_FIRST 4u

#define QUEUES 16

struct spinlock cache_lock = SPINLOCK(LOCK_CACHE);
static uint32_t *chains;       /* cache_lock: of pages; number plus 1, or 0 */
static unsigned chain_shift;   /* I: leaves the bits of a chain's number */
static _Atomic uint64_t dirty; /* cache_lock to change: pages */
static struct waitq queues[QUEUES];

/* ---- The table: cache_lock held ------------------------------------------ */

static uint32_t *chain_of(const struct cache *cache, uint64_t index)
{
    uint64_t key = ((uintptr_t)cache >> 4) * 0x9e3779b97f4a7c15u + index;
    return &chains[(key * 0xd6e8feb86659fd93u) >> chain_shift];
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

/* Whether there may be a page at `index`; `new`: also past the end. */
static bool may_exist(const struct cache *cache, uint64_t index, bool new)
{
    return index <= UINT32_MAX && (new || index < atomic_load(&cache->end));
}

void cache_insert(struct cache *cache, uint64_t index, struct page *page,
                  uint8_t state)
{
    uint32_t *chain = chain_of(cache, index);
    page->cached = (struct page_cached){cache, (uint32_t)index, *chain};
    page->state = CACHE_REFERENCED | state;
    page->transfers = 0;
    page->pins = 0;
    page_become(page, PAGE_CACHE);
    *chain = (uint32_t)(page - page_array) + 1;
    if (index > cache->highest)
        cache->highest = index;
    cache->pages++;
    if (!(state & CACHE_KEPT))
        cache_reclaim_mark(page, true);
}

bool cache_add(struct cache *cache, uint64_t index, bool new,
               struct page *fresh)
{
    bool wanted = may_exist(cache, index, new) && !cache_find(cache, index);
    if (wanted)
        cache_insert(cache, index, fresh, cache->device ? 0 : CACHE_VALID);
    else
        page_put(fresh);
    return wanted;
}

/* An audit runs only while no spinlock is held, so for it the changes of kind
 * and of count are one step. */
void cache_remove(struct page *page)
{
    struct cache *cache = page->cached.cache;
    uint32_t number = (uint32_t)(page - page_array) + 1;
    uint32_t *at = chain_of(cache, page->cached.index);
    cache_clear_dirty(page);
    while (*at != number)
        at = &page_at(*at - 1)->cached.next;
    *at = page->cached.next;
    if (cache->pages == 1)
        cache->highest = 0;
    cache->pages--; /* At 0 the owner may free the cache. */
    if (!(page->state & CACHE_KEPT))
        cache_reclaim_mark(page, false);
    page->state = 0;
    page->transfers = 0;
    page->pins = 0;
    page_become(page, PAGE_ANONYMOUS);
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

/* Whether a page is in the table. If not, its kind may change at any time. */
static bool has(const struct page *page)
{
    return __atomic_load_n(&page->kind, __ATOMIC_RELAXED) == PAGE_CACHE;
}

/* If the range is larger than memory, looking at all pages of memory is faster.
 */
bool cache_next(const struct cache *cache, uint64_t low, uint64_t high,
                uint64_t *at, uint64_t *index)
{
    if (low > high || high - low < page_span()) {
        *index = low + (*at)++;
        return *index <= high;
    }
    while (*at < page_span()) {
        const struct page *page = page_at((*at)++);
        if (!has(page))
            continue;
        spin_lock(&cache_lock);
        bool is = has(page) && page->cached.cache == cache;
        *index = page->cached.index;
        spin_unlock(&cache_lock);
        if (is && *index >= low && *index <= high)
            return true;
    }
    return false;
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

/* What to read ahead, now that page `index` is asked for. While pages are asked
 * for in order, the window grows; once half of it is used, more is read. */
static struct cache_window plan_ahead(struct cache *cache, uint64_t index)
{
    struct cache_window window = {0, 0};
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
    window.to = MIN(index + 1 + cache->ahead, atomic_load(&cache->end));
    cache->asked = MAX(cache->asked, window.to);
    return window;
}

/* Put a page at `index`, if none is there by now. False: no memory. cache_lock
 * is held, but not all the time. */
static bool make_page(struct cache *cache, uint64_t index, bool new)
{
    spin_unlock(&cache_lock);
    struct page *page = cache->device ? page_alloc(PAGE_KERNEL)
                                      : page_alloc_zeroed(PAGE_KERNEL);
    spin_lock(&cache_lock);
    if (!page && !new)
        page = cache_take_reserve();
    if (page)
        (void)cache_add(cache, index, new, page);
    return page;
}

/* For hurry_note. A page that no longer exists is no error here: the operation
 * begins again and finds out itself. */
static int fetch(void *of, uint64_t index)
{
    int error = cache_fetch(of, index);
    return error == -ENXIO ? 0 : error;
}

/* Find the page at `index`, or insert one, and pin it; on return it is not
 * being read. cache_lock is held, but not all the time. */
static int pin(struct cache *cache, uint64_t index, bool new, enum sleep kind,
               struct page **out)
{
    bool reads = cache->device && !new;
    while (may_exist(cache, index, new)) {
        struct page *page = cache_find(cache, index);
        uint8_t state = page ? page->state : 0;
        bool reading = state & CACHE_READING;
        if (hurried() && (reading || (reads && !(state & CACHE_VALID))))
            return hurry_note(fetch, cache, index);
        if (page && !reading) {
            page->pins++;
            page->state |= CACHE_REFERENCED;
            *out = page;
            return 0;
        }
        if (reading && cache_wait(page, kind))
            return -EINTR;
        if (!page && !make_page(cache, index, new))
            return -ENOMEM;
    }
    return -ENXIO;
}

void cache_unpin_locked(struct page *page)
{
    ASSERT(has(page) && page->pins > 0);
    page->pins--;
    cache_wake(page);
    if (!page->pins && !(page->state & (CACHE_VALID | CACHE_READING)))
        cache_remove(page);
}

/* Read a pinned page unless it is valid, and the pages `ahead`. If that fails,
 * the cause may be a neighbour in the same request, so the page is read again
 * alone. cache_lock is held, but not all the time. */
static int read_pinned(struct cache *cache, struct page *page,
                       struct cache_window ahead, enum sleep kind)
{
    bool valid = page->state & CACHE_VALID;
    for (; !valid || ahead.from < ahead.to; ahead.to = ahead.from) {
        if (!valid)
            cache_begin(page, CACHE_READING);
        spin_unlock(&cache_lock);
        int error = cache_read(cache, valid ? NULL : page, ahead);
        spin_lock(&cache_lock);
        while (page->state & CACHE_READING)
            if (cache_wait(page, kind))
                return -EINTR;
        valid = page->state & CACHE_VALID;
        if (!valid && ahead.from >= ahead.to)
            return error ? error : -EIO;
    }
    return 0;
}

/* A new page is cleared under the lock, so no thread has to wait for it. */
int cache_pin_locked(struct cache *cache, uint64_t index, bool new,
                     enum sleep kind, struct page **out)
{
    int error = pin(cache, index, new, kind, out);
    if (error || (!new && !cache->device))
        return error;
    if (!new) {
        struct cache_window ahead = plan_ahead(cache, index);
        error = read_pinned(cache, *out, ahead, kind);
        if (error)
            cache_unpin_locked(*out);
    } else if (!((*out)->state & CACHE_VALID)) {
        hal_clear_page(page_data(*out));
        (*out)->state |= CACHE_VALID;
    }
    return error;
}

int cache_pin(struct cache *cache, uint64_t index, bool new, struct page **out)
{
    spin_lock(&cache_lock);
    int error = cache_pin_locked(cache, index, new, SLEEP_UNINTERRUPTIBLE, out);
    spin_unlock(&cache_lock);
    return error;
}

int cache_fetch(struct cache *cache, uint64_t index)
{
    struct page *page;
    spin_lock(&cache_lock);
    int error = cache_pin_locked(cache, index, false, SLEEP_KILLABLE, &page);
    if (!error)
        cache_unpin_locked(page);
    spin_unlock(&cache_lock);
    return error;
}

void cache_unpin(struct page *page)
{
    spin_lock(&cache_lock);
    cache_unpin_locked(page);
    spin_unlock(&cache_lock);
}

struct page *cache_kept_page(struct cache *cache, uint64_t index)
{
    spin_lock(&cache_lock);
    struct page *page = cache_find(cache, index);
    bool kept = page && page->state & CACHE_KEPT;
    spin_unlock(&cache_lock);
    return kept ? page : NULL;
}

int cache_share(struct cache *cache, uint64_t index, struct page **out)
{
    if (index >= atomic_load(&cache->end))
        return -ENXIO;
    spin_lock(&cache_lock);
    struct page *page = cache_find(cache, index);
    bool shown = page && page->state & CACHE_VALID;
    bool changing = shown && page->state & CACHE_CHANGING;
    if (shown) {
        page_get(page);
        page->state |= CACHE_REFERENCED;
        if (index == cache->expected) /* so that reading ahead goes on */
            cache->expected++;
    }
    spin_unlock(&cache_lock);
    if (!shown)
        return -EAGAIN;
    *out = changing ? page_alloc_copy(PAGE_ANONYMOUS, page) : page;
    if (changing)
        page_put(page);
    return *out ? 0 : -ENOMEM;
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
                            .end = end,
                            .dirty_low = UINT64_MAX};
}

void cache_init_memory(struct cache *cache, struct cache_memory *memory)
{
    *cache = (struct cache){.memory = memory};
}

/* A chain for every second page, or as many as there is memory for. */
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
    chain_shift = 64 - (HAL_PAGE_SHIFT - 2 + order);
    for (unsigned i = 0; i < QUEUES; i++)
        waitq_init(&queues[i]);
    cache_io_start();
    return cache_reclaim_start();
}
