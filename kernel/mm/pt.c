/*
 * Sharing, linking and unsharing nodes of the page-table tree. pt.h explains
 * the edges and the locks; pt_range.c works on ranges.
 *
 *               fork: pt_share(root)
 *
 *     parent root       child root         a write by either side:
 *        | LAZY            | LAZY          pt_unshare copies one node a
 *        +-----> node <----+               level with pt_share, down to the
 *               count 2                    leaf; the rest stays shared
 *
 *     a read by either side seals the node and turns its edge to LINKED
 *     the last sharer finds count 1 and claims it: OWNED, nothing copied
 */
#include "mm/pt_node.h"
#include "lib/errno.h"
#include "lib/panic.h"

struct page *pt_zero_page;

int pt_init(void)
{
    pt_zero_page = page_alloc_zeroed(PAGE_KERNEL);
    return pt_zero_page ? 0 : -ENOMEM;
}

struct page *node_create(unsigned level)
{
    struct page *node = page_alloc_zeroed(PAGE_TABLE);
    if (!node)
        return NULL;
    node->level = level;
    spin_init(&node->table.lock, LOCK_NODE_ROOT + PT_ROOT_LEVEL - level);
    node->table.low = PT_SLOTS;
    node->table.high = 0;
    node->table.source = 0;
    return node;
}

struct page *pt_create_root(void)
{
    struct page *root = node_create(PT_ROOT_LEVEL);
    if (root)
        hal_root_init(pt_slots(root));
    return root;
}

/* The source is locked. Afterwards neither it nor the copy has a write
 * permission or an OWNED edge: the source is sealed, unless it is a root. A
 * root itself is never shared. */
static void share_into(struct page *source, struct page *copy)
{
    pte_t *from = pt_slots(source), *to = pt_slots(copy);
    unsigned low = source->table.low, high = source->table.high;
    copy->table.low = low;
    copy->table.high = high;
    copy->table.source = source->table.source;
    if (copy->table.source)
        page_get(node_source(copy));
    for (unsigned i = low; i <= high; i++)
        if (!pte_is_none(from[i]))
            to[i] = entry_share(&from[i]);
    if (source->level != PT_ROOT_LEVEL)
        atomic_store(&source->sealed, true);
}

struct page *pt_share(struct page *source)
{
    struct page *copy = source->level == PT_ROOT_LEVEL
                            ? pt_create_root()
                            : node_create(source->level);
    if (!copy)
        return NULL;
    spin_lock(&source->table.lock);
    share_into(source, copy);
    spin_unlock(&source->table.lock);
    return copy;
}

/* Take every write permission and OWNED edge out of a node that hardware does
 * not see, so that many may link it. Lower nodes keep theirs: hardware does not
 * see them behind LAZY edges, and they may be claimed later. */
static void seal(struct page *node)
{
    spin_lock(&node->table.lock);
    if (!node->sealed) {
        pte_t *slots = pt_slots(node);
        for (unsigned i = node->table.low; i <= node->table.high; i++)
            entry_weaken(&slots[i], slots[i]);
        atomic_store(&node->sealed, true);
        stat_count(STAT_NODES_SEALED);
    }
    spin_unlock(&node->table.lock);
}

void node_claim(pte_t *slot, struct page *child)
{
    atomic_store(&child->sealed, false);
    pte_store(slot, pte_owned(page_physical(child)));
    stat_count(STAT_NODES_CLAIMED);
}

static void link_child(pte_t *slot, struct page *child)
{
    seal(child);
    pte_store(slot, pte_linked(page_physical(child)));
    stat_count(STAT_NODES_LINKED);
}

pte_t pt_link(struct hal_space *space, struct page *root, uint64_t va)
{
    struct page *node = root;
    bool exclusive = true;
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        unsigned i = pt_slot(va, level);
        pte_t *slot = &pt_slots(node)[i];
        node_copy_slot(node, i, exclusive);
        pte_t edge = pte_load(slot);
        if (!pte_is_edge(edge))
            return edge;
        struct page *child = pte_page(edge);
        enum pte_kind kind = pte_kind(edge);
        bool claimable = exclusive && page_count(child) == 1;
        /* A LINKED child without other sharers is claimed, too: it must not
         * stay sealed when something below it is claimed. */
        if (claimable ? kind != PTE_OWNED : kind == PTE_LAZY) {
            spin_lock(&node->table.lock);
            if (claimable)
                node_claim(slot, child);
            else
                link_child(slot, child);
            spin_unlock(&node->table.lock);
            hal_flush_local(space, HAL_FLUSH_ALL);
        }
        exclusive = claimable;
        node = child;
    }
    node_copy_slot(node, pt_slot(va, 0), exclusive);
    return pte_load(&pt_slots(node)[pt_slot(va, 0)]);
}

/* Put a copy in place of a child that others share. If all others have put it
 * meanwhile, the copy was not needed, and the put here frees the old node. */
static struct page *copy_child(struct hal_space *space, pte_t *slot,
                               struct page *child)
{
    struct page *copy = pt_share(child);
    if (!copy)
        return NULL;
    bool seen = pte_kind(*slot) == PTE_LINKED;
    pte_store(slot, pte_owned(page_physical(copy)));
    if (seen)
        shoot_down(space, HAL_FLUSH_ALL);
    else
        hal_flush_local(space, HAL_FLUSH_ALL);
    pt_put(child);
    stat_count(STAT_NODES_COPIED);
    return copy;
}

struct page *pt_unshare_child(struct hal_space *space, pte_t *slot)
{
    struct page *child = pte_page(*slot);
    if (pte_is_owned(*slot))
        return child;
    if (page_count(child) > 1)
        return copy_child(space, slot, child);
    node_claim(slot, child);
    hal_flush_local(space, HAL_FLUSH_ALL);
    return child;
}

static struct page *create_child(struct hal_space *space, struct page *node,
                                 unsigned slot)
{
    struct page *child = node_create(node->level - 1);
    if (!child)
        return NULL;
    node_note_used(node, slot);
    pte_store(&pt_slots(node)[slot], pte_owned(page_physical(child)));
    hal_flush_local(space, HAL_FLUSH_ALL);
    return child;
}

pte_t *pt_unshare(struct hal_space *space, struct page *root, uint64_t va)
{
    struct page *node = root;
    for (unsigned level = PT_ROOT_LEVEL; level > 0 && node; level--) {
        unsigned i = pt_slot(va, level);
        pte_t *slot = &pt_slots(node)[i];
        if (pte_is_owned(*slot)) {
            node = pte_page(*slot);
            continue;
        }
        node_copy_slot(node, i, true);
        node = pte_is_none(*slot) ? create_child(space, node, i)
                                  : pt_unshare_child(space, slot);
    }
    if (!node)
        return NULL;
    node_copy_slot(node, pt_slot(va, 0), true);
    node_note_used(node, pt_slot(va, 0));
    return &pt_slots(node)[pt_slot(va, 0)];
}

void pt_fill(pte_t *slot, pte_t leaf)
{
    ASSERT(pte_is_none(*slot));
    pte_store(slot, leaf);
}

void pt_replace(struct hal_space *space, uint64_t va, pte_t *slot, pte_t leaf)
{
    pte_t old = *slot;
    pte_store(slot, leaf);
    shoot_down(space, va);
    if (pte_counted(old))
        page_put(pte_page(old));
}

void pt_reuse(struct hal_space *space, uint64_t va, pte_t *slot)
{
    pte_store(slot, pte_with_write(*slot));
    /* Other harts may still have the read-only translation. If one writes, it
     * faults, finds that this entry allows it, and tries again. */
    hal_flush_local(space, va);
}

void pt_put(struct page *node)
{
    if (page_drop(node))
        node_free(node);
}

/* The node is emptied on the way, so its page holds zeros again. */
void node_free(struct page *node)
{
    pte_t *slots = pt_slots(node);
    for (unsigned i = node->table.low; i <= node->table.high; i++) {
        pte_t entry = slots[i];
        if (pte_is_none(entry))
            continue;
        slots[i] = pte_none();
        entry_put(entry);
    }
    if (node->table.source)
        pt_put(node_source(node));
    if (node->level == PT_ROOT_LEVEL)
        hal_root_clear(slots);
    page_free_zeroed(node);
}
