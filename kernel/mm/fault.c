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
 * A read first walks with pt_link, which makes the whole path visible without
 * copying or allocating. A write unshares the path (pt_unshare) and then has
 * the only slot for the page; the page's count says what to do. Only counts say
 * what is shared: no dirty bit, no accessed bit, no history.
 *
 * A fault has up to three phases. It looks, with the space locked; this
 * resolves most faults. If a page of a file has to be read, or memory to be
 * found, the space is unlocked, and the fault waits. Then it looks again, from
 * the beginning: it keeps nothing from the first look that may be wrong by now.
 *
 * If a write fault is resolved, the entry is writable, and the instruction that
 * faulted runs again. So nothing is stored through a mapping made for a read.
 */
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/oom.h"
#include "mm/pt.h"
#include "mm/space.h"
#include "mm/stats.h"
#include "sched/thread.h"

/* After so many bytes, which take a few milliseconds to bring in, the space is
 * unlocked for others. */
#define PIECE (2ul << 20)

/* An object's page has to be waited for. */
#define FAULT_MISSING FAULTS

/* One fault on its way through the functions below. */
struct context {
    struct space *space;
    const struct region *region; /* only while the space is locked */
    uint64_t va;                 /* of the page */
    enum access access;
    struct object *missing; /* whose page is waited for, with a reference */
    uint64_t index;         /* of that page, in pages */
    unsigned tries;         /* of oom_retry */
};

static pte_t leaf_for(const struct context *c, struct page *page, bool write)
{
    return pte_leaf(page_physical(page), write, c->region->prot & PROT_EXECUTE);
}

/* Harts must not run what they fetched from a page before it was written. */
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

/* What the result of an object's `page` means for a fault. */
static enum fault fault_of(int error)
{
    return !error             ? FAULT_FILE
           : error == -EAGAIN ? FAULT_MISSING
           : error == -ENOMEM ? FAULT_NOMEM
                              : FAULT_BUS;
}

/* The object's page at the fault, with a reference; or note it as missing. */
static enum fault object_page(struct context *c, struct page **out)
{
    struct object *object = c->region->object;
    uint64_t offset = c->va - c->region->start + c->region->offset;
    c->index = offset >> HAL_PAGE_SHIFT;
    enum fault fault = fault_of(object->ops->page(object, c->index, out));
    if (fault == FAULT_MISSING) {
        object->ops->get(object);
        c->missing = object;
    }
    return fault;
}

static enum fault fill_file(struct context *c, pte_t *slot)
{
    struct page *page;
    enum fault fault = object_page(c, &page);
    if (fault != FAULT_FILE)
        return fault;
    if (c->access == ACCESS_WRITE) {
        struct page *copy = page_alloc_copy(PAGE_ANONYMOUS, page);
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
        hal_flush_local(&c->space->machine, c->va);
    return fault;
}

/* A write to a leaf without W, in an unshared slot. */
static inline enum fault break_sharing(struct context *c, pte_t *slot)
{
    struct page *page = pte_page(*slot), *own;
    enum fault fault = FAULT_COPY;
    if (!pte_counted(*slot)) {
        own = page_alloc_zeroed(PAGE_ANONYMOUS);
        fault = FAULT_ZERO;
    } else if (page_count(page) > 1) {
        own = page_alloc_copy(PAGE_ANONYMOUS, page);
    } else {
        ASSERT(page->kind == PAGE_ANONYMOUS);
        pt_reuse(&c->space->machine, c->va, slot);
        return FAULT_REUSE;
    }
    if (!own)
        return FAULT_NOMEM;
    sync_code(c);
    pt_replace(&c->space->machine, c->va, slot, leaf_for(c, own, true));
    return fault;
}

/* The entries allow the access, so this hart has cached old ones: another hart,
 * or another sharer of the node, may have changed them since. */
static enum fault spurious(const struct context *c)
{
    hal_flush_local(&c->space->machine, HAL_FLUSH_ALL);
    return FAULT_SPURIOUS;
}

static inline enum fault resolve_write(struct context *c)
{
    pte_t *slot = pt_unshare(&c->space->machine, c->space->root, c->va);
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
        return fill(c, pt_unshare(&c->space->machine, c->space->root, c->va));
    return spurious(c);
}

static inline enum fault look(struct context *c)
{
    enum fault fault = FAULT_SEGV;
    mutex_lock(&c->space->lock);
    /* Lazy copies are merged by the first fault near them: a fault elsewhere
     * does not pay for it. */
    if ((c->va ^ c->space->fork_write) < pt_span(1))
        space_merge(c->space);
    c->region = region_find(c->space->regions, c->va);
    if (c->region && c->region->prot & 1 << c->access)
        fault = c->access == ACCESS_WRITE ? resolve_write(c) : resolve_read(c);
    space_unlock(c->space);
    return fault;
}

/* Get what `fault` has found missing: the object's page, or about `wanted`
 * pages of memory. True: look again. No lock is held. */
static __attribute__((noinline)) bool supply(struct context *c,
                                             enum fault *fault, uint64_t wanted)
{
    if (*fault == FAULT_MISSING) {
        struct object *object = c->missing;
        *fault = fault_of(object->ops->fetch(object, c->index));
        object->ops->put(object);
        if (*fault == FAULT_FILE && !thread_killed(thread_current()))
            return true;
        if (*fault == FAULT_FILE)
            *fault = FAULT_NOMEM; /* killed: the page is not waited for */
    }
    return *fault == FAULT_NOMEM && oom_retry(&c->tries, wanted);
}

static inline struct context begin(struct space *space, uint64_t va)
{
    return (struct context){.space = space, .va = va & ~(HAL_PAGE_SIZE - 1)};
}

enum fault space_fault(struct space *space, uint64_t va, enum access access)
{
    struct context c = begin(space, va);
    enum fault fault;
    c.access = access;
    do
        fault = look(&c);
    while (__builtin_expect(!fault_resolved(fault), 0) &&
           supply(&c, &fault, 1));
    stat_count(STAT_FAULT_SPURIOUS + fault);
    return fault;
}

/* Locked. Bring in the pages of [c->va, end). Afterwards c->va is the first
 * page that is still missing. */
static enum fault populate(struct context *c, uint64_t end)
{
    struct space *space = c->space;
    c->region = NULL;
    for (; c->va < end; c->va += HAL_PAGE_SIZE) {
        if (!c->region || c->va >= c->region->end)
            c->region = region_find(space->regions, c->va);
        if (!c->region)
            return FAULT_SEGV;
        bool write = c->region->prot & PROT_WRITE && !c->region->object;
        c->access = write ? ACCESS_WRITE : ACCESS_READ;
        pte_t *slot = pt_unshare(&space->machine, space->root, c->va);
        if (slot && !pte_is_none(*slot))
            continue;
        enum fault fault = fill(c, slot);
        if (!fault_resolved(fault))
            return fault;
    }
    return FAULT_SPURIOUS;
}

/* Bring in the next piece of [c->va, end). Between two pieces the space is
 * unlocked, and a kill has effect. */
static enum fault populate_piece(struct context *c, uint64_t end)
{
    uint64_t reached = c->va;
    if (thread_killed(thread_current()))
        return FAULT_NOMEM;
    space_lock(c->space);
    enum fault fault = populate(c, MIN(end, reached + PIECE));
    space_unlock(c->space);
    if (c->va > reached)
        c->tries = 0;
    return fault;
}

int space_populate(struct space *space, uint64_t start, uint64_t end)
{
    struct context c = begin(space, start);
    enum fault fault;
    do
        fault = populate_piece(&c, end);
    while (fault_resolved(fault)
               ? c.va < end
               : supply(&c, &fault, (end - c.va) >> HAL_PAGE_SHIFT));
    return fault_resolved(fault)  ? 0
           : fault == FAULT_NOMEM ? -ENOMEM
           : fault == FAULT_BUS   ? -EIO
                                  : -EFAULT;
}
