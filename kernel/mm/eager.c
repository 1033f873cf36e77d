/*
 * Two slower ways to fork, chosen by a boot argument, so that the cost of each
 * step of copy-on-write can be measured on the same kernel.
 *
 * They begin like every fork, with a shared root, and then walk both trees:
 * first the child's, where each node is copied, and with `bytes` each page;
 * then the parent's, where each node has no sharer any more and is claimed.
 */
#include "mm/eager.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/pt_node.h"

static enum fork_policy policy;

bool eager_set_policy(const char *name)
{
    static const char *const names[] = {[FORK_SHARE] = "share",
                                        [FORK_TABLES] = "tables",
                                        [FORK_BYTES] = "bytes"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcmp(name, names[i])) {
            policy = i;
            return true;
        }
    return false;
}

enum fork_policy eager_policy(void)
{
    return policy;
}

/* If the region is writable: copy the page if it is shared, and make the leaf
 * writable, as now only this space has the page. */
static int copy_leaf(struct space *space, uint64_t va, pte_t *slot)
{
    const struct region *region = region_find(space->regions, va);
    if (!pte_counted(*slot) || !region || !(region->prot & PROT_WRITE))
        return 0;
    struct page *page = pte_page(*slot);
    if (page->kind != PAGE_ANONYMOUS)
        return 0;
    if (page_count(page) == 1) {
        pte_store(slot, pte_with_write(*slot));
        return 0;
    }
    struct page *copy = page_alloc_copy(PAGE_ANONYMOUS, page);
    if (!copy)
        return -ENOMEM;
    /* As in fault.c: before code can be fetched from it. */
    if (pte_executable(*slot))
        hal_space_sync_code(&space->machine);
    pt_replace(&space->machine, va, slot,
               pte_leaf(page_physical(copy), true, pte_executable(*slot)));
    return 0;
}

/* Unshare every node from here down, and with FORK_BYTES every page. */
static int unshare_all(struct space *space, struct page *node, uint64_t base)
{
    pte_t *slots = pt_slots(node);
    for (unsigned i = node->table.low; i <= node->table.high; i++) {
        uint64_t va = base + i * pt_span(node->level);
        int error = 0;
        if (pte_is_none(slots[i]))
            continue;
        if (pte_is_edge(slots[i])) {
            struct page *child = pt_unshare_child(&space->machine, &slots[i]);
            if (!child)
                return -ENOMEM;
            error = unshare_all(space, child, va);
        } else if (policy == FORK_BYTES) {
            error = copy_leaf(space, va, &slots[i]);
        }
        if (error)
            return error;
    }
    return 0;
}

int eager_copy(struct space *parent, struct space *child)
{
    int error = unshare_all(child, child->root, 0);
    /* The parent's nodes are not shared any more, so nothing is allocated. */
    return error ? error : unshare_all(parent, parent->root, 0);
}
