/*
 * Ranges of the tree: dropping them, and taking permissions away.
 *
 * First comes what can fail: the nodes that a range covers in part, at its two
 * ends, are unshared (pt_unshare_edges). Then comes what cannot fail: entries
 * are dropped. Of a child that is covered whole only the edge is dropped, so
 * the child is never copied just to be emptied.
 */
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/pt_node.h"

/* Entries taken out of the tree. What they refer to is put after a shootdown.
 */
struct harvest {
    struct hal_space *space;
    unsigned count;
    pte_t entries[64];
};

static void harvest_put(struct harvest *harvest)
{
    if (!harvest->count)
        return;
    shoot_down(harvest->space, HAL_FLUSH_ALL);
    for (unsigned i = 0; i < harvest->count; i++)
        entry_put(harvest->entries[i]);
    harvest->count = 0;
}

static void detach(struct harvest *harvest, pte_t *slot)
{
    pte_t old = *slot;
    pte_store(slot, pte_none());
    if (!pte_counted(old))
        return;
    harvest->entries[harvest->count++] = old;
    if (harvest->count == ARRAY_SIZE(harvest->entries))
        harvest_put(harvest);
}

/* Unshare the path to `va`, one end of [start, end), down to where the range
 * covers a child whole. No node on the path stays a lazy copy: there, a slot
 * that is cleared would stand for the source's entry. */
static int unshare_end(struct hal_space *space, struct page *root, uint64_t va,
                       uint64_t start, uint64_t end)
{
    struct page *node = root;
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        pte_t *slot = &pt_slots(node)[pt_slot(va, level)];
        uint64_t low = align_down(va, pt_span(level));
        if (!pte_is_edge(*slot) ||
            (start <= low && low + pt_span(level) <= end))
            return 0;
        node = pt_unshare_child(space, slot);
        if (!node)
            return -ENOMEM;
        node_complete(node);
    }
    return 0;
}

int pt_unshare_edges(struct hal_space *space, struct page *root, uint64_t start,
                     uint64_t end)
{
    int error = unshare_end(space, root, start, start, end);
    return error ? error : unshare_end(space, root, end - 1, start, end);
}

/* Shrink the range of used slots to those that are not empty. */
static void narrow(struct page *node)
{
    const pte_t *slots = pt_slots(node);
    while (node->table.low < node->table.high &&
           pte_is_none(slots[node->table.high]))
        node->table.high--;
    while (node->table.low < node->table.high &&
           pte_is_none(slots[node->table.low]))
        node->table.low++;
}

/* Clear [start, end) below `node`, which is unshared and begins at `base`. */
static void clear_below(struct harvest *harvest, struct page *node,
                        uint64_t base, uint64_t start, uint64_t end)
{
    uint64_t span = pt_span(node->level);
    pte_t *slots = pt_slots(node);
    for (unsigned i = node->table.low; i <= node->table.high; i++) {
        uint64_t low = base + i * span;
        if (low + span <= start)
            continue;
        if (low >= end)
            break;
        if (pte_is_none(slots[i]))
            continue;
        if (!pte_is_edge(slots[i]) || (start <= low && low + span <= end))
            detach(harvest, &slots[i]);
        else if (pte_is_owned(slots[i]))
            clear_below(harvest, pte_page(slots[i]), low, start, end);
    }
    narrow(node);
}

void pt_clear(struct hal_space *space, struct page *root, uint64_t start,
              uint64_t end)
{
    struct harvest harvest = {.space = space};
    clear_below(&harvest, root, 0, start, end);
    /* Leaves of the zero page are not in the harvest, but shot down, too. */
    harvest_put(&harvest);
    hal_shootdown(space, HAL_FLUSH_ALL);
}

/* Unshare every node of [start, end), leaving no lazy copy, and with `apply`
 * change its leaves. */
static int protect_below(struct hal_space *space, struct page *node,
                         uint64_t base, uint64_t start, uint64_t end,
                         bool execute, bool apply)
{
    uint64_t span = pt_span(node->level);
    pte_t *slots = pt_slots(node);
    for (unsigned i = node->table.low; i <= node->table.high; i++) {
        uint64_t low = base + i * span;
        if (low + span <= start || pte_is_none(slots[i]))
            continue;
        if (low >= end)
            break;
        if (!pte_is_edge(slots[i])) {
            if (apply)
                pte_store(&slots[i], pte_protected(slots[i], execute));
            continue;
        }
        struct page *child = pt_unshare_child(space, &slots[i]);
        if (!child)
            return -ENOMEM;
        node_complete(child);
        if (protect_below(space, child, low, start, end, execute, apply))
            return -ENOMEM;
    }
    return 0;
}

int pt_protect(struct hal_space *space, struct page *root, uint64_t start,
               uint64_t end, bool execute)
{
    if (protect_below(space, root, 0, start, end, execute, false))
        return -ENOMEM;
    protect_below(space, root, 0, start, end, execute, true);
    shoot_down(space, HAL_FLUSH_ALL);
    return 0;
}
