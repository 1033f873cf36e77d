/*
 * Giving cached pages back when memory is short.
 *
 * A hand goes round all frames, as a clock's does. What was used since it last
 * came by is left alone once; dirty pages, and those that somebody looks at,
 * moves or has mapped, are left alone always.
 */
#include "fs/cache_page.h"

/* Frames looked at under one holding of the lock, and given back at most. */
#define HAND_STEP  256
#define HAND_BATCH 16

static uint64_t hand; /* cache_lock: the frame looked at next */

static bool is_spare(const struct page *page)
{
    return cache_has(page) && !page->owner && page_count(page) == 1 &&
           !(page->level & (CACHE_READING | CACHE_WRITING));
}

/* Look at the next frame; true when it was given back. */
static bool turn_hand(void)
{
    struct page *page = page_at(hand);
    if (++hand == page_span())
        hand = 0;
    if (!is_spare(page) || (page->level & CACHE_DIRTY))
        return false;
    if (page->level & CACHE_REFERENCED) {
        page->level &= (uint8_t)~CACHE_REFERENCED;
        return false;
    }
    cache_remove(page);
    return true;
}

static bool give_back(void)
{
    unsigned given = 0;
    uint64_t looked = 0;
    while (given < HAND_BATCH && looked < 2 * page_span() &&
           cache_page_count()) {
        spin_lock(&cache_lock);
        for (unsigned i = 0; i < HAND_STEP && given < HAND_BATCH; i++)
            given += turn_hand();
        spin_unlock(&cache_lock);
        looked += HAND_STEP;
    }
    return given;
}

uint64_t cache_spare_count(void)
{
    uint64_t count = 0, i = 0;
    while (i < page_span() && cache_page_count()) {
        spin_lock(&cache_lock);
        for (unsigned n = 0; n < HAND_STEP && i < page_span(); n++)
            count += is_spare(page_at(i++));
        spin_unlock(&cache_lock);
    }
    return count;
}

void cache_reclaim_start(void)
{
    static struct page_keeper keeper = {give_back, cache_spare_count, NULL};
    page_add_keeper(&keeper);
}
