/*
 * The one place where a fault is understood and resolved.
 *
 *   region   entry        read                write
 *   ------   ----------   -----------------   -------------------------------
 *   none     any          SEGV                SEGV
 *   forbids  any          SEGV                SEGV
 *   allows   none         ZERO / FILE         ZERO / FILE, copied at once
 *   allows   leaf, W      SPURIOUS            SPURIOUS
 *   allows   leaf, no W   SPURIOUS (linked)   REUSE if the page's count is 1,
 *                                             else COPY
 *
 * A read first walks with pt_link, which brings in the whole path without
 * copying or allocating. A write owns the path (pt_own) and then has the only
 * slot there is; the count of the page in it says what to do. Nothing but
 * counts is evidence of ownership: no dirty bit, no accessed bit, no history.
 *
 * A write fault never ends with a read-only entry, and the instruction that
 * faulted simply runs again: nothing is stored through a mapping that was
 * made for a read.
 */
#include "lib/errno.h"
#include "mm/pt.h"
#include "mm/space.h"
#include "mm/stats.h"

/* One fault on its way through the functions below. */
struct context {
    struct space *space;
    const struct region *region;
    uint64_t va; /* of the page */
    enum access access;
};

static bool allowed(const struct region *region, enum access access)
{
    switch (access) {
    case ACCESS_READ:
        return region->prot & PROT_READ;
    case ACCESS_WRITE:
        return region->prot & PROT_WRITE;
    case ACCESS_EXECUTE:
        return region->prot & PROT_EXECUTE;
    }
    return false;
}

static pte_t leaf_for(const struct context *c, struct page *page, bool write)
{
    return pte_leaf(page_physical(page), write, c->region->prot & PROT_EXECUTE);
}

/* Code must not be fetched from before the kernel wrote the page. */
static void sync_code(const struct context *c)
{
    if (c->region->prot & PROT_EXECUTE)
        hal_space_sync_code(&c->space->machine);
}

static enum fault fill_zero(struct context *c, pte_t *slot)
{
    if (c->access != ACCESS_WRITE) {
        pt_fill(slot, pte_leaf_uncounted(page_physical(pt_zero_page),
                                         c->region->prot & PROT_EXECUTE));
        return FAULT_ZERO;
    }
    struct page *page = page_alloc_zeroed(PAGE_ANONYMOUS);
    if (!page)
        return FAULT_NOMEM;
    sync_code(c);
    pt_fill(slot, leaf_for(c, page, true));
    return FAULT_ZERO;
}

static inline struct page *copy_of(const struct page *page)
{
    struct page *copy = page_alloc(PAGE_ANONYMOUS);
    if (copy) {
        hal_copy_page(page_data(copy), page_data(page));
        stat_count(STAT_PAGES_COPIED);
    }
    return copy;
}

static enum fault fill_file(struct context *c, pte_t *slot)
{
    struct object *object = c->region->object;
    uint64_t offset = c->va - c->region->start + c->region->offset;
    struct page *page;
    int error = object->ops->page(object, offset >> HAL_PAGE_SHIFT, &page);
    if (error)
        return error == -ENOMEM ? FAULT_NOMEM : FAULT_BUS;
    if (c->access == ACCESS_WRITE) {
        struct page *copy = copy_of(page);
        page_put(page);
        if (!copy)
            return FAULT_NOMEM;
        page = copy;
    }
    sync_code(c);
    pt_fill(slot, leaf_for(c, page, c->access == ACCESS_WRITE));
    return FAULT_FILE;
}

static enum fault fill(struct context *c, pte_t *slot)
{
    if (!slot)
        return FAULT_NOMEM;
    enum fault fault =
        c->region->object ? fill_file(c, slot) : fill_zero(c, slot);
    if (fault_resolved(fault))
        hal_space_refresh(&c->space->machine, c->va);
    return fault;
}

/* A write to a leaf that is there without W, in a slot of ours. */
static inline enum fault break_sharing(struct context *c, pte_t *slot)
{
    struct hal_space *machine = &c->space->machine;
    pte_t leaf = *slot;
    if (!pte_counted(leaf)) {
        struct page *page = page_alloc_zeroed(PAGE_ANONYMOUS);
        if (!page)
            return FAULT_NOMEM;
        sync_code(c);
        pt_replace(machine, c->va, slot, leaf_for(c, page, true));
        return FAULT_ZERO;
    }
    struct page *page = pte_page(leaf);
    if (page_count(page) == 1) {
        ASSERT(page->kind == PAGE_ANONYMOUS);
        pt_reuse(machine, c->va, slot);
        return FAULT_REUSE;
    }
    struct page *copy = copy_of(page);
    if (!copy)
        return FAULT_NOMEM;
    sync_code(c);
    pt_replace(machine, c->va, slot, leaf_for(c, copy, true));
    return FAULT_COPY;
}

/* The entries are right, so this hart has old ones: perhaps of an edge that
 * another hart, or another sharer of the node, has made visible. */
static enum fault spurious(const struct context *c)
{
    hal_space_refresh(&c->space->machine, HAL_FLUSH_ALL);
    return FAULT_SPURIOUS;
}

static inline enum fault resolve_write(struct context *c)
{
    pte_t *slot = pt_own(&c->space->machine, c->space->root, c->va);
    if (!slot || pte_is_none(*slot))
        return fill(c, slot);
    if (!pte_writable(*slot))
        return break_sharing(c, slot);
    return spurious(c);
}

static enum fault resolve_read(struct context *c)
{
    pte_t leaf = pt_link(&c->space->machine, c->space->root, c->va);
    if (pte_is_none(leaf))
        return fill(c, pt_own(&c->space->machine, c->space->root, c->va));
    return spurious(c);
}

/* Lent nodes are taken back by the first fault that comes by where they are:
 * elsewhere they cost it nothing. */
static void lock_for_fault(struct space *space, uint64_t va)
{
    mutex_lock(&space->lock);
    if ((va ^ space->fork_write) < pt_span(1))
        space_settle(space);
}

enum fault space_fault(struct space *space, uint64_t va, enum access access)
{
    struct context c = {.space = space, .access = access};
    enum fault fault = FAULT_SEGV;
    c.va = va & ~(HAL_PAGE_SIZE - 1);
    lock_for_fault(space, va);
    c.region = region_find(space->regions, va);
    if (c.region && allowed(c.region, access))
        fault = access == ACCESS_WRITE ? resolve_write(&c) : resolve_read(&c);
    space_unlock(space);
    stat_count(STAT_FAULT_SPURIOUS + fault);
    return fault;
}

/* Locked. Fill [start, *end) of one region; where that ended, at an error, is
 * the new *end: the path to everything below is the space's own. */
static int populate(struct space *space, uint64_t start, uint64_t *end)
{
    struct context c = {.space = space, .va = start};
    int error = 0;
    c.region = region_find(space->regions, start);
    c.access = c.region->object ? ACCESS_READ : ACCESS_WRITE;
    for (; c.va < *end && !error; c.va += HAL_PAGE_SIZE) {
        pte_t *slot = pt_own(&space->machine, space->root, c.va);
        enum fault fault = FAULT_SPURIOUS;
        if (!slot || pte_is_none(*slot))
            fault = fill(&c, slot);
        if (fault_resolved(fault))
            continue;
        error = fault == FAULT_NOMEM ? -ENOMEM : -EIO;
        *end = slot ? c.va + HAL_PAGE_SIZE : c.va;
    }
    return error;
}

int space_populate(struct space *space, uint64_t start, uint64_t end)
{
    space_lock(space);
    int error = populate(space, start, &end);
    space_unlock(space);
    return error;
}

int space_map_now(struct space *space, const struct region *region)
{
    uint64_t reached = region->end;
    int error = space_map(space, region);
    if (error)
        return error;
    space_lock(space);
    error = populate(space, region->start, &reached);
    /* Nothing here needs memory, of which there is none: so not space_unmap,
     * which would want all of the range's nodes. */
    if (error && reached > region->start)
        pt_clear(&space->machine, space->root, region->start, reached);
    if (error)
        region_remove(space->regions, region->start, region->end);
    space_unlock(space);
    return error;
}
