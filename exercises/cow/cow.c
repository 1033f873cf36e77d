/*
 * Exercise: copy-on-write fork.
 *
 * As it stands, fork copies every page of the parent: right, and slow, and
 * for a process that fills half of memory impossible. Make fork share the
 * pages instead, and copy a page when one side writes to it.
 *
 *   fork          parent's leaf --W--> page          both without W,
 *                 child's leaf ------> the same      count 2
 *   first write   a copy for the writer, with W; the other keeps the page
 *   last owner    count 1: nothing to copy, take W back
 *
 * The three functions below are all that is missing. The kernel calls them at
 * the right moments (cow.h says when, and under which locks);
 * as they stand they are right for a kernel in which every page belongs to
 * one process, so write all three before you try: one that shares and two
 * that do not know of it make the kernel panic. What you need:
 *
 *   entries   pte_page(e), pte_writable(e), pte_executable(e),
 *             pte_without_write(e), pte_leaf(physical, write, execute);
 *             pte_store(slot, e) writes one
 *   pages     page_alloc(PAGE_ANONYMOUS): count 1, or NULL when memory is full;
 *             page_physical(p), page_data(p), hal_copy_page(to, from)
 *   counts    page_get(p): one more; page_count(p); page_put(p): one fewer, the
 *             last one frees. Each is one atomic instruction (kernel/mm/page.h)
 *   a fault   pt_reuse(machine, va, slot): grant W to the leaf that is there;
 *             pt_replace(machine, va, slot, leaf): put another leaf in its
 *             place, make every hart forget the old one, and only then call
 *             cow_leaf_gone for the old page
 *
 * What you do not need: a mark in the entry (the region says that the process
 * may write, the entry says not yet: that is the mark), and a special case in
 * the kernel's own reads and writes of user memory (they go through the
 * MMU, fault, and come to cow_write_fault like any store).
 *
 *     make EXERCISE=cow run        try it
 *     make EXERCISE=cow grade      points
 *
 * docs/TEACHING.md has hints, docs/BUGS.md what went wrong for others.
 */
#include "cow.h"
#include "arch/hal.h"
#include "lib/errno.h"
#include "mm/pt.h"
#include "mm/stats.h"

/*
 * fork has come to a page of the parent's own memory. Let `*child` lead to the
 * same page, and let neither side write to it unnoticed.
 *
 * Think of: a page that is shared already, because the parent was forked
 * itself; a page that nobody may write, such as one of code. A fork that fails
 * half way must leave the parent able to write to its memory: does it?
 *
 * Now: copies the page.
 */
int cow_fork_leaf(pte_t *parent, pte_t *child)
{
    struct page *page = pte_page(*parent);
    struct page *copy = page_alloc(PAGE_ANONYMOUS);
    if (!copy)
        return -ENOMEM;
    hal_copy_page(page_data(copy), page_data(page));
    stat_count(STAT_PAGES_COPIED);
    pte_store(child, pte_leaf(page_physical(copy), pte_writable(*parent),
                              pte_executable(*parent)));
    return 0;
}

/*
 * A program (or the kernel, in a read() on its behalf) writes to a page whose
 * leaf does not allow it, though the region does. Give it a page that it may
 * write: this one, if nobody else has it, or else a copy.
 *
 * Think of: memory that is full; the same page, at this moment, in the same
 * function on another hart, for the other owner; code that is copied must be
 * fetched anew: call hal_space_sync_code(machine) before you show the leaf of
 * an executable copy. Count copies with stat_count(STAT_PAGES_COPIED).
 *
 * Now: no page has two owners, so this one may be written.
 */
enum fault cow_write_fault(struct hal_space *machine, uint64_t va, pte_t *slot)
{
    pt_reuse(machine, va, slot);
    return FAULT_REUSE;
}

/*
 * A leaf that led to `page` is gone. Free the page if that was the last one.
 *
 * Think of: two processes that exit on two harts at the same moment. Who sees
 * which count, if looking and changing are two steps?
 *
 * Now: every page has one leaf, so the last one is gone.
 */
void cow_leaf_gone(struct page *page)
{
    atomic_store(&page->count, 0);
    page_free(page);
}
