/*
 * fork in the exercise: the tables are copied at once, page by page.
 *
 * In this build this file stands in for kernel/mm/eager.c. It is not the part
 * you write: it walks the parent's page-table tree, gives the child a tree of
 * its own of the same shape, and hands every page of the process's own memory
 * to cow_fork_leaf (cow.c). No node is ever shared here, so of Calf's own way
 * to copy on write nothing is left but the tree's invalid edges, which keep
 * the hardware out of both trees while this file works on them.
 */
#include "cow.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/eager.h"
#include "mm/pt_node.h"
#include "mm/stats.h"

bool eager_set_policy(const char *name)
{
    kprintf("calf: fork=%s: this is the exercise, where fork does what you "
            "write\n",
            name);
    return true;
}

enum fork_policy eager_policy(void)
{
    return FORK_BYTES;
}

/* Leaves that are not the process's own memory: the page of zeros, which is
 * not counted, and pages of files, which are never written. */
static int fork_leaf(pte_t *parent, pte_t *child)
{
    if (pte_counted(*parent) && pte_page(*parent)->kind == PAGE_ANONYMOUS)
        return cow_fork_leaf(parent, child);
    if (pte_counted(*parent))
        page_get(pte_page(*parent));
    pte_store(child, *parent);
    return 0;
}

static int fork_slots(struct page *from, struct page *to);

/* Make the child's counterpart of `from` and let `slot` of a node lead to it;
 * also when it could not be completed, so that it goes away with the child. */
static int fork_node(struct page *from, pte_t *slot)
{
    struct page *copy = node_create(from->level);
    if (!copy)
        return -ENOMEM;
    pte_store(slot, pte_owned(page_physical(copy)));
    return fork_slots(from, copy);
}

static int fork_slots(struct page *from, struct page *to)
{
    int error = 0;
    for (unsigned i = from->table.low; i <= from->table.high && !error; i++) {
        pte_t *old = &pt_slots(from)[i], *new = &pt_slots(to)[i];
        if (pte_is_none(*old))
            continue;
        node_note_used(to, i);
        error =
            from->level ? fork_node(pte_page(*old), new) : fork_leaf(old, new);
    }
    return error;
}

/* Both roots lead to the same nodes, by edges that hardware does not follow.
 * The child gets its own; then the parent is alone with the old ones. */
int eager_copy(struct space *parent, struct space *child)
{
    struct page *from = parent->root, *to = child->root;
    for (unsigned i = from->table.low; i <= from->table.high; i++) {
        pte_t *slot = &pt_slots(to)[i];
        if (pte_is_none(*slot))
            continue;
        struct page *shared = pte_page(*slot);
        int error = fork_node(shared, slot);
        /* Not the last reference: the parent has one. */
        if (pte_page(*slot) != shared)
            pt_put(shared);
        if (!error && !pt_unshare_child(&parent->machine, &pt_slots(from)[i]))
            error = -ENOMEM;
        if (error)
            return error;
    }
    return 0;
}
