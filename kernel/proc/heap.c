/*
 * The program break: the heap grows and shrinks at its end.
 */
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "proc/process.h"

/* A request for less than 1 / SMALL_PART of all memory is small. */
#define SMALL_PART 64

/* Add the new pages [start, end), all of them or none. */
static int add_pages(struct space *space, uint64_t start, uint64_t end,
                     bool lazy)
{
    uint64_t pages = (end - start) >> HAL_PAGE_SHIFT;
    /* Refuse what cannot succeed before it takes all memory. Small requests are
     * just tried, as it takes longer to add up the free pages. */
    if (!lazy && pages > page_total_count() / SMALL_PART &&
        pages > page_unused_count() && pages > page_free_count())
        return -ENOMEM;
    struct region heap = {.start = start,
                          .end = end,
                          .prot = PROT_READ | PROT_WRITE,
                          .use = REGION_HEAP};
    return lazy ? space_map(space, &heap) : space_map_now(space, &heap);
}

static int grow(struct process *self, uint64_t to, bool lazy)
{
    uint64_t from = self->heap_end;
    uint64_t start = align_up(from, HAL_PAGE_SIZE);
    uint64_t end = align_up(to, HAL_PAGE_SIZE);
    /* The rest of the last page may hold what was there before a shrink. It is
     * beyond the break, so clearing it changes nothing if this fails. */
    uint64_t rest = MIN(start, to) - from;
    if (rest && user_clear(from, rest))
        return -ENOMEM;
    return start < end ? add_pages(self->space, start, end, lazy) : 0;
}

static int shrink(struct process *self, uint64_t to)
{
    uint64_t start = align_up(to, HAL_PAGE_SIZE);
    uint64_t end = align_up(self->heap_end, HAL_PAGE_SIZE);
    return start < end ? space_unmap(self->space, start, end) : 0;
}

int process_move_break(int64_t delta, bool lazy, uint64_t *old)
{
    struct process *self = process_current();
    int error = 0;
    mutex_lock(&self->break_lock);
    uint64_t from = self->heap_end, to = from + delta;
    if (delta > 0)
        error = (uint64_t)delta > self->abi->top - from ? -ENOMEM
                                                        : grow(self, to, lazy);
    else if ((uint64_t)-delta > from)
        to = from;
    else
        error = shrink(self, to);
    if (!error)
        self->heap_end = to;
    mutex_unlock(&self->break_lock);
    *old = from;
    return error;
}
