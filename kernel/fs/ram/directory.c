/*
 * The names in a directory of the RAM file system.
 *
 * A directory is an array of entries by slot. A removed entry leaves an empty
 * slot, which a new name takes, so that a process that is reading the directory
 * meanwhile loses its place no further than that. Empty slots are chained: each
 * holds a link to the next. A large directory has an index of its names.
 */
#include "fs/ram/private.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/slab.h"

/* "." and ".." */
#define FIXED_SLOTS 2

/* Names from which on a directory has an index. */
#define INDEX_FROM 64

struct ramfs_entry {
    struct inode *inode; /* with a reference */
    uint8_t length;
    char name[]; /* not terminated */
};

/* A link to an empty slot is odd, as no address of an entry is; the slot it
 * leads to, or 0 at the end, stands above that bit. */
static uintptr_t link_to(uint64_t slot)
{
    return slot << 1 | 1;
}

/* What the slot holds; NULL: it is empty. */
static struct ramfs_entry *entry_at(struct ramfs_inode *directory,
                                    uint64_t slot)
{
    void *item = radix_get(&directory->entries, slot - FIXED_SLOTS);
    return (uintptr_t)item & 1 ? NULL : item;
}

static bool is_called(const struct ramfs_entry *entry, struct name name)
{
    return entry && entry->length == name.length &&
           memcmp(entry->name, name.text, name.length) == 0;
}

/* The index is held. */
static uint64_t find_by_index(struct ramfs_inode *directory, struct name name)
{
    struct name_search search =
        name_index_search(&directory->index, name_hash(name));
    uint32_t slot;
    while (name_index_next(&search, &slot))
        if (is_called(entry_at(directory, slot), name))
            return slot;
    return 0;
}

static uint64_t find_by_looking(struct ramfs_inode *directory, struct name name)
{
    uint64_t end = directory->entry_slots + FIXED_SLOTS;
    for (uint64_t slot = FIXED_SLOTS; slot < end; slot++)
        if (is_called(entry_at(directory, slot), name))
            return slot;
    return 0;
}

/* Put all names into the index, which was begun. Whether it is held then. */
static bool build_index(struct ramfs_inode *directory)
{
    uint64_t end = directory->entry_slots + FIXED_SLOTS;
    for (uint64_t slot = FIXED_SLOTS; slot < end; slot++) {
        const struct ramfs_entry *entry = entry_at(directory, slot);
        if (!entry)
            continue;
        struct name name = {entry->name, entry->length};
        if (name_index_add(&directory->index, name_hash(name), slot))
            return false;
    }
    return true;
}

uint64_t ramfs_find(struct ramfs_inode *directory, struct name name)
{
    ASSERT(mutex_held(&directory->inode.mutex));
    bool held = name_index_hold(&directory->index);
    if (!held && directory->entry_count >= INDEX_FROM &&
        name_index_begin(&directory->index))
        held = build_index(directory);
    if (!held)
        return find_by_looking(directory, name);
    uint64_t slot = find_by_index(directory, name);
    name_index_release(&directory->index);
    return slot;
}

struct inode **ramfs_entry_inode(struct ramfs_inode *directory, uint64_t slot)
{
    return &entry_at(directory, slot)->inode;
}

void ramfs_sized(struct ramfs_inode *directory)
{
    atomic_store(&directory->inode.size,
                 (directory->entry_slots + FIXED_SLOTS) * DIRECTORY_SLOT_SIZE);
}

/* A slot for `entry`: the first empty one, or one more. 0: no memory. */
static uint64_t take_slot(struct ramfs_inode *directory,
                          struct ramfs_entry *entry)
{
    uint64_t slot = directory->empty >> 1;
    void *link = NULL;
    if (slot)
        link = radix_get(&directory->entries, slot - FIXED_SLOTS);
    else
        slot = directory->entry_slots + FIXED_SLOTS;
    if (radix_set(&directory->entries, slot - FIXED_SLOTS, entry))
        return 0;
    if (link) {
        directory->empty = (uintptr_t)link;
    } else {
        directory->entry_slots++;
        ramfs_sized(directory);
    }
    return slot;
}

static void leave_slot(struct ramfs_inode *directory, uint64_t slot)
{
    /* The slot is in use: this allocates nothing. */
    (void)radix_set(&directory->entries, slot - FIXED_SLOTS,
                    (void *)link_to(directory->empty >> 1));
    directory->empty = link_to(slot);
    if (--directory->entry_count)
        return;
    radix_clear(&directory->entries);
    directory->empty = 0;
    directory->entry_slots = 0;
    ramfs_sized(directory);
    name_index_drop(&directory->index);
}

int ramfs_add(struct ramfs_inode *directory, struct name name,
              struct inode *inode)
{
    struct ramfs_entry *entry = slab_alloc(sizeof(*entry) + name.length);
    uint64_t slot = entry ? take_slot(directory, entry) : 0;
    if (!slot) {
        slab_free(entry);
        return -ENOMEM;
    }
    entry->inode = inode_get(inode);
    entry->length = (uint8_t)name.length;
    memcpy(entry->name, name.text, name.length);
    inode_changed(inode);
    inode_modified(&directory->inode);
    directory->entry_count++;
    if (name_index_hold(&directory->index) &&
        !name_index_add(&directory->index, name_hash(name), slot))
        name_index_release(&directory->index);
    return 0;
}

void ramfs_remove(struct ramfs_inode *directory, uint64_t slot)
{
    struct ramfs_entry *entry = entry_at(directory, slot);
    struct name name = {entry->name, entry->length};
    if (name_index_hold(&directory->index)) {
        name_index_remove(&directory->index, name_hash(name), slot);
        name_index_release(&directory->index);
    }
    leave_slot(directory, slot);
    slab_free(entry);
    inode_modified(&directory->inode);
}

int ramfs_is_empty(struct inode *inode)
{
    return ramfs_of(inode)->entry_count == 0;
}

static void fill_entry(struct directory_entry *out, const struct inode *inode,
                       const char *name, size_t length)
{
    out->number = inode ? inode->number : 0;
    out->length = length;
    memcpy(out->name, name, length);
    out->name[length] = '\0';
}

int ramfs_read_directory(struct inode *inode, uint64_t *slot,
                         struct directory_entry *out)
{
    struct ramfs_inode *directory = ramfs_of(inode);
    struct ramfs_entry *entry;
    if (*slot >= directory->entry_slots + FIXED_SLOTS)
        return 0;
    if (*slot == 0) {
        fill_entry(out, inode, ".", 1);
    } else if (*slot == 1) {
        fill_entry(out, directory->parent, "..", 2);
    } else {
        entry = entry_at(directory, *slot);
        if (entry)
            fill_entry(out, entry->inode, entry->name, entry->length);
        else
            fill_entry(out, NULL, "", 0);
    }
    return 1;
}
