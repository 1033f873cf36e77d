/*
 * The life of an inode. References are counted with single atomic
 * instructions, except for the last one, which is given back through the file
 * system: only that knows by which lock somebody could find the inode again at
 * the same moment.
 */
#include "vfs/vfs.h"
#include "lib/list.h"
#include "lib/string.h"

void inode_init(struct inode *inode, struct superblock *superblock,
                const struct inode_ops *ops, uint64_t number,
                const struct inode_shape *shape)
{
    inode->ops = ops;
    inode->superblock = superblock;
    inode->number = number;
    inode->type = (uint8_t)shape->type;
    inode->dead = false;
    inode->major = shape->major;
    inode->minor = shape->minor;
    atomic_init(&inode->count, 1);
    atomic_init(&inode->links, 0);
    atomic_init(&inode->size, 0);
    atomic_init(&inode->mounted, NULL);
    mutex_init(&inode->mutex,
               shape->type == INODE_DIRECTORY ? LOCK_INODE_PARENT : LOCK_INODE);
    inode->object.ops = NULL;
}

struct inode *inode_get(struct inode *inode)
{
    atomic_fetch_add_explicit(&inode->count, 1, memory_order_relaxed);
    return inode;
}

bool inode_drop(struct inode *inode)
{
    return atomic_fetch_sub(&inode->count, 1) == 1;
}

void inode_put(struct inode *inode)
{
    if (!inode)
        return;
    uint32_t count = atomic_load_explicit(&inode->count, memory_order_relaxed);
    while (count > 1)
        if (atomic_compare_exchange_weak_explicit(
                &inode->count, &count, count - 1, memory_order_release,
                memory_order_relaxed))
            return;
    inode->ops->release(inode);
}

void inode_stat(const struct inode *inode, struct file_stat *out)
{
    out->type = (enum inode_type)inode->type;
    out->device = inode->superblock->device;
    out->number = inode->number;
    out->links = atomic_load_explicit(&inode->links, memory_order_relaxed);
    out->size = atomic_load_explicit(&inode->size, memory_order_relaxed);
    out->major = inode->major;
    out->minor = inode->minor;
}

void inode_object_get(struct object *object)
{
    inode_get(container_of(object, struct inode, object));
}

void inode_object_put(struct object *object)
{
    inode_put(container_of(object, struct inode, object));
}

void superblock_init(struct superblock *superblock, const char *type)
{
    static _Atomic uint32_t last;
    superblock->type = type;
    superblock->device = atomic_fetch_add(&last, 1) + 1;
    mutex_init(&superblock->names, LOCK_FS_NAMES);
}

bool name_is(struct name name, const char *text)
{
    return strlen(text) == name.length &&
           memcmp(name.text, text, name.length) == 0;
}
