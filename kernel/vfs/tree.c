/*
 * The verbs that take names away: unlink, rmdir and rename. A removal is a
 * rename without a `to`.
 *
 * A verb locks all inodes that it changes, and holds all these locks together:
 * it takes those of directories first, then the others, both in the order of
 * addresses. So no two verbs wait for each other, wherever in the tree they
 * work.
 *
 * A directory that is renamed, replaced or removed is found while its parent is
 * locked, but may come before the parent in that order. So all locks are
 * released, then taken again with the directory's, and the names are looked up
 * again. The rename lock is held meanwhile, and no directory loses its name
 * without it: so the second look-up finds the same directory or, once for each
 * name, one that was made meanwhile.
 */
#include "vfs/namei.h"
#include "lib/errno.h"

/* What a verb may take a name from. */
#define DIRECTORIES 1u
#define OTHERS      2u

/* A directory can be moved only to a place with at most so many directories
 * above it. */
#define DEPTH_MOST 4096

/* ---- Locking several inodes ---------------------------------------------- */

struct lock_set {
    struct inode *inodes[4]; /* in the order of locking, none twice */
    unsigned count, locked;
};

/* Add an inode that is to be locked, behind those that are locked. While none
 * is, inodes that are no directories are left out. NULL is allowed. */
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

static bool is_directory(const struct inode *inode)
{
    return inode && inode->type == INODE_DIRECTORY;
}

/* Mark an empty directory, so that nothing is made in it any more. Its parent
 * is not locked yet, as the look at all names may take long. The rename lock is
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

/* ---- Finding and doing --------------------------------------------------- */

/* -EINVAL: a directory would come to lie in itself. The rename lock is held, so
 * the way up does not change. */
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

/* Find what has the two names, with references. The directories are locked. */
static int find(struct rename *change)
{
    struct inode *from = change->from, *to = change->to;
    int result = from->ops->lookup(from, change->old, &change->inode);
    if (result || !to)
        return result;
    if (to->dead)
        return -ENOENT;
    result = to->ops->lookup(to, change->new, &change->replaced);
    return result == -ENOENT ? 0 : result;
}

/* 0: what was found may be changed. -EAGAIN: a directory was found that was not
 * known before, so is not locked. */
static int check_found(const struct rename *found, const struct rename *known,
                       unsigned kinds)
{
    struct inode *moved = found->inode, *replaced = found->replaced;
    bool directory = is_directory(moved);
    if (!(kinds & (directory ? DIRECTORIES : OTHERS)))
        return directory ? -EISDIR : -ENOTDIR;
    if (replaced && is_directory(replaced) != directory)
        return directory ? -ENOTDIR : -EISDIR;
    if (!directory)
        return 0;
    if (moved != known->inode || (replaced && replaced != known->replaced))
        return -EAGAIN;
    return atomic_load(&moved->mounted) ? -EBUSY : 0;
}

/* Lock the directories that are known. If the names lead to these, make the
 * change, else -EAGAIN. What was found is known afterwards. */
static int try(struct rename *known, unsigned kinds)
{
    struct inode *from = known->from;
    struct rename found = {
        .from = from, .to = known->to, .old = known->old, .new = known->new};
    struct lock_set set = {.count = 0};
    add(&set, from);
    add(&set, known->to);
    add(&set, known->inode);
    add(&set, known->replaced);
    lock_added(&set);
    int result = find(&found);
    bool same = found.inode == found.replaced;
    if (!result && !same)
        result = check_found(&found, known, kinds);
    if (!result && !same) {
        add(&set, found.inode);
        add(&set, found.replaced);
        lock_added(&set);
        result = found.to ? from->ops->rename(&found)
                          : from->ops->unlink(from, found.old, found.inode);
    }
    unlock_all(&set);
    forget(known);
    *known = found;
    return result;
}

/* As `try`, with the rename lock held. A directory that is to lose its name is
 * marked as dead before the others are locked. */
static int try_with_names(struct rename *known, unsigned kinds)
{
    struct inode *dead = known->to ? known->replaced : known->inode;
    int result = 0;
    if (!is_directory(known->inode))
        return try(known, kinds);
    if (known->to && known->from != known->to)
        result = check_outside(known);
    dead = !result && is_directory(dead) ? inode_get(dead) : NULL;
    if (dead)
        result = declare_dead(dead);
    if (!result) {
        result = try(known, kinds);
        if (dead && result) {
            mutex_lock(&dead->mutex);
            dead->dead = false;
            mutex_unlock(&dead->mutex);
        }
    }
    inode_put(dead);
    return result;
}

/* Run the check once without the rename lock: what it looks at is then in
 * memory, and others wait less for the lock. */
static void bring_in_way_up(const struct rename *known)
{
    int result;
    do
        result = check_outside(known);
    while (hurry_again(&result));
}

/* What was known before the rename lock was taken may have changed. */
static int change(struct rename known, unsigned kinds)
{
    struct mutex *rename_lock = &known.from->superblock->rename_lock;
    int result;
    do {
        result = try(&known, kinds);
        if (result == -EAGAIN && known.to)
            bring_in_way_up(&known);
        forget(&known);
        if (result == -EAGAIN) {
            mutex_lock(rename_lock);
            do
                result = try_with_names(&known, kinds);
            while (result == -EAGAIN);
            mutex_unlock(rename_lock);
            forget(&known);
        }
    } while (hurry_again(&result));
    return result;
}

/* ---- The verbs ----------------------------------------------------------- */

static int remove(struct fs_context *context, struct inode *at,
                  const char *path, unsigned kinds)
{
    static const int special[] = {-EBUSY, -EINVAL, -ENOTEMPTY};
    struct place place;
    int result = namei_parent(context, at, path, &place);
    if (result)
        return result;
    if (namei_is_special(place.name))
        result = special[place.name.length]; /* "", "." or ".." */
    else if (!place.directory->ops->unlink)
        result = -EPERM;
    else
        result = change(
            (struct rename){.from = place.directory, .old = place.name}, kinds);
    namei_put(&place);
    return result;
}

int vfs_unlink(struct fs_context *context, struct inode *at, const char *path)
{
    return remove(context, at, path, OTHERS);
}

int vfs_rmdir(struct fs_context *context, struct inode *at, const char *path)
{
    return remove(context, at, path, DIRECTORIES);
}

int vfs_remove(struct fs_context *context, struct inode *at, const char *path)
{
    return remove(context, at, path, DIRECTORIES | OTHERS);
}

static int check_rename(const struct place *from, const struct place *to)
{
    if (from->name.length == 0 || to->name.length == 0)
        return -EBUSY;
    if (namei_is_special(from->name) || namei_is_special(to->name))
        return -EINVAL;
    if (from->directory->superblock != to->directory->superblock)
        return -EXDEV;
    return from->directory->ops->rename ? 0 : -EPERM;
}

int vfs_rename(struct fs_context *context, struct inode *old_at,
               const char *old, struct inode *new_at, const char *new)
{
    struct place from, to;
    int result = namei_parent(context, old_at, old, &from);
    if (result)
        return result;
    result = namei_parent(context, new_at, new, &to);
    if (!result) {
        result = check_rename(&from, &to);
        if (!result)
            result = change((struct rename){.from = from.directory,
                                            .to = to.directory,
                                            .old = from.name,
                                            .new = to.name},
                            DIRECTORIES | OTHERS);
        namei_put(&to);
    }
    namei_put(&from);
    return result;
}
