/*
 * Looking in directories: for a name, for the record at a place.
 *
 * A large directory has an index in memory, from names to their records'
 * places.
 *
 * To a reader of a directory, a record's slot number is its offset divided by
 * the length of the shortest record. So these numbers grow, are unique, and are
 * 0 and 1 for "." and "..".
 */
#include "fs/ext2/directory.h"
#include "lib/errno.h"
#include "lib/string.h"

/* A directory with at least this many blocks has an index. */
#define INDEX_FROM 4

/* Blocks that are read ahead. */
#define BLOCKS_AHEAD 64

/* Whether the record at `offset` is whole and its inode exists. */
static bool is_valid(const struct ext2 *fs, void *block, uint32_t offset)
{
    const struct ext2_entry *entry = ext2_entry_at(block, offset);

    if (fs->block_size - offset < EXT2_ENTRY_HEAD)
        return false;
    if (entry->length < EXT2_ENTRY_HEAD || entry->length % 4 ||
        entry->length > fs->block_size - offset)
        return false;
    return !entry->number ||
           (entry->number <= fs->inodes && entry->name_length &&
            ext2_entry_size(entry->name_length) <= entry->length);
}

int ext2_entry_check(struct ext2_inode *directory, void *block, uint32_t index,
                     uint32_t offset)
{
    struct ext2 *fs = ext2_fs(&directory->inode);

    if (is_valid(fs, block, offset))
        return 0;
    return ext2_corrupt(fs, "directory %u: bad record in block %u at %u",
                        (unsigned)directory->inode.number, index, offset);
}

int ext2_directory_block(struct ext2_inode *directory, uint32_t index,
                         uint32_t *block)
{
    int result = ext2_map_find(directory, index, block);

    if (!result && !*block)
        result = ext2_corrupt(ext2_fs(&directory->inode),
                              "directory %u has a hole at block %u",
                              (unsigned)directory->inode.number, index);
    return result;
}

int ext2_directory_view(struct ext2_inode *directory, uint32_t index,
                        struct ext2_view *view)
{
    uint32_t block;
    int result = ext2_directory_block(directory, index, &block);

    return result ? result : ext2_view(ext2_fs(&directory->inode), block, view);
}

int ext2_directory_next(struct ext2_inode *directory, uint32_t index,
                        struct ext2_view *view)
{
    struct ext2 *fs = ext2_fs(&directory->inode);
    uint32_t last = MIN(index + BLOCKS_AHEAD, directory->blocks), block;
    int result = ext2_directory_view(directory, index, view);

    if (result == -ERESTART)
        while (index < last && !ext2_map_find(directory, index++, &block))
            if (block)
                cache_read_around(&fs->metadata,
                                  block >> (HAL_PAGE_SHIFT - fs->block_shift));
    return result;
}

/* ---- Finding ------------------------------------------------------------- */

static bool is_called(const struct ext2_entry *entry, struct name name)
{
    return entry->number && entry->name_length == name.length &&
           memcmp(entry->name, name.text, name.length) == 0;
}

/* Look for `name` in one block: 1 when it is there. */
static int find_in(struct ext2_inode *directory, void *block, struct name name,
                   struct ext2_place *place)
{
    const struct ext2 *fs = ext2_fs(&directory->inode);

    for (uint32_t offset = 0; offset < fs->block_size;) {
        const struct ext2_entry *entry = ext2_entry_at(block, offset);
        int error = ext2_entry_check(directory, block, place->index, offset);

        if (error)
            return error;
        if (is_called(entry, name)) {
            place->offset = offset;
            place->number = entry->number;
            return 1;
        }
        offset += entry->length;
    }
    return 0;
}

/* Put the names of a block into the index, which is held: 1; 0: the index has
 * been given up; or an error. */
static int index_block(struct ext2_inode *directory, void *block,
                       uint32_t index)
{
    uint32_t size = ext2_fs(&directory->inode)->block_size;

    for (uint32_t offset = 0; offset < size;) {
        const struct ext2_entry *entry = ext2_entry_at(block, offset);
        struct ext2_place place = {.index = index, .offset = offset};
        int error = ext2_entry_check(directory, block, index, offset);

        if (error)
            return error;
        if (entry->number &&
            name_index_add(&directory->index, name_hash(ext2_entry_name(entry)),
                           ext2_place_number(directory, &place)))
            return 0;
        offset += entry->length;
    }
    return 1;
}

/* Put the names that are missing into the index, which is held. 1: it has all
 * of them; 0, or an error: it is not held any more. After -ERESTART the next
 * call goes on with the same block. */
static int complete_index(struct ext2_inode *directory)
{
    struct ext2_view view;
    int result = 1;

    while (directory->indexed < directory->blocks && result > 0) {
        result = ext2_directory_next(directory, directory->indexed, &view);
        if (result)
            break;
        result = index_block(directory, view.bytes, directory->indexed);
        ext2_unview(&view);
        directory->indexed += result > 0;
    }
    if (result < 0)
        name_index_release(&directory->index);
    if (result < 0 && result != -ERESTART)
        name_index_drop(&directory->index);
    return result;
}

/* Look at all names: 1 if `name` is there, 0, or an error. */
static int find_by_looking(struct ext2_inode *directory, struct name name,
                           struct ext2_place *place)
{
    struct ext2_view view;
    int result = 0;

    for (uint32_t index = 0; index < directory->blocks && !result; index++) {
        result = ext2_directory_next(directory, index, &view);
        if (result)
            break;
        place->index = index;
        result = find_in(directory, view.bytes, name, place);
        ext2_unview(&view);
    }
    return result;
}

/* Whether the record there has that name: 1, 0, or an error. */
static int try_place(struct ext2_inode *directory, uint32_t number,
                     struct name name, struct ext2_place *place)
{
    uint32_t in_block = ext2_fs(&directory->inode)->block_size / 4;
    struct ext2_view view;
    int result;

    place->index = number / in_block;
    place->offset = number % in_block * 4;
    result = ext2_directory_view(directory, place->index, &view);
    if (result)
        return result;
    result =
        ext2_entry_check(directory, view.bytes, place->index, place->offset);
    if (!result) {
        const struct ext2_entry *entry =
            ext2_entry_at(view.bytes, place->offset);

        place->number = entry->number;
        result = is_called(entry, name);
    }
    ext2_unview(&view);
    return result;
}

/* The index is held. */
static int find_by_index(struct ext2_inode *directory, struct name name,
                         struct ext2_place *place)
{
    struct name_search search =
        name_index_search(&directory->index, name_hash(name));
    uint32_t number;
    int result = 0;

    while (!result && name_index_next(&search, &number))
        result = try_place(directory, number, name, place);
    return result;
}

int ext2_directory_find(struct ext2_inode *directory, struct name name,
                        struct ext2_place *place)
{
    bool held = name_index_hold(&directory->index);
    int result = 0;

    if (!held && directory->blocks >= INDEX_FROM &&
        name_index_begin(&directory->index)) {
        directory->indexed = 0;
        held = true;
    }
    if (held)
        result = complete_index(directory);
    if (result > 0) {
        result = find_by_index(directory, name, place);
        name_index_release(&directory->index);
    } else if (!result) {
        result = find_by_looking(directory, name, place);
    }
    return result < 0 ? result : result ? 0 : -ENOENT;
}

int ext2_directory_parent(struct ext2_inode *directory, uint32_t *number)
{
    struct ext2_view view;
    struct ext2_place place = {.index = 0};
    int result = ext2_directory_view(directory, 0, &view);

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
    return name_is(ext2_entry_name(entry), ".") ||
           name_is(ext2_entry_name(entry), "..");
}

/* The first record in use at or after `from` in a block: its offset, the
 * block's size when there is none, or an error. */
static int next_used(struct ext2_inode *directory, void *block, uint32_t index,
                     uint32_t from)
{
    const struct ext2 *fs = ext2_fs(&directory->inode);
    uint32_t offset = 0;

    while (offset < fs->block_size) {
        const struct ext2_entry *entry = ext2_entry_at(block, offset);
        int error = ext2_entry_check(directory, block, index, offset);

        if (error)
            return error;
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
    uint64_t start = *slot * EXT2_ENTRY_SHORTEST;
    uint32_t from = (uint32_t)(start % fs->block_size);
    struct ext2_view view;

    if (*slot >= atomic_load(&inode->size) / DIRECTORY_SLOT_SIZE)
        return 0;
    for (uint32_t index = (uint32_t)(start / fs->block_size);
         index < directory->blocks; index++, from = 0) {
        const struct ext2_entry *entry;
        int found = ext2_directory_next(directory, index, &view);

        if (found)
            return found;
        found = next_used(directory, view.bytes, index, from);
        if (found >= 0 && (uint32_t)found < fs->block_size) {
            entry = ext2_entry_at(view.bytes, (uint32_t)found);
            *slot = ((uint64_t)index * fs->block_size + (uint32_t)found) /
                    EXT2_ENTRY_SHORTEST;
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
        if (!is_dots(ext2_entry_at(block, (uint32_t)at)))
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
        int result = ext2_directory_next(directory, index, &view);

        if (result)
            return result;
        result = has_name(directory, view.bytes, index);
        ext2_unview(&view);
        if (result)
            return result < 0 ? result : 0;
    }
    return 1;
}
