/*
 * Small objects. See slab.h.
 */
#include "mm/slab.h"
#include "lib/bits.h"
#include "lib/panic.h"
#include "mm/reserve.h"
#include "mm/slab_guard.h"

/* `class` of the pages of one large object, and of any page when it is
 * allocated. A slab has another. */
#define WHOLE_PAGES 0

/* At the start of each slab. */
struct slab {
    struct list link;   /* lock: in its class's list while it has room */
    struct piece *free; /* lock */
    uint64_t in_use;    /* lock */
};

struct class
{
    struct spinlock lock;
    struct list partial; /* lock: slabs with room */
    uint64_t in_use;     /* lock: objects */
};

/* Multiples of 16 that leave little of a page unused behind the header. */
#define LARGEST 2016
static const uint16_t sizes[] = {0,   16,  32,  48,  64,  96,   128,  192,
                                 256, 336, 448, 576, 800, 1008, 1344, LARGEST};
#define CLASSES ARRAY_SIZE(sizes)
_Static_assert(sizeof(struct slab) % 16 == 0, "objects are 16-aligned");

static struct class classes[CLASSES];

/* The class for a size, by the size in units of 16 bytes, rounded up. */
static uint8_t class_of[LARGEST / 16 + 1];

void slab_init(void)
{
    for (unsigned i = 0, class = 1; i < ARRAY_SIZE(class_of); i++) {
        if (16 * i > sizes[class])
            class ++;
        class_of[i] = class;
    }
    for (unsigned i = 0; i < CLASSES; i++) {
        spin_init(&classes[i].lock, LOCK_SLAB);
        list_init(&classes[i].partial);
    }
}

static bool add_slab(size_t class)
{
    struct page *page = reserve_alloc(PAGE_SLAB, false);
    if (!page)
        return false;
    page->class = class;
    struct slab *slab = page_data(page);
    list_push_front(&classes[class].partial, &slab->link);
    slab->free = NULL;
    slab->in_use = 0;
    char *end = (char *)slab + HAL_PAGE_SIZE;
    for (char *p = (char *)(slab + 1); p + sizes[class] <= end;
         p += sizes[class]) {
        struct piece *piece = (struct piece *)p;
        slab_guard_make(piece, sizes[class]);
        piece->next = slab->free;
        slab->free = piece;
    }
    return true;
}

static void *alloc_pages(size_t size)
{
    if (size > HAL_PAGE_SIZE << 10)
        return NULL;
    unsigned order = log2_ceil(align_up(size, HAL_PAGE_SIZE) >> HAL_PAGE_SHIFT);
    struct page *page =
        order ? page_alloc_block(PAGE_SLAB, order) : page_alloc(PAGE_SLAB);
    return page ? page_data(page) : NULL;
}

void *slab_alloc(size_t size)
{
    if (size > LARGEST - SLAB_GUARD)
        return alloc_pages(size);
    size_t class = class_of[(size + SLAB_GUARD + 15) / 16];
    struct class *c = &classes[class];
    spin_lock(&c->lock);
    /* page_fail_after counts each allocation, also one that needs no page. */
    if (list_is_empty(&c->partial) ? !add_slab(class) : page_should_fail()) {
        spin_unlock(&c->lock);
        return NULL;
    }
    struct slab *slab = list_entry(list_first(&c->partial), struct slab, link);
    struct piece *piece = slab->free;
    slab->free = piece->next;
    slab->in_use++;
    c->in_use++;
    if (!slab->free)
        list_remove(&slab->link);
    void *object = slab_guard_give(piece, sizes[class], size);
    spin_unlock(&c->lock);
    return object;
}

void *slab_alloc_zeroed(size_t size)
{
    void *object = slab_alloc(size);
    if (object)
        memset(object, 0, size);
    return object;
}

void slab_free(void *memory)
{
    if (!memory)
        return;
    struct page *page = page_of_data(memory);
    if (page->kind != PAGE_SLAB)
        panic("%p freed as an object, but is none", memory);
    if (page->class == WHOLE_PAGES) {
        page_put(page);
        return;
    }
    struct slab *slab = page_data(page);
    size_t class = page->class;
    struct class *c = &classes[class];
    spin_lock(&c->lock);
    struct piece *piece = slab_guard_take(memory, sizes[class]);
    bool was_full = !slab->free;
    piece->next = slab->free;
    slab->free = piece;
    bool empty = --slab->in_use == 0;
    c->in_use--;
    if (empty)
        list_remove(&slab->link);
    else if (was_full)
        list_push_back(&c->partial, &slab->link);
    spin_unlock(&c->lock);
    if (empty)
        reserve_free(page);
}

static const void *damage_in(const struct slab *slab, size_t size)
{
    const char *end = (const char *)slab + HAL_PAGE_SIZE;
    for (const char *p = (const char *)(slab + 1); p + size <= end; p += size)
        if (!slab_guard_is_whole((const struct piece *)p, size))
            return (const struct piece *)p + 1;
    return NULL;
}

const void *slab_find_damage(void)
{
    const void *found = NULL;
    for (uint64_t i = 0; SLAB_GUARD && i < page_span() && !found; i++) {
        const struct page *page = page_at(i);
        if (page->kind == PAGE_SLAB && page_count(page) &&
            page->class != WHOLE_PAGES)
            found = damage_in(page_data(page), sizes[page->class]);
    }
    return found;
}

uint64_t slab_count_objects(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < CLASSES; i++) {
        spin_lock(&classes[i].lock);
        sum += classes[i].in_use;
        spin_unlock(&classes[i].lock);
    }
    return sum;
}
