/*
 * From a path to an inode: component by component, with one directory locked
 * at a time and only while it answers. The walk keeps a reference to where it
 * stands, so what it stands on may lose its name but does not go away.
 *
 * Mounts are crossed here and nowhere else. Downwards: what a lookup gives is
 * exchanged for the root of what is mounted on it. Upwards: a root is exchanged
 * for the directory it covers before ".." is asked of that.
 */
#include "vfs/namei.h"
#include "lib/errno.h"

/* Cut the first component off `*path`, and the slashes around it. */
static int take_component(const char **path, struct name *name)
{
    const char *at = *path;
    while (*at == '/')
        at++;
    name->text = at;
    while (*at && *at != '/')
        at++;
    name->length = (size_t)(at - name->text);
    while (*at == '/')
        at++;
    *path = at;
    return name->length > NAME_LIMIT ? -ENAMETOOLONG : 0;
}

struct inode *namei_enter_mounts(struct inode *inode)
{
    struct superblock *above;
    while ((above = atomic_load(&inode->mounted))) {
        struct inode *root = inode_get(above->root);
        inode_put(inode);
        inode = root;
    }
    return inode;
}

/* The opposite: `inode`, or the directory it hides when it is a root. */
static struct inode *leave_mounts(struct inode *inode)
{
    while (inode == inode->superblock->root && inode->superblock->covered) {
        struct inode *covered = inode_get(inode->superblock->covered);
        inode_put(inode);
        inode = covered;
    }
    return inode;
}

/* Exchange `*at`, a directory, for what it calls `name`. On failure there is
 * still a reference in *at to give back. */
static int step(const struct fs_context *context, struct inode **at,
                struct name name)
{
    struct inode *next;
    if (name_is(name, "."))
        return 0;
    if (name_is(name, "..")) {
        if (*at == context->root)
            return 0;
        *at = leave_mounts(*at);
    }
    int result;
    do {
        directory_lock(*at);
        result = (*at)->ops->lookup(*at, name, &next);
        directory_unlock(*at);
    } while (hurry_again(&result));
    if (result)
        return result;
    inode_put(*at);
    *at = namei_enter_mounts(next);
    return 0;
}

int namei_parent(const struct fs_context *context, const char *path,
                 struct inode **directory, struct name *last)
{
    int result;
    if (!*path)
        return -ENOENT;
    struct inode *at =
        *path == '/' ? inode_get(context->root) : fs_context_cwd(context);
    for (;;) {
        result = take_component(&path, last);
        if (!result && at->type != INODE_DIRECTORY)
            result = -ENOTDIR;
        if (result || !*path)
            break;
        result = step(context, &at, *last);
        if (result)
            break;
    }
    if (result)
        inode_put(at);
    else
        *directory = at;
    return result;
}

int namei(const struct fs_context *context, const char *path,
          struct inode **out)
{
    struct inode *at;
    struct name last;
    int result = namei_parent(context, path, &at, &last);
    if (result)
        return result;
    if (last.length)
        result = step(context, &at, last);
    if (result)
        inode_put(at);
    else
        *out = at;
    return result;
}
