/*
 * Contexts, and the verbs on paths except those in tree.c.
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

struct inode *fs_context_cwd(struct fs_context *context)
{
    spin_lock(&context->lock);
    struct inode *cwd = inode_get(context->cwd);
    spin_unlock(&context->lock);
    return cwd;
}

/* Give a free name (else -EEXIST) to a new inode, or to `inode`. */
static int make(struct fs_context *context, struct inode *at, const char *path,
                const struct inode_shape *shape, struct inode *inode)
{
    struct want want = {.fresh = true, .shape = shape, .inode = inode};
    int result = namei(context, at, path, &want, &inode);
    if (!result)
        inode_put(inode);
    return result;
}

static int find(struct fs_context *context, struct inode *at, const char *path,
                bool follow, struct inode **out)
{
    return namei(context, at, path, &(struct want){.follow = follow}, out);
}

int vfs_mkdir(struct fs_context *context, struct inode *at, const char *path)
{
    static const struct inode_shape shape = {.type = INODE_DIRECTORY};
    return make(context, at, path, &shape, NULL);
}

int vfs_mknod(struct fs_context *context, struct inode *at, const char *path,
              uint16_t major, uint16_t minor)
{
    struct inode_shape shape = {
        .type = INODE_DEVICE, .major = major, .minor = minor};
    return make(context, at, path, &shape, NULL);
}

int vfs_symlink(struct fs_context *context, const char *target,
                struct inode *at, const char *path)
{
    struct inode_shape shape = {.type = INODE_LINK,
                                .target = {target, strlen(target)}};
    if (shape.target.length == 0)
        return -ENOENT;
    if (shape.target.length >= PATH_LIMIT)
        return -ENAMETOOLONG;
    return make(context, at, path, &shape, NULL);
}

int vfs_link(struct fs_context *context, struct inode *old_at, const char *old,
             struct inode *new_at, const char *new)
{
    struct inode *inode;
    int result = find(context, old_at, old, false, &inode);
    if (result)
        return result;
    result = inode->type == INODE_DIRECTORY
                 ? -EPERM
                 : make(context, new_at, new, NULL, inode);
    inode_put(inode);
    return result;
}

ssize_t vfs_read_link(struct fs_context *context, struct inode *at,
                      const char *path, struct cursor *cursor)
{
    struct inode *inode;
    ssize_t result = find(context, at, path, false, &inode);
    if (result)
        return result;
    result =
        inode->type == INODE_LINK ? namei_read_link(inode, cursor) : -EINVAL;
    inode_put(inode);
    return result;
}

/* Empty a file part by part, from the end. Between two parts other threads can
 * lock the inode, and a kill ends the call. Parts begin at multiples of their
 * size, so no page is cut. */
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

int vfs_open(struct fs_context *context, struct inode *at, const char *path,
             unsigned flags, struct file **out)
{
    static const struct inode_shape plain = {.type = INODE_FILE};
    struct want want = {.follow = true,
                        .shape = flags & OPEN_CREATE ? &plain : NULL};
    struct file *file = file_alloc(flags);
    struct inode *inode;
    /* The open file is made first: if that fails, no inode has been made. */
    if (!file)
        return -ENOMEM;
    int result = namei(context, at, path, &want, &inode);
    if (!result)
        result = file_attach(file, inode);
    if (!result && (flags & OPEN_TRUNCATE))
        result = truncate_opened(inode);
    if (result)
        file_put(file);
    else
        *out = file;
    return result;
}

int vfs_chdir(struct fs_context *context, struct inode *at, const char *path)
{
    struct inode *inode, *old;
    int result = find(context, at, path, true, &inode);
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

int vfs_stat(struct fs_context *context, struct inode *at, const char *path,
             bool follow, struct file_stat *out)
{
    struct inode *inode;
    int result = find(context, at, path, follow, &inode);
    if (result)
        return result;
    inode_stat(inode, out);
    inode_put(inode);
    return 0;
}

int vfs_setattr(struct fs_context *context, struct inode *at, const char *path,
                bool follow, unsigned which, const struct file_stat *to)
{
    struct inode *inode;
    if (which & ~SET_ALL || (which & SET_MODE && to->mode > MODE_MASK) ||
        (which & SET_OWNER && to->owner > UINT32_MAX) ||
        (which & SET_GROUP && to->group > UINT32_MAX))
        return -EINVAL;
    int result = find(context, at, path, follow, &inode);
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

int vfs_mount(struct fs_context *context, const char *path,
              struct superblock *superblock)
{
    struct inode *place;
    int result = find(context, NULL, path, true, &place);
    if (result)
        return result;
    struct mutex *rename_lock = &place->superblock->rename_lock;
    mutex_lock(rename_lock);
    if (place->type != INODE_DIRECTORY)
        result = -ENOTDIR;
    else if (place->dead)
        result = -ENOENT;
    else if (place == context->root || superblock->covered ||
             atomic_load(&place->mounted))
        result = -EBUSY;
    if (!result) {
        /* The mount keeps the reference, and so the directory, for good. */
        superblock->covered = place;
        atomic_store(&place->mounted, superblock);
    }
    mutex_unlock(rename_lock);
    if (result)
        inode_put(place);
    return result;
}
