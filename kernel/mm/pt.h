/*
 * The page-table tree, shared until it is written.
 *
 * A node is a page of PT_SLOTS entries with a count: how many edges lead to
 * it. An edge from a node to a child node is
 *
 *   OWNED   the child has this one edge and is not sealed; it may hold
 *           writable leaves. Hardware follows it.
 *   LAZY    the child is shared, or was; hardware does not see it. When a node
 *           is shared, its OWNED edges become LAZY, in it and in the new node.
 *   LINKED  the child is sealed: nothing below it is writable, so any number
 *           of nodes may link it. Hardware follows it.
 *
 * A node may be a lazy copy: its empty slots stand for those of its source, a
 * counted node of the same level that hardware does not see, as no edge leads
 * to it. fork makes lazy copies on the path that parent and child are about to
 * write, so that neither copies a full node for one slot (pt_lazy.c). A source
 * is no lazy copy itself.
 *
 * pt_share makes a second node with the same children: fork is pt_share of the
 * root, and copying a node for a write is the same thing one level down. Reads
 * walk with pt_link, which never copies or allocates. Writes and fills walk
 * with pt_unshare, which returns the only slots that may be written.
 *
 * Locks. The space's mutex is held for every call. That is enough for a node
 * whose path from the root is exclusive (every count 1): no other space reaches
 * it. The entries of a shared node change only under the node's lock, and only
 * in ways that mean the same to all sharers: sealing, LAZY to LINKED, and
 * filling an empty slot of a lazy copy from its source.
 *
 * All writes to entries are in pt.c, pt_lazy.c and pt_range.c (and one in
 * eager.c). The order is always the same: build what is new where nothing else
 * sees it, publish it, shoot down, then put what is old.
 */
#ifndef MM_PT_H
#define MM_PT_H

#include "arch/hal.h"
#include "arch/riscv/sv39.h"
#include "mm/page.h"

static inline pte_t *pt_slots(const struct page *node)
{
    return page_data(node);
}

/* Hardware and the sharers of a node may read a slot at any time. So a store is
 * one access, after all stores to what the entry leads to. */
static inline pte_t pte_load(const pte_t *slot)
{
    return (pte_t){__atomic_load_n(&slot->bits, __ATOMIC_RELAXED)};
}

static inline void pte_store(pte_t *slot, pte_t e)
{
    __atomic_store_n(&slot->bits, e.bits, __ATOMIC_RELEASE);
}

static inline struct page *pte_page(pte_t e)
{
    return page_by_ppn + pte_ppn(e);
}

/* The page of zeros, which is never freed; its leaves are not counted. pt_init
 * makes it at boot: 0 or -ENOMEM. */
extern struct page *pt_zero_page;
int pt_init(void);

/* An empty root with the kernel's edges, count 1, or NULL. */
struct page *pt_create_root(void);

/* A new node with all entries of `source`, each child counted once more. In
 * both nodes OWNED edges become LAZY, and leaves read-only. NULL when there is
 * no page; then nothing has changed. If hardware could see `source`, the caller
 * shoots down. */
struct page *pt_share(struct page *source);

/* One reference fewer; the last put frees the node and puts its children. May
 * take long: interrupts are on. */
void pt_put(struct page *node);

/* Walk for a read: make the path to `va` visible to hardware as far as it
 * exists. Returns the leaf, or an entry of kind NONE. */
pte_t pt_link(struct hal_space *space, struct page *root, uint64_t va);

/* Walk for a write or a fill. Returns the level-0 slot of `va`, in a node that
 * is this space's alone. NULL when there is no page for a node; then nothing
 * that a process sees has changed. */
pte_t *pt_unshare(struct hal_space *space, struct page *root, uint64_t va);

/* One step of pt_unshare: unshare the child that the edge in `slot` leads to;
 * the slot's node is unshared. Returns the child, or the copy that has taken
 * its place. NULL when there is no page. */
struct page *pt_unshare_child(struct hal_space *space, pte_t *slot);

/* After pt_share of the parent's root, and a shootdown: unshare the path to
 * `write`, which parent and child are about to write, and copy the page there
 * for the child. Where the path to `execute` goes through the same nodes, both
 * get its entries, too. This saves faults of both. Where memory is short, the
 * rest of the path stays shared. */
void pt_fork_path(struct page *parent, struct page *child, uint64_t write,
                  uint64_t execute);

/* Merge each lazy copy on the path to `va` into its source if it is the last
 * copy: the source takes its place. True: no lazy copy is left there. False:
 * there may be one. */
bool pt_merge(struct hal_space *space, struct page *root, uint64_t va);

/* Put a leaf into an empty slot that pt_unshare returned. */
void pt_fill(pte_t *slot, pte_t leaf);

/* Replace the leaf in a slot from pt_unshare: publish, shoot down, put the old
 * page. */
void pt_replace(struct hal_space *space, uint64_t va, pte_t *slot, pte_t leaf);

/* Grant write to the leaf in a slot from pt_unshare; its page has count 1. */
void pt_reuse(struct hal_space *space, uint64_t va, pte_t *slot);

/* Make sure that [start, end), not empty, can be cleared without allocating:
 * unshare the nodes that it covers in part. Those that it covers whole are
 * dropped as they are. 0 or -ENOMEM; what the process sees is unchanged. */
int pt_unshare_edges(struct hal_space *space, struct page *root, uint64_t start,
                     uint64_t end);

/* Drop everything in [start, end), after pt_unshare_edges. Cannot fail. A node
 * covered in part that is still shared has nothing there, and is left as it is.
 */
void pt_clear(struct hal_space *space, struct page *root, uint64_t start,
              uint64_t end);

/* Make leaves in [start, end) read-only, and executable or not. Where the
 * region allows writes, a write faults, and the fault permits it. 0; or
 * -ENOMEM, and permissions are unchanged. */
int pt_protect(struct hal_space *space, struct page *root, uint64_t start,
               uint64_t end, bool execute);

#endif
