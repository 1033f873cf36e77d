/*
 * The verbs that change the tree of directories: rmdir and rename.
 *
 * All inodes that one of them changes are locked at once: directories, then
 * others, each of the two in the order of addresses. So no two verbs ever wait
 * for each other, wherever in the tree they work.
 *
 * A directory can only be locked in that order if it is known, and is found
 * only with its parent locked. So it is looked for, all is let go and locked
 * with it, and it is looked for once more. The names mutex is held then,
 * without which no directory loses its name: so what is found the second time
 * is the same, or a directory that was made meanwhile, once for each name.
 * Renaming a file to a free name, or over a file, takes no names mutex.
 */
#include "vfs/namei.h"
#include "lib/bits.h"
#include "lib/errno.h"

/* How many directories deep a directory may lie that another is moved to. */
#define DEPTH_MOST 4096

/* ---- Locking several inodes ---------------------------------------------- */

struct lock_set {
    struct inode *inodes[4]; /* in the order of locking, none twice */
    unsigned count, locked;
};

/* Add an inode to what is to be locked. It comes behind what is locked already;
 * until something is, only directories count. NULL is allowed. */
static void add(struct lock_set *set, struct inode *inode)
{
    unsigned i = set->count;
    if (!inode || (!set->locked && inode->type != INODE_DIRECTORY))
        return;
    for (unsigned j = 0; j < set->count; j++)
        if (set->inodes[j] == inode)
            return;
    for (; i > set->locked && set->inodes[i - 1] > inode; i--)
        set->inodes[i] = set->inodes[i - 1];
    set->inodes[i] = inode;
    set->count++;
}

static void lock_added(struct lock_set *set)
{
    if (!set->locked)
        directory_lock(set->inodes[set->locked++]);
    for (; set->locked < set->count; set->locked++)
        mutex_lock_also(&set->inodes[set->locked]->mutex);
}

static void unlock_all(struct lock_set *set)
{
    while (--set->locked)
        mutex_unlock(&set->inodes[set->locked]->mutex);
    directory_unlock(set->inodes[0]);
}

/* ---- Directories that go --------------------------------------------------
 */

/* Mark an empty directory so that nothing is ever made in it again, before its
 * parent is locked: to see that it is empty may take long. The names mutex is
 * held. */
static int declare_dead(struct inode *directory)
{
    if (atomic_load(&directory->mounted))
        return -EBUSY;
    directory_lock(directory);
    int result = directory->ops->is_empty(directory);
    directory->dead = result == 1;
    directory_unlock(directory);
    return result == 1 ? 0 : result == 0 ? -ENOTEMPTY : result;
}

/* It stays after all. */
static void revive(struct inode *directory)
{
    mutex_lock(&directory->mutex);
    directory->dead = false;
    mutex_unlock(&directory->mutex);
}

static int rmdir_child(const struct place *place, struct inode *child)
{
    struct inode *directory = place->directory;
    struct lock_set set = {.count = 0};
    if (child->type != INODE_DIRECTORY)
        return -ENOTDIR;
    int result = declare_dead(child);
    if (result)
        return result;
    add(&set, directory);
    add(&set, child);
    lock_added(&set);
    result = directory->ops->unlink(directory, place->name, child);
    unlock_all(&set);
    if (result)
        revive(child);
    return result;
}

/* The names mutex is held: so the name found is still the child's when it is
 * removed. */
static int rmdir_place(const struct place *place)
{
    struct inode *child, *directory = place->directory;
    directory_lock(directory);
    int result = directory->ops->lookup(directory, place->name, &child);
    directory_unlock(directory);
    if (result)
        return result;
    result = rmdir_child(place, child);
    inode_put(child);
    return result;
}

int vfs_rmdir(const struct fs_context *context, struct inode *at,
              const char *path)
{
    struct place place;
    int result = namei_removal(context, at, path, &place);
    if (result)
        return result;
    struct mutex *names = &place.directory->superblock->names;
    do {
        mutex_lock(names);
        result = rmdir_place(&place);
        mutex_unlock(names);
    } while (hurry_again(&result));
    namei_put(&place);
    return result;
}

int vfs_remove(const struct fs_context *context, struct inode *at,
               const char *path)
{
    int result = vfs_unlink(context, at, path);
    return result == -EISDIR ? vfs_rmdir(context, at, path) : result;
}

/* ---- rename -------------------------------------------------------------- */

static bool is_directory(const struct inode *inode)
{
    return inode && inode->type == INODE_DIRECTORY;
}

/* -EINVAL when a directory would come to lie in itself. With the names mutex
 * held the way up does not change. */
static int check_outside(const struct rename *known)
{
    const struct inode *moved = known->inode, *root = moved->superblock->root;
    struct inode *at = inode_get(known->to), *up;
    int result = 0;
    for (unsigned depth = 0; !result && at != moved && at != root; depth++) {
        directory_lock(at);
        result = at->ops->lookup(at, (struct name){"..", 2}, &up);
        directory_unlock(at);
        if (result)
            break;
        inode_put(at);
        at = up;
        if (depth == DEPTH_MOST)
            result = -ELOOP;
    }
    if (at == moved)
        result = -EINVAL;
    inode_put(at);
    return result;
}

static void forget(struct rename *known)
{
    inode_put(known->inode);
    inode_put(known->replaced);
    known->inode = known->replaced = NULL;
}

/* Find what the two names are: with references. The directories are locked. */
static int find_both(struct rename *rename)
{
    struct inode *from = rename->from, *to = rename->to;
    if (to->dead)
        return -ENOENT;
    int result = from->ops->lookup(from, rename->old, &rename->inode);
    if (result)
        return result;
    result = to->ops->lookup(to, rename->new, &rename->replaced);
    return result == -ENOENT ? 0 : result;
}

/* Whether what was found may be done: 0; -EAGAIN: when the directories that
 * were found are known. */
static int check_found(const struct rename *found, const struct rename *known)
{
    struct inode *moved = found->inode, *replaced = found->replaced;
    if (replaced && is_directory(replaced) != is_directory(moved))
        return is_directory(moved) ? -ENOTDIR : -EISDIR;
    if (!is_directory(moved))
        return 0;
    if (moved != known->inode || (replaced && replaced != known->replaced))
        return -EAGAIN;
    return atomic_load(&moved->mounted) ? -EBUSY : 0;
}

/* Lock the directories that are known, and then do it if what is found is
 * that. -EAGAIN: it is not. What was found is known afterwards. */
static int try_rename(struct rename *known)
{
    struct rename found = *known;
    struct lock_set set = {.count = 0};
    found.inode = found.replaced = NULL;
    add(&set, known->from);
    add(&set, known->to);
    add(&set, known->inode);
    add(&set, known->replaced);
    lock_added(&set);
    int result = find_both(&found);
    bool same = found.inode == found.replaced;
    if (!result && !same)
        result = check_found(&found, known);
    if (!result && !same) {
        add(&set, found.inode);
        add(&set, found.replaced);
        lock_added(&set);
        result = found.from->ops->rename(&found);
    }
    unlock_all(&set);
    forget(known);
    *known = found;
    return result;
}

/* The same with the names mutex held: what is known stays so. A directory that
 * is to be replaced is dead before the others are locked. */
static int try_with_names(struct rename *known)
{
    struct inode *dead = NULL;
    int result = 0;
    if (is_directory(known->inode) && known->from != known->to)
        result = check_outside(known);
    if (!result && is_directory(known->inode) &&
        is_directory(known->replaced)) {
        result = declare_dead(known->replaced);
        dead = result ? NULL : inode_get(known->replaced);
    }
    if (!result)
        result = try_rename(known);
    if (dead && result)
        revive(dead);
    inode_put(dead);
    return result;
}

static int rename_found(struct rename *known)
{
    struct mutex *names = &known->from->superblock->names;
    int result = try_rename(known);
    /* What was found without the mutex may be no longer so. */
    forget(known);
    if (result != -EAGAIN)
        return result;
    mutex_lock(names);
    do
        result = try_with_names(known);
    while (result == -EAGAIN);
    mutex_unlock(names);
    forget(known);
    return result;
}

static int check_places(const struct place *from, const struct place *to)
{
    if (from->name.length == 0 || to->name.length == 0)
        return -EBUSY;
    if (namei_is_special(from->name) || namei_is_special(to->name))
        return -EINVAL;
    if (from->directory->superblock != to->directory->superblock)
        return -EXDEV;
    return from->directory->ops->rename ? 0 : -EPERM;
}

int vfs_rename(const struct fs_context *context, struct inode *old_at,
               const char *old, struct inode *new_at, const char *new)
{
    struct place from, to;
    int result = namei_parent(context, old_at, old, &from);
    if (result)
        return result;
    result = namei_parent(context, new_at, new, &to);
    if (!result) {
        struct rename known = {.from = from.directory,
                               .to = to.directory,
                               .old = from.name,
                               .new = to.name};
        result = check_places(&from, &to);
        if (!result)
            do
                result = rename_found(&known);
            while (hurry_again(&result));
        namei_put(&to);
    }
    namei_put(&from);
    return result;
}
