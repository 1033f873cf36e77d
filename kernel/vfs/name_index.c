/*
 * Indexes of names. See name_index.h.
 */
#include "vfs/name_index.h"
#include "lib/errno.h"
#include "mm/oom.h"

#define HASH_BITS 32

/* Times that a directory looks at all of its names before it has an index. */
#define LOOKS 2

#define BUCKET_ENTRIES                                                         \
    ((HAL_PAGE_SIZE - sizeof(struct bucket)) / sizeof(struct entry))

struct entry {
    uint32_t hash, place;
};

struct bucket {
    uint32_t length;
    uint32_t depth; /* its hashes agree in so many top bits */
    struct entry entries[];
};

static struct spinlock lock = SPINLOCK(LOCK_NAME_INDEX);
static struct list idle = {&idle, &idle}; /* lock: oldest first */
static uint64_t idle_pages;               /* lock */
static uint64_t seed;                     /* I */

uint32_t name_hash(struct name name)
{
    uint64_t hash = seed;
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (uint8_t)name.text[i]) * 0x100000001b3u;
    return (hash * 0x9e3779b97f4a7c15u) >> HASH_BITS;
}

/* ---- The table ----------------------------------------------------------- */

/* Of page numbers. */
static uint32_t *table_of(const struct name_index *index)
{
    return page_data(index->table);
}

static struct bucket *bucket_at(const struct name_index *index, uint32_t slot)
{
    return page_data(page_at(table_of(index)[slot]));
}

static uint32_t slot_of(const struct name_index *index, uint32_t hash)
{
    return (uint64_t)hash >> (HASH_BITS - index->depth);
}

/* A new bucket's page; NULL: no memory. */
static struct page *make_bucket(struct name_index *index, uint32_t depth)
{
    struct page *page = page_alloc(PAGE_KERNEL);
    if (!page)
        return NULL;
    *(struct bucket *)page_data(page) = (struct bucket){.depth = depth};
    index->pages++;
    return page;
}

static uint32_t number_of(const struct page *page)
{
    return page - page_array;
}

/* Nobody else can find the index. A bucket has adjacent slots. */
static uint64_t free_pages(struct name_index *index)
{
    uint64_t pages = index->pages;
    for (uint32_t slot = 0; slot < 1u << index->depth;) {
        struct bucket *bucket = bucket_at(index, slot);
        slot += 1u << (index->depth - bucket->depth);
        page_put(page_of_data(bucket));
    }
    page_put(index->table);
    *index = (struct name_index){0};
    return pages;
}

/* From the end: an entry is read before it is written over. */
static void double_table(struct name_index *index)
{
    uint32_t *table = table_of(index);
    for (uint32_t slot = 2u << index->depth; slot-- > 0;)
        table[slot] = table[slot / 2];
    index->depth++;
}

static void append(struct bucket *bucket, struct entry entry)
{
    bucket->entries[bucket->length++] = entry;
}

/* Divide a full bucket by the first bit in which its hashes may differ. */
static int divide(struct name_index *index, uint32_t hash)
{
    struct bucket *low = bucket_at(index, slot_of(index, hash));
    bool deepest = low->depth == index->depth;
    if (deepest && 2u << index->depth > NAME_INDEX_BUCKETS)
        return -ENOSPC;
    struct page *page = make_bucket(index, low->depth + 1);
    if (!page)
        return -ENOMEM;
    if (deepest)
        double_table(index);
    struct bucket *high = page_data(page);
    uint32_t bit = 1u << (HASH_BITS - 1 - low->depth);
    uint32_t length = low->length;
    low->length = 0;
    low->depth++;
    for (uint32_t i = 0; i < length; i++) {
        struct entry entry = low->entries[i];
        append(entry.hash & bit ? high : low, entry);
    }
    uint32_t half = 1u << (index->depth - low->depth);
    uint32_t first = slot_of(index, hash) & ~(2 * half - 1);
    for (uint32_t slot = first + half; slot < first + 2 * half; slot++)
        table_of(index)[slot] = number_of(page);
    return 0;
}

/* ---- Entries ------------------------------------------------------------- */

bool name_index_begin(struct name_index *index)
{
    if (++index->looks <= LOOKS)
        return false;
    struct page *table = page_alloc(PAGE_KERNEL);
    struct page *bucket = table ? make_bucket(index, 0) : NULL;
    if (!bucket) {
        if (table)
            page_put(table);
        *index = (struct name_index){0};
        return false;
    }
    index->table = table;
    index->pages++;
    table_of(index)[0] = number_of(bucket);
    return true;
}

int name_index_add(struct name_index *index, uint32_t hash, uint32_t place)
{
    struct bucket *bucket = bucket_at(index, slot_of(index, hash));
    while (bucket->length == BUCKET_ENTRIES) {
        if (divide(index, hash)) {
            free_pages(index);
            return -ENOMEM;
        }
        bucket = bucket_at(index, slot_of(index, hash));
    }
    append(bucket, (struct entry){hash, place});
    return 0;
}

bool name_index_next(const struct name_index *index, uint32_t hash,
                     uint32_t *at, uint32_t *place)
{
    const struct bucket *bucket = bucket_at(index, slot_of(index, hash));
    uint32_t i = *at;
    while (i < bucket->length && bucket->entries[i].hash != hash)
        i++;
    *at = i + 1;
    if (i >= bucket->length)
        return false;
    *place = bucket->entries[i].place;
    return true;
}

void name_index_remove(struct name_index *index, uint32_t hash, uint32_t place)
{
    struct bucket *bucket = bucket_at(index, slot_of(index, hash));
    uint32_t at = 0, found;
    while (name_index_next(index, hash, &at, &found))
        if (found == place) {
            bucket->entries[at - 1] = bucket->entries[--bucket->length];
            return;
        }
}

/* ---- Holding and giving up ----------------------------------------------- */

/* Take an idle index out of the list. `lock` held. */
static void take(struct name_index *index)
{
    list_remove(&index->link);
    idle_pages -= index->pages;
}

bool name_index_hold(struct name_index *index)
{
    spin_lock(&lock);
    bool there = index->table;
    if (there)
        take(index);
    spin_unlock(&lock);
    return there;
}

void name_index_release(struct name_index *index)
{
    spin_lock(&lock);
    list_push_back(&idle, &index->link);
    idle_pages += index->pages;
    spin_unlock(&lock);
}

void name_index_drop(struct name_index *index)
{
    if (name_index_hold(index))
        free_pages(index);
}

/* The oldest ones go, whole: what is left of an index would be of no use. Their
 * pages are given back without the lock. */
static uint64_t scan(uint64_t wanted)
{
    uint64_t given = 0;
    while (given < wanted) {
        struct name_index gone;
        spin_lock(&lock);
        struct list *link = list_first(&idle);
        if (link) {
            struct name_index *oldest =
                list_entry(link, struct name_index, link);
            take(oldest);
            gone = *oldest;
            *oldest = (struct name_index){0};
        }
        spin_unlock(&lock);
        if (!link)
            break;
        given += free_pages(&gone);
    }
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
