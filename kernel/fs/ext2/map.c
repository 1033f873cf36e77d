/*
 * From the blocks of a file to those of the disk: the inode has pointers to the
 * first twelve; the others are reached through one, two or three indirect
 * blocks.
 *
 * A hole is a pointer of 0, in the inode or in an indirect block. When a block
 * is made, so are all indirect blocks that are missing on the path to it: they
 * are taken first, then brought into the transaction, and linked last, when
 * nothing can fail any more.
 */
#include "fs/ext2/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"

#define LEVELS 4

/* The path to block `index`: its slots, outermost first, and how many there
 * are. 0: no path leads that far. */
static unsigned find_path(const struct ext2 *fs, uint64_t index,
                          uint32_t slots[4])
{
    uint64_t span = 1;
    unsigned level;

    if (index < EXT2_DIRECT) {
        slots[0] = (uint32_t)index;
        return 1;
    }
    index -= EXT2_DIRECT;
    for (level = 1; level < LEVELS; level++) {
        span *= fs->fanout;
        if (index < span)
            break;
        index -= span;
    }
    if (level == LEVELS)
        return 0;
    slots[0] = EXT2_DIRECT + level - 1;
    for (unsigned i = 1; i <= level; i++) {
        span /= fs->fanout;
        slots[i] = (uint32_t)(index / span);
        index %= span;
    }
    return level + 1;
}

uint64_t ext2_map_limit(const struct ext2 *fs)
{
    uint64_t fanout = fs->fanout;
    uint64_t blocks =
        EXT2_DIRECT + fanout + fanout * fanout + fanout * fanout * fanout;
    /* i_blocks counts sectors in 32 bits, also those of indirect blocks; and
     * pages of a file are counted in 32 bits, too. */
    uint64_t most = (UINT64_C(1) << 32) / (fs->block_size / BLOCK_SECTOR);

    blocks = MIN(blocks, most - most / fanout * 2);
    return blocks * fs->block_size;
}

static int check(struct ext2_inode *inode, uint32_t block)
{
    struct ext2 *fs = ext2_fs(&inode->inode);

    if (ext2_is_data(fs, block))
        return 0;
    return ext2_corrupt(fs, "inode %u: no block of a file: %u",
                        (unsigned)inode->inode.number, block);
}

/* Follow a path as far as it leads. *level: the level whose pointer is 0, or
 * `depth`; *last: the block with that pointer, or 0 for the inode; *block: the
 * block at the end of the path, or 0. The map is locked. */
static int walk(struct ext2_inode *inode, const uint32_t *slots, unsigned depth,
                unsigned *level, uint32_t *last, uint32_t *block)
{
    struct ext2_view view;
    uint32_t at = inode->pointers[slots[0]];
    int result;

    *last = 0;
    for (*level = 0; at; *block = at) {
        result = check(inode, at);
        if (result || ++*level == depth)
            break;
        result = ext2_view(ext2_fs(&inode->inode), at, &view);
        if (result)
            return result;
        *last = at;
        at = ((uint32_t *)view.bytes)[slots[*level]];
        ext2_unview(&view);
    }
    *block = at;
    return at ? result : 0;
}

int ext2_map_find(struct ext2_inode *inode, uint64_t index, uint32_t *block)
{
    uint32_t slots[LEVELS], last;
    unsigned level;
    unsigned depth = find_path(ext2_fs(&inode->inode), index, slots);
    int result;

    *block = 0;
    if (!depth)
        return 0;
    mutex_lock(&inode->map);
    result = walk(inode, slots, depth, &level, &last, block);
    mutex_unlock(&inode->map);
    return result;
}

/* The blocks that are missing on a path, while they are made. */
struct making {
    struct ext2_inode *inode;
    struct journal_handle *handle;
    const uint32_t *slots;
    unsigned level, depth; /* of the first missing block; of the path's end */
    uint32_t parent;       /* the last existing block; 0: the inode */
    bool metadata;         /* the block at the end is metadata, too */
    struct ext2_take takes[LEVELS];
    uint32_t *bytes[LEVELS]; /* of the blocks that are metadata */
};

static bool leads(const struct making *making, unsigned level)
{
    return level + 1 < making->depth || making->metadata;
}

/* Take the blocks and bring them in. */
static int prepare(struct making *making, uint32_t **link)
{
    struct ext2_inode *inode = making->inode;
    struct ext2 *fs = ext2_fs(&inode->inode);
    uint32_t goal = inode->goal;
    void *bytes = NULL;
    int result = 0;

    for (unsigned i = making->level; i < making->depth && !result; i++) {
        result = ext2_take_block(fs, making->handle, goal, leads(making, i),
                                 &making->takes[i]);
        goal = making->takes[i].number + 1;
    }
    if (!result && making->parent)
        result = journal_change(making->handle, making->parent, &bytes);
    *link = making->parent ? bytes : inode->pointers;
    for (unsigned i = making->level; i < making->depth && !result; i++) {
        if (!leads(making, i))
            break;
        result =
            journal_change_new(making->handle, making->takes[i].number, &bytes);
        making->bytes[i] = bytes;
    }
    return result;
}

static void undo(struct making *making)
{
    struct ext2 *fs = ext2_fs(&making->inode->inode);

    for (unsigned i = making->level; i < making->depth; i++)
        if (making->takes[i].number)
            ext2_untake_block(fs, &making->takes[i], leads(making, i));
}

/* Link them, from the last to the first. */
static void finish(struct making *making, uint32_t *link)
{
    struct ext2_inode *inode = making->inode;
    unsigned count = making->depth - making->level;

    for (unsigned i = making->depth - 1; i > making->level; i--)
        making->bytes[i - 1][making->slots[i]] = making->takes[i].number;
    link[making->slots[making->level]] = making->takes[making->level].number;
    inode->sectors +=
        count * (ext2_fs(&inode->inode)->block_size / BLOCK_SECTOR);
    inode->goal = making->takes[making->depth - 1].number + 1;
}

int ext2_map_make(struct ext2_inode *inode, struct journal_handle *handle,
                  uint64_t index, uint32_t *block, bool *made, void **bytes)
{
    uint32_t slots[LEVELS], *link;
    struct making making = {.inode = inode,
                            .handle = handle,
                            .slots = slots,
                            .metadata = bytes != NULL};
    int result;

    making.depth = find_path(ext2_fs(&inode->inode), index, slots);
    if (!making.depth)
        return -EFBIG;
    mutex_lock(&inode->map);
    result =
        walk(inode, slots, making.depth, &making.level, &making.parent, block);
    *made = !result && !*block;
    if (*made) {
        result = prepare(&making, &link);
        if (result)
            undo(&making);
        else
            finish(&making, link);
        *block = making.takes[making.depth - 1].number;
        if (bytes)
            *bytes = making.bytes[making.depth - 1];
    }
    mutex_unlock(&inode->map);
    return result;
}

/* cache_ops.map of a file's contents. */
static int map_page(struct cache *cache, uint64_t index,
                    uint64_t sectors[CACHE_PIECES])
{
    struct ext2_inode *inode = container_of(cache, struct ext2_inode, cache);
    struct ext2 *fs = ext2_fs(&inode->inode);
    unsigned pieces = HAL_PAGE_SIZE / fs->block_size;
    uint32_t block;

    for (unsigned i = 0; i < pieces; i++) {
        int result = ext2_map_find(inode, index * pieces + i, &block);

        if (result)
            return result == -EUCLEAN ? -EIO : result;
        sectors[i] = block ? (uint64_t)block * (fs->block_size / BLOCK_SECTOR)
                           : CACHE_HOLE;
    }
    return 0;
}

static void clear_tail(struct cache *cache, uint64_t index, char *bytes)
{
    struct ext2_inode *inode = container_of(cache, struct ext2_inode, cache);
    uint64_t size = atomic_load(&inode->inode.size);

    if (index == size / HAL_PAGE_SIZE)
        memset(bytes + size % HAL_PAGE_SIZE, 0,
               HAL_PAGE_SIZE - size % HAL_PAGE_SIZE);
}

const struct cache_ops ext2_file_cache_ops = {.map = map_page,
                                              .clear_tail = clear_tail};
