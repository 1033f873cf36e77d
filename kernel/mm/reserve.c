/*
 * The reserve of pages. See reserve.h.
 */
#include "mm/reserve.h"

static struct spinlock lock = SPINLOCK(LOCK_RESERVE);
static struct list unused = {&unused, &unused}; /* lock: of kind KERNEL */
static uint64_t held;    /* lock: pages in use, and unused ones */
static uint64_t minimum; /* lock: least value of `held` */

struct page *reserve_alloc(enum page_kind kind, bool zeroed)
{
    spin_lock(&lock);
    struct list *link = list_pop_front(&unused);
    held += !link;
    spin_unlock(&lock);
    if (!link) {
        struct page *fresh =
            zeroed ? page_alloc_zeroed(kind) : page_alloc(kind);
        spin_lock(&lock);
        held -= !fresh;
        spin_unlock(&lock);
        return fresh;
    }
    struct page *page = list_entry(link, struct page, link);
    if (page_should_fail()) {
        reserve_free(page);
        return NULL;
    }
    page_become(page, kind);
    if (zeroed)
        hal_clear_page(page_data(page));
    return page;
}

/* `lock` held. */
static void top_up(void)
{
    struct page *page;
    while (held < minimum && (page = page_alloc(PAGE_KERNEL))) {
        list_push_front(&unused, &page->link);
        held++;
    }
}

void reserve_free(struct page *page)
{
    spin_lock(&lock);
    bool keep = page && held <= minimum;
    if (keep) {
        page_become(page, PAGE_KERNEL);
        list_push_front(&unused, &page->link);
    }
    held -= !keep;
    top_up();
    spin_unlock(&lock);
    if (page && !keep)
        page_put(page);
}

void reserve_fill(void)
{
    spin_lock(&lock);
    minimum = held + RESERVE_PAGES;
    top_up();
    spin_unlock(&lock);
}
