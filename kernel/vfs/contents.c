/*
 * Reading and mapping the contents of a file whose pages are in a cache.
 * Writing is the file system's, as it has to find room first.
 */
#include "cache/cache.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "vfs/vfs.h"

/* A page of a file in memory needs no pin: the inode is locked, so the page
 * stays. A page that was never written does not exist, and reads as zeros. */
static int read_piece(struct cache *cache, struct cursor *cursor, uint64_t at,
                      size_t length)
{
    struct page *page = NULL;
    int result = 0;
    if (cache->device) {
        hurry_begin();
        result = cache_pin(cache, at / HAL_PAGE_SIZE, false, &page);
        hurry_end();
    } else {
        page = cache_kept_page(cache, at / HAL_PAGE_SIZE);
    }
    if (result)
        return result;
    result =
        page ? cursor_put(cursor, (char *)page_data(page) + at % HAL_PAGE_SIZE,
                          length)
             : cursor_put_zeros(cursor, length);
    if (cache->device)
        cache_unpin(page);
    return result;
}

ssize_t inode_read(struct inode *inode, struct cursor *cursor, uint64_t offset)
{
    uint64_t size = atomic_load(&inode->size), at = offset;
    int result = 0;
    if (offset >= size)
        return 0;
    uint64_t end = offset + MIN((uint64_t)cursor->left, size - offset);
    while (at < end && !result) {
        size_t length = MIN((size_t)(HAL_PAGE_SIZE - at % HAL_PAGE_SIZE),
                            (size_t)(end - at));
        result = read_piece(inode->cache, cursor, at, length);
        if (!result)
            at += length;
    }
    return at > offset ? (ssize_t)(at - offset) : result;
}

void inode_set_size(struct inode *inode, uint64_t size)
{
    atomic_store(&inode->size, size);
    atomic_store(&inode->cache->end, cache_pages_of(size));
}

static struct inode *inode_of(struct object *object)
{
    return container_of(object, struct inode, object);
}

static int object_page(struct object *object, uint64_t index, struct page **out)
{
    return cache_share(inode_of(object)->cache, index, out);
}

static int object_fetch(struct object *object, uint64_t index)
{
    return cache_fetch(inode_of(object)->cache, index);
}

static void object_get(struct object *object)
{
    inode_get(inode_of(object));
}

static void object_put(struct object *object)
{
    inode_put(inode_of(object));
}

static void object_name(struct object *object, char *buffer, size_t size)
{
    ksnprintf(buffer, size, "%s", inode_of(object)->label);
}

void inode_set_cache(struct inode *inode, struct cache *cache,
                     struct name label)
{
    static const struct object_ops ops = {
        .page = object_page,
        .fetch = object_fetch,
        .get = object_get,
        .put = object_put,
        .name = object_name,
    };
    inode->cache = cache;
    inode->object.ops = &ops;
    size_t length = MIN(label.length, sizeof(inode->label) - 1);
    memcpy(inode->label, label.text, length);
    inode->label[length] = '\0';
}
