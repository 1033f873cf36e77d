/*
 * Changing and dropping the pages of caches.
 */
#include "cache/private.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/reserve.h"

/* ---- Pages that are not written back ------------------------------------- */

/* Allocate a page to keep, of kind KERNEL. NULL: no memory, or too many kept.
 */
static struct page *make_kept(struct cache *cache, bool zeroed)
{
    struct page *page = NULL;
    if (atomic_fetch_add(&cache->memory->used, 1) < cache->memory->limit)
        page = reserve_alloc(PAGE_KERNEL, zeroed);
    if (!page)
        atomic_fetch_sub(&cache->memory->used, 1);
    return page;
}

/* Count one kept page less. */
static void end_kept(struct cache *cache)
{
    atomic_fetch_sub(&cache->memory->used, 1);
    reserve_free(NULL);
}

/* Pin a page of a file in memory for writing. A cached page that is not kept is
 * a hole's zeros, for a mapping: a new page replaces it. cache_lock is held,
 * but not all the time. */
static int pin_kept(struct cache *cache, uint64_t index, struct page **out)
{
    struct page *page = cache_find(cache, index);
    if (!page || !(page->state & CACHE_KEPT)) {
        spin_unlock(&cache_lock);
        struct page *fresh = make_kept(cache, true);
        spin_lock(&cache_lock);
        if (!fresh)
            return -ENOSPC;
        page = cache_find(cache, index);
        if (page)
            cache_remove(page);
        cache_insert(cache, index, fresh, CACHE_VALID | CACHE_KEPT);
        page = fresh;
    }
    page->pins++;
    *out = page;
    return 0;
}

/* ---- Changing ------------------------------------------------------------ */

void cache_mark_dirty(struct cache *cache, struct page *page)
{
    spin_lock(&cache_lock);
    ASSERT(page->cached.cache == cache && page->pins > 0);
    cache_set_dirty(page);
    spin_unlock(&cache_lock);
}

/* The pinned page is mapped: put a copy into the cache in its place, with its
 * pin and state; the mappings keep the old page. First wait until others have
 * unpinned it and any write of it to disk is done, which is soon. */
static int unshare(struct cache *cache, struct page **out)
{
    struct page *page = *out;
    struct page *copy =
        cache->device ? page_alloc(PAGE_KERNEL) : make_kept(cache, false);
    if (!copy)
        return cache->device ? -ENOMEM : -ENOSPC;
    hal_copy_page(page_data(copy), page_data(page));
    spin_lock(&cache_lock);
    while (page->pins > 1 || (page->state & CACHE_WRITING))
        cache_wait(page, SLEEP_UNINTERRUPTIBLE);
    uint64_t index = page->cached.index;
    uint8_t state = page->state;
    cache_remove(page);
    cache_insert(cache, index, copy,
                 state & (CACHE_KEPT | CACHE_CHANGING | CACHE_VALID));
    copy->pins = 1;
    if (state & CACHE_DIRTY)
        cache_set_dirty(copy);
    spin_unlock(&cache_lock);
    if (!cache->device)
        end_kept(cache);
    *out = copy;
    return 0;
}

int cache_write_begin(struct cache *cache, uint64_t index, struct page **out)
{
    bool mapped = false;
    bool new = index >= atomic_load(&cache->end);
    spin_lock(&cache_lock);
    int error = cache->device ? cache_pin_locked(cache, index, new,
                                                 SLEEP_UNINTERRUPTIBLE, out)
                              : pin_kept(cache, index, out);
    if (!error) {
        (*out)->state |= CACHE_CHANGING;
        mapped = page_count(*out) > 1;
    }
    spin_unlock(&cache_lock);
    if (mapped && (error = unshare(cache, out)))
        cache_write_end(*out);
    return error;
}

void cache_write_end(struct page *page)
{
    spin_lock(&cache_lock);
    page->state &= (uint8_t)~CACHE_CHANGING;
    cache_unpin_locked(page);
    spin_unlock(&cache_lock);
}

void cache_clear(struct page *page, uint64_t from, uint64_t to)
{
    if (from < to)
        memset((char *)page_data(page) + from % HAL_PAGE_SIZE, 0, to - from);
}

/* ---- Dropping ------------------------------------------------------------ */

/* Drop the page at `index` once it is not busy. If it is busy and `wait` is
 * false, return false. A wait releases the lock, so the page is looked up again
 * after it. */
static bool drop(struct cache *cache, uint64_t index, bool wait)
{
    struct page *page;
    spin_lock(&cache_lock);
    while ((page = cache_find(cache, index)) && cache_busy(page) && wait)
        cache_wait(page, SLEEP_UNINTERRUPTIBLE);
    bool gone = !page || !cache_busy(page);
    bool kept = page && page->state & CACHE_KEPT;
    if (page && gone)
        cache_remove(page);
    spin_unlock(&cache_lock);
    if (kept && gone)
        end_kept(cache);
    return gone;
}

bool cache_drop(struct cache *cache, uint64_t first, bool wait)
{
    bool gone = true;
    spin_lock(&cache_lock);
    uint64_t index, at = 0, last = cache->highest;
    spin_unlock(&cache_lock);
    while (gone && cache->pages && cache_next(cache, first, last, &at, &index))
        gone = drop(cache, index, wait);
    return gone;
}
