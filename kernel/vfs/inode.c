/*
 * The life of an inode. References are counted with single atomic
 * instructions, except for the last one, which is given back through the file
 * system: only that knows by which lock somebody could find the inode again at
 * the same moment.
 */
#include "vfs/vfs.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "lib/string.h"
#include "sched/realtime.h"

/* No file system keeps a time before 1901. */
#define TIME_LEAST (INT32_MIN * REALTIME_SECOND)
#define SHORT_MOST (INT32_MAX * REALTIME_SECOND)

static void set_time(_Atomic int64_t *to, int64_t time)
{
    atomic_store_explicit(to, time, memory_order_relaxed);
}

static int64_t keepable(const struct inode *inode, int64_t time)
{
    return inode->superblock->short_times
               ? MIN(time - time % REALTIME_SECOND, SHORT_MOST)
               : time;
}

void inode_modified(struct inode *inode)
{
    int64_t now = keepable(inode, realtime());
    set_time(&inode->modified, now);
    set_time(&inode->changed, now);
}

void inode_changed(struct inode *inode)
{
    set_time(&inode->changed, keepable(inode, realtime()));
}

int inode_setattr(struct inode *inode, unsigned which,
                  const struct file_stat *to)
{
    if (which & SET_MODE)
        atomic_store(&inode->mode, (uint32_t)to->mode);
    if (which & SET_OWNER)
        atomic_store(&inode->owner, (uint32_t)to->owner);
    if (which & SET_GROUP)
        atomic_store(&inode->group, (uint32_t)to->group);
    if (which & SET_ACCESSED)
        set_time(&inode->accessed,
                 keepable(inode, MAX(to->accessed, TIME_LEAST)));
    if (which & SET_MODIFIED)
        set_time(&inode->modified,
                 keepable(inode, MAX(to->modified, TIME_LEAST)));
    inode_changed(inode);
    return 0;
}

void inode_init(struct inode *inode, struct superblock *superblock,
                const struct inode_ops *ops, uint64_t number,
                const struct inode_shape *shape)
{
    static const uint16_t modes[] = {[INODE_DIRECTORY] = 0755,
                                     [INODE_FILE] = 0644,
                                     [INODE_DEVICE] = 0644,
                                     [INODE_PIPE] = 0644,
                                     [INODE_LINK] = 0777};
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
    atomic_init(&inode->mode, modes[shape->type]);
    atomic_init(&inode->owner, 0);
    atomic_init(&inode->group, 0);
    inode_modified(inode);
    atomic_init(&inode->accessed, inode->modified);
    atomic_init(&inode->mounted, NULL);
    mutex_init(&inode->mutex,
               shape->type == INODE_DIRECTORY ? LOCK_INODE_PARENT : LOCK_INODE);
    inode->object.ops = NULL;
    inode->cache = NULL;
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
    *out = (struct file_stat){
        .device = inode->superblock->device,
        .number = inode->number,
        .type = inode->type,
        .mode = atomic_load(&inode->mode),
        .links = atomic_load(&inode->links),
        .owner = atomic_load(&inode->owner),
        .group = atomic_load(&inode->group),
        .size = atomic_load(&inode->size),
        .major = inode->major,
        .minor = inode->minor,
        .accessed = atomic_load(&inode->accessed),
        .modified = atomic_load(&inode->modified),
        .changed = atomic_load(&inode->changed),
    };
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
    for (size_t i = 0; i < name.length; i++)
        if (!text[i] || text[i] != name.text[i])
            return false;
    return !text[name.length];
}
