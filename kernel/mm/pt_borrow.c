/*
 * Borrowing: owning one slot of a full node without copying the node.
 *
 * After fork both sides write at once, to their stacks, and so each would copy
 * the nodes on that path: 512 entries and 512 counts for one page. Instead the
 * old node becomes an origin, and each side gets an empty node that borrows
 * from it:
 *
 *        before fork              after                 the child is gone
 *
 *        L1 --OWNED--> N     parent L1 --> Np           L1 --OWNED--> N
 *                            child  L1 --> Nc
 *                              Np . . borrow . .> N     (pt_settle folds Np
 *                              Nc . . borrow . .> N      back into N)
 *
 * An empty slot of a borrower stands for the origin's; a walk that comes by
 * brings the entry in (node_pull), sharing it like pt_share does, or simply
 * moving it when nobody else refers to the origin any more. The origin has
 * only counted references, no edge: hardware does not see it, and apart from
 * pulls nobody changes it. When its last borrower is alone with it, the
 * borrower's few entries go back into the origin.
 */
#include "lib/bits.h"
#include "mm/pt_node.h"
#include "mm/stats.h"

/* A node whose used slots span no more than this is copied: that is cheaper
 * than lending it and taking it back. An edge costs more than a leaf, since
 * the end of a copy visits the child. */
#define NARROW_LEAVES 32
#define NARROW_EDGES  8

/* So many entries in a row brought in one by one, and the rest follows. */
#define RUN 6

pte_t node_entry(const struct page *node, unsigned slot)
{
    pte_t entry = pte_load(&pt_slots(node)[slot]);
    const struct page *origin = node_origin(node);
    return pte_is_none(entry) && origin ? pte_load(&pt_slots(origin)[slot])
                                        : entry;
}

static pte_t share_from(struct page *origin, unsigned slot)
{
    pte_t *from = &pt_slots(origin)[slot];
    spin_lock(&origin->table.lock);
    pte_t entry = pte_is_none(*from) ? *from : entry_share(from);
    spin_unlock(&origin->table.lock);
    return entry;
}

/* Another sharer of the node may have brought the same entry in first. */
static void install_shared(struct page *node, unsigned slot, pte_t entry)
{
    spin_lock(&node->table.lock);
    bool late = !pte_is_none(pt_slots(node)[slot]);
    if (!late) {
        node_note_used(node, slot);
        pte_store(&pt_slots(node)[slot], entry);
    }
    spin_unlock(&node->table.lock);
    if (late)
        entry_put(entry);
}

/* Whether the slots just below, or just above, have all been brought in. */
static bool in_a_run(const struct page *node, unsigned slot)
{
    const pte_t *slots = pt_slots(node);
    unsigned below = 0, above = 0;
    while (below < RUN && below < slot && !pte_is_none(slots[slot - below - 1]))
        below++;
    while (above < RUN && slot + above + 1 < PT_SLOTS &&
           !pte_is_none(slots[slot + above + 1]))
        above++;
    return below == RUN || above == RUN;
}

void node_pull_from(struct page *node, struct page *origin, unsigned slot,
                    bool exclusive)
{
    pte_t *from = &pt_slots(origin)[slot];
    bool alone = exclusive && page_count(origin) == 1;
    pte_t entry = alone ? *from : share_from(origin, slot);
    if (pte_is_none(entry))
        return;
    if (alone)
        pte_store(from, pte_none());
    if (exclusive) {
        node_note_used(node, slot);
        pte_store(&pt_slots(node)[slot], entry);
        /* Somebody walks through all of it: no more a fault a page. */
        if (in_a_run(node, slot))
            node_settle_debt(node);
    } else {
        install_shared(node, slot, entry);
    }
}

void node_settle_debt(struct page *node)
{
    struct page *origin = node_origin(node);
    if (!origin)
        return;
    uint16_t low = origin->table.low, high = origin->table.high;
    bool alone = page_count(origin) == 1;
    pte_t *to = pt_slots(node), *from = pt_slots(origin);
    spin_lock(&origin->table.lock);
    for (unsigned i = low; i <= high; i++) {
        if (!pte_is_none(to[i]) || pte_is_none(from[i]))
            continue;
        pte_store(&to[i], alone ? from[i] : entry_share(&from[i]));
        if (alone)
            pte_store(&from[i], pte_none());
    }
    spin_unlock(&origin->table.lock);
    node->table.low = MIN(node->table.low, low);
    node->table.high = MAX(node->table.high, high);
    node->table.origin = 0;
    pt_put(origin);
}

static inline void move_entry(struct page *from, struct page *to, unsigned slot)
{
    pte_t entry = pt_slots(from)[slot];
    if (pte_is_none(entry))
        return;
    pte_store(&pt_slots(from)[slot], pte_none());
    pte_store(&pt_slots(to)[slot], entry);
    node_note_used(to, slot);
}

/* ---- Lending, at fork ---------------------------------------------------- */

/* The addresses that a fork prepares, and what can be told of them. */
struct path {
    uint64_t write, execute;
};

/* Whether `execute` goes through the same node of `level`. */
static bool same_node(const struct path *path, unsigned level)
{
    unsigned shift = pt_shift(level + 1);
    return path->write >> shift == path->execute >> shift;
}

static bool worth_lending(const struct page *node)
{
    unsigned narrow = node->level ? NARROW_EDGES : NARROW_LEAVES;
    return !node->table.origin && node->table.high >= node->table.low + narrow;
}

/* A borrower in place of `node`, taking over one of its references, with the
 * entries on the path. NULL when there is no frame. */
static struct page *lend(struct page *node, const struct path *path)
{
    struct page *borrower = node_create(node->level);
    if (!borrower)
        return NULL;
    borrower->table.origin = node - page_at(0) + 1;
    move_entry(node, borrower, pt_slot(path->write, node->level));
    if (same_node(path, node->level))
        move_entry(node, borrower, pt_slot(path->execute, node->level));
    stat_count(STAT_NODES_LENT);
    return borrower;
}

/* Fold a borrower's entries back into the origin, which it was alone with;
 * the borrower is left empty, the reference to the origin with the caller. */
static void fold(struct page *borrower, struct page *origin)
{
    for (unsigned i = borrower->table.low; i <= borrower->table.high; i++) {
        if (pte_is_none(pt_slots(borrower)[i]))
            continue;
        pte_t old = pt_slots(origin)[i];
        move_entry(borrower, origin, i);
        if (!pte_is_none(old))
            entry_put(old);
    }
    borrower->table.origin = 0;
    atomic_store(&origin->sealed, false);
    /* The entries moved come before the edge that shows them. */
    atomic_thread_fence(memory_order_release);
}

/* Parent and child both have a LAZY edge to a node that nobody else refers
 * to: give each a node of its own. False when that cannot be. */
static bool split(pte_t *parent, pte_t *child, const struct path *path)
{
    struct page *node = pte_page(*parent), *own = node;
    if (pte_kind(*parent) != PTE_LAZY || page_count(node) != 2)
        return false;
    if (worth_lending(node)) {
        own = lend(node, path);
        if (!own)
            return false;
    } else {
        /* What comes in may be writable, also if the sharing then fails. */
        atomic_store(&node->sealed, false);
        node_pull(node, pt_slot(path->write, node->level), true);
        if (same_node(path, node->level))
            node_pull(node, pt_slot(path->execute, node->level), true);
    }
    struct page *other = pt_share(own);
    if (!other && own != node) {
        fold(own, node);
        pt_put(own);
    }
    if (!other)
        return false;
    node_claim(parent, own);
    pte_store(child, pte_owned(page_physical(other)));
    pt_put(node); /* the child's edge; never the last reference */
    return true;
}

/* The page both will write: the parent keeps it, the child has a copy. */
static void split_page(pte_t *parent, pte_t *child)
{
    struct page *page = pte_page(*parent);
    /* Code is left to the fault, which tells the harts to fetch it anew. */
    if (!pte_counted(*parent) || page_count(page) != 2 ||
        pte_executable(*parent))
        return;
    struct page *copy = page_alloc_copy(PAGE_ANONYMOUS, page);
    if (!copy)
        return;
    pte_store(child,
              pte_leaf(page_physical(copy), true, pte_executable(*parent)));
    pte_store(parent, pte_with_write(*parent));
    page_put(page); /* the child's; the parent's remains */
}

/* Whether the path ends in a leaf that the parent may write now. */
static bool ends_writable(const struct page *root, uint64_t va)
{
    const struct page *node = root;
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        pte_t edge = node_entry(node, pt_slot(va, level));
        if (!pte_is_edge(edge))
            return false;
        node = pte_page(edge);
    }
    return pte_writable(node_entry(node, pt_slot(va, 0)));
}

void pt_fork_path(struct page *parent, struct page *child, uint64_t write,
                  uint64_t execute)
{
    const struct path path = {write, execute};
    bool writable = ends_writable(parent, write);
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        unsigned i = pt_slot(write, level);
        if (pte_is_none(pt_slots(parent)[i]) ||
            !split(&pt_slots(parent)[i], &pt_slots(child)[i], &path))
            return;
        parent = pte_page(pt_slots(parent)[i]);
        child = pte_page(pt_slots(child)[i]);
    }
    unsigned i = pt_slot(write, 0);
    if (writable)
        split_page(&pt_slots(parent)[i], &pt_slots(child)[i]);
}

/* ---- Taking back --------------------------------------------------------- */

bool pt_settle(struct hal_space *space, struct page *root, uint64_t va)
{
    struct page *empty[PT_LEVELS], *node = root;
    unsigned count = 0, lent = 0;
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        pte_t *slot = &pt_slots(node)[pt_slot(va, level)];
        if (pte_kind(*slot) != PTE_OWNED) {
            lent++; /* who knows: look again later */
            break;
        }
        node = pte_page(*slot);
        struct page *origin = node_origin(node);
        lent += origin != NULL;
        if (!origin || page_count(origin) != 1)
            continue;
        fold(node, origin);
        pte_store(slot, pte_owned(page_physical(origin)));
        empty[count++] = node;
        node = origin;
        stat_count(STAT_NODES_FOLDED);
    }
    lent -= count;
    if (count) {
        stat_count(STAT_SHOOTDOWNS);
        hal_space_flush(space, HAL_FLUSH_ALL);
    }
    while (count)
        pt_put(empty[--count]);
    return !lent;
}
