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
 * A fault has up to three phases. It looks, with the space locked, and most are
 * resolved by that. If a page of a file has to be read, or memory to be found,
 * it lets go of the space and sees to that with nothing locked. Then it looks
 * again, at everything, as if it came only now: it keeps nothing from before
 * that could have become wrong meanwhile.
 *
 * A write fault never ends with a read-only entry, and the instruction that
 * faulted simply runs again: nothing is stored through a mapping that was
 * made for a read.
 */
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/oom.h"
#include "mm/pt.h"
#include "mm/space.h"
#include "mm/stats.h"
#include "sched/thread.h"

/* So much of a range is brought in before others may have the space: a few
 * milliseconds' worth. */
#define PIECE (2ul << 20)

/* A look has found that an object's page has to be waited for. */
#define FAULT_MISSING FAULTS

/* One fault on its way through the functions below. */
struct context {
    struct space *space;
    const struct region *region; /* only while the space is locked */
    uint64_t va;                 /* of the page */
    enum access access;
    struct object *missing; /* whose page is to be got, with a reference */
    uint64_t index;         /* of that page, in pages */
    unsigned tries;         /* of oom_retry */
    bool owned;             /* of populate: the path to va is the space's own */
};

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

/* What the result of an object's `page` means for a fault. */
static enum fault fault_of(int error)
{
    return !error             ? FAULT_FILE
           : error == -EAGAIN ? FAULT_MISSING
           : error == -ENOMEM ? FAULT_NOMEM
                              : FAULT_BUS;
}

/* The object's page at the fault, with a reference; or note that it is missing.
 */
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
        hal_space_refresh(&c->space->machine, c->va);
    return fault;
}

/* A write to a leaf that is there without W, in a slot of ours. */
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

static inline enum fault look(struct context *c)
{
    enum fault fault = FAULT_SEGV;
    lock_for_fault(c->space, c->va);
    c->region = region_find(c->space->regions, c->va);
    if (c->region && c->region->prot & 1 << c->access)
        fault = c->access == ACCESS_WRITE ? resolve_write(c) : resolve_read(c);
    space_unlock(c->space);
    return fault;
}

/* Whether to look again after `fault`; and get what it lacks, which is `wanted`
 * pages if it is memory. No lock. */
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
            *fault = FAULT_NOMEM; /* the killed do not wait for their page */
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

/* Find the region that c->va is in, and how to fill it; false: there is none.
 * Locked. */
static bool find_region(struct context *c)
{
    c->region = region_find(c->space->regions, c->va);
    if (!c->region)
        return false;
    bool write = c->region->prot & PROT_WRITE && !c->region->object;
    c->access = write ? ACCESS_WRITE : ACCESS_READ;
    return true;
}

/* Locked. Bring in the pages of [c->va, end); c->va is the first that is not
 * there, and c->owned whether the path to it is there. */
static enum fault populate(struct context *c, uint64_t end)
{
    struct space *space = c->space;
    c->region = NULL;
    for (; c->va < end; c->va += HAL_PAGE_SIZE) {
        if ((!c->region || c->va >= c->region->end) && !find_region(c))
            return FAULT_SEGV;
        pte_t *slot = pt_own(&space->machine, space->root, c->va);
        c->owned = slot;
        if (slot && !pte_is_none(*slot))
            continue;
        enum fault fault = fill(c, slot);
        if (!fault_resolved(fault))
            return fault;
    }
    return FAULT_SPURIOUS;
}

/* The next piece of [c->va, end). Between two of them others may have the
 * space, and a kill ends the whole. */
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

static int error_of(enum fault fault)
{
    return fault_resolved(fault)  ? 0
           : fault == FAULT_NOMEM ? -ENOMEM
           : fault == FAULT_BUS   ? -EIO
                                  : -EFAULT;
}

static uint64_t pages_to(const struct context *c, uint64_t end)
{
    return (end - c->va) >> HAL_PAGE_SHIFT;
}

int space_populate(struct space *space, uint64_t start, uint64_t end)
{
    struct context c = begin(space, start);
    enum fault fault;
    do
        fault = populate_piece(&c, end);
    while (fault_resolved(fault) ? c.va < end
                                 : supply(&c, &fault, pages_to(&c, end)));
    return error_of(fault);
}

/* The next piece of a region, from c->va on: as much of it is there afterwards
 * as there is memory for. */
static int map_piece(struct context *c, const struct region *region)
{
    struct space *space = c->space;
    struct region piece = *region;
    c->owned = false;
    if (thread_killed(thread_current()))
        return -ENOMEM;
    piece.start = c->va;
    piece.end = MIN(region->end, c->va + PIECE);
    space_lock(space);
    int error = space_add_region(space, &piece);
    if (!error) {
        error = error_of(populate(c, piece.end));
        region_remove(space->regions, c->va, piece.end);
    }
    space_unlock(space);
    if (c->va > piece.start)
        c->tries = 0;
    return error;
}

/* Nothing here needs memory, of which there is none: every node on the way to
 * what was brought in is the space's own, as only a fork shares nodes. */
static void take_back(struct context *c, uint64_t start)
{
    space_lock(c->space);
    space_drop(c->space, start, c->owned ? c->va + HAL_PAGE_SIZE : c->va);
    space_unlock(c->space);
}

int space_map_now(struct space *space, const struct region *region)
{
    struct context c = {.space = space, .va = region->start};
    int error;
    if (region->object)
        return -EINVAL;
    do {
        error = map_piece(&c, region);
        if (error == -ENOMEM && oom_retry(&c.tries, pages_to(&c, region->end)))
            error = 0;
    } while (!error && c.va < region->end);
    if (error)
        take_back(&c, region->start);
    return error;
}
