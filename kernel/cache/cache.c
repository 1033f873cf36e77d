/*
 * Finding and pinning the pages of caches. cache.h has the idea, private.h the
 * other parts.
 *
 * A page is looked up, made and taken away under one spinlock, but nothing is
 * allocated, copied or moved under it. Who finds that a page is being read
 * waits; who finds one that could not be read tries again himself.
 */
#include "cache/private.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "sched/hurry.h"
#include "sched/waitq.h"

/* Pages a sequential reader has read for him first, and at most. */
#define AHEAD_FIRST 4u

#define QUEUES 16

struct spinlock cache_lock = SPINLOCK(LOCK_CACHE);
static uint32_t *chains;       /* cache_lock: of frames; index plus 1, or 0 */
static unsigned chain_shift;   /* I: leaves the bits of a chain's number */
static _Atomic uint64_t dirty; /* cache_lock to change: pages */
static struct waitq queues[QUEUES];

/* ---- The table: cache_lock held ------------------------------------------ */

static uint32_t *chain_of(const struct cache *cache, uint64_t index)
{
    uint64_t key = ((uintptr_t)cache >> 4) * 0x9e3779b97f4a7c15u + index;
    return &chains[(key * 0xd6e8feb86659fd93u) >> chain_shift];
}

static inline struct page *look_up(const struct cache *cache, uint64_t index)
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

struct page *cache_find(const struct cache *cache, uint64_t index)
{
    return look_up(cache, index);
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
    if (!(page->state & CACHE_KEPT))
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

/* Where they may lie far apart it is shorter to go by frame. */
bool cache_next(const struct cache *cache, uint64_t low, uint64_t high,
                uint64_t *at, uint64_t *index)
{
    if (low > high || high - low < page_span()) {
        *index = low + (*at)++;
        return *index <= high;
    }
    while (*at < page_span()) {
        const struct page *page = page_at((*at)++);
        if (!cache_has(page))
            continue;
        spin_lock(&cache_lock);
        bool is = cache_has(page) && page->cached.cache == cache;
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
static struct page *make_page(struct cache *cache, bool may_use_reserve)
{
    spin_unlock(&cache_lock);
    struct page *page = cache->device ? page_alloc(PAGE_KERNEL)
                                      : page_alloc_zeroed(PAGE_KERNEL);
    spin_lock(&cache_lock);
    return page || !may_use_reserve ? page : cache_take_reserve();
}

/* Whether the page still exists the next look tells. */
static int fetch(void *of, uint64_t index)
{
    int error = cache_fetch(of, index);
    return error == -ENXIO ? 0 : error;
}

/* The page, found or put there, pinned, being read by nobody. `new`: also past
 * the end, and what was not there is not read. cache_lock held; lets it go. */
static int pin(struct cache *cache, uint64_t index, bool new, enum sleep kind,
               struct page **out)
{
    struct page *page, *fresh = NULL;
    bool reads = cache->device && !new;
    int result = -ENXIO;
    while (index <= UINT32_MAX && (new || index < atomic_load(&cache->end))) {
        page = cache_find(cache, index);
        if (hurried() && (page ? page->state & CACHE_READING : reads)) {
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
            fresh = make_page(cache, !new);
            if (!fresh)
                return -ENOMEM;
            continue;
        }
        if (!page) {
            cache_insert(cache, index, fresh, cache->device ? 0 : CACHE_VALID);
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

void cache_unpin_locked(struct page *page)
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
    if (error || !cache->device)
        return error;
    struct cache_window ahead = plan_ahead(cache, index);
    if (!((*out)->state & CACHE_VALID)) {
        error = hurried() ? hurry_note(fetch, cache, index)
                          : read_pinned(cache, *out, ahead, kind);
        if (error)
            cache_unpin_locked(*out);
    } else if (ahead.from < ahead.to) {
        spin_unlock(&cache_lock);
        (void)cache_read(cache, NULL, ahead);
        spin_lock(&cache_lock);
    }
    return error;
}

/* A page that is not read becomes zeros under the lock: nobody waits for it. */
int cache_pin_locked(struct cache *cache, uint64_t index, bool new,
                     struct page **out)
{
    if (!new)
        return pin_and_read(cache, index, SLEEP_UNINTERRUPTIBLE, out);
    int error = pin(cache, index, true, SLEEP_UNINTERRUPTIBLE, out);
    if (!error && !((*out)->state & CACHE_VALID)) {
        hal_clear_page(page_data(*out));
        (*out)->state |= CACHE_VALID;
    }
    return error;
}

int cache_pin(struct cache *cache, uint64_t index, struct page **out)
{
    spin_lock(&cache_lock);
    int error = cache_pin_locked(cache, index, false, out);
    spin_unlock(&cache_lock);
    return error;
}

int cache_pin_new(struct cache *cache, uint64_t index, struct page **out)
{
    spin_lock(&cache_lock);
    int error = cache_pin_locked(cache, index, true, out);
    spin_unlock(&cache_lock);
    return error;
}

int cache_fetch(struct cache *cache, uint64_t index)
{
    struct page *page;
    spin_lock(&cache_lock);
    int error = pin_and_read(cache, index, SLEEP_KILLABLE, &page);
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
    struct page *page = look_up(cache, index);
    bool kept = page && page->state & CACHE_KEPT;
    spin_unlock(&cache_lock);
    return kept ? page : NULL;
}

static struct page *share(struct cache *cache, uint64_t index, bool *changing)
{
    struct page *page = look_up(cache, index);
    if (!page || (page->state & (CACHE_VALID | CACHE_READING)) != CACHE_VALID)
        return NULL;
    page_get(page);
    page->state |= CACHE_REFERENCED;
    if (index == cache->expected) /* so that reading ahead goes on */
        cache->expected++;
    *changing = page->state & CACHE_CHANGING;
    return page;
}

int cache_share(struct cache *cache, uint64_t index, struct page **out)
{
    bool changing = false;
    if (index >= atomic_load(&cache->end))
        return -ENXIO;
    spin_lock(&cache_lock);
    struct page *page = share(cache, index, &changing);
    spin_unlock(&cache_lock);
    *out = changing ? page_alloc_copy(PAGE_ANONYMOUS, page) : page;
    if (changing)
        page_put(page);
    return *out ? 0 : changing ? -ENOMEM : -EAGAIN;
}

/* ---- Counts -------------------------------------------------------------- */

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

void cache_init_memory(struct cache *cache, struct cache_memory *memory)
{
    *cache = (struct cache){.memory = memory};
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
    chain_shift = 64 - (HAL_PAGE_SHIFT - 2 + order);
    for (unsigned i = 0; i < QUEUES; i++)
        waitq_init(&queues[i]);
    cache_io_start();
    return cache_reclaim_start();
}
