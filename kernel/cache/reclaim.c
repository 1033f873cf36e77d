/*
 * Giving cached pages back when memory is short.
 *
 * A hand goes round all cached pages that are not kept, in the order of their
 * frames, as a clock's does. What was used since it last came by is left alone
 * once; dirty pages, and those that somebody looks at, moves or has mapped, are
 * left alone always. A map with a bit for each frame says which they are, so
 * that the search costs little where most of memory is something else: it may
 * be made with interrupts off, and for nothing.
 */
#include "cache/private.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/oom.h"

/* Words of the map looked at under one holding of the lock. */
#define HAND_STEP 8

static uint64_t *map;           /* cache_lock: a bit a frame */
static uint64_t words;          /* I: of the map */
static uint64_t hand;           /* cache_lock: the word looked at next */
static _Atomic uint64_t cached; /* cache_lock to change: bits set */

void cache_reclaim_add(const struct page *page)
{
    uint64_t number = page - page_array;
    map[number / 64] |= BIT(number % 64);
    cached++;
}

void cache_reclaim_remove(const struct page *page)
{
    uint64_t number = page - page_array;
    map[number / 64] &= ~BIT(number % 64);
    cached--;
}

uint64_t cache_page_count(void)
{
    return cached;
}

static bool is_spare(const struct page *page)
{
    return !page->pins && page_count(page) == 1 &&
           !(page->state & (CACHE_READING | CACHE_WRITING));
}

/* Look at a page; true when it was given back. */
static bool take(struct page *page)
{
    if (!is_spare(page) || (page->state & CACHE_DIRTY))
        return false;
    if (page->state & CACHE_REFERENCED) {
        page->state &= (uint8_t)~CACHE_REFERENCED;
        return false;
    }
    cache_remove(page);
    return true;
}

/* Look at the pages of the next word; how many were given back. */
static unsigned turn_hand(void)
{
    unsigned given = 0;
    for (uint64_t rest = map[hand]; rest; rest &= rest - 1)
        given += take(page_at(hand * 64 + bit_lowest(rest)));
    if (++hand == words)
        hand = 0;
    return given;
}

static uint64_t scan(uint64_t wanted)
{
    uint64_t given = 0;
    uint64_t looked = 0;
    while (given < wanted && looked < 2 * words && cache_page_count()) {
        spin_lock(&cache_lock);
        for (unsigned i = 0; i < HAND_STEP && given < wanted; i++)
            given += turn_hand();
        spin_unlock(&cache_lock);
        looked += HAND_STEP;
    }
    return given;
}

static unsigned count_spare(uint64_t word)
{
    unsigned count = 0;
    for (uint64_t rest = map[word]; rest; rest &= rest - 1)
        count += is_spare(page_at(word * 64 + bit_lowest(rest)));
    return count;
}

uint64_t cache_spare_count(void)
{
    uint64_t count = 0, word = 0;
    while (word < words && cache_page_count()) {
        spin_lock(&cache_lock);
        for (unsigned i = 0; i < HAND_STEP && word < words; i++)
            count += count_spare(word++);
        spin_unlock(&cache_lock);
    }
    return count;
}

int cache_reclaim_start(void)
{
    static struct shrinker shrinker = {.scan = scan,
                                       .count = cache_spare_count};
    words = (page_span() + 63) / 64;
    uint64_t size = align_up(words * sizeof *map, HAL_PAGE_SIZE);
    struct page *page =
        page_alloc_block(PAGE_KERNEL, log2_ceil(size >> HAL_PAGE_SHIFT));
    if (!page)
        return -ENOMEM;
    map = page_data(page);
    memset(map, 0, size);
    oom_add_shrinker(&shrinker);
    return 0;
}
