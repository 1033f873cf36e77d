/*
 * Small objects. See slab.h.
 */
#include "mm/slab.h"
#include "lib/bits.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/page.h"

/* `level` of a frame that is one large object with its block. */
#define WHOLE_FRAMES 0xff

/* At the start of each frame. */
struct slab {
    struct list link;    /* lock: in its class's list while it has room */
    struct object *free; /* lock */
    uint32_t in_use;     /* lock */
    uint32_t class;      /* I */
    uint64_t reserved[2];
};

struct object {
    struct object *next;
};

struct class
{
    struct spinlock lock;
    struct list partial; /* lock: slabs with room */
};

/* As many as fit behind the header, 16-aligned. */
static const uint16_t sizes[] = {16,  32,  48,  64,  96,   128,  192, 256,
                                 336, 448, 576, 800, 1008, 1344, 2016};
#define CLASSES (sizeof sizes / sizeof sizes[0])
_Static_assert(sizeof(struct slab) % 16 == 0, "objects are 16-aligned");

static struct class classes[CLASSES];

/* The class for a size, by its number of 16 bytes, rounded up. */
static uint8_t class_of[2016 / 16 + 1];

void slab_init(void)
{
    for (unsigned i = 0, class = 0; i < ARRAY_SIZE(class_of); i++) {
        if (16 * i > sizes[class])
            class ++;
        class_of[i] = class;
    }
    for (unsigned i = 0; i < CLASSES; i++) {
        spin_init(&classes[i].lock, LOCK_SLAB);
        list_init(&classes[i].partial);
    }
}

static struct slab *slab_create(unsigned class)
{
    struct page *page = page_alloc(PAGE_SLAB);
    if (!page)
        return NULL;
    page->level = class;
    struct slab *slab = page_data(page);
    list_init(&slab->link);
    slab->free = NULL;
    slab->in_use = 0;
    slab->class = class;
    char *end = (char *)slab + HAL_PAGE_SIZE;
    for (char *p = (char *)(slab + 1); p + sizes[class] <= end;
         p += sizes[class]) {
        struct object *object = (struct object *)p;
        object->next = slab->free;
        slab->free = object;
    }
    return slab;
}

static void *alloc_frames(size_t size)
{
    if (size > HAL_PAGE_SIZE << 10)
        return NULL;
    unsigned order = log2_ceil(align_up(size, HAL_PAGE_SIZE) >> HAL_PAGE_SHIFT);
    struct page *page =
        order ? page_alloc_block(PAGE_SLAB, order) : page_alloc(PAGE_SLAB);
    if (!page)
        return NULL;
    page->level = WHOLE_FRAMES;
    return page_data(page);
}

void *slab_alloc(size_t size)
{
    unsigned class = 0;
    while (class < CLASSES && sizes[class] < size)
        class ++;
    if (class == CLASSES)
        return alloc_frames(size);
    struct class *c = &classes[class];
    spin_lock(&c->lock);
    /* A frame may have been needed or not: the test hook counts objects. */
    if (list_is_empty(&c->partial)) {
        struct slab *fresh = slab_create(class);
        if (!fresh) {
            spin_unlock(&c->lock);
            return NULL;
        }
        list_push_front(&c->partial, &fresh->link);
    } else if (page_should_fail()) {
        spin_unlock(&c->lock);
        return NULL;
    }
    struct slab *slab = list_entry(list_first(&c->partial), struct slab, link);
    struct object *object = slab->free;
    slab->free = object->next;
    slab->in_use++;
    if (!slab->free)
        list_remove(&slab->link);
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
    if (page->level == WHOLE_FRAMES) {
        page_put(page);
        return;
    }
    struct slab *slab = page_data(page);
    struct class *c = &classes[slab->class];
    struct object *object = memory;
#ifdef DEBUG
    memset(memory, 0x5a, sizes[slab->class]);
#endif
    spin_lock(&c->lock);
    bool was_full = !slab->free;
    object->next = slab->free;
    slab->free = object;
    bool empty = --slab->in_use == 0;
    if (empty)
        list_remove(&slab->link);
    else if (was_full)
        list_push_back(&c->partial, &slab->link);
    spin_unlock(&c->lock);
    if (empty)
        page_put(page);
}
