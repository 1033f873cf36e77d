/*
 * What a space looks like, as text: its regions, its tree, and what lies at
 * an address.
 */
#include "lib/text.h"
#include "mm/pt_node.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/stats.h"

struct stat_block stats[HAL_MAX_HARTS];
const char *const stat_names[STATS] = {STAT_LIST(STAT_NAME)};

static const char *const use_names[] = {
    [REGION_IMAGE] = "image",
    [REGION_STACK] = "stack",
    [REGION_HEAP] = "heap",
    [REGION_MAPPING] = "mapping",
};

static const char *const edge_names[] = {
    [PTE_OWNED] = "owned", [PTE_LAZY] = "lazy", [PTE_LINKED] = "linked"};

static void print_region(struct text *out, const struct region *r)
{
    text_printf(out, "%010lx-%010lx %c%c%c %s", r->start, r->end,
                r->prot & PROT_READ ? 'r' : '-',
                r->prot & PROT_WRITE ? 'w' : '-',
                r->prot & PROT_EXECUTE ? 'x' : '-', use_names[r->use]);
    if (r->object) {
        char name[48];
        r->object->ops->name(r->object, name, sizeof name);
        text_printf(out, " %s+0x%lx", name, r->offset);
    }
}

void space_print_maps(struct space *space, struct text *out)
{
    space_lock(space);
    for (uint32_t i = 0; space->regions && i < space->regions->length; i++) {
        print_region(out, &space->regions->regions[i]);
        text_printf(out, "\n");
    }
    space_unlock(space);
}

void space_describe(struct space *space, uint64_t va, struct text *out)
{
    space_lock(space);
    const struct region_list *list = space->regions;
    const struct region *r = region_find(list, va);
    const struct region *above = region_find(list, va + HAL_PAGE_SIZE);
    if (va >= HAL_USER_TOP)
        text_printf(out, "beyond the top of user memory");
    else if (r) {
        text_printf(out, "region ");
        print_region(out, r);
    } else if (above && above->use == REGION_STACK)
        text_printf(out, "the guard page below the stack");
    else
        text_printf(out, "no region");
    space_unlock(space);
}

struct census {
    unsigned kinds[PTE_LEAF + 1], writable, zero;
};

static struct census take_census(const struct page *node)
{
    struct census c = {0};
    const pte_t *slots = pt_slots(node);
    for (unsigned i = node->table.low; i <= node->table.high; i++) {
        enum pte_kind kind = pte_kind(slots[i]);
        c.kinds[kind]++;
        c.writable += kind == PTE_LEAF && pte_writable(slots[i]);
        c.zero += kind == PTE_LEAF && !pte_counted(slots[i]);
    }
    return c;
}

static void print_node(const struct page *node, const char *edge, unsigned slot,
                       struct text *out)
{
    if (out->truncated)
        return;
    struct census c = take_census(node);
    text_printf(out, "%*s", 2 * (int)(PT_ROOT_LEVEL - node->level), "");
    if (node->level != PT_ROOT_LEVEL)
        text_printf(out, "slot %u %s ", slot, edge);
    text_printf(out, "level %u page %lx count %u%s:", node->level,
                page_physical(node) >> HAL_PAGE_SHIFT, page_count(node),
                node->sealed ? " sealed" : "");
    if (node->table.source)
        text_printf(out, " lazy copy of page %lx count %u:",
                    page_physical(node_source(node)) >> HAL_PAGE_SHIFT,
                    page_count(node_source(node)));
    if (node->level)
        text_printf(out, " %u owned %u lazy %u linked", c.kinds[PTE_OWNED],
                    c.kinds[PTE_LAZY], c.kinds[PTE_LINKED]);
    if (c.kinds[PTE_LEAF] || !node->level)
        text_printf(out, " %u leaves, %u writable, %u zero page",
                    c.kinds[PTE_LEAF], c.writable, c.zero);
    text_printf(out, "\n");
    const pte_t *slots = pt_slots(node);
    for (unsigned i = node->table.low; i <= node->table.high; i++)
        if (pte_is_edge(slots[i]))
            print_node(pte_page(slots[i]), edge_names[pte_kind(slots[i])], i,
                       out);
}

void space_print_tree(struct space *space, struct text *out)
{
    space_lock(space);
    if (space->root)
        print_node(space->root, "", 0, out);
    space_unlock(space);
}

static uint64_t count_leaves(const struct page *node)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < PT_SLOTS; i++) {
        pte_t entry = node_entry(node, i);
        if (pte_is_edge(entry))
            sum += count_leaves(pte_page(entry));
        else if (pte_kind(entry) == PTE_LEAF)
            sum += pt_span(node->level) >> HAL_PAGE_SHIFT;
    }
    return sum;
}

/* The space is unlocked after each gigabyte, so that its process need not wait
 * long. */
uint64_t space_resident(struct space *space)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < PT_USER_ROOT_SLOTS; i++) {
        const pte_t *slot = &pt_slots(space->root)[i];
        if (pte_is_none(pte_load(slot)))
            continue;
        space_lock(space);
        if (pte_is_edge(*slot))
            sum += count_leaves(pte_page(*slot));
        space_unlock(space);
    }
    return sum;
}

int memory_print(struct text *out)
{
    static const char *const kinds[PAGE_KINDS] = {
        [PAGE_ANONYMOUS] = "anonymous", [PAGE_TABLE] = "table",
        [PAGE_CACHE] = "cache",         [PAGE_SLAB] = "slab",
        [PAGE_STACK] = "stack",         [PAGE_KERNEL] = "kernel",
    };
    uint64_t counts[PAGE_KINDS] = {0}, shared = 0;
    struct space *own = space_current();
    /* space_lock merges lazy copies in the reader's space, so that the pages
     * this frees are counted as free. */
    if (own) {
        space_lock(own);
        space_unlock(own);
    }
    /* No lock is held: the counts are approximate, as pages may change. */
    for (uint64_t i = 0; i < page_span(); i++) {
        counts[page_at(i)->kind]++;
        shared += page_count(page_at(i)) > 1;
    }
    text_printf(out, "total: %lu\nfree: %lu\n", page_total_count(),
                page_free_count());
    for (unsigned i = 0; i < PAGE_KINDS; i++)
        if (kinds[i])
            text_printf(out, "%s: %lu\n", kinds[i], counts[i]);
    text_printf(out, "shared: %lu\nobjects: %lu\n", shared,
                slab_count_objects());
    for (unsigned i = 0; i < STATS; i++)
        text_printf(out, "%s: %lu\n", stat_names[i], stat_read(i));
    return 0;
}
