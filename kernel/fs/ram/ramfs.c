/*
 * Names in memory: directories of the RAM file system, and the life of its
 * inodes.
 *
 * A directory is an array of entries by slot. An entry holds a reference to its
 * inode, so an inode with a name stays, and one without goes with its last
 * user. A removed entry leaves an empty slot, which a new name takes, so that a
 * process that is reading the directory meanwhile loses its place no further
 * than that. Empty slots are chained: each holds a link to the next. A large
 * directory has an index of its names. A child directory holds a reference to
 * its parent, for "..".
 */
#include "fs/ram/ramfs.h"
#include "fs/ram/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/slab.h"

/* "." and ".." */
#define FIXED_SLOTS 2

#define WORD_BITS 64

/* Names from which on a directory has an index. */
#define INDEX_FROM 64

struct ramfs_entry {
    struct inode *inode; /* with a reference */
    uint8_t length;
    char name[]; /* not terminated */
};

static const struct inode_ops directory_ops;
static const struct inode_ops file_ops;
static const struct inode_ops device_ops;

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
    uint32_t hash = name_hash(name), at = 0, slot;
    while (name_index_next(&directory->index, hash, &at, &slot))
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

/* The slot of `name`, or 0. */
static uint64_t find_slot(struct ramfs_inode *directory, struct name name)
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

static int ramfs_lookup(struct inode *inode, struct name name,
                        struct inode **out)
{
    struct ramfs_inode *directory = ramfs_of(inode);
    if (name_is(name, "..")) {
        *out = inode_get(directory->parent);
        return 0;
    }
    uint64_t slot = find_slot(directory, name);
    if (!slot)
        return -ENOENT;
    *out = inode_get(entry_at(directory, slot)->inode);
    return 0;
}

static void set_size(struct ramfs_inode *directory)
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
        set_size(directory);
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
    set_size(directory);
    name_index_drop(&directory->index);
}

/* Give `inode` a name known to be free, and the entry a reference to it. */
static int add_entry(struct ramfs_inode *directory, struct name name,
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
    atomic_fetch_add(&inode->links, 1);
    inode_changed(inode);
    inode_modified(&directory->inode);
    directory->entry_count++;
    if (name_index_hold(&directory->index) &&
        !name_index_add(&directory->index, name_hash(name), slot))
        name_index_release(&directory->index);
    return 0;
}

static void set_label(struct ramfs_inode *inode, struct name name)
{
    size_t length = MIN(name.length, sizeof(inode->label) - 1);
    memcpy(inode->label, name.text, length);
    inode->label[length] = '\0';
}

/* The lowest number that no inode has, now its caller's; 0: all are taken.
 * There are programs to which a number in the thousands looks like an error. */
static uint64_t take_number(struct ramfs *fs)
{
    uint64_t full = atomic_load(&fs->full_words);
    for (uint64_t word = full; word < fs->number_words; word++) {
        uint64_t taken = atomic_load(&fs->numbers[word]);
        while (~taken) {
            unsigned bit = bit_lowest(~taken);
            taken = atomic_fetch_or(&fs->numbers[word], BIT(bit));
            if (taken & BIT(bit))
                continue;
            /* Fails if a number has been given back meanwhile. */
            atomic_compare_exchange_strong(&fs->full_words, &full, word);
            return word * WORD_BITS + bit + 1;
        }
    }
    return 0;
}

static void give_number_back(struct ramfs *fs, uint64_t number)
{
    uint64_t word = (number - 1) / WORD_BITS;
    uint64_t full = atomic_load(&fs->full_words);
    atomic_fetch_and(&fs->numbers[word], ~BIT((number - 1) % WORD_BITS));
    while (full > word &&
           !atomic_compare_exchange_weak(&fs->full_words, &full, word))
        continue;
}

/* A new inode without a name; `parent` is NULL for a root. */
static struct ramfs_inode *new_inode(struct ramfs *fs, uint64_t number,
                                     const struct inode_shape *shape,
                                     struct inode *parent)
{
    const struct inode_ops *ops = shape->type == INODE_DIRECTORY
                                      ? &directory_ops
                                  : shape->type == INODE_DEVICE ? &device_ops
                                                                : &file_ops;
    struct ramfs_inode *new = slab_alloc_zeroed(sizeof(*new));
    if (!new)
        return NULL;
    atomic_fetch_add(&fs->entries, 1);
    inode_init(&new->inode, &fs->superblock, ops, number, shape);
    if (shape->type == INODE_FILE)
        ramfs_data_init(new);
    if (shape->type == INODE_DIRECTORY) {
        new->parent = parent ? inode_get(parent) : &new->inode;
        atomic_store(&new->inode.links, 1); /* its own "." */
        set_size(new);
    }
    return new;
}

/* Entries take memory that no limit of pages knows of. */
static bool is_full(struct ramfs *fs)
{
    return atomic_load(&fs->entries) >= fs->entry_limit;
}

static int ramfs_create(struct inode *inode, struct name name,
                        const struct inode_shape *shape, struct inode **out)
{
    struct ramfs_inode *directory = ramfs_of(inode);
    struct ramfs *fs = ramfs_super(inode);
    if (is_full(fs))
        return -ENOSPC;
    if (shape->type == INODE_DIRECTORY &&
        atomic_load(&inode->links) >= RAMFS_LINKS_MAX)
        return -EMLINK;
    uint64_t number = take_number(fs);
    if (!number)
        return -ENOSPC;
    struct ramfs_inode *new = new_inode(fs, number, shape, inode);
    if (!new) {
        give_number_back(fs, number);
        return -ENOMEM;
    }
    set_label(new, name);
    int result = add_entry(directory, name, &new->inode);
    if (result) {
        inode_put(&new->inode);
        return result;
    }
    if (shape->type == INODE_DIRECTORY)
        atomic_fetch_add(&inode->links, 1); /* the child's ".." */
    *out = &new->inode;
    return 0;
}

static int ramfs_link(struct inode *directory, struct name name,
                      struct inode *inode)
{
    struct ramfs *fs = ramfs_super(inode);
    if (atomic_load(&inode->links) >= RAMFS_LINKS_MAX)
        return -EMLINK;
    if (is_full(fs))
        return -ENOSPC;
    int result = add_entry(ramfs_of(directory), name, inode);
    if (!result)
        atomic_fetch_add(&fs->entries, 1);
    return result;
}

static int ramfs_unlink(struct inode *parent, struct name name,
                        struct inode *inode)
{
    struct ramfs_inode *directory = ramfs_of(parent);
    uint64_t slot = find_slot(directory, name);
    if (!slot)
        return -ENOENT;
    struct ramfs_entry *entry = entry_at(directory, slot);
    if (name_index_hold(&directory->index)) {
        name_index_remove(&directory->index, name_hash(name), slot);
        name_index_release(&directory->index);
    }
    leave_slot(directory, slot);
    if (inode->type == INODE_DIRECTORY) {
        atomic_store(&inode->links, 0);
        atomic_fetch_sub(&parent->links, 1);
    } else if (atomic_fetch_sub(&inode->links, 1) > 1) {
        atomic_fetch_sub(&ramfs_super(inode)->entries, 1);
    }
    inode_changed(inode);
    inode_modified(parent);
    inode_put(inode);
    slab_free(entry);
    return 0;
}

static int ramfs_is_empty(struct inode *inode)
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

static int ramfs_read_directory(struct inode *inode, uint64_t *slot,
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

/* A directory that goes may have been the last to hold its parent, and that
 * one its own: a chain as long as paths are deep, so not by recursion. */
static void ramfs_release(struct inode *inode)
{
    while (inode && inode_drop(inode)) {
        struct ramfs_inode *gone = ramfs_of(inode);
        struct inode *parent = NULL;
        if (inode->type == INODE_FILE)
            ramfs_data_free(gone);
        if (inode->type == INODE_DIRECTORY) {
            parent = gone->parent;
            radix_clear(&gone->entries);
        }
        atomic_fetch_sub(&ramfs_super(inode)->entries, 1);
        give_number_back(ramfs_super(inode), inode->number);
        slab_free(gone);
        inode = parent;
    }
}

static const struct inode_ops directory_ops = {
    .lookup = ramfs_lookup,
    .create = ramfs_create,
    .link = ramfs_link,
    .unlink = ramfs_unlink,
    .read_directory = ramfs_read_directory,
    .is_empty = ramfs_is_empty,
    .setattr = inode_setattr,
    .release = ramfs_release,
};

static const struct inode_ops file_ops = {
    .read = ramfs_read,
    .write = ramfs_write,
    .truncate = ramfs_truncate,
    .setattr = inode_setattr,
    .release = ramfs_release,
};

static const struct inode_ops device_ops = {
    .setattr = inode_setattr,
    .release = ramfs_release,
};

int ramfs_make(const char *type, uint64_t page_limit, struct superblock **out)
{
    static const struct inode_shape shape = {.type = INODE_DIRECTORY};
    uint64_t entries = 2 * page_limit + RAMFS_EMPTY_FILES;
    uint64_t words = align_up(entries, WORD_BITS) / WORD_BITS;
    struct ramfs *fs =
        slab_alloc_zeroed(sizeof(*fs) + words * sizeof(fs->numbers[0]));
    if (!fs)
        return -ENOMEM;
    fs->entry_limit = entries;
    fs->number_words = words;
    fs->superblock.type = type;
    fs->superblock.device = vfs_device_number();
    fs->page_limit = page_limit;
    struct ramfs_inode *root = new_inode(fs, take_number(fs), &shape, NULL);
    if (!root) {
        slab_free(fs);
        return -ENOMEM;
    }
    atomic_store(&root->inode.links, 2); /* "." and ".." */
    set_label(root, (struct name){"/", 1});
    fs->superblock.root = &root->inode;
    *out = &fs->superblock;
    return 0;
}
