/*
 * Directories: blocks of records, each a number, a length and a name. This file
 * changes records; find.c searches for them.
 *
 * A record's length leads to the next. When a record is removed, its length is
 * added to the one before it; the first of a block becomes an empty one. Other
 * systems keep a tree of hashes in a large directory, in records that look
 * empty. Calf does not put new names into that tree, so it clears the flag of
 * the inode that says that there is one.
 *
 * The search for room begins where the last one for a name of about that length
 * ended. The bytes of removed records are counted; when they are a quarter of
 * the directory, the search begins at the first block again. So the average
 * search takes no longer in a larger directory.
 */
#include "fs/ext2/directory.h"
#include "lib/errno.h"
#include "lib/string.h"

void ext2_directory_sized(struct ext2_inode *directory, uint32_t blocks)
{
    uint64_t bytes = (uint64_t)blocks * ext2_fs(&directory->inode)->block_size;

    directory->blocks = blocks;
    atomic_store(&directory->inode.size,
                 bytes / EXT2_ENTRY_SHORTEST * DIRECTORY_SLOT_SIZE);
}

/* Bring in the block at place->index. */
static int bring_in(struct ext2_inode *directory, struct journal_handle *handle,
                    struct ext2_place *place)
{
    uint32_t block;
    void *bytes;
    int result = ext2_directory_block(directory, place->index, &block);

    if (!result)
        result = journal_change(handle, block, &bytes);
    if (!result)
        place->block = bytes;
    return result;
}

int ext2_directory_change(struct ext2_inode *directory,
                          struct journal_handle *handle,
                          struct ext2_place *place)
{
    uint32_t offset = 0;
    int result = bring_in(directory, handle, place);

    place->before = place->offset;
    while (!result && offset < place->offset) {
        place->before = offset;
        result =
            ext2_entry_check(directory, place->block, place->index, offset);
        offset += ext2_entry_at(place->block, offset)->length;
    }
    if (!result && offset != place->offset)
        result = ext2_corrupt(ext2_fs(&directory->inode),
                              "directory %u: no record in block %u at %u",
                              (unsigned)directory->inode.number, place->index,
                              place->offset);
    return result;
}

/* How many bytes of a record are in use: the rest is room. */
static uint32_t used(const struct ext2_entry *entry)
{
    return entry->number ? ext2_entry_size(entry->name_length) : 0;
}

/* Look for `need` bytes of room in one block: 1 if they are there. */
static int room_in(struct ext2_inode *directory, void *block, uint32_t need,
                   struct ext2_place *place)
{
    const struct ext2 *fs = ext2_fs(&directory->inode);
    uint32_t offset = 0;

    if (place->index == directory->last_block)
        offset = directory->last_offset;
    while (offset < fs->block_size) {
        const struct ext2_entry *entry = ext2_entry_at(block, offset);
        int error = ext2_entry_check(directory, block, place->index, offset);

        if (error)
            return error;
        if (entry->length - used(entry) >= need) {
            place->offset = offset;
            return 1;
        }
        offset += entry->length;
    }
    return 0;
}

/* Look in all blocks from *full on: 1 if one has room, and *full is that block.
 * After -ERESTART the next call goes on with the same block. */
static int find_room(struct ext2_inode *directory, uint32_t *full,
                     uint32_t need, struct ext2_place *place)
{
    struct ext2_view view;
    int result = 0;

    while (*full < directory->blocks && !result) {
        result = ext2_directory_next(directory, *full, &view);
        if (result)
            break;
        place->index = *full;
        result = room_in(directory, view.bytes, need, place);
        ext2_unview(&view);
        *full += !result;
    }
    return result;
}

/* Add an empty block to the directory. */
static int grow(struct ext2_inode *directory, struct journal_handle *handle,
                struct ext2_place *place)
{
    const struct ext2 *fs = ext2_fs(&directory->inode);
    uint32_t block;
    void *bytes;
    bool made;
    int result = ext2_map_make(directory, handle, directory->blocks, &block,
                               &made, &bytes);

    if (!result && !made)
        result = ext2_corrupt(ext2_fs(&directory->inode),
                              "directory %u has blocks past its end",
                              (unsigned)directory->inode.number);
    if (result)
        return result;
    ext2_entry_at(bytes, 0)->length = (uint16_t)fs->block_size;
    place->block = bytes;
    place->index = directory->blocks;
    place->offset = 0;
    ext2_directory_sized(directory, directory->blocks + 1);
    return 0;
}

/* If so much was removed that full blocks may have room again, have the next
 * search begin at the first block: true. */
static bool look_again(struct ext2_inode *directory)
{
    uint32_t size = ext2_fs(&directory->inode)->block_size;

    if (!directory->freed || directory->freed < directory->blocks / 4 * size)
        return false;
    memset(directory->full, 0, sizeof(directory->full));
    directory->freed = 0;
    return true;
}

int ext2_directory_room(struct ext2_inode *directory,
                        struct journal_handle *handle, size_t length,
                        struct ext2_place *place)
{
    uint32_t need = ext2_entry_size(length);
    uint32_t *full = &directory->full[need / EXT2_ROOM_STEP];
    int result = find_room(directory, full, need, place);

    if (!result && look_again(directory))
        result = find_room(directory, full, need, place);
    if (result < 0)
        return result;
    return result ? bring_in(directory, handle, place)
                  : grow(directory, handle, place);
}

static uint8_t type_of(const struct ext2_inode *inode)
{
    static const uint8_t types[16] = {
        [EXT2_MODE_FILE >> 12] = EXT2_TYPE_FILE,
        [EXT2_MODE_DIRECTORY >> 12] = EXT2_TYPE_DIRECTORY,
        [EXT2_MODE_CHARACTER >> 12] = EXT2_TYPE_CHARACTER,
        [EXT2_MODE_BLOCK >> 12] = EXT2_TYPE_BLOCK,
        [EXT2_MODE_FIFO >> 12] = EXT2_TYPE_FIFO,
        [EXT2_MODE_SOCKET >> 12] = EXT2_TYPE_SOCKET,
        [EXT2_MODE_LINK >> 12] = EXT2_TYPE_LINK,
    };

    return ext2_fs(&inode->inode)->has_types ? types[inode->mode >> 12] : 0;
}

static void fill(struct ext2_entry *entry, struct name name, uint32_t number,
                 uint8_t type)
{
    entry->number = number;
    entry->name_length = (uint8_t)name.length;
    entry->type = type;
    memcpy(entry->name, name.text, name.length);
}

void ext2_directory_put(struct ext2_inode *directory, struct ext2_place *place,
                        struct name name, const struct ext2_inode *inode)
{
    struct ext2_entry *entry = ext2_entry_at(place->block, place->offset);
    uint32_t before = used(entry);
    struct ext2_entry *new =
        ext2_entry_at(place->block, place->offset + before);

    if (before) {
        new->length = (uint16_t)(entry->length - before);
        entry->length = (uint16_t)before;
    }
    place->offset += before;
    fill(new, name, (uint32_t)inode->inode.number, type_of(inode));
    directory->flags &= ~EXT2_FLAG_INDEX;
    inode_modified(&directory->inode);
    directory->last_block = place->index;
    directory->last_offset = place->offset;
    if (place->index < directory->indexed &&
        name_index_hold(&directory->index) &&
        !name_index_add(&directory->index, name_hash(name),
                        ext2_place_number(directory, place)))
        name_index_release(&directory->index);
}

void ext2_directory_exchange(struct ext2_place *place,
                             const struct ext2_inode *inode)
{
    struct ext2_entry *entry = ext2_entry_at(place->block, place->offset);

    entry->number = (uint32_t)inode->inode.number;
    entry->type = type_of(inode);
}

void ext2_directory_remove(struct ext2_inode *directory,
                           struct ext2_place *place)
{
    struct ext2_entry *entry = ext2_entry_at(place->block, place->offset);

    if (name_index_hold(&directory->index)) {
        name_index_remove(&directory->index, name_hash(ext2_entry_name(entry)),
                          ext2_place_number(directory, place));
        name_index_release(&directory->index);
    }
    entry->number = 0;
    directory->freed += entry->length;
    if (place->index == directory->last_block)
        directory->last_offset = 0;
    if (place->before != place->offset)
        ext2_entry_at(place->block, place->before)->length += entry->length;
    inode_modified(&directory->inode);
}

void ext2_directory_format(struct ext2_inode *directory, void *block,
                           uint32_t parent)
{
    struct ext2_entry *self = ext2_entry_at(block, 0);
    struct ext2_entry *up = ext2_entry_at(block, EXT2_ENTRY_SHORTEST);
    uint32_t size = ext2_fs(&directory->inode)->block_size;
    uint8_t type = type_of(directory);

    fill(self, (struct name){".", 1}, (uint32_t)directory->inode.number, type);
    self->length = EXT2_ENTRY_SHORTEST;
    fill(up, (struct name){"..", 2}, parent, type);
    up->length = (uint16_t)(size - EXT2_ENTRY_SHORTEST);
}
