/*
 * Directories: blocks of records, each a number, a length and a name.
 *
 * A record's length leads to the next; what a removed one took up is added to
 * the one before it, or it stays as an empty one. A tree of hashes that other
 * systems keep in a big directory hides in records that look empty; a name put
 * in without that tree's order ends it, by a flag of the inode.
 *
 * To readers a record's place is its offset divided by the length of the
 * shortest record, so that the numbers grow, none is given twice, and "." and
 * ".." are 0 and 1.
 */
#include "fs/ext2/directory.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"

#define SHORTEST 12u

/* Bytes a record with a name of `length` needs. */
static uint32_t entry_size(size_t length)
{
    return (uint32_t)align_up(EXT2_ENTRY_HEAD + length, 4);
}

static struct ext2_entry *entry_at(void *block, uint32_t offset)
{
    return (struct ext2_entry *)((uint8_t *)block + offset);
}

/* Whether the record at `offset` is whole and its inode exists. */
static bool is_valid(const struct ext2 *fs, void *block, uint32_t offset)
{
    const struct ext2_entry *entry = entry_at(block, offset);

    if (fs->block_size - offset < EXT2_ENTRY_HEAD)
        return false;
    if (entry->length < EXT2_ENTRY_HEAD || entry->length % 4 ||
        entry->length > fs->block_size - offset)
        return false;
    return !entry->number ||
           (entry->number <= fs->inodes && entry->name_length &&
            entry_size(entry->name_length) <= entry->length);
}

static int bad_entry(struct ext2_inode *directory, uint32_t index,
                     uint32_t offset)
{
    return ext2_corrupt(ext2_fs(&directory->inode),
                        "directory %u: bad record in block %u at %u",
                        (unsigned)directory->inode.number, index, offset);
}

/* Block `index` of the directory, which must be there. */
static int find_block(struct ext2_inode *directory, uint32_t index,
                      uint32_t *block)
{
    int result = ext2_map_find(directory, index, block);

    if (!result && !*block)
        result = ext2_corrupt(ext2_fs(&directory->inode),
                              "directory %u has a hole at block %u",
                              (unsigned)directory->inode.number, index);
    return result;
}

static int view_block(struct ext2_inode *directory, uint32_t index,
                      struct ext2_view *view)
{
    uint32_t block;
    int result = find_block(directory, index, &block);

    return result ? result : ext2_view(ext2_fs(&directory->inode), block, view);
}

void ext2_directory_sized(struct ext2_inode *directory, uint32_t blocks)
{
    uint64_t bytes = (uint64_t)blocks * ext2_fs(&directory->inode)->block_size;

    directory->blocks = blocks;
    atomic_store(&directory->inode.size,
                 bytes / SHORTEST * DIRECTORY_SLOT_SIZE);
}

/* ---- Finding ------------------------------------------------------------- */

/* Look for `name` in one block: 1 when it is there. */
static int find_in(struct ext2_inode *directory, void *block, struct name name,
                   struct ext2_place *place)
{
    const struct ext2 *fs = ext2_fs(&directory->inode);
    uint32_t before = 0;

    for (uint32_t offset = 0; offset < fs->block_size;) {
        const struct ext2_entry *entry = entry_at(block, offset);

        if (!is_valid(fs, block, offset))
            return bad_entry(directory, place->index, offset);
        if (entry->number && entry->name_length == name.length &&
            memcmp(entry->name, name.text, name.length) == 0) {
            place->offset = offset;
            place->before = before;
            place->number = entry->number;
            return 1;
        }
        before = offset;
        offset += entry->length;
    }
    return 0;
}

int ext2_directory_find(struct ext2_inode *directory, struct name name,
                        struct ext2_place *place)
{
    struct ext2_view view;

    for (uint32_t index = 0; index < directory->blocks; index++) {
        int result = view_block(directory, index, &view);

        if (result)
            return result;
        place->index = index;
        result = find_in(directory, view.bytes, name, place);
        ext2_unview(&view);
        if (result)
            return result < 0 ? result : 0;
    }
    return -ENOENT;
}

int ext2_directory_parent(struct ext2_inode *directory, uint32_t *number)
{
    struct ext2_view view;
    struct ext2_place place = {.index = 0};
    int result = view_block(directory, 0, &view);

    if (result)
        return result;
    result = find_in(directory, view.bytes, (struct name){"..", 2}, &place);
    ext2_unview(&view);
    if (!result)
        return ext2_corrupt(ext2_fs(&directory->inode),
                            "directory %u has no \"..\"",
                            (unsigned)directory->inode.number);
    *number = place.number;
    return result < 0 ? result : 0;
}

static bool is_dots(const struct ext2_entry *entry)
{
    struct name name = {entry->name, entry->name_length};

    return name_is(name, ".") || name_is(name, "..");
}

/* The first record in use at or after `from` in a block: its offset, the
 * block's size when there is none, or an error. */
static int next_used(struct ext2_inode *directory, void *block, uint32_t index,
                     uint32_t from)
{
    const struct ext2 *fs = ext2_fs(&directory->inode);
    uint32_t offset = 0;

    while (offset < fs->block_size) {
        const struct ext2_entry *entry = entry_at(block, offset);

        if (!is_valid(fs, block, offset))
            return bad_entry(directory, index, offset);
        if (offset >= from && entry->number)
            break;
        offset += entry->length;
    }
    return (int)MIN(offset, fs->block_size);
}

int ext2_read_directory(struct inode *inode, uint64_t *slot,
                        struct directory_entry *out)
{
    struct ext2_inode *directory = ext2_of(inode);
    const struct ext2 *fs = ext2_fs(inode);
    uint64_t start = *slot * SHORTEST;
    uint32_t from = (uint32_t)(start % fs->block_size);
    struct ext2_view view;

    if (*slot >= atomic_load(&inode->size) / DIRECTORY_SLOT_SIZE)
        return 0;
    for (uint32_t index = (uint32_t)(start / fs->block_size);
         index < directory->blocks; index++, from = 0) {
        const struct ext2_entry *entry;
        int found = view_block(directory, index, &view);

        if (found)
            return found;
        found = next_used(directory, view.bytes, index, from);
        if (found >= 0 && (uint32_t)found < fs->block_size) {
            entry = entry_at(view.bytes, (uint32_t)found);
            *slot =
                ((uint64_t)index * fs->block_size + (uint32_t)found) / SHORTEST;
            out->number = entry->number;
            out->length = entry->name_length;
            memcpy(out->name, entry->name, entry->name_length);
            out->name[entry->name_length] = '\0';
        }
        ext2_unview(&view);
        if (found < 0 || (uint32_t)found < fs->block_size)
            return found < 0 ? found : 1;
    }
    return 0;
}

/* Whether there is a name in a block: 1, 0, or an error. */
static int has_name(struct ext2_inode *directory, void *block, uint32_t index)
{
    int size = (int)ext2_fs(&directory->inode)->block_size;
    int at = next_used(directory, block, index, 0);

    while (at >= 0 && at < size) {
        if (!is_dots(entry_at(block, (uint32_t)at)))
            return 1;
        at = next_used(directory, block, index, (uint32_t)at + 1);
    }
    return at < 0 ? at : 0;
}

int ext2_is_empty(struct inode *inode)
{
    struct ext2_inode *directory = ext2_of(inode);
    struct ext2_view view;

    for (uint32_t index = 0; index < directory->blocks; index++) {
        int result = view_block(directory, index, &view);

        if (result)
            return result;
        result = has_name(directory, view.bytes, index);
        ext2_unview(&view);
        if (result)
            return result < 0 ? result : 0;
    }
    return 1;
}

/* ---- Changing ------------------------------------------------------------ */

int ext2_directory_change(struct ext2_inode *directory,
                          struct journal_handle *handle,
                          struct ext2_place *place)
{
    uint32_t block;
    void *bytes;
    int result = find_block(directory, place->index, &block);

    if (!result)
        result = journal_change(handle, block, &bytes);
    if (!result)
        place->block = bytes;
    return result;
}

/* Bytes of a record that are its own: the rest is room. */
static uint32_t used(const struct ext2_entry *entry)
{
    return entry->number ? entry_size(entry->name_length) : 0;
}

/* Look for `need` bytes in one block: 1 when there are. */
static int room_in(struct ext2_inode *directory, void *block, uint32_t need,
                   struct ext2_place *place)
{
    const struct ext2 *fs = ext2_fs(&directory->inode);

    for (uint32_t offset = 0; offset < fs->block_size;) {
        const struct ext2_entry *entry = entry_at(block, offset);

        if (!is_valid(fs, block, offset))
            return bad_entry(directory, place->index, offset);
        if (entry->length - used(entry) >= need) {
            place->offset = offset;
            return 1;
        }
        offset += entry->length;
    }
    return 0;
}

/* Look in all blocks from `index` on: 1 when one has room. */
static int find_room(struct ext2_inode *directory, uint32_t index,
                     uint32_t need, struct ext2_place *place)
{
    struct ext2_view view;
    int result = 0;

    for (; index < directory->blocks && !result; index++) {
        result = view_block(directory, index, &view);
        if (result)
            break;
        place->index = index;
        result = room_in(directory, view.bytes, need, place);
        ext2_unview(&view);
    }
    return result;
}

/* One more block, all room. */
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
    entry_at(bytes, 0)->length = (uint16_t)fs->block_size;
    place->block = bytes;
    place->index = directory->blocks;
    place->offset = 0;
    ext2_directory_sized(directory, directory->blocks + 1);
    return 0;
}

int ext2_directory_room(struct ext2_inode *directory,
                        struct journal_handle *handle, size_t length,
                        struct ext2_place *place)
{
    uint32_t need = entry_size(length);
    bool skip = need >= directory->full_length;
    int result = find_room(directory, skip ? directory->full : 0, need, place);

    if (result < 0)
        return result;
    result = result ? ext2_directory_change(directory, handle, place)
                    : grow(directory, handle, place);
    if (!result && (skip || place->index >= directory->full)) {
        directory->full = place->index;
        directory->full_length = need;
    }
    return result;
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
    struct ext2_entry *entry = entry_at(place->block, place->offset);
    uint32_t before = used(entry);
    struct ext2_entry *new = entry_at(place->block, place->offset + before);

    if (before) {
        new->length = (uint16_t)(entry->length - before);
        entry->length = (uint16_t)before;
    }
    fill(new, name, (uint32_t)inode->inode.number, type_of(inode));
    place->offset += before;
    directory->flags &= ~EXT2_FLAG_INDEX;
}

void ext2_directory_exchange(struct ext2_place *place,
                             const struct ext2_inode *inode)
{
    struct ext2_entry *entry = entry_at(place->block, place->offset);

    entry->number = (uint32_t)inode->inode.number;
    entry->type = type_of(inode);
}

void ext2_directory_remove(struct ext2_inode *directory,
                           struct ext2_place *place)
{
    struct ext2_entry *entry = entry_at(place->block, place->offset);

    entry->number = 0;
    if (place->before != place->offset)
        entry_at(place->block, place->before)->length += entry->length;
    directory->full = MIN(directory->full, place->index);
}

void ext2_directory_format(struct ext2_inode *directory, void *block,
                           uint32_t parent)
{
    struct ext2_entry *self = entry_at(block, 0);
    struct ext2_entry *up = entry_at(block, SHORTEST);
    uint32_t size = ext2_fs(&directory->inode)->block_size;
    uint8_t type = type_of(directory);

    fill(self, (struct name){".", 1}, (uint32_t)directory->inode.number, type);
    self->length = SHORTEST;
    fill(up, (struct name){"..", 2}, parent, type);
    up->length = (uint16_t)(size - SHORTEST);
}
