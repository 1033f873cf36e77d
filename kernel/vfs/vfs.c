/*
 * The verbs on paths, but for those in tree.c. Each finds its places first
 * (namei.c), then takes the locks in the order vfs.h gives, looks once more at
 * what may have changed meanwhile, and lets the file system do its one step.
 */
#include "vfs/vfs.h"
#include "vfs/file.h"
#include "vfs/namei.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/thread.h"

/* Bytes that a file is shortened by under one holding of its mutex. */
#define CUT_PART (UINT64_C(16) << 20)

void fs_context_init(struct fs_context *context, struct inode *root,
                     struct inode *cwd,
                     void (*release)(struct fs_context *context))
{
    atomic_init(&context->count, 1);
    spin_init(&context->lock, LOCK_FS_CONTEXT);
    context->release = release;
    context->root = inode_get(root);
    context->cwd = cwd;
}

void fs_context_put(struct fs_context *context)
{
    if (atomic_fetch_sub(&context->count, 1) != 1)
        return;
    inode_put(context->root);
    inode_put(context->cwd);
    if (context->release)
        context->release(context);
}

struct inode *fs_context_cwd(const struct fs_context *context)
{
    /* Locking changes nothing that the context says. */
    struct spinlock *lock = (struct spinlock *)&context->lock;
    spin_lock(lock);
    struct inode *cwd = inode_get(context->cwd);
    spin_unlock(lock);
    return cwd;
}

static int create_locked(struct inode *directory, struct name name,
                         const struct inode_shape *shape, struct inode **out)
{
    int result = directory->ops->lookup(directory, name, out);
    if (result == 0)
        return 1;
    if (result != -ENOENT || directory->dead)
        return result;
    if (!directory->ops->create)
        return -EPERM;
    return directory->ops->create(directory, name, shape, out);
}

/* Look the last name up and, where it is free, make it. 0: made; 1: it was
 * there. */
static int make_last(const struct fs_context *context, struct place *place,
                     const struct inode_shape *shape, struct inode **out)
{
    struct inode *directory = place->directory;
    int result;
    if (namei_is_special(place->name)) {
        result = namei_last(context, place, out);
        return result ? result : 1;
    }
    do {
        directory_lock(directory);
        result = create_locked(directory, place->name, shape, out);
        directory_unlock(directory);
    } while (hurry_again(&result));
    if (result == 1)
        *out = namei_enter_mounts(*out);
    return result;
}

/* What is at `path`, made if there is nothing: the same results. */
static int find_or_create(const struct fs_context *context, struct inode *at,
                          const char *path, bool follow,
                          const struct inode_shape *shape, struct inode **out)
{
    struct place place;
    int result = namei_parent(context, at, path, &place);
    if (result)
        return result;
    result = make_last(context, &place, shape, out);
    while (result == 1 && follow && (*out)->type == INODE_LINK) {
        result = namei_follow(context, &place, *out);
        if (!result)
            result = make_last(context, &place, shape, out);
    }
    namei_put(&place);
    return result;
}

/* Make something that must not be there yet. */
static int create_new(const struct fs_context *context, struct inode *at,
                      const char *path, const struct inode_shape *shape)
{
    struct inode *inode;
    int result = find_or_create(context, at, path, false, shape, &inode);
    if (result < 0)
        return result;
    inode_put(inode);
    return result == 1 ? -EEXIST : 0;
}

int vfs_mkdir(const struct fs_context *context, struct inode *at,
              const char *path)
{
    return create_new(context, at, path,
                      &(struct inode_shape){.type = INODE_DIRECTORY});
}

int vfs_mknod(const struct fs_context *context, struct inode *at,
              const char *path, uint16_t major, uint16_t minor)
{
    return create_new(context, at, path,
                      &(struct inode_shape){.type = INODE_DEVICE,
                                            .major = major,
                                            .minor = minor});
}

int vfs_symlink(const struct fs_context *context, const char *target,
                struct inode *at, const char *path)
{
    struct name text = {target, strlen(target)};
    if (text.length == 0)
        return -ENOENT;
    if (text.length >= PATH_LIMIT)
        return -ENAMETOOLONG;
    return create_new(
        context, at, path,
        &(struct inode_shape){.type = INODE_LINK, .target = text});
}

ssize_t vfs_read_link(const struct fs_context *context, struct inode *at,
                      const char *path, struct cursor *cursor)
{
    struct inode *inode;
    ssize_t result = namei(context, at, path, false, &inode);
    if (result)
        return result;
    result =
        inode->type == INODE_LINK ? namei_read_link(inode, cursor) : -EINVAL;
    inode_put(inode);
    return result;
}

/* Part by part, from the end: others come between, and a kill ends it. A part
 * begins at a multiple of its size, so no page is cut. */
static int truncate_opened(struct inode *inode)
{
    uint64_t size;
    bool again;
    int result;
    if (inode->type != INODE_FILE || !inode->ops->truncate)
        return 0;
    do {
        mutex_lock(&inode->mutex);
        size = atomic_load(&inode->size);
        size = size ? align_down(size - 1, CUT_PART) : 0;
        result = inode->ops->truncate(inode, size);
        mutex_unlock(&inode->mutex);
        again = hurry_again(&result);
        if (!result && thread_killed(thread_current()))
            result = -EINTR;
    } while ((size || again) && !result);
    return result;
}

int vfs_open(const struct fs_context *context, struct inode *at,
             const char *path, unsigned flags, struct file **out)
{
    static const struct inode_shape plain = {.type = INODE_FILE};
    struct file *file = file_alloc(flags);
    struct inode *inode;
    /* The open file is there before a new inode is: what fails leaves none. */
    if (!file)
        return -ENOMEM;
    int result = flags & OPEN_CREATE
                     ? find_or_create(context, at, path, true, &plain, &inode)
                     : namei(context, at, path, true, &inode);
    if (result >= 0)
        result = file_attach(file, inode);
    if (result == 0 && (flags & OPEN_TRUNCATE))
        result = truncate_opened(inode);
    if (result < 0) {
        file_put(file);
        return result;
    }
    *out = file;
    return 0;
}

/* *other: what has the name, to be put; or NULL. */
static int link_locked(const struct place *place, struct inode *inode,
                       struct inode **other)
{
    struct inode *directory = place->directory;
    int result = directory->ops->lookup(directory, place->name, other);
    if (result == 0)
        return -EEXIST;
    *other = NULL;
    if (result != -ENOENT || directory->dead)
        return result;
    if (!directory->ops->link)
        return -EPERM;
    mutex_lock(&inode->mutex);
    if (atomic_load(&inode->links))
        result = directory->ops->link(directory, place->name, inode);
    mutex_unlock(&inode->mutex);
    return result;
}

static int link_to(const struct fs_context *context, struct inode *inode,
                   struct inode *at, const char *path)
{
    struct inode *other;
    struct place place;
    int result = namei_parent(context, at, path, &place);
    if (result)
        return result;
    if (namei_is_special(place.name)) {
        result = -EEXIST;
    } else if (place.directory->superblock != inode->superblock) {
        result = -EXDEV;
    } else {
        do {
            directory_lock(place.directory);
            result = link_locked(&place, inode, &other);
            directory_unlock(place.directory);
            inode_put(other);
        } while (hurry_again(&result));
    }
    namei_put(&place);
    return result;
}

int vfs_link(const struct fs_context *context, struct inode *old_at,
             const char *old, struct inode *new_at, const char *new)
{
    struct inode *inode;
    int result = namei(context, old_at, old, false, &inode);
    if (result)
        return result;
    result = inode->type == INODE_DIRECTORY
                 ? -EPERM
                 : link_to(context, inode, new_at, new);
    inode_put(inode);
    return result;
}

/* *inode: what has the name, to be put; or NULL. */
static int unlink_locked(const struct place *place, struct inode **inode)
{
    struct inode *directory = place->directory;
    int result = directory->ops->lookup(directory, place->name, inode);
    if (result) {
        *inode = NULL;
    } else if ((*inode)->type == INODE_DIRECTORY) {
        result = -EISDIR;
    } else {
        mutex_lock(&(*inode)->mutex);
        result = directory->ops->unlink(directory, place->name, *inode);
        mutex_unlock(&(*inode)->mutex);
    }
    return result;
}

int vfs_unlink(const struct fs_context *context, struct inode *at,
               const char *path)
{
    struct place place;
    struct inode *inode;
    int result = namei_removal(context, at, path, &place);
    if (result)
        return result;
    do {
        directory_lock(place.directory);
        result = unlink_locked(&place, &inode);
        directory_unlock(place.directory);
        inode_put(inode);
    } while (hurry_again(&result));
    namei_put(&place);
    return result;
}

int vfs_chdir(struct fs_context *context, const char *path)
{
    struct inode *inode, *old;
    int result = namei(context, NULL, path, true, &inode);
    if (result)
        return result;
    if (inode->type != INODE_DIRECTORY) {
        inode_put(inode);
        return -ENOTDIR;
    }
    spin_lock(&context->lock);
    old = context->cwd;
    context->cwd = inode;
    spin_unlock(&context->lock);
    inode_put(old);
    return 0;
}

int vfs_stat(const struct fs_context *context, struct inode *at,
             const char *path, bool follow, struct file_stat *out)
{
    struct inode *inode;
    int result = namei(context, at, path, follow, &inode);
    if (result)
        return result;
    inode_stat(inode, out);
    inode_put(inode);
    return 0;
}

int vfs_setattr(const struct fs_context *context, struct inode *at,
                const char *path, bool follow, unsigned which,
                const struct file_stat *to)
{
    struct inode *inode;
    if (which & ~SET_ALL || (which & SET_MODE && to->mode > MODE_MASK) ||
        (which & SET_OWNER && to->owner > UINT32_MAX) ||
        (which & SET_GROUP && to->group > UINT32_MAX))
        return -EINVAL;
    int result = namei(context, at, path, follow, &inode);
    if (result)
        return result;
    do {
        mutex_lock(&inode->mutex);
        result = inode->ops->setattr ? inode->ops->setattr(inode, which, to)
                                     : -EPERM;
        mutex_unlock(&inode->mutex);
    } while (hurry_again(&result));
    inode_put(inode);
    return result;
}

int vfs_mount(const struct fs_context *context, const char *path,
              struct superblock *superblock)
{
    struct inode *place;
    int result = namei(context, NULL, path, true, &place);
    if (result)
        return result;
    struct mutex *names = &place->superblock->names;
    mutex_lock(names);
    mutex_lock(&place->mutex);
    if (place->type != INODE_DIRECTORY)
        result = -ENOTDIR;
    else if (place->dead)
        result = -ENOENT;
    else if (place == context->root || superblock->covered ||
             atomic_load(&place->mounted))
        result = -EBUSY;
    mutex_unlock(&place->mutex);
    if (!result) {
        /* The mount keeps the reference, and so the directory, for good. */
        superblock->covered = place;
        atomic_store(&place->mounted, superblock);
    }
    mutex_unlock(names);
    if (result)
        inode_put(place);
    return result;
}
