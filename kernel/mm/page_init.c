/*
 * Which pages there are.
 *
 * The descriptors lie in the first free memory that has room for them. There is
 * one for each page between the lowest and the highest, so that a page's number
 * is an index of the array; pages in holes are absent.
 */
#include "mm/page.h"
#include "lib/bits.h"
#include "lib/errno.h"

static uint64_t ppn_up(uint64_t address)
{
    return align_up(address, HAL_PAGE_SIZE) >> HAL_PAGE_SHIFT;
}

/* A range of `taken` that overlaps [start, end), or NULL. */
static const struct hal_range *overlap(uint64_t start, uint64_t end,
                                       const struct hal_range *taken,
                                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (taken[i].start < end && start < taken[i].end)
            return &taken[i];
    return NULL;
}

/* The address of the first page in `ram` from which on `size` bytes lie outside
 * every range of `taken`; 0: there is none. */
static uint64_t find_room(const struct hal_range *ram, uint64_t size,
                          const struct hal_range *taken, size_t count)
{
    uint64_t at = align_up(ram->start, HAL_PAGE_SIZE);
    const struct hal_range *in_the_way;
    while (at + size <= ram->end &&
           (in_the_way = overlap(at, at + size, taken, count)))
        at = align_up(in_the_way->end, HAL_PAGE_SIZE);
    return at + size <= ram->end ? at : 0;
}

static void add_range(const struct hal_range *ram,
                      const struct hal_range *reserved, size_t count,
                      const struct hal_range *own)
{
    uint64_t end = align_down(ram->end, HAL_PAGE_SIZE);
    for (uint64_t at = align_up(ram->start, HAL_PAGE_SIZE); at < end;
         at += HAL_PAGE_SIZE)
        page_add(page_of_physical(at),
                 overlap(at, at + HAL_PAGE_SIZE, reserved, count) ||
                     overlap(at, at + HAL_PAGE_SIZE, own, 1));
}

int page_init(const struct hal_range *ram, size_t ram_count,
              const struct hal_range *reserved, size_t reserved_count)
{
    uint64_t low = UINT64_MAX, high = 0, place = 0;
    for (size_t i = 0; i < ram_count; i++) {
        low = MIN(low, ppn_up(ram[i].start));
        high = MAX(high, ram[i].end >> HAL_PAGE_SHIFT);
    }
    if (low >= high)
        return -ENOMEM;
    uint64_t size = (high - low) * sizeof(struct page);
    for (size_t i = 0; i < ram_count && !place; i++)
        place = find_room(&ram[i], size, reserved, reserved_count);
    if (!place)
        return -ENOMEM;
    page_begin(hal_phys_to_virt(place), low, high - low);
    struct hal_range own = {place, place + size};
    for (size_t i = 0; i < ram_count; i++)
        add_range(&ram[i], reserved, reserved_count, &own);
    return 0;
}

void page_release_range(struct hal_range range)
{
    for (uint64_t f = ppn_up(range.start); f < range.end >> HAL_PAGE_SHIFT;
         f++) {
        struct page *page = &page_by_ppn[f];
        if (!page_is_known(f) || page->kind != PAGE_KERNEL)
            continue;
        page->order = 0;
        page_put(page);
    }
}
