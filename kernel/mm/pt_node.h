/*
 * Nodes as the files of the page-table tree see them; private to mm.
 */
#ifndef MM_PT_NODE_H
#define MM_PT_NODE_H

#include "mm/pt.h"
#include "mm/stats.h"

static inline void shoot_down(struct hal_space *space, uint64_t va)
{
    stat_count(STAT_SHOOTDOWNS);
    hal_shootdown(space, va);
}

/* An empty node of `level`, count 1; NULL when there is no page. */
struct page *node_create(unsigned level);

/* Every used slot lies in low..high, so that walking a node costs what it
 * holds. */
static inline void node_note_used(struct page *node, unsigned slot)
{
    if (slot < node->table.low)
        node->table.low = slot;
    if (slot > node->table.high)
        node->table.high = slot;
}

/* The source of a lazy copy, or NULL. */
static inline struct page *node_source(const struct page *node)
{
    return node->table.source ? page_at(node->table.source - 1) : NULL;
}

/* What the slot stands for: its own entry, or if it is empty the source's. */
pte_t node_entry(const struct page *node, unsigned slot);

/* Make the only edge to a child, on an exclusive path, OWNED. A write
 * permission that is left in the child is right: copying or linking the child
 * would have taken it away (pt.c). */
void node_claim(pte_t *slot, struct page *child);

/* ---- Entries: edges and leaves, at any level ----------------------------- */

/* Free a node whose count has reached 0, and put its children (pt.c). */
void node_free(struct page *node);

/* Put what the entry, which is not NONE, refers to. */
static inline void entry_put(pte_t entry)
{
    struct page *page = pte_page(entry);
    if (!pte_counted(entry) || !page_drop(page))
        return;
    if (pte_is_edge(entry))
        node_free(page);
    else
        page_free(page);
}

/* Take from the entry in `slot` what only one node may have (see pte_shared),
 * and return the rest. The node is locked or exclusive. */
static inline pte_t entry_weaken(pte_t *slot, pte_t entry)
{
    entry = pte_shared(entry);
    /* This only takes permission away, and so needs no order. */
    __atomic_store_n(&slot->bits, entry.bits, __ATOMIC_RELAXED);
    return entry;
}

/* Like entry_weaken, and count the entry for a second node. It is not NONE. */
static inline pte_t entry_share(pte_t *slot)
{
    pte_t entry = *slot;
    if (pte_counted(entry))
        page_get(pte_page(entry));
    return entry_weaken(slot, entry);
}

/* ---- Lazy copies --------------------------------------------------------- */

/* Copy the source's entry into an empty slot (pt_lazy.c). */
void node_copy_slot_from(struct page *node, struct page *source, unsigned slot,
                         bool exclusive);

/* If the slot of a lazy copy is empty, copy the source's entry into it.
 * `exclusive`: the node is this space's alone. Cannot fail. */
static inline void node_copy_slot(struct page *node, unsigned slot,
                                  bool exclusive)
{
    if (node->table.source && pte_is_none(pte_load(&pt_slots(node)[slot])))
        node_copy_slot_from(node, node_source(node), slot, exclusive);
}

/* Copy all that the node lacks, if it is a lazy copy; then it is none any more.
 * The node is this space's alone. */
void node_complete(struct page *node);

#endif
