/*
 * Nodes as the files of the page-table tree see them; nobody else includes
 * this.
 */
#ifndef MM_PT_NODE_H
#define MM_PT_NODE_H

#include "mm/pt.h"

/* An empty node of `level`, count 1; NULL when there is no frame. */
struct page *node_create(unsigned level);

/* Every slot ever used lies in low..high, so that walking a node costs what
 * it holds. */
static inline void node_note_used(struct page *node, unsigned slot)
{
    if (slot < node->table.low)
        node->table.low = slot;
    if (slot > node->table.high)
        node->table.high = slot;
}

/* The node whose entries stand for the empty ones of this, or NULL. */
static inline struct page *node_origin(const struct page *node)
{
    return node->table.origin ? page_at(node->table.origin - 1) : NULL;
}

/* What the slot means: its own entry, or else the origin's. */
pte_t node_entry(const struct page *node, unsigned slot);

/* The one edge to a child of count 1, on an exclusive path, becomes OWNED. */
void node_claim(pte_t *slot, struct page *child);

/* Give up what an entry of a node of `level` refers to. */
static inline void node_drop_entry(pte_t entry, unsigned level)
{
    if (pte_is_none(entry))
        return;
    if (level)
        pt_put(pte_page(entry));
    else if (pte_counted(entry))
        page_put(pte_page(entry));
}

/* Share one entry: what a second node gets, which is counted, while the entry
 * itself loses write permission or ownership. The node is locked, or not
 * visible to anybody else. */
static inline pte_t node_share_edge(pte_t *slot)
{
    pte_t edge = *slot;
    if (pte_is_none(edge))
        return edge;
    page_get(pte_page(edge));
    if (pte_kind(edge) == PTE_OWNED) {
        edge = pte_lazy(pte_physical(edge));
        pte_weaken(slot, edge);
    }
    return edge;
}

static inline pte_t node_share_leaf(pte_t *slot)
{
    pte_t leaf = *slot;
    if (pte_is_none(leaf))
        return leaf;
    if (pte_counted(leaf))
        page_get(pte_page(leaf));
    if (pte_writable(leaf)) {
        leaf = pte_without_write(leaf);
        pte_weaken(slot, leaf);
    }
    return leaf;
}

/* Bring in what the origin has for a slot (pt_borrow.c). */
void node_pull_from(struct page *node, struct page *origin, unsigned slot,
                    bool exclusive);

/* If the slot is empty and the node borrows, bring in what the origin has.
 * `exclusive`: the node is this space's alone. Cannot fail. */
static inline void node_pull(struct page *node, unsigned slot, bool exclusive)
{
    if (node->table.origin && pte_is_none(pte_load(&pt_slots(node)[slot])))
        node_pull_from(node, node_origin(node), slot, exclusive);
}

/* Bring in everything, and borrow no more; the node is this space's alone. */
void node_settle_debt(struct page *node);

#endif
