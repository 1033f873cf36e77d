/*
 * From a path to an inode: component by component. One directory is locked at a
 * time, only while a name is looked up in it. The walk has a reference to that
 * directory, which may lose its name meanwhile but is not freed.
 *
 * A symbolic link is replaced by its target, with the rest of the path behind
 * it. So links take memory for one path, and no stack.
 *
 * Mounts are crossed here and nowhere else: down from an inode that was found
 * to the root that is mounted on it, up from a root to the directory it covers.
 */
#include "vfs/namei.h"
#include "lib/bits.h"
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

/* `inode`, or, if it is a mounted root, the directory below the mount. */
static struct inode *leave_mounts(struct inode *inode)
{
    while (inode == inode->superblock->root && inode->superblock->covered)
        inode = inode->superblock->covered;
    return inode;
}

static inline bool is_dots(struct name name, size_t count)
{
    return name.length == count && name.text[0] == '.' &&
           name.text[count - 1] == '.';
}

bool namei_is_special(struct name name)
{
    return name.length == 0 || is_dots(name, 1) || is_dots(name, 2);
}

/* The name is free: make what is wanted there, or link it there. */
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

/* Look the name up in the locked directory. 1: it was there; 0: it was free and
 * has been given to what is wanted; or an error. */
static int find_locked(struct inode *directory, struct name name,
                       const struct want *want, struct inode **out)
{
    int result = directory->ops->lookup(directory, name, out);
    if (!result)
        return 1;
    if (result == -ENOENT && (want->shape || want->inode) && !directory->dead)
        return give_name(directory, name, want, out);
    return result;
}

/* Find or make what the name of `place` leads to, with a reference. */
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
    if (result == 1 && want->fresh) {
        inode_put(*out);
        return -EEXIST;
    }
    if (result >= 0)
        *out = enter_mounts(*out);
    return MIN(result, 0);
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

/* Go on with the target of `link`, from the link's directory or the root. Takes
 * over the reference to `link`. */
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

/* Walk the rest of the path, and set *out to what it leads to; if `out` is
 * NULL, stop before the last name. The caller puts the place, even after an
 * error. */
static int walk(struct fs_context *context, struct place *place,
                const struct want *want, struct inode **out)
{
    static const struct want inner = {.follow = true};
    struct inode *next;
    int result = *place->rest ? 0 : -ENOENT;
    while (!result) {
        result = take_component(&place->rest, &place->name);
        bool last = !*place->rest;
        if (!result && place->directory->type != INODE_DIRECTORY)
            result = -ENOTDIR;
        if (result || (last && !out))
            return result;
        result = find(context, place, last ? want : &inner, &next);
        if (result)
            break;
        if (next->type == INODE_LINK && (!last || want->follow)) {
            result = enter_link(context, place, next);
        } else if (last) {
            *out = next;
            return 0;
        } else {
            inode_put(place->directory);
            place->directory = next;
        }
    }
    return result;
}

void namei_put(struct place *place)
{
    inode_put(place->directory);
    slab_free(place->buffer);
}

static struct place begin(struct fs_context *context, struct inode *at,
                          const char *path)
{
    struct inode *from = *path == '/' ? inode_get(context->root)
                         : at         ? inode_get(at)
                                      : fs_context_cwd(context);
    return (struct place){.directory = from, .rest = path};
}

int namei_parent(struct fs_context *context, struct inode *at, const char *path,
                 struct place *place)
{
    *place = begin(context, at, path);
    int result = walk(context, place, NULL, NULL);
    if (result)
        namei_put(place);
    return result;
}

int namei(struct fs_context *context, struct inode *at, const char *path,
          const struct want *want, struct inode **out)
{
    struct place place = begin(context, at, path);
    int result = walk(context, &place, want, out);
    namei_put(&place);
    return result;
}
