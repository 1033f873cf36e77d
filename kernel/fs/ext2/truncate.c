/*
 * Freeing a file's blocks.
 *
 * For a large file this takes more changes than a transaction can hold, so it
 * is done in steps. Each frees as many blocks as fit, leaves a valid map, and
 * says whether there is more. The tree is walked from the first block to be
 * freed on; an indirect block is freed when it leads to no block any more.
 */
#include "fs/ext2/private.h"
#include "lib/errno.h"

/* Bounds of one step: blocks of metadata, beside bitmaps, that are changed or
 * freed; and freed blocks of all kinds, so that a commit does not wait long. */
#define STEP_METADATA 24
#define STEP_BLOCKS   4096

struct step {
    struct ext2_inode *inode;
    struct ext2_freeing freeing;
    unsigned metadata, blocks; /* done in this step */
};

/* Free one block. `metadata`: the journal may have it. */
static int free_one(struct step *step, uint32_t block, bool metadata)
{
    struct ext2 *fs = step->freeing.fs;
    int result;

    if (step->blocks == STEP_BLOCKS ||
        (metadata && step->metadata == STEP_METADATA))
        return -EAGAIN;
    result = ext2_free_prepare(&step->freeing, block);
    if (!result && metadata) {
        result = journal_revoke(step->freeing.handle, block);
        step->metadata++;
    }
    if (result)
        return result;
    ext2_free_block(&step->freeing, block);
    step->blocks++;
    step->inode->sectors -= fs->block_size / BLOCK_SECTOR;
    return 0;
}

static int free_tree(struct step *step, uint32_t *slot, unsigned level,
                     uint64_t from);

/* Below an indirect block, keep the first `from` of the file's blocks and what
 * leads to them, and free the rest. */
static int free_children(struct step *step, uint32_t block, unsigned level,
                         uint64_t from)
{
    struct ext2 *fs = step->freeing.fs;
    uint64_t span = 1;
    void *bytes;
    int result;

    if (step->metadata == STEP_METADATA)
        return -EAGAIN;
    step->metadata++;
    result = journal_change(step->freeing.handle, block, &bytes);
    for (unsigned i = 1; i < level; i++)
        span *= fs->fanout;
    for (uint64_t i = from / span; i < fs->fanout && !result; i++) {
        uint64_t before = i * span;

        result = free_tree(step, (uint32_t *)bytes + i, level - 1,
                           from > before ? from - before : 0);
    }
    return result;
}

/* The same below one pointer, which becomes 0 when all below it is free. On
 * level 0 are the file's own blocks. */
static int free_tree(struct step *step, uint32_t *slot, unsigned level,
                     uint64_t from)
{
    bool metadata = level || step->inode->inode.type != INODE_FILE;
    int result = 0;

    if (!*slot)
        return 0;
    if (!ext2_is_data(step->freeing.fs, *slot))
        return ext2_corrupt(step->freeing.fs,
                            "inode %u: no block of a file: %u",
                            (unsigned)step->inode->inode.number, *slot);
    if (level)
        result = free_children(step, *slot, level, from);
    if (!result && from == 0)
        result = free_one(step, *slot, metadata);
    if (!result && from == 0)
        *slot = 0;
    return result;
}

static int free_from(struct step *step, uint64_t first)
{
    uint64_t fanout = step->freeing.fs->fanout, start = EXT2_DIRECT;
    uint64_t span = fanout;
    int result = 0;

    for (uint64_t i = first; i < EXT2_DIRECT && !result; i++)
        result = free_tree(step, &step->inode->pointers[i], 0, 0);
    for (unsigned level = 1; level <= 3 && !result; level++) {
        if (first < start + span)
            result =
                free_tree(step, &step->inode->pointers[EXT2_DIRECT + level - 1],
                          level, first > start ? first - start : 0);
        start += span;
        span *= fanout;
    }
    return result;
}

int ext2_truncate_blocks(struct ext2_inode *inode,
                         struct journal_handle *handle, uint64_t first)
{
    struct step step = {
        .inode = inode,
        .freeing = {.fs = ext2_fs(&inode->inode), .handle = handle},
    };
    int result;

    mutex_lock(&inode->map);
    result = free_from(&step, first);
    mutex_unlock(&inode->map);
    return result;
}
