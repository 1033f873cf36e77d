/*
 * The RAM file system: what its directories can do, and the life of its inodes.
 *
 * An entry of a directory (directory.c) holds a reference to its inode, so an
 * inode with a name stays, and one without is freed with its last reference. A
 * child directory holds a reference to its parent, for "..".
 */
#include "fs/ram/ramfs.h"
#include "fs/ram/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define WORD_BITS 64

/* Files stay so short that no offset can wrap. */
#define SIZE_LIMIT (UINT64_C(1) << 40)

static const struct inode_ops ops[INODE_LINK + 1]; /* by type */

/* Count one more entry; false: there are too many. For an inode, also take the
 * lowest free number: some programs take a number in the thousands for an
 * error. */
static bool take_entry(struct ramfs *fs, uint64_t *number)
{
    mutex_lock(&fs->lock);
    bool room = fs->entries < fs->entry_limit;
    fs->entries += room;
    if (room && number) {
        while (!~fs->numbers[fs->full_words])
            fs->full_words++;
        uint64_t *word = &fs->numbers[fs->full_words];
        *number = fs->full_words * WORD_BITS + bit_lowest(~*word) + 1;
        *word |= *word + 1;
    }
    mutex_unlock(&fs->lock);
    return room;
}

/* Count one entry fewer: a name or, if `number` is not 0, that inode. */
static void give_entry_back(struct ramfs *fs, uint64_t number)
{
    mutex_lock(&fs->lock);
    fs->entries--;
    if (number) {
        uint64_t word = (number - 1) / WORD_BITS;
        fs->numbers[word] &= ~BIT((number - 1) % WORD_BITS);
        fs->full_words = MIN(fs->full_words, word);
    }
    mutex_unlock(&fs->lock);
}

/* A new inode without a name; `parent` is NULL for a root. 0, -ENOSPC, -ENOMEM.
 */
static int new_inode(struct ramfs *fs, const struct inode_shape *shape,
                     struct inode *parent, struct name name, struct inode **out)
{
    uint64_t number;
    if (!take_entry(fs, &number))
        return -ENOSPC;
    struct ramfs_inode *new = slab_alloc_zeroed(sizeof(*new));
    if (!new) {
        give_entry_back(fs, number);
        return -ENOMEM;
    }
    *out = &new->inode;
    inode_init(*out, &fs->superblock, &ops[shape->type], number, shape);
    cache_init_memory(&new->contents, &fs->memory);
    if (shape->type == INODE_FILE || shape->type == INODE_LINK)
        inode_set_cache(*out, &new->contents, name);
    atomic_store(&new->inode.links, 1);
    if (shape->type == INODE_DIRECTORY) {
        new->parent = parent ? inode_get(parent) : *out;
        atomic_store(&new->inode.links, 2); /* also its own "." */
        ramfs_directory_init(new);
    }
    return 0;
}

/* ---- Contents ------------------------------------------------------------ */

/* The last page of a file is zero past the file's end: a mapping shows that
 * part, and a longer file has zeros there. */
static int write_piece(struct inode *inode, struct cursor *cursor, uint64_t at,
                       size_t length)
{
    uint64_t size = atomic_load(&inode->size), end = at + length;
    struct page *page;
    int result = cache_write_begin(inode->cache, at / HAL_PAGE_SIZE, &page);
    if (result)
        return result;
    result = cursor_take(cursor, (char *)page_data(page) + at % HAL_PAGE_SIZE,
                         length);
    if (result)
        cache_clear(page, MAX(at, size), end);
    else if (end > size)
        inode_set_size(inode, end);
    cache_write_end(page);
    return result;
}

static ssize_t ramfs_write(struct inode *inode, struct cursor *cursor,
                           uint64_t offset)
{
    uint64_t at = offset;
    int result = 0;
    while (cursor->left && !result) {
        size_t length =
            MIN((size_t)(HAL_PAGE_SIZE - at % HAL_PAGE_SIZE), cursor->left);
        if (at > SIZE_LIMIT - length)
            result = -EFBIG;
        else
            result = write_piece(inode, cursor, at, length);
        if (!result)
            at += length;
    }
    if (at > offset)
        inode_modified(inode);
    return at > offset ? (ssize_t)(at - offset) : result;
}

static int ramfs_truncate(struct inode *inode, uint64_t size)
{
    struct cache *contents = inode->cache;
    bool shorter = size < atomic_load(&inode->size);
    struct page *last = NULL; /* the file then ends in the middle of it */
    int result = 0;
    if (size > SIZE_LIMIT)
        return -EFBIG;
    if (shorter && size % HAL_PAGE_SIZE &&
        cache_kept_page(contents, size / HAL_PAGE_SIZE))
        result = cache_write_begin(contents, size / HAL_PAGE_SIZE, &last);
    if (result)
        return result;
    inode_set_size(inode, size);
    inode_modified(inode);
    /* Beyond the old size there may be pages of writes that failed. */
    cache_drop(contents, cache_pages_of(size), true);
    if (last) {
        cache_clear(last, size, align_up(size, HAL_PAGE_SIZE));
        cache_write_end(last);
    }
    return 0;
}

/* ---- Names --------------------------------------------------------------- */

static int ramfs_lookup(struct inode *inode, struct name name,
                        struct inode **out)
{
    struct ramfs_inode *directory = ramfs_of(inode);
    if (name_is(name, "..")) {
        *out = inode_get(directory->parent);
        return 0;
    }
    uint64_t slot = ramfs_find(directory, name);
    if (!slot)
        return -ENOENT;
    *out = inode_get(*ramfs_entry_inode(directory, slot));
    return 0;
}

/* The target of a new symbolic link becomes its contents. */
static int write_target(struct inode *link, struct name target)
{
    struct cursor cursor = cursor_kernel(target.text, target.length);
    mutex_lock(&link->mutex);
    ssize_t written = ramfs_write(link, &cursor, 0);
    mutex_unlock(&link->mutex);
    return written < 0 ? (int)written : 0;
}

static int ramfs_create(struct inode *inode, struct name name,
                        const struct inode_shape *shape, struct inode **out)
{
    bool is_directory = shape->type == INODE_DIRECTORY;
    if (is_directory && atomic_load(&inode->links) >= RAMFS_LINKS_MAX)
        return -EMLINK;
    int result = new_inode(ramfs_super(inode), shape, inode, name, out);
    if (result)
        return result;
    if (shape->type == INODE_LINK)
        result = write_target(*out, shape->target);
    if (!result)
        result = ramfs_add(ramfs_of(inode), name, *out);
    if (result)
        inode_put(*out);
    else if (is_directory)
        atomic_fetch_add(&inode->links, 1); /* the child's ".." */
    return result;
}

static int ramfs_link(struct inode *directory, struct name name,
                      struct inode *inode)
{
    struct ramfs *fs = ramfs_super(inode);
    if (atomic_load(&inode->links) >= RAMFS_LINKS_MAX)
        return -EMLINK;
    if (!take_entry(fs, NULL))
        return -ENOSPC;
    int result = ramfs_add(ramfs_of(directory), name, inode);
    if (result)
        give_entry_back(fs, 0);
    else
        atomic_fetch_add(&inode->links, 1);
    return result;
}

/* An inode has lost a name in `parent`, and with it a reference. */
static void lose_name(struct inode *parent, struct inode *inode)
{
    if (inode->type == INODE_DIRECTORY) {
        atomic_store(&inode->links, 0);
        atomic_fetch_sub(&parent->links, 1);
    } else if (atomic_fetch_sub(&inode->links, 1) > 1) {
        give_entry_back(ramfs_super(inode), 0);
    }
    inode_changed(inode);
    inode_put(inode);
}

static int ramfs_unlink(struct inode *parent, struct name name,
                        struct inode *inode)
{
    struct ramfs_inode *directory = ramfs_of(parent);
    ramfs_remove(directory, ramfs_find(directory, name));
    lose_name(parent, inode);
    return 0;
}

/* The child's ".." leads to another directory now. */
static void change_parent(struct ramfs_inode *child, struct inode *parent)
{
    struct inode *old = child->parent;
    child->parent = inode_get(parent);
    atomic_fetch_add(&parent->links, 1);
    atomic_fetch_sub(&old->links, 1);
    inode_put(old);
}

/* The new entry, or the one that is replaced, has a reference of its own. */
static int ramfs_rename(const struct rename *rename)
{
    struct ramfs_inode *from = ramfs_of(rename->from);
    struct ramfs_inode *to = ramfs_of(rename->to);
    struct inode *inode = rename->inode;
    bool moves = inode->type == INODE_DIRECTORY && from != to;
    if (rename->replaced) {
        *ramfs_entry_inode(to, ramfs_find(to, rename->new)) = inode_get(inode);
        inode_changed(inode);
        inode_modified(rename->to);
        lose_name(rename->to, rename->replaced);
    } else {
        if (moves && atomic_load(&rename->to->links) >= RAMFS_LINKS_MAX)
            return -EMLINK;
        int result = ramfs_add(to, rename->new, inode);
        if (result)
            return result;
    }
    ramfs_remove(from, ramfs_find(from, rename->old));
    if (moves)
        change_parent(ramfs_of(inode), rename->to);
    inode_put(inode);
    return 0;
}

/* A directory that is freed may have had the last reference to its parent, and
 * so on upwards. That chain can be as long as a path, so this is a loop, not a
 * recursion. */
static void ramfs_release(struct inode *inode)
{
    while (inode && inode_drop(inode)) {
        struct ramfs_inode *gone = ramfs_of(inode);
        struct inode *parent = gone->parent;
        cache_drop(&gone->contents, 0, true);
        give_entry_back(ramfs_super(inode), inode->number);
        slab_free(gone);
        inode = parent;
    }
}

static const struct inode_ops ops[] = {
    [INODE_DIRECTORY] = {.lookup = ramfs_lookup,
                         .create = ramfs_create,
                         .link = ramfs_link,
                         .unlink = ramfs_unlink,
                         .rename = ramfs_rename,
                         .read_directory = ramfs_read_directory,
                         .is_empty = ramfs_is_empty,
                         .setattr = inode_setattr,
                         .release = ramfs_release},
    [INODE_FILE] = {.read = inode_read,
                    .write = ramfs_write,
                    .truncate = ramfs_truncate,
                    .setattr = inode_setattr,
                    .release = ramfs_release},
    [INODE_LINK] = {.read = inode_read,
                    .setattr = inode_setattr,
                    .release = ramfs_release},
    [INODE_DEVICE] = {.setattr = inode_setattr, .release = ramfs_release},
};

int ramfs_make(const char *type, uint64_t page_limit, struct superblock **out)
{
    static const struct inode_shape shape = {.type = INODE_DIRECTORY};
    static const struct name name = {"/", 1};
    uint64_t entries = 2 * page_limit + RAMFS_EMPTY_FILES;
    uint64_t words = align_up(entries, WORD_BITS) / WORD_BITS;
    struct ramfs *fs =
        slab_alloc_zeroed(sizeof(*fs) + words * sizeof(fs->numbers[0]));
    if (!fs)
        return -ENOMEM;
    fs->entry_limit = entries;
    mutex_init(&fs->lock, LOCK_ALLOCATION);
    superblock_init(&fs->superblock, type);
    fs->memory.limit = page_limit;
    *out = &fs->superblock;
    int result = new_inode(fs, &shape, NULL, name, &fs->superblock.root);
    if (result)
        slab_free(fs);
    return result;
}
