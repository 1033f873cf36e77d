/*
 * Inodes and superblocks, of which every file system is made, and the verbs on
 * paths. There is no cache of names: a directory answers lookups itself.
 *
 * Locks, in the order they are taken: a superblock's rename lock
 * (LOCK_RENAME), for moving and removing directories and mounting on them;
 * directories' mutexes (LOCK_INODE_PARENT); other inodes' (LOCK_INODE). Several
 * of one rank are taken in the order of their addresses (tree.c).
 *
 * Letters at fields: I immutable; a atomic; m the inode's mutex; n rename lock;
 * m, n: both to write, one of them to read.
 */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include "cache/writeback.h"
#include "lib/types.h"
#include "mm/object.h"
#include "mm/uaccess.h"
#include "sched/hurry.h"
#include "sched/mutex.h"

#define NAME_LIMIT          255  /* bytes in one component of a path */
#define PATH_LIMIT          4096 /* with its end, links replaced */
#define LINKS_FOLLOWED      40   /* symbolic links, in one path */
#define DIRECTORY_SLOT_SIZE 16   /* what a slot adds to sizes and positions */
#define INODE_LABEL         24   /* of a file's first name, with an end */

/* A component of a path; not terminated. */
struct name {
    const char *text;
    size_t length;
};

/* Programs know these numbers. */
enum inode_type {
    INODE_DIRECTORY = 1,
    INODE_FILE,
    INODE_DEVICE,
    INODE_LINK, /* a symbolic link: its contents are a path */
    INODE_PIPE,
};

/* A new inode. */
struct inode_shape {
    enum inode_type type;
    uint16_t major, minor; /* of a device */
    struct name target;    /* of a symbolic link: fewer than PATH_LIMIT bytes */
};

/* Times are nanoseconds since 1970. Without padding: programs get the struct as
 * it is. */
struct file_stat {
    uint64_t device, number; /* of the file system; of the inode within it */
    uint64_t type;           /* enum inode_type */
    uint64_t mode;           /* permissions: bits of MODE_MASK */
    uint64_t links;
    uint64_t owner, group; /* nothing is refused because of them yet */
    uint64_t size;         /* bytes; a directory: slots * DIRECTORY_SLOT_SIZE */
    uint64_t major, minor; /* of a device */
    int64_t accessed, modified; /* set by setattr alone; of the contents */
    int64_t changed;            /* the inode or its contents */
};

#define MODE_MASK 07777u

/* What setattr sets. */
#define SET_MODE     1u
#define SET_OWNER    2u
#define SET_GROUP    4u
#define SET_ACCESSED 8u
#define SET_MODIFIED 16u
#define SET_ALL      31u

/* One slot of a directory, as read_directory gives it. */
struct directory_entry {
    uint64_t number; /* of the inode; 0: the slot is empty */
    size_t length;
    char name[NAME_LIMIT + 1]; /* terminated */
};

struct cache;
struct inode;
struct file;
struct superblock;

/* What a rename is to do. All the inodes are locked. */
struct rename {
    struct inode *from, *to; /* directories of one file system, or the same */
    struct name old, new;
    struct inode *inode;    /* is called `old` in `from` */
    struct inode *replaced; /* is called `new` in `to`; NULL: the name is free.
                               If `inode` is a directory, this is a dead one */
};

/* What a file system does for its inodes. All may sleep, and may fail with
 * -EIO; one that fails has changed nothing. If one is missing the verb fails
 * (-EPERM), unless the comment says otherwise. Those up to `is_empty` are for
 * directories, whose mutex is held. */
struct inode_ops {
    /* The inode called `name`, with a reference, or -ENOENT. `name` may be
     * "..", but is never ".". Never missing. */
    int (*lookup)(struct inode *directory, struct name name,
                  struct inode **out);

    /* A new inode under a free name, with a reference. */
    int (*create)(struct inode *directory, struct name name,
                  const struct inode_shape *shape, struct inode **out);

    /* Give `inode` a free name. It is no directory, belongs to this file
     * system, has another name and is locked. */
    int (*link)(struct inode *directory, struct name name, struct inode *inode);

    /* Take away the name of `inode`, which is locked; a directory is dead, so
     * empty, and its ".." stays as it is. The caller has a reference. */
    int (*unlink)(struct inode *directory, struct name name,
                  struct inode *inode);

    /* Give `inode` the new name in place of the old one, and a directory its
     * new "..", in one step, also after a crash. What is replaced loses its
     * name as by unlink. */
    int (*rename)(const struct rename *rename);

    /* The first slot from number *slot on, which becomes its number: 1, or 0 at
     * the end, or an error. Slots 0 and 1 are "." and "..". */
    int (*read_directory)(struct inode *directory, uint64_t *slot,
                          struct directory_entry *out);

    /* 1: there is nothing but "." and ".."; else 0, or an error. */
    int (*is_empty)(struct inode *directory);

    /* Move at most cursor->left bytes at `offset`, with the inode locked.
     * Returns the bytes moved, 0 at the end; if none were, an error. The
     * contents of a symbolic link are its target. */
    ssize_t (*read)(struct inode *inode, struct cursor *cursor,
                    uint64_t offset);
    ssize_t (*write)(struct inode *inode, struct cursor *cursor,
                     uint64_t offset);

    /* Set the size, with the inode locked. If this function is missing,
     * OPEN_TRUNCATE does nothing. */
    int (*truncate)(struct inode *inode, uint64_t size);

    /* Call inode_setattr, with the inode locked, and store what it sets. */
    int (*setattr)(struct inode *inode, unsigned which,
                   const struct file_stat *to);

    /* The inode is opened as `file`, and nothing is locked: set file->ops and
     * file->private, or refuse. If missing, or where ops are not set, the open
     * file reads and writes by the functions above. */
    int (*open)(struct inode *inode, struct file *file);

    /* Put a reference that may be the last one: call inode_drop, under the lock
     * by which another thread could find the inode, if there is one. If it
     * returns true, keep or free the inode. A space may be locked: takes no
     * lock below LOCK_OBJECT. Never missing. */
    void (*release)(struct inode *inode);
};

struct inode {
    const struct inode_ops *ops;   /* I */
    struct superblock *superblock; /* I */
    uint64_t number;               /* I: never 0 */
    uint8_t type;                  /* I: enum inode_type */
    bool dead;                     /* m, n: a directory without a name */
    uint16_t major, minor;         /* I: of a device */
    _Atomic uint32_t count;        /* a: references */
    _Atomic uint32_t links;        /* a: names */
    _Atomic uint64_t size; /* a: from here to the times, written under m */
    _Atomic uint32_t mode;
    _Atomic uint32_t owner, group;
    _Atomic int64_t accessed, modified, changed;
    struct superblock *_Atomic mounted; /* a: on this directory; set under n */
    struct mutex mutex;
    struct object object; /* I */
    struct cache *cache;  /* I: of a file's contents; NULL: cannot be mapped */
    char label[INODE_LABEL]; /* I: of a file with a cache */
};

struct superblock {
    struct writeback *writeback; /* I: NULL: all is in memory */
    const char *type;            /* I: "ramfs" */
    uint32_t device;             /* I: tells mounted file systems apart */
    bool short_times;         /* I: times are whole seconds, none after 2038 */
    struct inode *root;       /* I: with a reference */
    struct inode *covered;    /* I once mounted, with a reference; NULL: top */
    struct mutex rename_lock; /* LOCK_RENAME */
};

/* Where paths begin: counted, so that processes can share it. */
struct fs_context {
    _Atomic uint32_t count;                      /* a */
    struct spinlock lock;                        /* LOCK_FS_CONTEXT */
    void (*release)(struct fs_context *context); /* I: frees it; or NULL */
    struct inode *root; /* I: "/", and as far up as ".." leads */
    struct inode *cwd;  /* lock */
};

/* How to open. A directory is opened with OPEN_READ alone. */
#define OPEN_READ     1u
#define OPEN_WRITE    2u
#define OPEN_CREATE   4u  /* a file, if there is nothing */
#define OPEN_TRUNCATE 8u  /* a file loses its contents; needs no OPEN_WRITE */
#define OPEN_NO_HOLES 16u /* a write that begins behind the end is refused */

/* ---- Inodes -------------------------------------------------------------- */

/* Fill in a new inode, which is all zero: it gets count 1, the present time and
 * owner 0, and cannot be mapped. */
void inode_init(struct inode *inode, struct superblock *superblock,
                const struct inode_ops *ops, uint64_t number,
                const struct inode_shape *shape);

/* One more reference; the caller has one. Returns the inode. */
struct inode *inode_get(struct inode *inode);

/* One fewer. May sleep. NULL is allowed. */
void inode_put(struct inode *inode);

/* For a release operation: put a reference. True: it was the last, and what
 * other holders did is visible. */
bool inode_drop(struct inode *inode);

/* Takes no lock. */
void inode_stat(const struct inode *inode, struct file_stat *out);

/* The inode changes now: set that time; inode_modified also sets the time of
 * its contents. The inode's mutex is held, or no other thread can find it. */
void inode_modified(struct inode *inode);
void inode_changed(struct inode *inode);

/* The setattr (inode_ops) of an inode in memory. Returns 0. A time that the
 * file system cannot keep becomes the nearest one that it can. */
int inode_setattr(struct inode *inode, unsigned which,
                  const struct file_stat *to);

/* The contents of a new file are in `cache` and can be mapped; /proc/PID/maps
 * shows `label`. */
void inode_set_cache(struct inode *inode, struct cache *cache,
                     struct name label);

/* For a file with a cache. inode_read is its inode_ops.read; inode_set_size
 * sets its size, and the end of the cache. */
ssize_t inode_read(struct inode *inode, struct cursor *cursor, uint64_t offset);
void inode_set_size(struct inode *inode, uint64_t size);

/* Whether `name` is the terminated `text`. */
bool name_is(struct name name, const char *text);

/* While a directory is locked its file system does not wait for a disk: an
 * operation that needs one fails with -ERESTART, and begins again after the
 * unlock (hurry_again). */
static inline void directory_lock(struct inode *directory)
{
    mutex_lock(&directory->mutex);
    hurry_begin();
}

static inline void directory_unlock(struct inode *directory)
{
    hurry_end();
    mutex_unlock(&directory->mutex);
}

/* Fill in a new superblock, which is all zero: it gets a device number of its
 * own. */
void superblock_init(struct superblock *superblock, const char *type);

/* ---- Contexts ------------------------------------------------------------ */

/* Fill in a context, with count 1. Takes over the reference to `cwd`, not that
 * to `root`. */
void fs_context_init(struct fs_context *context, struct inode *root,
                     struct inode *cwd,
                     void (*release)(struct fs_context *context));

/* get: one more reference. put: one fewer; may sleep. */
static inline struct fs_context *fs_context_get(struct fs_context *context)
{
    atomic_fetch_add_explicit(&context->count, 1, memory_order_relaxed);
    return context;
}

void fs_context_put(struct fs_context *context);

/* The working directory with a reference for the caller. */
struct inode *fs_context_cwd(struct fs_context *context);

/* ---- Verbs on paths ------------------------------------------------------
 * Paths are terminated strings in kernel memory. An absolute one begins at the
 * context's root; a relative one at the directory `at`, to which the caller has
 * a reference, or with NULL at the context's working directory. Slashes at the
 * end and repeated ones mean nothing. Symbolic links on the way are followed; a
 * link at the end only by open, chdir, mount, and with `follow`.
 *
 * All may sleep, hold no lock and return 0 or -ENOENT (also for an empty path),
 * -ENOTDIR, -ENAMETOOLONG, -ELOOP (too many symbolic links), -ENOMEM, -EIO, and
 * what is listed. A verb that fails has changed nothing.
 */

/* Open a file, with one reference, the caller's. -EISDIR: a directory, and not
 * for reading alone; -ENODEV: a device without a driver; -EPERM, -EACCES,
 * -ENOSPC. */
int vfs_open(struct fs_context *context, struct inode *at, const char *path,
             unsigned flags, struct file **out);

/* Make a directory, a device node, a symbolic link to `target` (-ENOENT: it is
 * empty). -EEXIST, -EPERM, -ENOSPC. */
int vfs_mkdir(struct fs_context *context, struct inode *at, const char *path);
int vfs_mknod(struct fs_context *context, struct inode *at, const char *path,
              uint16_t major, uint16_t minor);
int vfs_symlink(struct fs_context *context, const char *target,
                struct inode *at, const char *path);

/* Read as much of a symbolic link's target as there is room for, not
 * terminated. Returns the bytes read. -EINVAL: it is no link; -EFAULT. */
ssize_t vfs_read_link(struct fs_context *context, struct inode *at,
                      const char *path, struct cursor *cursor);

/* Give `old` a second name, `new`. -EPERM: `old` is a directory, or names
 * cannot be added; -EXDEV, -EEXIST, -EMLINK, -ENOSPC. */
int vfs_link(struct fs_context *context, struct inode *old_at, const char *old,
             struct inode *new_at, const char *new);

/* Give what is called `old` the name `new` instead, in one step. What had the
 * name `new` loses it: a directory can replace only an empty directory
 * (-ENOTDIR, -ENOTEMPTY), other things only what is no directory (-EISDIR). If
 * both are names of one inode, both stay. -EINVAL: "." or "..", or a directory
 * would come below itself; -ELOOP: also if it would lie too deep; -EBUSY: a
 * root or mounted on; -EXDEV, -EPERM, -EMLINK, -ENOSPC. */
int vfs_rename(struct fs_context *context, struct inode *old_at,
               const char *old, struct inode *new_at, const char *new);

/* vfs_unlink removes the name of what is no directory (-EISDIR), vfs_rmdir that
 * of an empty directory (-ENOTEMPTY), vfs_remove either. -EINVAL: the last name
 * is "."; -ENOTEMPTY: also if it is ".."; -EBUSY: a root or mounted on; -EPERM.
 * What is open or a working directory lives on without a name. */
int vfs_unlink(struct fs_context *context, struct inode *at, const char *path);
int vfs_rmdir(struct fs_context *context, struct inode *at, const char *path);
int vfs_remove(struct fs_context *context, struct inode *at, const char *path);

int vfs_chdir(struct fs_context *context, struct inode *at, const char *path);

int vfs_stat(struct fs_context *context, struct inode *at, const char *path,
             bool follow, struct file_stat *out);

/* Set the attributes that `which` (bits SET_*) names to their values in `to`.
 * -EINVAL: `which` or a value is out of range; -EPERM, -EROFS. */
int vfs_setattr(struct fs_context *context, struct inode *at, const char *path,
                bool follow, unsigned which, const struct file_stat *to);

/* Put the root of `superblock` in place of the directory at `path`, for good.
 * One caller at a time. -EBUSY: a mount is there, or it is mounted already. */
int vfs_mount(struct fs_context *context, const char *path,
              struct superblock *superblock);

#endif
