/*
 * The life of an inode. Counting a reference takes one atomic instruction. Only
 * the file system puts the last one: it knows the lock under which another
 * thread might find the inode at that moment.
 */
#include "vfs/vfs.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "lib/string.h"
#include "sched/realtime.h"

/* All file systems can keep times from 1901 on; those with short times, up to
 * 2038. */
#define TIME_LEAST (INT32_MIN * REALTIME_SECOND)
#define SHORT_MOST (INT32_MAX * REALTIME_SECOND)

static void set_time(struct inode *inode, _Atomic int64_t *to, int64_t time)
{
    time = MAX(time, TIME_LEAST);
    if (inode->superblock->short_times)
        time = MIN(time - (time % REALTIME_SECOND + REALTIME_SECOND) %
                              REALTIME_SECOND,
                   SHORT_MOST);
    atomic_store_explicit(to, time, memory_order_relaxed);
}

void inode_changed(struct inode *inode)
{
    set_time(inode, &inode->changed, realtime());
}

void inode_modified(struct inode *inode)
{
    int64_t now = realtime();
    set_time(inode, &inode->modified, now);
    set_time(inode, &inode->changed, now);
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
        set_time(inode, &inode->accessed, to->accessed);
    if (which & SET_MODIFIED)
        set_time(inode, &inode->modified, to->modified);
    inode_changed(inode);
    return 0;
}

void inode_init(struct inode *inode, struct superblock *superblock,
                const struct inode_ops *ops, uint64_t number,
                const struct inode_shape *shape)
{
    bool directory = shape->type == INODE_DIRECTORY;
    inode->ops = ops;
    inode->superblock = superblock;
    inode->number = number;
    inode->type = (uint8_t)shape->type;
    inode->major = shape->major;
    inode->minor = shape->minor;
    atomic_init(&inode->count, 1);
    atomic_init(&inode->mode, directory                   ? 0755
                              : shape->type == INODE_LINK ? 0777
                                                          : 0644);
    inode_modified(inode);
    atomic_init(&inode->accessed, inode->modified);
    mutex_init(&inode->mutex, directory ? LOCK_INODE_PARENT : LOCK_INODE);
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
    mutex_init(&superblock->rename_lock, LOCK_RENAME);
}

bool name_is(struct name name, const char *text)
{
    for (size_t i = 0; i < name.length; i++)
        if (!text[i] || text[i] != name.text[i])
            return false;
    return !text[name.length];
}
