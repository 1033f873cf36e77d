/*
 * The region array. See region.h.
 */
#include "mm/region.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/slab.h"

struct region_list *region_list_create(uint32_t capacity)
{
    struct region_list *list =
        slab_alloc(sizeof *list + capacity * sizeof(struct region));
    if (!list)
        return NULL;
    atomic_init(&list->count, 1);
    list->length = 0;
    list->capacity = capacity;
    return list;
}

struct region_list *region_list_get(struct region_list *list)
{
    atomic_fetch_add_explicit(&list->count, 1, memory_order_relaxed);
    return list;
}

static void object_get(struct object *object)
{
    if (object)
        object->ops->get(object);
}

static void object_put(struct object *object)
{
    if (object)
        object->ops->put(object);
}

void region_list_put(struct region_list *list)
{
    if (atomic_fetch_sub_explicit(&list->count, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < list->length; i++)
        object_put(list->regions[i].object);
    slab_free(list);
}

int region_list_unshare(struct region_list **list, uint32_t extra)
{
    struct region_list *old = *list;
    if (atomic_load(&old->count) == 1 && old->length + extra <= old->capacity)
        return 0;
    struct region_list *copy = region_list_create(old->length + extra + 2);
    if (!copy)
        return -ENOMEM;
    copy->length = old->length;
    memcpy(copy->regions, old->regions, old->length * sizeof(struct region));
    for (uint32_t i = 0; i < copy->length; i++)
        object_get(copy->regions[i].object);
    *list = copy;
    region_list_put(old);
    return 0;
}

/* Index of the first region that ends above `va`. */
static uint32_t first_above(const struct region_list *list, uint64_t va)
{
    uint32_t low = 0, high = list->length;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (list->regions[middle].end <= va)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct region *region_find(const struct region_list *list, uint64_t va)
{
    uint32_t i = first_above(list, va);
    if (i == list->length || list->regions[i].start > va)
        return NULL;
    return &list->regions[i];
}

bool region_overlaps(const struct region_list *list, uint64_t start,
                     uint64_t end)
{
    uint32_t i = first_above(list, start);
    return i < list->length && list->regions[i].start < end;
}

static bool continues(const struct region *a, const struct region *b)
{
    return a->end == b->start && a->prot == b->prot && a->use == b->use &&
           a->object == b->object &&
           (!a->object || a->offset + (a->end - a->start) == b->offset);
}

/* Make room for one region at index `at`. */
static void make_room(struct region_list *list, uint32_t at)
{
    ASSERT(list->length < list->capacity);
    memmove(&list->regions[at + 1], &list->regions[at],
            (list->length - at) * sizeof(struct region));
    list->length++;
}

void region_insert(struct region_list *list, const struct region *region)
{
    uint32_t at = first_above(list, region->start);
    if (at > 0 && continues(&list->regions[at - 1], region)) {
        list->regions[at - 1].end = region->end;
        return;
    }
    make_room(list, at);
    list->regions[at] = *region;
    object_get(region->object);
}

/* If `va` lies inside a region, split the region there. */
static void split_at(struct region_list *list, uint64_t va)
{
    uint32_t at = first_above(list, va);
    if (at == list->length || list->regions[at].start >= va)
        return;
    make_room(list, at);
    struct region *left = &list->regions[at], *right = left + 1;
    *left = *right;
    left->end = va;
    right->start = va;
    right->offset += va - left->start;
    object_get(right->object);
}

void region_remove(struct region_list *list, uint64_t start, uint64_t end)
{
    uint32_t at = first_above(list, start);
    if (at == list->length || list->regions[at].start >= end)
        return;
    struct region *r = &list->regions[at];
    if (r->start < start && r->end > end)
        split_at(list, end);
    r = &list->regions[at];
    if (r->start < start) {
        r->end = start;
        at++;
    }
    uint32_t from = at;
    while (at < list->length && list->regions[at].end <= end)
        object_put(list->regions[at++].object);
    memmove(&list->regions[from], &list->regions[at],
            (list->length - at) * sizeof(struct region));
    list->length -= at - from;
    if (from < list->length && list->regions[from].start < end) {
        r = &list->regions[from];
        r->offset += end - r->start;
        r->start = end;
    }
}

void region_protect(struct region_list *list, uint64_t start, uint64_t end,
                    uint8_t prot)
{
    split_at(list, start);
    split_at(list, end);
    for (uint32_t i = first_above(list, start);
         i < list->length && list->regions[i].start < end; i++)
        list->regions[i].prot = prot;
}
