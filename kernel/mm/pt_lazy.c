/*
 * Lazy copies: changing one slot of a full node without copying the node.
 *
 * After fork both sides write at once, to their stacks, and so each would copy
 * the nodes on that path: 512 entries and 512 counts for one page. Instead the
 * old node becomes a source, and each side gets a lazy copy of it:
 *
 *        before fork              after                 the child is gone
 *
 *        L1 --OWNED--> N     parent L1 --> Np           L1 --OWNED--> N
 *                            child  L1 --> Nc
 *                              Np . . source . .> N     (pt_merge merges Np
 *                              Nc . . source . .> N      into N)
 *
 * An empty slot of a lazy copy stands for the source's. A walk that comes to
 * such a slot copies the entry into it (node_copy_slot), and shares it as
 * pt_share does; if nothing else refers to the source, it moves the entry. A
 * source has only counted references, no edge: hardware does not see it, and
 * nothing else changes it. When one lazy copy is left, its few entries are
 * merged into the source.
 */
#include "lib/bits.h"
#include "mm/pt_node.h"

/* A node whose used slots span no more than this is copied at once: that is
 * cheaper than a lazy copy and its merging. An edge costs more than a leaf, as
 * freeing a copy visits the child. */
#define NARROW_LEAVES 32
#define NARROW_EDGES  8

/* When so many slots in a row are full, all that is missing is copied. */
#define RUN 6

pte_t node_entry(const struct page *node, unsigned slot)
{
    pte_t entry = pte_load(&pt_slots(node)[slot]);
    const struct page *source = node_source(node);
    return pte_is_none(entry) && source ? pte_load(&pt_slots(source)[slot])
                                        : entry;
}

static pte_t share_from(struct page *source, unsigned slot)
{
    pte_t *from = &pt_slots(source)[slot];
    spin_lock(&source->table.lock);
    pte_t entry = pte_is_none(*from) ? *from : entry_share(from);
    spin_unlock(&source->table.lock);
    return entry;
}

/* If another sharer of the node copied the same entry first, put this one. */
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

/* Whether the slots just below, or just above, are all filled. */
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

void node_copy_slot_from(struct page *node, struct page *source, unsigned slot,
                         bool exclusive)
{
    pte_t *from = &pt_slots(source)[slot];
    bool alone = exclusive && page_count(source) == 1;
    pte_t entry = alone ? *from : share_from(source, slot);
    if (pte_is_none(entry))
        return;
    if (alone)
        pte_store(from, pte_none());
    if (exclusive) {
        node_note_used(node, slot);
        pte_store(&pt_slots(node)[slot], entry);
        /* The program walks through all of it: save the faults to come. */
        if (in_a_run(node, slot))
            node_complete(node);
    } else {
        install_shared(node, slot, entry);
    }
}

void node_complete(struct page *node)
{
    struct page *source = node_source(node);
    if (!source)
        return;
    uint16_t low = source->table.low, high = source->table.high;
    bool alone = page_count(source) == 1;
    pte_t *to = pt_slots(node), *from = pt_slots(source);
    spin_lock(&source->table.lock);
    for (unsigned i = low; i <= high; i++) {
        if (!pte_is_none(to[i]) || pte_is_none(from[i]))
            continue;
        pte_store(&to[i], alone ? from[i] : entry_share(&from[i]));
        if (alone)
            pte_store(&from[i], pte_none());
    }
    spin_unlock(&source->table.lock);
    node->table.low = MIN(node->table.low, low);
    node->table.high = MAX(node->table.high, high);
    node->table.source = 0;
    pt_put(source);
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

/* ---- At fork ------------------------------------------------------------- */

/* The addresses that a fork prepares. */
struct path {
    uint64_t write, execute;
};

/* Whether `execute` goes through the same node of `level`. */
static bool same_node(const struct path *path, unsigned level)
{
    unsigned shift = pt_shift(level + 1);
    return path->write >> shift == path->execute >> shift;
}

static bool is_wide(const struct page *node)
{
    unsigned narrow = node->level ? NARROW_EDGES : NARROW_LEAVES;
    return !node->table.source && node->table.high >= node->table.low + narrow;
}

/* Make a lazy copy that is to stand in place of `node`, and move the entries on
 * the path to it. One reference to `node` is then the copy's. NULL when there
 * is no page. */
static struct page *copy_lazily(struct page *node, const struct path *path)
{
    struct page *copy = node_create(node->level);
    if (!copy)
        return NULL;
    copy->table.source = node - page_at(0) + 1;
    move_entry(node, copy, pt_slot(path->write, node->level));
    if (same_node(path, node->level))
        move_entry(node, copy, pt_slot(path->execute, node->level));
    stat_count(STAT_NODES_LAZY);
    return copy;
}

/* Move the entries of the only lazy copy into its source. The copy is left
 * empty; its reference to the source is now the caller's. */
static void merge(struct page *copy, struct page *source)
{
    for (unsigned i = copy->table.low; i <= copy->table.high; i++) {
        if (pte_is_none(pt_slots(copy)[i]))
            continue;
        pte_t old = pt_slots(source)[i];
        move_entry(copy, source, i);
        if (!pte_is_none(old))
            entry_put(old);
    }
    copy->table.source = 0;
    atomic_store(&source->sealed, false);
    /* The entries are stored before the edge that will lead to them. */
    atomic_thread_fence(memory_order_release);
}

/* If parent and child both have a LAZY edge to a node, and nothing else refers
 * to it, give each a node of its own. False: not so, or no page. */
static bool split(pte_t *parent, pte_t *child, const struct path *path)
{
    struct page *node = pte_page(*parent), *own = node;
    if (pte_kind(*parent) != PTE_LAZY || page_count(node) != 2)
        return false;
    if (is_wide(node)) {
        own = copy_lazily(node, path);
        if (!own)
            return false;
    } else {
        /* Entries that are copied may be writable, so the node is not sealed
         * now, even if pt_share then fails. */
        atomic_store(&node->sealed, false);
        node_copy_slot(node, pt_slot(path->write, node->level), true);
        if (same_node(path, node->level))
            node_copy_slot(node, pt_slot(path->execute, node->level), true);
    }
    struct page *other = pt_share(own);
    if (!other && own != node) {
        merge(own, node);
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
    /* A page of code is left to the fault, which makes harts fetch it anew. */
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

/* ---- Merging ------------------------------------------------------------- */

bool pt_merge(struct hal_space *space, struct page *root, uint64_t va)
{
    struct page *empty[PT_LEVELS], *node = root;
    unsigned count = 0, lazy = 0;
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        pte_t *slot = &pt_slots(node)[pt_slot(va, level)];
        if (pte_kind(*slot) != PTE_OWNED) {
            lazy++; /* What is below is not known: look again later. */
            break;
        }
        node = pte_page(*slot);
        struct page *source = node_source(node);
        lazy += source != NULL;
        if (!source || page_count(source) != 1)
            continue;
        merge(node, source);
        pte_store(slot, pte_owned(page_physical(source)));
        empty[count++] = node;
        node = source;
        stat_count(STAT_NODES_MERGED);
    }
    lazy -= count;
    if (count)
        shoot_down(space, HAL_FLUSH_ALL);
    while (count)
        pt_put(empty[--count]);
    return !lazy;
}
