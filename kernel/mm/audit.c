/*
 * The audit: recount everything and compare.
 *
 * It takes no lock, but freezes the other harts, so that nothing changes. Then
 * it walks each tree, counts in every page's descriptor the edges that lead to
 * the page, and checks on the way what must hold of edges and leaves. A node
 * that is reached a second time is counted and not entered again. At the end
 * each count must be the number of edges, plus one for a page of the page
 * cache.
 *
 * A thread that was stopped while it changed a space may hold references that
 * no edge shows: it takes them before it stores an edge, and puts them after it
 * has cleared one. So the audit tries several times to find no such thread. If
 * there is one each time, edges in its space are counted and not checked, and a
 * count may be higher than what was found, but never lower.
 */
#include "mm/audit.h"
#include "lib/errno.h"
#include "lib/text.h"
#include "mm/pt_node.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "sched/thread.h"

struct audit {
    struct text *out;
    unsigned differences;
    bool changing;                     /* some space is being changed */
    const struct region_list *regions; /* of the space being walked; NULL: the
                                          space is being changed */
    const struct region *region;       /* the one found last, or NULL */
};

/* PAUSE: nanoseconds of sleep after the first of TRIES; this doubles with each
 * try. REST: before the next audit, the harts run for REST times as long as
 * they stood. */
#define PAUSE 500000
#define TRIES 8
#define REST  2

#define MOST_TOLD 50

static struct mutex auditing; /* LOCK_AUDIT */
static uint64_t rest_until;   /* auditing */

void audit_init(void)
{
    mutex_init(&auditing, LOCK_AUDIT);
}

static bool tell(struct audit *a)
{
    return ++a->differences <= MOST_TOLD;
}

static void differ(struct audit *a, const struct page *page, const char *what)
{
    if (tell(a))
        text_printf(a->out, "page %lx (last owner %u): %s\n",
                    page_physical(page) >> HAL_PAGE_SHIFT, page->owner, what);
}

static void check_leaf(struct audit *a, const struct page *node, uint64_t va,
                       pte_t leaf, bool exclusive)
{
    if (!pte_counted(leaf)) {
        if (pte_kind(leaf) == PTE_LEAF &&
            (pte_page(leaf) != pt_zero_page || pte_writable(leaf)))
            differ(a, node, "uncounted leaf is not the read-only zero page");
        return;
    }
    struct page *page = pte_page(leaf);
    page->audited++;
    if (page->kind != PAGE_ANONYMOUS && page->kind != PAGE_CACHE)
        differ(a, page, "mapped by a process, but not memory of one");
    if (!a->regions)
        return;
    const struct region *region = a->region;
    /* Most leaves lie in the region of the leaf before. */
    if (!region || va - region->start >= region->end - region->start)
        a->region = region = region_find(a->regions, va);
    if (!region)
        differ(a, page, "mapped where no region is");
    if (!pte_writable(leaf))
        return;
    if (node->sealed)
        differ(a, node, "sealed node has a writable leaf");
    if (exclusive && page_count(page) != 1)
        differ(a, page, "writable by one, but counted by several");
    if (exclusive && region && !(region->prot & PROT_WRITE))
        differ(a, page, "writable where its region is not");
}

/* A shared node may have OWNED edges as long as it is not sealed: then only
 * LAZY edges lead to it, and hardware does not see it. */
static void check_edge(struct audit *a, const struct page *node, pte_t edge)
{
    const struct page *child = pte_page(edge);
    enum pte_kind kind = pte_kind(edge);
    if (!a->regions)
        return;
    if (kind == PTE_OWNED && (page_count(child) != 1 || child->sealed))
        differ(a, child, "owned, but shared or sealed");
    if (kind == PTE_OWNED && node->sealed)
        differ(a, node, "sealed node owns a child");
    if (kind == PTE_LINKED && !child->sealed)
        differ(a, child, "linked, but not sealed");
}

static void visit(struct audit *a, struct page *node, uint64_t base,
                  bool exclusive);

/* Visit `node`, which should be of `level`, and, if `source` is set, fit to be
 * a source. If it is not, report it, and count it without entering it. */
static void visit_node(struct audit *a, struct page *node, unsigned level,
                       bool source, uint64_t base, bool exclusive)
{
    if (node->kind == PAGE_TABLE && node->level == level &&
        !(source && node->table.source)) {
        visit(a, node, base, exclusive);
        return;
    }
    differ(a, node,
           source ? "source of a lazy copy, but no node fit for that"
                  : "edge to what is no node of the level below");
    node->audited++;
}

/* `exclusive`: every node down to this one has count 1 and hardware sees it. */
static void visit(struct audit *a, struct page *node, uint64_t base,
                  bool exclusive)
{
    if (node->audited++)
        return;
    exclusive = exclusive && page_count(node) == 1;
    /* A lazy copy has a reference to its source, which hardware does not see.
     */
    if (node->table.source)
        visit_node(a, node_source(node), node->level, true, base, false);
    const pte_t *slots = pt_slots(node);
    unsigned end = node->level == PT_ROOT_LEVEL ? PT_USER_ROOT_SLOTS : PT_SLOTS;
    for (unsigned i = 0; i < end; i++) {
        uint64_t va = base + i * pt_span(node->level);
        if (pte_is_none(slots[i]))
            continue;
        if (a->regions && (i < node->table.low || i > node->table.high))
            differ(a, node, "slot in use outside the used range");
        if (!pte_is_edge(slots[i])) {
            check_leaf(a, node, va, slots[i], exclusive);
            continue;
        }
        check_edge(a, node, slots[i]);
        visit_node(a, pte_page(slots[i]), node->level - 1u, false, va,
                   exclusive && pte_kind(slots[i]) == PTE_OWNED);
    }
}

static void check_page(struct audit *a, const struct page *page)
{
    uint32_t count = atomic_load_explicit(&page->count, memory_order_relaxed);
    uint32_t found = page->audited + (page->kind == PAGE_CACHE);
    /* The kernel's own: one holder, or part of a larger block. */
    bool kernels = page->kind == PAGE_SLAB || page->kind == PAGE_STACK ||
                   page->kind == PAGE_KERNEL;
    bool right = kernels ? count <= 1 && !page->audited
                         : count == found || (count > found && a->changing);
    if (!right && tell(a))
        text_printf(a->out,
                    "page %lx (last owner %u), kind %u: count %u, but %u "
                    "edges and holders\n",
                    page_physical(page) >> HAL_PAGE_SHIFT, page->owner,
                    page->kind, count, found);
}

/* Spaces that are not being changed come first, so that the nodes which they
 * share with others are checked. */
static void walk_spaces(struct audit *a, bool changing)
{
    const struct space *space;
    list_for_each(space, space_all(), link) {
        if (space_is_changing(space) != changing)
            continue;
        a->changing = changing;
        a->regions = changing ? NULL : space->regions;
        a->region = NULL;
        if (space->root)
            visit(a, space->root, 0, !changing);
        if (changing)
            text_printf(a->out, "being changed: root %lx\n",
                        space->machine.root >> HAL_PAGE_SHIFT);
    }
}

static void check_all(struct audit *a)
{
    const void *object = slab_find_damage();
    struct page *page, *end = page_at(page_span());
    uint64_t free = 0;
    for (page = page_at(0); page < end; page++)
        page->audited = 0;
    walk_spaces(a, false);
    walk_spaces(a, true);
    for (page = page_at(0); page < end; page++) {
        check_page(a, page);
        free += page_is_free(page);
    }
    if (free != page_unused_count() && tell(a))
        text_printf(a->out, "%lu pages are free, the allocator counts %lu\n",
                    free, page_unused_count());
    if (object && tell(a))
        text_printf(a->out, "object %p was written to from outside\n", object);
}

/* The verdict comes before the findings in the text, but is known after them:
 * so findings are collected behind the room for the verdict. */
static unsigned walk_and_tell(struct text *out)
{
    enum { VERDICT = 40 };
    struct text findings;
    if (out->capacity <= out->length + VERDICT) {
        out->truncated = true;
        return 0;
    }
    text_init(&findings, out->data + out->length + VERDICT,
              out->capacity - out->length - VERDICT);
    struct audit a = {.out = &findings};
    check_all(&a);
    if (!a.differences)
        text_printf(out, "audit: clean\n");
    else
        text_printf(out, "audit: %u differences\n", a.differences);
    text_printf(out, "%.*s", (int)findings.length, findings.data);
    out->truncated |= findings.truncated;
    return a.differences;
}

static bool any_is_changing(void)
{
    const struct space *space;
    list_for_each(space, space_all(), link)
        if (space_is_changing(space))
            return true;
    return false;
}

/* Stop the other harts, if possible at a moment when no space is being changed.
 * Returns the time of that moment; or 0 after a kill: then the harts run. */
static uint64_t stop_harts(void)
{
    for (unsigned try = 0;; try++) {
        irq_hold();
        uint64_t now = hal_time();
        hal_harts_freeze(false);
        if (try == TRIES || !any_is_changing())
            return now;
        hal_harts_thaw();
        irq_release();
        if (thread_sleep_until(now + (PAUSE << try)))
            return 0;
    }
}

int audit(struct text *out)
{
    int result = -EINTR;
    if (mutex_lock_interruptible(&auditing))
        return result;
    uint64_t began = thread_sleep_until(rest_until) ? 0 : stop_harts();
    if (began) {
        result = (int)walk_and_tell(out);
        hal_harts_thaw();
        irq_release();
        rest_until = hal_time() + REST * (hal_time() - began);
    }
    mutex_unlock(&auditing);
    return result;
}

void audit_at_panic(struct text *out)
{
    if (page_span())
        walk_and_tell(out);
}
