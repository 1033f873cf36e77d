/*
 * From a path to an inode: component by component, with one directory locked
 * at a time and only while it answers. The walk keeps a reference to where it
 * stands, so what it stands on may lose its name but does not go away.
 *
 * A symbolic link is replaced by its target: the path goes on as that and what
 * was left of it. So links cost memory by the path, and no stack.
 *
 * Mounts are crossed here and nowhere else. Downwards: what a lookup gives is
 * exchanged for the root of what is mounted on it. Upwards: a root is exchanged
 * for the directory it covers before ".." is asked of that.
 */
#include "vfs/namei.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

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

/* `inode`, or the root of what is mounted on it: takes over the reference. */
static struct inode *enter_mounts(struct inode *inode)
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
    while (inode == inode->superblock->root && inode->superblock->covered)
        inode = inode->superblock->covered;
    return inode;
}

/* Whether a name is so many dots and nothing else. */
static inline bool is_dots(struct name name, size_t count)
{
    return name.length == count && name.text[0] == '.' &&
           name.text[count - 1] == '.';
}

bool namei_is_special(struct name name)
{
    return name.length == 0 || is_dots(name, 1) || is_dots(name, 2);
}

/* Give a free name to what is wanted. */
static int give_name(struct inode *directory, struct name name,
                     const struct want *want, struct inode **out)
{
    const struct inode_ops *ops = directory->ops;
    struct inode *inode = want->inode;
    int result = -ENOENT;
    if (want->shape)
        return ops->create ? ops->create(directory, name, want->shape, out)
                           : -EPERM;
    if (directory->superblock != inode->superblock)
        return -EXDEV;
    if (!ops->link)
        return -EPERM;
    mutex_lock(&inode->mutex);
    if (atomic_load(&inode->links))
        result = ops->link(directory, name, inode);
    mutex_unlock(&inode->mutex);
    if (!result)
        *out = inode_get(inode);
    return result;
}

/* What a locked directory has by that name, or then has. */
static int find_locked(struct inode *directory, struct name name,
                       const struct want *want, struct inode **out)
{
    int result = directory->ops->lookup(directory, name, out);
    if (!result && want->fresh) {
        inode_put(*out);
        return -EEXIST;
    }
    if (result == -ENOENT && (want->shape || want->inode) && !directory->dead)
        return give_name(directory, name, want, out);
    return result;
}

/* What the name is, with a reference. */
static int find(struct fs_context *context, const struct place *place,
                const struct want *want, struct inode **out)
{
    struct inode *at = place->directory;
    bool up = is_dots(place->name, 2);
    int result;
    if (up ? at == context->root : namei_is_special(place->name)) {
        if (want->fresh)
            return -EEXIST;
        *out = inode_get(at);
        return 0;
    }
    if (up)
        at = leave_mounts(at);
    do {
        directory_lock(at);
        result = find_locked(at, place->name, want, out);
        directory_unlock(at);
    } while (hurry_again(&result));
    if (!result)
        *out = enter_mounts(*out);
    return result;
}

int namei_read_link(struct inode *link, struct cursor *cursor)
{
    int result;
    do {
        mutex_lock(&link->mutex);
        result = (int)link->ops->read(link, cursor, 0);
        mutex_unlock(&link->mutex);
    } while (hurry_again(&result));
    return result;
}

/* Put the target of `link` in front of what is left of the path. */
static int insert_target(struct place *place, struct inode *link)
{
    size_t size = atomic_load(&link->size), rest = strlen(place->rest);
    if (place->followed++ == LINKS_FOLLOWED)
        return -ELOOP;
    if (size + 1 + rest + 1 > PATH_LIMIT)
        return -ENAMETOOLONG;
    char *text = slab_alloc(size + 1 + rest + 1);
    if (!text)
        return -ENOMEM;
    struct cursor cursor = cursor_kernel(text, size);
    int length = namei_read_link(link, &cursor);
    if (length <= 0) {
        slab_free(text);
        return length ? length : -ENOENT;
    }
    text[length] = '/';
    memcpy(text + length + 1, place->rest, rest + 1);
    slab_free(place->buffer);
    place->buffer = text;
    place->rest = text;
    return 0;
}

/* Go on from the directory that has `link`, or, if that says so, from the root.
 * Takes over the reference. */
static int enter_link(struct fs_context *context, struct place *place,
                      struct inode *link)
{
    int result = insert_target(place, link);
    inode_put(link);
    if (!result && *place->rest == '/') {
        inode_put(place->directory);
        place->directory = inode_get(context->root);
    }
    return result;
}

/* Walk what is left of the path: to *out, or with NULL up to the last name. */
static int walk(struct fs_context *context, struct place *place,
                const struct want *want, struct inode **out)
{
    static const struct want inner = {.follow = true};
    struct inode *next;
    for (;;) {
        int result = take_component(&place->rest, &place->name);
        bool last = !*place->rest;
        if (!result && place->directory->type != INODE_DIRECTORY)
            result = -ENOTDIR;
        if (result || (last && !out))
            return result;
        result = find(context, place, last ? want : &inner, &next);
        if (result)
            return result;
        if (next->type == INODE_LINK && (!last || want->follow)) {
            result = enter_link(context, place, next);
            if (result)
                return result;
        } else if (last) {
            *out = next;
            return 0;
        } else {
            inode_put(place->directory);
            place->directory = next;
        }
    }
}

void namei_put(struct place *place)
{
    inode_put(place->directory);
    slab_free(place->buffer);
}

/* On success the place has to be put. */
static int walk_path(struct fs_context *context, struct inode *at,
                     const char *path, struct place *place,
                     const struct want *want, struct inode **out)
{
    if (!*path)
        return -ENOENT;
    *place = (struct place){.rest = path};
    place->directory = *path == '/' ? inode_get(context->root)
                       : at         ? inode_get(at)
                                    : fs_context_cwd(context);
    int result = walk(context, place, want, out);
    if (result)
        namei_put(place);
    return result;
}

int namei_parent(struct fs_context *context, struct inode *at, const char *path,
                 struct place *place)
{
    return walk_path(context, at, path, place, NULL, NULL);
}

int namei(struct fs_context *context, struct inode *at, const char *path,
          const struct want *want, struct inode **out)
{
    struct place place;
    int result = walk_path(context, at, path, &place, want, out);
    if (!result)
        namei_put(&place);
    return result;
}
