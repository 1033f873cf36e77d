/*
 * The names in a directory of the RAM file system.
 *
 * A directory is an array of entries by slot, in pages of its cache. A removed
 * entry leaves an empty slot, which a later name takes. So the other entries
 * stay in their slots, and a process that is reading the directory keeps its
 * place. Empty slots are chained: each holds a link to the next. A large
 * directory has an index of its names.
 */
#include "fs/ram/private.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/slab.h"

/* "." and ".." */
#define FIXED_SLOTS 2

#define PAGE_SLOTS (HAL_PAGE_SIZE / sizeof(uintptr_t))

/* A directory with at least this many names has an index. */
#define INDEX_FROM 64

struct ramfs_entry {
    struct inode *inode; /* with a reference */
    uint8_t length;
    char name[]; /* not terminated */
};

/* The page of slots in which `slot` lies, as an array from the page's first
 * slot on. `slot` exists, in use or empty. */
static uintptr_t *items_of(struct ramfs_inode *directory, uint64_t slot)
{
    return page_data(cache_kept_page(&directory->contents, slot / PAGE_SLOTS));
}

/* The entry in a slot; NULL: the slot is empty. In an empty slot bit 0 is set,
 * as in no address of an entry; the bits above are the number of the next empty
 * slot, or 0. */
static struct ramfs_entry *entry_in(const uintptr_t *items, uint64_t slot)
{
    uintptr_t item = items[slot % PAGE_SLOTS];
    return item & 1 ? NULL : (struct ramfs_entry *)item;
}

static struct ramfs_entry *entry_at(struct ramfs_inode *directory,
                                    uint64_t slot)
{
    return entry_in(items_of(directory, slot), slot);
}

static struct name name_of(const struct ramfs_entry *entry)
{
    return (struct name){entry->name, entry->length};
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

/* The number of slots, with empty ones and "." and "..". */
static uint64_t slots_of(const struct ramfs_inode *directory)
{
    return atomic_load(&directory->inode.size) / DIRECTORY_SLOT_SIZE;
}

static uint64_t find_by_looking(struct ramfs_inode *directory, struct name name)
{
    const uintptr_t *items = NULL;
    uint64_t end = slots_of(directory);
    for (uint64_t slot = FIXED_SLOTS; slot < end; slot++) {
        if (!items || slot % PAGE_SLOTS == 0)
            items = items_of(directory, slot);
        if (is_called(entry_in(items, slot), name))
            return slot;
    }
    return 0;
}

/* Put all names into the index, which was begun. False: that failed, and the
 * index is no longer held. */
static bool build_index(struct ramfs_inode *directory)
{
    uint64_t end = slots_of(directory);
    for (uint64_t slot = FIXED_SLOTS; slot < end; slot++) {
        const struct ramfs_entry *entry = entry_at(directory, slot);
        if (entry &&
            name_index_add(&directory->index, name_hash(name_of(entry)), slot))
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

void ramfs_directory_init(struct ramfs_inode *directory)
{
    directory->empty = 0;
    atomic_store(&directory->inode.size, FIXED_SLOTS * DIRECTORY_SLOT_SIZE);
}

/* Take the first empty slot or, if there is none, a new one at the end. */
static int take_slot(struct ramfs_inode *directory, uint64_t *slot)
{
    struct page *page;
    *slot = directory->empty;
    if (*slot) {
        directory->empty = items_of(directory, *slot)[*slot % PAGE_SLOTS] >> 1;
        return 0;
    }
    *slot = slots_of(directory);
    int result =
        cache_write_begin(&directory->contents, *slot / PAGE_SLOTS, &page);
    if (result)
        return result;
    cache_write_end(page);
    atomic_fetch_add(&directory->inode.size, DIRECTORY_SLOT_SIZE);
    return 0;
}

static void leave_slot(struct ramfs_inode *directory, uint64_t slot)
{
    uintptr_t link = directory->empty << 1 | 1;
    items_of(directory, slot)[slot % PAGE_SLOTS] = link;
    directory->empty = slot;
    if (--directory->entry_count)
        return;
    ramfs_directory_init(directory);
    cache_drop(&directory->contents, 0, true);
    name_index_drop(&directory->index);
}

int ramfs_add(struct ramfs_inode *directory, struct name name,
              struct inode *inode)
{
    struct ramfs_entry *entry = slab_alloc(sizeof(*entry) + name.length);
    uint64_t slot;
    int result = entry ? take_slot(directory, &slot) : -ENOMEM;
    if (result) {
        slab_free(entry);
        return result;
    }
    items_of(directory, slot)[slot % PAGE_SLOTS] = (uintptr_t)entry;
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
    if (name_index_hold(&directory->index)) {
        name_index_remove(&directory->index, name_hash(name_of(entry)), slot);
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

int ramfs_read_directory(struct inode *inode, uint64_t *slot,
                         struct directory_entry *out)
{
    struct ramfs_inode *directory = ramfs_of(inode);
    struct name name = {".", 1};
    if (*slot >= slots_of(directory))
        return 0;
    if (*slot == 1) {
        name = (struct name){"..", 2};
        inode = directory->parent;
    } else if (*slot) {
        struct ramfs_entry *entry = entry_at(directory, *slot);
        name = entry ? name_of(entry) : (struct name){"", 0};
        inode = entry ? entry->inode : NULL;
    }
    out->number = inode ? inode->number : 0;
    out->length = name.length;
    memcpy(out->name, name.text, name.length);
    out->name[name.length] = '\0';
    return 1;
}
