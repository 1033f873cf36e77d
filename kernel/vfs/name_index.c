/* Indexes of names. */
#include "vfs/name_index.h"
#include "lib/errno.h"
#include "mm/oom.h"

/* A directory looks at all its names this often before it gets an index. */
#define LOOKS 2

/* A way to an entry is this long only if many names have one hash. */
#define DEPTH_MOST 256

#define NODES_EACH (HAL_PAGE_SIZE / sizeof(struct name_node))

static struct spinlock lock = SPINLOCK(LOCK_NAME_INDEX);
static struct list idle = {&idle, &idle}; /* lock: oldest first */
static uint64_t idle_pages;               /* lock */
static uint64_t seed;                     /* I */

uint32_t name_hash(struct name name)
{
    uint64_t hash = seed;
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (uint8_t)name.text[i]) * 0x100000001b3u;
    return (hash * 0x9e3779b97f4a7c15u) >> 32;
}

/* ---- The tree ------------------------------------------------------------ */

static bool add_page(struct name_index *index)
{
    struct page *page = index->page_count < NAME_INDEX_PAGES
                            ? page_alloc_zeroed(PAGE_KERNEL)
                            : NULL;
    if (!page)
        return false;
    struct name_node *nodes = page_data(page);
    nodes->child[0] = index->pages;
    index->pages = nodes;
    index->page_count++;
    index->used = 1;
    return true;
}

static struct name_node *new_node(struct name_index *index)
{
    if (index->used == NODES_EACH && !add_page(index))
        return NULL;
    return &index->pages[index->used++];
}

/* Free the pages of an index that is held, or of a copy that is in no list. */
static void free_pages(struct name_index *index)
{
    for (struct name_node *page = index->pages, *next; page; page = next) {
        next = page->child[0];
        page_put(page_of_data(page));
    }
    *index = (struct name_index){0};
}

bool name_index_begin(struct name_index *index)
{
    if (++index->looks <= LOOKS)
        return false;
    index->looks = 0;
    return add_page(index);
}

int name_index_add(struct name_index *index, uint32_t hash, uint32_t place)
{
    struct name_node **at = &index->root;
    uint32_t way = hash;
    unsigned depth = 0;
    for (; *at && (*at)->place && depth < DEPTH_MOST; depth++, way <<= 1)
        at = &(*at)->child[way >> 31];
    if (depth == DEPTH_MOST || (!*at && !(*at = new_node(index)))) {
        free_pages(index);
        return -ENOMEM;
    }
    (*at)->hash = hash;
    (*at)->place = place + 1;
    return 0;
}

bool name_index_next(struct name_search *search, uint32_t *place)
{
    const struct name_node *node;
    while ((node = search->next)) {
        search->next = node->child[search->way >> 31];
        search->way <<= 1;
        if (node->place && node->hash == search->hash) {
            *place = node->place - 1;
            return true;
        }
    }
    return false;
}

void name_index_remove(struct name_index *index, uint32_t hash, uint32_t place)
{
    struct name_node *node = index->root;
    uint32_t way = hash;
    while (node && (node->hash != hash || node->place != place + 1)) {
        node = node->child[way >> 31];
        way <<= 1;
    }
    if (node)
        node->place = 0;
}

/* ---- Holding and giving up ----------------------------------------------- */

/* Take an idle index out of the list. `lock` held. */
static void take(struct name_index *index)
{
    list_remove(&index->link);
    idle_pages -= index->page_count;
}

bool name_index_hold(struct name_index *index)
{
    spin_lock(&lock);
    bool there = index->pages;
    if (there)
        take(index);
    spin_unlock(&lock);
    return there;
}

void name_index_release(struct name_index *index)
{
    spin_lock(&lock);
    list_push_back(&idle, &index->link);
    idle_pages += index->page_count;
    spin_unlock(&lock);
}

void name_index_drop(struct name_index *index)
{
    if (name_index_hold(index))
        free_pages(index);
}

/* Free whole indexes, the oldest first: a part of one would be of no use. */
static uint64_t scan(uint64_t wanted)
{
    uint64_t given = 0;
    bool any;
    do {
        struct name_index gone = {0};
        spin_lock(&lock);
        any = !list_is_empty(&idle);
        if (any) {
            struct name_index *oldest =
                list_entry(list_first(&idle), struct name_index, link);
            take(oldest);
            gone = *oldest;
            *oldest = (struct name_index){0};
        }
        spin_unlock(&lock);
        given += gone.page_count;
        free_pages(&gone);
    } while (any && given < wanted);
    return given;
}

static uint64_t count(void)
{
    spin_lock(&lock);
    uint64_t pages = idle_pages;
    spin_unlock(&lock);
    return pages;
}

void name_index_init(void)
{
    static struct shrinker shrinker = {.scan = scan, .count = count};
    seed = hal_time();
    oom_add_shrinker(&shrinker);
}
