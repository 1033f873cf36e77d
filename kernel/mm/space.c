/*
 * Spaces: making, forking, destroying them, and changing their regions.
 * fault.c fills them; pt.c has the tree.
 *
 * A change that can fail first allocates and checks, and programs see nothing
 * of that; then it commits, which cannot fail.
 */
#include "mm/space.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/eager.h"
#include "mm/pt.h"
#include "mm/slab.h"
#include "sched/thread.h"

/* After so many bytes, which take a few milliseconds to drop, the space is
 * unlocked for others. */
#define PIECE (32ul << 20)

static struct spinlock list_lock = SPINLOCK(LOCK_SPACE_LIST);
static struct list spaces = {&spaces, &spaces}; /* list_lock */

/* A new space in the list, without root or regions; being made: count 0. */
static struct space *create_bare(void)
{
    struct space *space = slab_alloc_zeroed(sizeof *space);
    if (!space)
        return NULL;
    mutex_init(&space->lock, LOCK_SPACE);
    spin_lock(&list_lock);
    list_push_back(&spaces, &space->link);
    spin_unlock(&list_lock);
    return space;
}

static void set_root(struct space *space, struct page *root)
{
    space->root = root;
    space->machine.root = page_physical(root);
}

void space_merge(struct space *space)
{
    if (space->fork_write &&
        pt_merge(&space->machine, space->root, space->fork_write))
        space->fork_write = 0;
}

void space_lock(struct space *space)
{
    mutex_lock(&space->lock);
    space_merge(space);
}

void space_unlock(struct space *space)
{
    mutex_unlock(&space->lock);
}

/* There is no other reference, so no lock is needed, however long it takes. The
 * audit finds the space in the list until its memory is put. */
void space_destroy(struct space *space)
{
    struct page *root = space->root;
    atomic_store(&space->count, 0);
    space->root = NULL;
    if (root)
        pt_put(root);
    if (space->regions)
        region_list_put(space->regions);
    spin_lock(&list_lock);
    list_remove(&space->link);
    spin_unlock(&list_lock);
    slab_free(space);
}

void space_put(struct space *space)
{
    if (space && atomic_fetch_sub(&space->count, 1) == 1)
        space_destroy(space);
}

struct space *space_create(void)
{
    struct space *space = create_bare();
    if (!space)
        return NULL;
    struct page *root = pt_create_root();
    if (root)
        set_root(space, root);
    space->regions = region_list_create(6);
    if (!root || !space->regions) {
        space_destroy(space);
        return NULL;
    }
    atomic_store(&space->count, 1);
    return space;
}

/* Share the parent's memory with a child that is not published yet. */
static bool share_memory(struct space *parent, struct space *child,
                         uint64_t write, uint64_t execute)
{
    struct page *root = pt_share(parent->root);
    if (!root)
        return false;
    set_root(child, root);
    child->regions = region_list_get(parent->regions);
    /* The parent's edges are LAZY now. Harts must forget its writable
     * translations before the child uses the memory. */
    hal_shootdown(&parent->machine, HAL_FLUSH_ALL);
    atomic_store(&child->machine.stale_harts,
                 atomic_load(&parent->machine.stale_harts));
    if (eager_policy() != FORK_SHARE)
        return !eager_copy(parent, child);
    pt_fork_path(parent->root, root, write, execute);
    hal_flush_local(&parent->machine, HAL_FLUSH_ALL);
    parent->fork_write = child->fork_write = write | 1; /* never 0 */
    return true;
}

struct space *space_fork(struct space *parent, uint64_t write, uint64_t execute)
{
    struct space *child = create_bare();
    if (!child)
        return NULL;
    write &= HAL_USER_TOP - HAL_PAGE_SIZE;
    execute &= HAL_USER_TOP - HAL_PAGE_SIZE;
    mutex_lock(&parent->lock);
    bool shared = share_memory(parent, child, write, execute);
    if (shared)
        atomic_store(&child->count, 1);
    mutex_unlock(&parent->lock);
    if (!shared) {
        space_destroy(child);
        return NULL;
    }
    return child;
}

void space_enter(struct space *space)
{
    irq_hold();
    thread_current()->space = space ? &space->machine : NULL;
    hal_space_activate(thread_current()->space);
    irq_release();
}

struct space *space_current(void)
{
    struct hal_space *machine = thread_current()->space;
    return machine ? container_of(machine, struct space, machine) : NULL;
}

static bool range_valid(uint64_t start, uint64_t end)
{
    return start < end && end <= HAL_USER_TOP &&
           is_aligned(start | end, HAL_PAGE_SIZE);
}

static int add_region(struct space *space, const struct region *region)
{
    if (!range_valid(region->start, region->end) ||
        !(region->prot & PROT_READ) ||
        !is_aligned(region->offset, HAL_PAGE_SIZE))
        return -EINVAL;
    if (region_overlaps(space->regions, region->start, region->end))
        return -EEXIST;
    /* Room for two: if the region is removed again, it may be split first. */
    int error = region_list_unshare(&space->regions, 2);
    if (!error)
        region_insert(space->regions, region);
    return error;
}

int space_map(struct space *space, const struct region *region)
{
    space_lock(space);
    int error = add_region(space, region);
    space_unlock(space);
    return error;
}

/* The end of the piece that begins at `start`. If it lies inside a node,
 * pt_unshare_edges has unshared that node: it never lies inside a child of the
 * root that [start, end) covers whole. */
static uint64_t piece_end(uint64_t start, uint64_t end)
{
    uint64_t whole = pt_span(PT_ROOT_LEVEL);
    if (end - start <= PIECE)
        return end;
    if (is_aligned(start, whole) && end - start >= whole)
        return start + whole;
    return MIN(end, align_up(start + 1, PIECE));
}

/* Drop [start, end); this cannot fail. The space is locked, and unlocked
 * between pieces. */
static void drop(struct space *space, uint64_t start, uint64_t end)
{
    while (start < end) {
        uint64_t next = piece_end(start, end);
        pt_clear(&space->machine, space->root, start, next);
        region_remove(space->regions, start, next);
        start = next;
        if (start < end) {
            space_unlock(space);
            space_lock(space);
        }
    }
}

int space_map_now(struct space *space, const struct region *region)
{
    int error = region->object ? -EINVAL : space_map(space, region);
    if (error)
        return error;
    error = space_populate(space, region->start, region->end);
    if (error) {
        /* Nodes need not be unshared: one that is shared has nothing here. */
        space_lock(space);
        drop(space, region->start, region->end);
        space_unlock(space);
    }
    return error;
}

int space_unmap(struct space *space, uint64_t start, uint64_t end)
{
    if (!range_valid(start, end))
        return -EINVAL;
    space_lock(space);
    int error = region_list_unshare(&space->regions, 1);
    if (!error)
        error = pt_unshare_edges(&space->machine, space->root, start, end);
    if (!error)
        drop(space, start, end);
    space_unlock(space);
    return error;
}

/* Whether regions cover [start, end) without a hole. */
static bool covered(struct region_list *regions, uint64_t start, uint64_t end)
{
    while (start < end) {
        const struct region *region = region_find(regions, start);
        if (!region)
            return false;
        start = region->end;
    }
    return true;
}

int space_protect(struct space *space, uint64_t start, uint64_t end,
                  uint8_t prot)
{
    if (!range_valid(start, end) || !(prot & PROT_READ))
        return -EINVAL;
    space_lock(space);
    int error = covered(space->regions, start, end) ? 0 : -EINVAL;
    if (!error)
        error = region_list_unshare(&space->regions, 2);
    /* Harts may run as code, from now on, what was stored there as data. */
    if (!error && (prot & PROT_EXECUTE))
        hal_space_sync_code(&space->machine);
    if (!error)
        error = pt_protect(&space->machine, space->root, start, end,
                           prot & PROT_EXECUTE);
    if (!error)
        region_protect(space->regions, start, end, prot);
    space_unlock(space);
    return error;
}

bool space_is_changing(const struct space *space)
{
    return !atomic_load(&space->count) || atomic_load(&space->lock.holder);
}

struct list *space_all(void)
{
    return &spaces;
}
