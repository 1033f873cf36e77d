/*
 * The verbs on paths. Each finds its places first (namei.c), then takes the
 * locks in the order vfs.h gives, looks once more at what may have changed
 * meanwhile, and lets the file system do its one step.
 */
#include "vfs/vfs.h"
#include "vfs/file.h"
#include "vfs/namei.h"
#include "lib/errno.h"

/* Held by whoever takes a directory's name away or mounts on one. */
static struct mutex names;

void vfs_init(void)
{
    mutex_init(&names, LOCK_FS_NAMES);
}

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

/* A component that names a directory whatever is in the parent. */
static bool is_special(struct name name)
{
    return name.length == 0 || name_is(name, ".") || name_is(name, "..");
}

/* Look `name` up and, where it is free, make it. 0: made; 1: it was there. */
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

/* What is at `path`, made if there is nothing: the same results. */
static int find_or_create(const struct fs_context *context, const char *path,
                          const struct inode_shape *shape, struct inode **out)
{
    struct inode *directory;
    struct name name;
    int result = namei_parent(context, path, &directory, &name);
    if (result)
        return result;
    if (is_special(name)) {
        inode_put(directory);
        result = namei(context, path, out);
        return result ? result : 1;
    }
    mutex_lock(&directory->mutex);
    result = create_locked(directory, name, shape, out);
    mutex_unlock(&directory->mutex);
    inode_put(directory);
    if (result == 1)
        *out = namei_enter_mounts(*out);
    return result;
}

/* Make something that must not be there yet. */
static int create_new(const struct fs_context *context, const char *path,
                      const struct inode_shape *shape)
{
    struct inode *inode;
    int result = find_or_create(context, path, shape, &inode);
    if (result < 0)
        return result;
    inode_put(inode);
    return result == 1 ? -EEXIST : 0;
}

int vfs_mkdir(const struct fs_context *context, const char *path)
{
    return create_new(context, path,
                      &(struct inode_shape){.type = INODE_DIRECTORY});
}

int vfs_mknod(const struct fs_context *context, const char *path,
              uint16_t major, uint16_t minor)
{
    return create_new(context, path,
                      &(struct inode_shape){INODE_DEVICE, major, minor});
}

static int truncate_opened(struct inode *inode)
{
    if (inode->type != INODE_FILE || !inode->ops->truncate)
        return 0;
    mutex_lock(&inode->mutex);
    int result = inode->ops->truncate(inode, 0);
    mutex_unlock(&inode->mutex);
    return result;
}

int vfs_open(const struct fs_context *context, const char *path, unsigned flags,
             struct file **out)
{
    static const struct inode_shape plain = {.type = INODE_FILE};
    struct file *file = file_alloc(flags);
    struct inode *inode;
    /* The open file is there before a new inode is: what fails leaves none. */
    if (!file)
        return -ENOMEM;
    int result = flags & OPEN_CREATE
                     ? find_or_create(context, path, &plain, &inode)
                     : namei(context, path, &inode);
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

static int link_locked(struct inode *directory, struct name name,
                       struct inode *inode)
{
    struct inode *other;
    int result = directory->ops->lookup(directory, name, &other);
    if (result == 0) {
        inode_put(other);
        return -EEXIST;
    }
    if (result != -ENOENT || directory->dead)
        return result;
    if (!directory->ops->link)
        return -EPERM;
    mutex_lock(&inode->mutex);
    if (atomic_load(&inode->links))
        result = directory->ops->link(directory, name, inode);
    mutex_unlock(&inode->mutex);
    return result;
}

int vfs_link(const struct fs_context *context, const char *old, const char *new)
{
    struct inode *inode, *directory;
    struct name name;
    int result = namei(context, old, &inode);
    if (result)
        return result;
    if (inode->type == INODE_DIRECTORY)
        result = -EPERM;
    if (!result)
        result = namei_parent(context, new, &directory, &name);
    if (result) {
        inode_put(inode);
        return result;
    }
    if (is_special(name)) {
        result = -EEXIST;
    } else if (directory->superblock != inode->superblock) {
        result = -EXDEV;
    } else {
        mutex_lock(&directory->mutex);
        result = link_locked(directory, name, inode);
        mutex_unlock(&directory->mutex);
    }
    inode_put(directory);
    inode_put(inode);
    return result;
}

/* The directory and the name to take out of it. */
static int removal_place(const struct fs_context *context, const char *path,
                         struct inode **directory, struct name *name)
{
    int result = namei_parent(context, path, directory, name);
    if (result)
        return result;
    if (name->length == 0)
        result = -EBUSY;
    else if (name_is(*name, "."))
        result = -EINVAL;
    else if (name_is(*name, ".."))
        result = -ENOTEMPTY;
    else if (!(*directory)->ops->unlink)
        result = -EPERM;
    if (result)
        inode_put(*directory);
    return result;
}

int vfs_unlink(const struct fs_context *context, const char *path)
{
    struct inode *directory, *inode;
    struct name name;
    int result = removal_place(context, path, &directory, &name);
    if (result)
        return result;
    mutex_lock(&directory->mutex);
    result = directory->ops->lookup(directory, name, &inode);
    if (result) {
        inode = NULL;
    } else if (inode->type == INODE_DIRECTORY) {
        result = -EISDIR;
    } else {
        mutex_lock(&inode->mutex);
        result = directory->ops->unlink(directory, name, inode);
        mutex_unlock(&inode->mutex);
    }
    mutex_unlock(&directory->mutex);
    inode_put(inode);
    inode_put(directory);
    return result;
}

/* Mark an empty directory so that nothing is ever created in it again. */
static int declare_dead(struct inode *child)
{
    if (child->type != INODE_DIRECTORY)
        return -ENOTDIR;
    if (atomic_load(&child->mounted))
        return -EBUSY;
    mutex_lock(&child->mutex);
    int result = child->ops->is_empty(child);
    child->dead = result == 1;
    mutex_unlock(&child->mutex);
    return result == 1 ? 0 : result == 0 ? -ENOTEMPTY : result;
}

/* Only who holds the names mutex takes a directory's name away, so the name
 * found at the start is still the child's when it is removed. */
static int rmdir_locked(struct inode *directory, struct name name)
{
    struct inode *child;
    mutex_lock(&directory->mutex);
    int result = directory->ops->lookup(directory, name, &child);
    mutex_unlock(&directory->mutex);
    if (result)
        return result;
    result = declare_dead(child);
    if (!result) {
        mutex_lock(&directory->mutex);
        result = directory->ops->unlink(directory, name, child);
        mutex_unlock(&directory->mutex);
        if (result) {
            mutex_lock(&child->mutex);
            child->dead = false;
            mutex_unlock(&child->mutex);
        }
    }
    inode_put(child);
    return result;
}

int vfs_rmdir(const struct fs_context *context, const char *path)
{
    struct inode *directory;
    struct name name;
    int result = removal_place(context, path, &directory, &name);
    if (result)
        return result;
    mutex_lock(&names);
    result = rmdir_locked(directory, name);
    mutex_unlock(&names);
    inode_put(directory);
    return result;
}

int vfs_remove(const struct fs_context *context, const char *path)
{
    int result = vfs_unlink(context, path);
    return result == -EISDIR ? vfs_rmdir(context, path) : result;
}

int vfs_chdir(struct fs_context *context, const char *path)
{
    struct inode *inode, *old;
    int result = namei(context, path, &inode);
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

int vfs_stat(const struct fs_context *context, const char *path,
             struct file_stat *out)
{
    struct inode *inode;
    int result = namei(context, path, &inode);
    if (result)
        return result;
    inode_stat(inode, out);
    inode_put(inode);
    return 0;
}

int vfs_setattr(const struct fs_context *context, const char *path,
                unsigned which, const struct file_stat *to)
{
    struct inode *inode;
    if (which & ~SET_ALL || (which & SET_MODE && to->mode > MODE_MASK) ||
        (which & SET_OWNER && to->owner > UINT32_MAX) ||
        (which & SET_GROUP && to->group > UINT32_MAX))
        return -EINVAL;
    int result = namei(context, path, &inode);
    if (result)
        return result;
    mutex_lock(&inode->mutex);
    result =
        inode->ops->setattr ? inode->ops->setattr(inode, which, to) : -EPERM;
    mutex_unlock(&inode->mutex);
    inode_put(inode);
    return result;
}

int vfs_mount(const struct fs_context *context, const char *path,
              struct superblock *superblock)
{
    struct inode *place;
    int result = namei(context, path, &place);
    if (result)
        return result;
    mutex_lock(&names);
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
    mutex_unlock(&names);
    if (result)
        inode_put(place);
    return result;
}
