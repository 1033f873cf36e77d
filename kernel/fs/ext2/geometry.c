/*
 * Reading and checking the superblock and the descriptors of groups: all other
 * files rely on what is checked here. And the kind of an inode, from its
 * record.
 */
#include "fs/ext2/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define REVISION_0_INODE 11u

struct feature {
    uint32_t bit;
    const char *name;
};

/* As tune2fs calls them. */
static const struct feature incompat_names[] = {
    {0x1, "compression"},  {0x8, "journal_dev"},
    {0x10, "meta_bg"},     {0x40, "extent"},
    {0x80, "64bit"},       {0x100, "mmp"},
    {0x200, "flex_bg"},    {0x400, "ea_inode"},
    {0x1000, "dirdata"},   {0x2000, "metadata_csum_seed"},
    {0x4000, "large_dir"}, {0x8000, "inline_data"},
    {0x10000, "encrypt"},  {0x20000, "casefold"},
};

static const struct feature write_names[] = {
    {0x4, "btree_dir"},    {0x8, "huge_file"},
    {0x10, "uninit_bg"},   {0x20, "dir_nlink"},
    {0x40, "extra_isize"}, {0x100, "quota"},
    {0x200, "bigalloc"},   {0x400, "metadata_csum"},
    {0x800, "replica"},    {0x1000, "read-only"},
    {0x2000, "project"},   {0x4000, "shared_blocks"},
    {0x8000, "verity"},    {0x10000, "orphan_present"},
};

/* Print each bit of `unknown` by name, or number. */
static void tell_features(struct ext2 *fs, uint32_t unknown,
                          const struct feature *names, unsigned count,
                          const char *what)
{
    for (; unknown; unknown &= unknown - 1) {
        uint32_t bit = 1u << bit_lowest(unknown);
        unsigned i = 0;

        while (i < count && names[i].bit != bit)
            i++;
        if (i < count)
            ext2_say(fs, "has the feature %s: %s", names[i].name, what);
        else
            ext2_say(fs, "has an unknown feature (0x%x): %s", bit, what);
    }
}

static int check_features(struct ext2 *fs, const struct ext2_super *super)
{
    uint32_t unknown =
        super->incompat & ~(EXT2_INCOMPAT_TYPES | EXT2_INCOMPAT_RECOVER);
    uint32_t unknown_write =
        super->write_compat & ~(EXT2_WRITE_SPARSE | EXT2_WRITE_LARGE);

    if (super->revision != EXT2_DYNAMIC)
        return 0;
    tell_features(fs, unknown, incompat_names, ARRAY_SIZE(incompat_names),
                  "Calf cannot mount it");
    if (unknown)
        return -EOPNOTSUPP;
    if (unknown_write && !fs->read_only) {
        tell_features(fs, unknown_write, write_names, ARRAY_SIZE(write_names),
                      "Calf does not write to it");
        fs->read_only = true;
    }
    fs->has_types = super->incompat & EXT2_INCOMPAT_TYPES;
    fs->has_log = super->compat & EXT2_COMPAT_JOURNAL;
    fs->journal_inode = super->journal_inode;
    if (fs->has_log && !fs->journal_inode) {
        ext2_say(fs, "its log is on another device: Calf cannot mount it");
        return -EOPNOTSUPP;
    }
    return 0;
}

static int wrong(struct ext2 *fs, const char *what)
{
    ext2_say(fs, "damaged superblock: %s", what);
    return -EUCLEAN;
}

/* Inodes: their size, and how many there are. */
static int check_inodes(struct ext2 *fs, const struct ext2_super *super)
{
    uint32_t extra = super->wanted_extra;

    fs->inodes = super->inodes;
    fs->inodes_per_group = super->inodes_per_group;
    fs->inode_size = EXT2_RECORD_SIZE;
    fs->first_inode = REVISION_0_INODE;
    if (super->revision == EXT2_DYNAMIC) {
        fs->inode_size = super->inode_size;
        fs->first_inode = super->first_inode;
    }
    if (!is_power_of_two(fs->inode_size) || fs->inode_size < EXT2_RECORD_SIZE ||
        fs->inode_size > fs->block_size)
        return wrong(fs, "size of an inode");
    if (!fs->inodes_per_group || fs->inodes_per_group > 8 * fs->block_size ||
        fs->inodes_per_group % (fs->block_size / fs->inode_size) ||
        fs->inodes != (uint64_t)fs->inodes_per_group * fs->group_count)
        return wrong(fs, "number of inodes");
    if (fs->first_inode < REVISION_0_INODE || fs->first_inode > fs->inodes)
        return wrong(fs, "first inode");
    if (fs->has_log && fs->journal_inode >= fs->first_inode)
        return wrong(fs, "inode of the log");
    if (extra >= sizeof(struct ext2_record_extra) && extra % 4 == 0 &&
        extra <= fs->inode_size - EXT2_RECORD_SIZE)
        fs->extra = extra;
    fs->superblock.short_times = !fs->extra;
    return 0;
}

static int check_blocks(struct ext2 *fs, const struct ext2_super *super)
{
    uint64_t table;

    if (super->block_shift > 2 || super->cluster_shift != super->block_shift)
        return wrong(fs, "size of a block");
    fs->block_shift = 10 + super->block_shift;
    fs->block_size = 1u << fs->block_shift;
    fs->fanout = fs->block_size / sizeof(uint32_t);
    fs->blocks = super->blocks;
    fs->first_block = super->first_block;
    fs->blocks_per_group = super->blocks_per_group;
    if (fs->first_block != EXT2_SUPER_OFFSET / fs->block_size)
        return wrong(fs, "first block");
    if (fs->blocks <= fs->first_block + 1 ||
        fs->blocks * (uint64_t)(fs->block_size / BLOCK_SECTOR) >
            fs->device->sectors)
        return wrong(fs, "more blocks than the disk has");
    if (!fs->blocks_per_group || fs->blocks_per_group % 8 ||
        fs->blocks_per_group > 8 * fs->block_size)
        return wrong(fs, "blocks in a group");
    fs->group_count = ext2_group_of_block(fs, fs->blocks - 1) + 1;
    table = fs->group_count * sizeof(struct ext2_descriptor);
    fs->table_blocks =
        (uint32_t)(align_up(table, fs->block_size) / fs->block_size);
    if (fs->table_blocks + 2 > fs->blocks_per_group)
        return wrong(fs, "number of groups");
    return 0;
}

int ext2_geometry(struct ext2 *fs, const struct ext2_super *super)
{
    int result;

    if (super->magic != EXT2_MAGIC) {
        ext2_say(fs, "there is no ext2 file system on it");
        return -EINVAL;
    }
    if (super->revision > EXT2_DYNAMIC) {
        ext2_say(fs, "revision %u: Calf cannot mount it", super->revision);
        return -EOPNOTSUPP;
    }
    result = check_features(fs, super);
    if (!result)
        result = check_blocks(fs, super);
    if (!result)
        result = check_inodes(fs, super);
    if (result)
        return result;
    fs->size_limit = ext2_map_limit(fs);
    if (super->revision != EXT2_DYNAMIC ||
        !(super->write_compat & EXT2_WRITE_LARGE))
        fs->size_limit = MIN(fs->size_limit, (uint64_t)INT32_MAX);
    return 0;
}

/* Without the feature flex_bg a group's bitmaps and inodes lie in the group. */
static bool is_own(const struct ext2 *fs, uint32_t number, uint32_t block,
                   uint32_t count)
{
    uint64_t end = (uint64_t)block + count;

    return block > EXT2_SUPER_OFFSET / fs->block_size + fs->table_blocks &&
           end <= fs->blocks && ext2_group_of_block(fs, block) == number &&
           ext2_group_of_block(fs, (uint32_t)end - 1) == number;
}

static int load_group(struct ext2 *fs, uint32_t number,
                      const struct ext2_descriptor *from)
{
    struct ext2_group *group = &fs->groups[number];
    uint32_t table = fs->inodes_per_group * fs->inode_size / fs->block_size;

    group->block_bitmap = from->block_bitmap;
    group->inode_bitmap = from->inode_bitmap;
    group->inode_table = from->inode_table;
    group->free_blocks = from->free_blocks;
    group->free_inodes = from->free_inodes;
    group->directories = from->directories;
    fs->free_blocks += group->free_blocks;
    fs->free_inodes += group->free_inodes;
    if (is_own(fs, number, group->block_bitmap, 1) &&
        is_own(fs, number, group->inode_bitmap, 1) &&
        is_own(fs, number, group->inode_table, table) &&
        group->block_bitmap != group->inode_bitmap &&
        group->block_bitmap - group->inode_table >= table &&
        group->inode_bitmap - group->inode_table >= table &&
        group->free_blocks <= fs->blocks_per_group &&
        group->free_inodes <= fs->inodes_per_group)
        return 0;
    ext2_say(fs, "damaged descriptor of group %u", number);
    return -EUCLEAN;
}

int ext2_groups_load(struct ext2 *fs)
{
    uint32_t in_block = fs->block_size / sizeof(struct ext2_descriptor);
    uint32_t block = EXT2_SUPER_OFFSET / fs->block_size + 1;
    int result = 0;

    if (!fs->groups)
        fs->groups = slab_alloc_zeroed(fs->group_count * sizeof(*fs->groups));
    if (!fs->groups)
        return -ENOMEM;
    fs->free_blocks = 0;
    fs->free_inodes = 0;
    for (uint32_t i = 0; i < fs->group_count && !result; block++) {
        const struct ext2_descriptor *from;
        struct ext2_view view;

        result = ext2_view(fs, block, &view);
        if (result)
            break;
        from = view.bytes;
        for (uint32_t j = 0; j < in_block && i < fs->group_count; j++, i++)
            result = result ? result : load_group(fs, i, &from[j]);
        ext2_unview(&view);
    }
    return result;
}

/* ---- Records of inodes --------------------------------------------------- */

/* A device has one of two encodings, each in its own pointer; the second has
 * more bits. */
static void read_device(const uint32_t *pointers, struct inode_shape *shape)
{
    uint32_t device = pointers[0];

    shape->major = (uint16_t)(device >> 8 & 0xff);
    shape->minor = (uint16_t)(device & 0xff);
    if (device)
        return;
    device = pointers[1];
    shape->major = (uint16_t)(device >> 8 & 0xfff);
    shape->minor = (uint16_t)((device & 0xff) | (device >> 12 & 0xff00));
}

void ext2_record_device(uint32_t pointers[EXT2_POINTERS], uint16_t major,
                        uint16_t minor)
{
    pointers[1] = (minor & 0xffu) | (major & 0xfffu) << 8 |
                  (uint32_t)(minor & 0xff00u) << 12;
}

bool ext2_record_shape(const struct ext2_record *record,
                       struct inode_shape *shape)
{
    /* Types that Calf does not have are shown as a device without a driver. */
    *shape = (struct inode_shape){.type = INODE_DEVICE, .major = UINT16_MAX};
    switch (record->mode & EXT2_MODE_TYPE) {
    case EXT2_MODE_DIRECTORY:
        *shape = (struct inode_shape){.type = INODE_DIRECTORY};
        return true;
    case EXT2_MODE_FILE:
        *shape = (struct inode_shape){.type = INODE_FILE};
        return true;
    case EXT2_MODE_LINK:
        *shape = (struct inode_shape){.type = INODE_LINK};
        return true;
    case EXT2_MODE_CHARACTER:
        read_device(record->pointers, shape);
        return true;
    case EXT2_MODE_FIFO:
    case EXT2_MODE_BLOCK:
    case EXT2_MODE_SOCKET:
        return true;
    default:
        return false;
    }
}
