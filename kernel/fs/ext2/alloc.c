/*
 * Bitmaps: taking and freeing blocks and inodes.
 *
 * Each bit that changes changes the counts in its group's descriptor and in the
 * superblock, in one transaction, so that a disk is right to the last number
 * after a replay. The counts are also kept in memory, to choose a group by.
 *
 * If the power fails before a commit, the blocks freed since belong to their
 * files again. So a freed block must not get other contents until the commit:
 * it is "held", by a bit in a bitmap of the group that is in memory alone.
 */
#include "fs/ext2/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

static bool test(const uint8_t *bitmap, uint32_t bit)
{
    return bitmap[bit / 8] & (1u << bit % 8);
}

static void set(uint8_t *bitmap, uint32_t bit)
{
    bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void clear(uint8_t *bitmap, uint32_t bit)
{
    bitmap[bit / 8] &= (uint8_t) ~(1u << bit % 8);
}

typedef uint64_t __attribute__((may_alias)) word_t;

/* The first bit in [from, end) that is clear in both (`also` may be NULL), or
 * `end`. Bitmaps consist of whole, aligned words. */
static uint32_t find_clear(const uint8_t *bitmap, const uint8_t *also,
                           uint32_t from, uint32_t end)
{
    const word_t *words = (const word_t *)bitmap;
    const word_t *others = (const word_t *)also;
    uint64_t ignore = (UINT64_C(1) << from % 64) - 1;

    for (uint32_t at = from / 64; at * 64 < end; at++) {
        uint64_t taken = words[at] | (others ? others[at] : 0) | ignore;

        ignore = 0;
        if (~taken)
            return MIN(at * 64 + bit_lowest(~taken), end);
    }
    return end;
}

static uint32_t group_start(const struct ext2 *fs, const struct ext2_group *g)
{
    return fs->first_block + (uint32_t)(g - fs->groups) * fs->blocks_per_group;
}

/* How many blocks a group has: the last one may be short. */
static uint32_t group_blocks(const struct ext2 *fs, const struct ext2_group *g)
{
    return MIN(fs->blocks_per_group, fs->blocks - group_start(fs, g));
}

/* Bring in what changes with a bit of `group`. */
static int bits_change(struct ext2 *fs, struct journal_handle *handle,
                       struct ext2_group *group, uint32_t bitmap,
                       struct ext2_bits *bits)
{
    uint32_t number = (uint32_t)(group - fs->groups);
    uint32_t offset = number * (uint32_t)sizeof(struct ext2_descriptor);
    uint32_t table = EXT2_SUPER_OFFSET / fs->block_size + 1;
    void *bytes;
    int result = journal_change(handle, bitmap, &bytes);

    if (result)
        return result;
    bits->group = group;
    bits->bitmap = bytes;
    result = journal_change(handle, table + offset / fs->block_size, &bytes);
    if (result)
        return result;
    bits->descriptor =
        (struct ext2_descriptor *)((uint8_t *)bytes + offset % fs->block_size);
    return ext2_super_change(fs, handle, &bits->super);
}

/* Change the counts in memory, and store them in the blocks. */
static void count_blocks(struct ext2 *fs, struct ext2_bits *bits, int change)
{
    bits->group->free_blocks += (uint32_t)change;
    bits->descriptor->free_blocks = (uint16_t)bits->group->free_blocks;
    fs->free_blocks += (uint64_t)(int64_t)change;
    bits->super->free_blocks = (uint32_t)fs->free_blocks;
}

static void count_inodes(struct ext2 *fs, struct ext2_bits *bits, int change,
                         bool directory)
{
    bits->group->free_inodes += (uint32_t)change;
    bits->descriptor->free_inodes = (uint16_t)bits->group->free_inodes;
    if (directory) {
        bits->group->directories -= (uint32_t)change;
        bits->descriptor->directories = (uint16_t)bits->group->directories;
    }
    fs->free_inodes += (uint64_t)(int64_t)change;
    bits->super->free_inodes = (uint32_t)fs->free_inodes;
}

/* ---- Held blocks --------------------------------------------------------- */

/* The group's held blocks, or NULL when it has none. */
static uint8_t *held(struct ext2 *fs, struct ext2_group *group)
{
    if (group->holds &&
        (int32_t)(journal_committed(fs->journal) - group->held_by) >= 0) {
        memset(group->held, 0, fs->block_size);
        group->holds = false;
    }
    return group->holds ? group->held : NULL;
}

/* Let the group hold blocks for the running transaction. The bitmap for them is
 * made now, so that a block can be freed when there is no memory. It has a page
 * of its own, so that the whole page becomes free with it. */
static int held_prepare(struct ext2 *fs, struct ext2_group *group)
{
    (void)held(fs, group);
    if (!group->held)
        group->held = slab_alloc_zeroed(HAL_PAGE_SIZE);
    if (!group->held)
        return -ENOMEM;
    group->holds = true;
    group->held_by = journal_running(fs->journal);
    return 0;
}

bool ext2_holds_blocks(struct ext2 *fs)
{
    bool any = false;

    mutex_lock(&fs->lock);
    for (uint32_t i = 0; i < fs->group_count; i++)
        any |= held(fs, &fs->groups[i]) != NULL;
    mutex_unlock(&fs->lock);
    return any;
}

void ext2_drop_held(struct ext2 *fs)
{
    mutex_lock(&fs->lock);
    for (uint32_t i = 0; i < fs->group_count; i++) {
        struct ext2_group *group = &fs->groups[i];

        if (held(fs, group))
            continue;
        slab_free(group->held);
        group->held = NULL;
    }
    mutex_unlock(&fs->lock);
}

/* ---- Blocks -------------------------------------------------------------- */

/* Take the first free block of `group` at or after bit `from`: 1; 0: none. */
static int take_in_group(struct ext2 *fs, struct journal_handle *handle,
                         struct ext2_group *group, uint32_t from, bool metadata,
                         struct ext2_take *take)
{
    const uint8_t *waiting = held(fs, group);
    uint32_t end = group_blocks(fs, group);
    struct ext2_view view;
    int result = ext2_view(fs, group->block_bitmap, &view);

    if (result)
        return result;
    take->bit = find_clear(view.bytes, waiting, from, end);
    ext2_unview(&view);
    if (take->bit == end && from == 0 && !waiting)
        return ext2_corrupt(fs, "group %u: no block of %u free ones",
                            (unsigned)(group - fs->groups), group->free_blocks);
    if (take->bit == end)
        return 0;
    if (!ext2_is_data(fs, group_start(fs, group) + take->bit))
        return ext2_corrupt(fs, "group %u: block %u is marked as free",
                            (unsigned)(group - fs->groups),
                            group_start(fs, group) + take->bit);
    if (metadata)
        result = held_prepare(fs, group);
    if (!result)
        result =
            bits_change(fs, handle, group, group->block_bitmap, &take->bits);
    if (result)
        return result;
    set(take->bits.bitmap, take->bit);
    count_blocks(fs, &take->bits, -1);
    take->number = group_start(fs, group) + take->bit;
    return 1;
}

/* Search from the goal to the end of its group, then all groups from there on.
 */
static int take_near(struct ext2 *fs, struct journal_handle *handle,
                     uint32_t goal, bool metadata, struct ext2_take *take)
{
    uint32_t first = ext2_group_of_block(fs, goal);
    uint32_t from = (goal - fs->first_block) % fs->blocks_per_group;

    for (uint32_t i = 0; i <= fs->group_count; i++) {
        struct ext2_group *group = &fs->groups[(first + i) % fs->group_count];
        int result;

        if (!group->free_blocks)
            continue;
        result = take_in_group(fs, handle, group, i ? 0 : from, metadata, take);
        if (result)
            return result < 0 ? result : 0;
    }
    return -ENOSPC;
}

int ext2_take_block(struct ext2 *fs, struct journal_handle *handle,
                    uint32_t goal, bool metadata, struct ext2_take *take)
{
    int result;

    take->number = 0;
    if (goal < fs->first_block || goal >= fs->blocks)
        goal = fs->first_block;
    mutex_lock(&fs->lock);
    result = take_near(fs, handle, goal, metadata, take);
    mutex_unlock(&fs->lock);
    return result;
}

void ext2_untake_block(struct ext2 *fs, struct ext2_take *take, bool metadata)
{
    mutex_lock(&fs->lock);
    clear(take->bits.bitmap, take->bit);
    count_blocks(fs, &take->bits, 1);
    if (metadata)
        set(take->bits.group->held, take->bit);
    mutex_unlock(&fs->lock);
}

/* What this step has of group `number`, or NULL. */
static struct ext2_bits *freeing_bits(struct ext2_freeing *freeing,
                                      uint32_t number)
{
    for (unsigned i = 0; i < freeing->count; i++)
        if (freeing->numbers[i] == number)
            return &freeing->bits[i];
    return NULL;
}

/* Bring one more group in. Under fs->lock. */
static int freeing_add(struct ext2_freeing *freeing, uint32_t number,
                       struct ext2_bits **out)
{
    struct ext2 *fs = freeing->fs;
    struct ext2_group *group = &fs->groups[number];
    int result;

    if (freeing->count == EXT2_FREE_GROUPS)
        return -EAGAIN;
    *out = &freeing->bits[freeing->count];
    result = held_prepare(fs, group);
    if (!result)
        result =
            bits_change(fs, freeing->handle, group, group->block_bitmap, *out);
    if (!result)
        freeing->numbers[freeing->count++] = number;
    return result;
}

int ext2_free_prepare(struct ext2_freeing *freeing, uint32_t block)
{
    struct ext2 *fs = freeing->fs;
    uint32_t bit, number;
    struct ext2_bits *bits;
    int result = 0;

    if (!ext2_is_data(fs, block))
        return ext2_corrupt(fs, "no block of a file: %u", block);
    number = ext2_group_of_block(fs, block);
    bit = (block - fs->first_block) % fs->blocks_per_group;
    mutex_lock(&fs->lock);
    bits = freeing_bits(freeing, number);
    if (!bits)
        result = freeing_add(freeing, number, &bits);
    if (!result && !test(bits->bitmap, bit))
        result = ext2_corrupt(fs, "block %u is free already", block);
    mutex_unlock(&fs->lock);
    return result;
}

void ext2_free_block(struct ext2_freeing *freeing, uint32_t block)
{
    struct ext2 *fs = freeing->fs;
    struct ext2_bits *bits =
        freeing_bits(freeing, ext2_group_of_block(fs, block));
    uint32_t bit = (block - fs->first_block) % fs->blocks_per_group;

    mutex_lock(&fs->lock);
    clear(bits->bitmap, bit);
    count_blocks(fs, bits, 1);
    set(bits->group->held, bit);
    mutex_unlock(&fs->lock);
}

/* ---- Inodes -------------------------------------------------------------- */

/* The group for a new directory: of those that have at least the average number
 * of free inodes, the one with most free blocks. */
static uint32_t directory_group(const struct ext2 *fs, uint32_t parent)
{
    uint64_t share = fs->free_inodes / fs->group_count;
    uint32_t best = parent;

    for (uint32_t i = 0; i < fs->group_count; i++) {
        uint32_t number = (parent + i) % fs->group_count;
        const struct ext2_group *group = &fs->groups[number];

        if (group->free_inodes && group->free_inodes >= share &&
            (group->free_blocks > fs->groups[best].free_blocks ||
             !fs->groups[best].free_inodes))
            best = number;
    }
    return best;
}

static int take_inode_in(struct ext2 *fs, struct journal_handle *handle,
                         struct ext2_group *group, struct ext2_take *take)
{
    uint32_t before = (uint32_t)(group - fs->groups) * fs->inodes_per_group;
    /* Reserved inodes are in use, even if a damaged bitmap says otherwise. */
    uint32_t from =
        before < fs->first_inode - 1 ? fs->first_inode - 1 - before : 0;
    struct ext2_view view;
    int result = ext2_view(fs, group->inode_bitmap, &view);

    if (result)
        return result;
    take->bit = fs->inodes_per_group;
    if (from < fs->inodes_per_group)
        take->bit = find_clear(view.bytes, NULL, from, fs->inodes_per_group);
    ext2_unview(&view);
    if (take->bit == fs->inodes_per_group)
        return ext2_corrupt(fs, "group %u: no inode of %u free ones",
                            (unsigned)(group - fs->groups), group->free_inodes);
    result = bits_change(fs, handle, group, group->inode_bitmap, &take->bits);
    if (result)
        return result;
    set(take->bits.bitmap, take->bit);
    count_inodes(fs, &take->bits, -1, take->directory);
    take->number = before + take->bit + 1;
    return 0;
}

int ext2_take_inode(struct ext2 *fs, struct journal_handle *handle,
                    uint32_t group, bool directory, struct ext2_take *take)
{
    int result = -ENOSPC;

    take->number = 0;
    take->directory = directory;
    mutex_lock(&fs->lock);
    if (directory)
        group = directory_group(fs, group);
    for (uint32_t i = 0; i < fs->group_count; i++) {
        struct ext2_group *at = &fs->groups[(group + i) % fs->group_count];

        if (at->free_inodes) {
            result = take_inode_in(fs, handle, at, take);
            break;
        }
    }
    mutex_unlock(&fs->lock);
    return result;
}

void ext2_untake_inode(struct ext2 *fs, struct ext2_take *take)
{
    mutex_lock(&fs->lock);
    clear(take->bits.bitmap, take->bit);
    count_inodes(fs, &take->bits, 1, take->directory);
    mutex_unlock(&fs->lock);
}

int ext2_free_inode_prepare(struct ext2 *fs, struct journal_handle *handle,
                            uint32_t number, struct ext2_bits *bits)
{
    struct ext2_group *group = &fs->groups[ext2_group_of_inode(fs, number)];
    int result;

    mutex_lock(&fs->lock);
    result = bits_change(fs, handle, group, group->inode_bitmap, bits);
    if (!result && !test(bits->bitmap, (number - 1) % fs->inodes_per_group))
        result = ext2_corrupt(fs, "inode %u is free already", number);
    mutex_unlock(&fs->lock);
    return result;
}

void ext2_free_inode(struct ext2 *fs, struct ext2_bits *bits, uint32_t number,
                     bool directory)
{
    mutex_lock(&fs->lock);
    clear(bits->bitmap, (number - 1) % fs->inodes_per_group);
    count_inodes(fs, bits, 1, directory);
    mutex_unlock(&fs->lock);
}
