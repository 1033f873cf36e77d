/*
 * Giving cached pages back when memory is short.
 *
 * A hand goes round all cached pages that are not kept, in the order of their
 * addresses, as a clock's does. A page that was used since the hand last came
 * by is spared once; one that is dirty, pinned, mapped or being moved is always
 * spared. A bitmap tells which pages of memory the hand visits. So the search,
 * which may run with interrupts off and find nothing, is fast where most of
 * memory is in other use.
 */
#include "cache/private.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/oom.h"

/* Words of the map looked at under one holding of the lock. */
#define HAND_STEP 8

static uint64_t *map;           /* cache_lock: a bit for each page */
static uint64_t words;          /* I: of the map; a multiple of HAND_STEP */
static uint64_t hand;           /* cache_lock: the word looked at next */
static _Atomic uint64_t cached; /* cache_lock to change: bits set */

void cache_reclaim_mark(const struct page *page, bool is)
{
    uint64_t number = page - page_array;
    map[number / 64] ^= BIT(number % 64);
    cached += is ? 1 : -1;
}

uint64_t cache_page_count(void)
{
    return cached;
}

static bool is_spare(struct page *page)
{
    return !cache_busy(page) && page_count(page) == 1;
}

/* Give a page back; false: it is spared. */
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

/* Call `visit` for the pages of at most `most` words, from *word on, until it
 * has returned true for `wanted` pages. Returns for how many it did. */
static uint64_t go_round(uint64_t *word, uint64_t most, uint64_t wanted,
                         bool (*visit)(struct page *page))
{
    uint64_t found = 0;
    for (uint64_t done = 0; done < most && found < wanted && cached;
         done += HAND_STEP) {
        spin_lock(&cache_lock);
        for (unsigned i = 0; i < HAND_STEP && found < wanted; i++) {
            for (uint64_t rest = map[*word]; rest; rest &= rest - 1)
                found += visit(page_at(*word * 64 + bit_lowest(rest)));
            if (++*word == words)
                *word = 0;
        }
        spin_unlock(&cache_lock);
    }
    return found;
}

static uint64_t scan(uint64_t wanted)
{
    return go_round(&hand, 2 * words, wanted, take);
}

uint64_t cache_spare_count(void)
{
    uint64_t word = 0;
    return go_round(&word, words, UINT64_MAX, is_spare);
}

int cache_reclaim_start(void)
{
    static struct shrinker shrinker = {.scan = scan,
                                       .count = cache_spare_count};
    words = align_up(page_span(), 64 * HAND_STEP) / 64;
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
