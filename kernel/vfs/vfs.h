/*
 * The file layer: what every file system is made of, and the verbs on paths.
 *
 * An inode is a file, directory or device node as the kernel holds it: counted,
 * with its own mutex, and a table of its file system's operations. A superblock
 * is a file system as a whole. There is no cache of names: a directory answers
 * lookups itself, under its mutex.
 *
 * Locks, in the order they are taken: a superblock's rename lock
 * (LOCK_RENAME), for moving and removing directories and mounting on them;
 * directories' mutexes (LOCK_INODE_PARENT); other inodes' (LOCK_INODE). Several
 * of one rank are taken in the order of their addresses (tree.c).
 *
 * Letters at fields: I immutable; a atomic; m the inode's mutex; n rename lock;
 * both: either to read.
 */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include "cache/writeback.h"
#include "lib/types.h"
#include "mm/object.h"
#include "mm/uaccess.h"
#include "sched/hurry.h"
#include "sched/mutex.h"

/* Bytes in one component of a path. */
#define NAME_LIMIT 255

/* Bytes of a path with its end, after symbolic links have been put in. */
#define PATH_LIMIT 4096

/* Symbolic links that one path may lead through. */
#define LINKS_FOLLOWED 40

/* A directory's size and positions count this many bytes a slot. */
#define DIRECTORY_SLOT_SIZE 16

/* The first part of a file's first name, for /proc/PID/maps. */
#define INODE_LABEL 24

/* A component of a path; not terminated. */
struct name {
    const char *text;
    size_t length;
};

/* As xv6's programs know the first three, and Calf's the fourth. */
enum inode_type {
    INODE_DIRECTORY = 1,
    INODE_FILE,
    INODE_DEVICE,
    INODE_LINK, /* a symbolic link: its contents are a path */
    INODE_PIPE,
};

/* What a new inode is to be. */
struct inode_shape {
    enum inode_type type;
    uint16_t major, minor; /* of a device */
    struct name target;    /* of a symbolic link: fewer than PATH_LIMIT bytes */
};

/* What can be asked of a file without opening it, and what setattr is given.
 * Times are nanoseconds since 1970. No holes: programs get it as it is. */
struct file_stat {
    uint64_t device, number; /* of the file system; of the inode within it */
    uint64_t type;           /* enum inode_type */
    uint64_t mode;           /* permissions: bits of MODE_MASK */
    uint64_t links;
    uint64_t owner, group; /* nothing is refused because of them yet */
    uint64_t size;         /* bytes; a directory: slots * DIRECTORY_SLOT_SIZE */
    uint64_t major, minor; /* of a device */
    int64_t accessed, modified; /* by setattr alone; contents */
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
                               A directory if `inode` is one, and then dead */
};

/* What a file system does for its inodes. All may sleep, and may fail with
 * -EIO. Where a function is missing this cannot be done (-EPERM), but for those
 * that say otherwise. Those up to `is_empty` are of directories and called with
 * the directory's mutex held. What failed has changed nothing. */
struct inode_ops {
    /* The inode called `name`, with a reference; "..", too, but never ".".
     * -ENOENT, or what went wrong. Always present in a directory. */
    int (*lookup)(struct inode *directory, struct name name,
                  struct inode **out);

    /* A new inode under a name known to be free, with a reference. */
    int (*create)(struct inode *directory, struct name name,
                  const struct inode_shape *shape, struct inode **out);

    /* One more name, known to be free, for `inode`, which is no directory, is
     * on this file system, has a name left and is locked. */
    int (*link)(struct inode *directory, struct name name, struct inode *inode);

    /* Take away the name of `inode`. It is locked, and a directory is dead, so
     * empty; its ".." leads where it did, as long as somebody has it. The
     * caller has a reference. */
    int (*unlink)(struct inode *directory, struct name name,
                  struct inode *inode);

    /* Give `inode` the new name in place of the old one, and a directory its
     * new "..", in one step: nobody sees it with none or both, not even after
     * a crash. What is replaced loses its name as by unlink. */
    int (*rename)(const struct rename *rename);

    /* The first slot at or after number *slot, which becomes its number: 1, or
     * 0 at the end, or what went wrong. 0 and 1 are "." and "..". */
    int (*read_directory)(struct inode *directory, uint64_t *slot,
                          struct directory_entry *out);

    /* Nothing but "." and "..": 1, or 0, or what went wrong. */
    int (*is_empty)(struct inode *directory);

    /* Move bytes at `offset`, the inode locked, at most cursor->left: how
     * many, 0 at the end, or what went wrong when it was none. A symbolic
     * link is read for its target. */
    ssize_t (*read)(struct inode *inode, struct cursor *cursor,
                    uint64_t offset);
    ssize_t (*write)(struct inode *inode, struct cursor *cursor,
                     uint64_t offset);

    /* Make the size `size`, the inode locked. Where missing, opening with
     * OPEN_TRUNCATE does nothing. */
    int (*truncate)(struct inode *inode, uint64_t size);

    /* Do inode_setattr, the inode locked, and keep what it sets. */
    int (*setattr)(struct inode *inode, unsigned which,
                   const struct file_stat *to);

    /* The inode is being opened as `file`, and nothing is locked: may set
     * file->ops and file->private, or refuse. Where missing, the open file
     * reads and writes by the functions above. */
    int (*open)(struct inode *inode, struct file *file);

    /* In place of giving back the last reference there seems to be. A file
     * system that can find its inodes again by number takes the lock that
     * guards finding, calls inode_drop, and keeps or frees the inode when
     * that says so. May be called with an address space locked: takes no lock
     * below LOCK_OBJECT. Always present. */
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
    _Atomic uint64_t size;         /* a: changed under m */
    _Atomic uint32_t mode;         /* a, under m: these and the times */
    _Atomic uint32_t owner, group;
    _Atomic int64_t accessed, modified, changed;
    struct superblock *_Atomic mounted; /* a: on this directory; set under n */
    struct mutex mutex;
    struct object object; /* I */
    struct cache *cache;  /* I: of a file's contents; NULL: cannot be mapped */
    char label[INODE_LABEL]; /* I: of such a file */
};

struct superblock {
    struct writeback *writeback; /* I: NULL: all is in memory */
    const char *type;            /* I: "ramfs" */
    uint32_t device;             /* I: tells mounted file systems apart */
    bool short_times;         /* I: it keeps whole seconds, none after 2038 */
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

/* Fill in a new inode, all zero: count 1, not mappable; made now, and owned by
 * user 0, who alone may write to it, but for a symbolic link. */
void inode_init(struct inode *inode, struct superblock *superblock,
                const struct inode_ops *ops, uint64_t number,
                const struct inode_shape *shape);

/* One more reference; the caller has one. Returns the inode. */
struct inode *inode_get(struct inode *inode);

/* One fewer. May sleep. NULL is allowed. */
void inode_put(struct inode *inode);

/* For a release operation: give up one reference; true when it was the last,
 * and then all that other holders did is visible. */
bool inode_drop(struct inode *inode);

/* Tell about it. Takes no lock. */
void inode_stat(const struct inode *inode, struct file_stat *out);

/* Set the times at which contents, and with them the inode, were changed; or
 * the inode alone. Its mutex is held, or nobody else has it. */
void inode_modified(struct inode *inode);
void inode_changed(struct inode *inode);

/* inode_ops.setattr of what is only in memory: 0. A time that the file system
 * cannot keep becomes the nearest before that it can. */
int inode_setattr(struct inode *inode, unsigned which,
                  const struct file_stat *to);

/* The contents of a new file are in `cache` and can be mapped; `label` is told
 * in /proc/PID/maps. */
void inode_set_cache(struct inode *inode, struct cache *cache,
                     struct name label);

/* Of a file with a cache: inode_ops.read; and its size becomes `size`. */
ssize_t inode_read(struct inode *inode, struct cursor *cursor, uint64_t offset);
void inode_set_size(struct inode *inode, uint64_t size);

/* Whether `name` is the terminated `text`. */
bool name_is(struct name name, const char *text);

/* Lock a directory: its file system may be asked, and is not waited for while
 * others may want it. What ends with -ERESTART begins again once it is let go
 * (hurry_again). */
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

/* Fill in a new superblock, all zero, which gets a device number of its own. */
void superblock_init(struct superblock *superblock, const char *type);

/* ---- Contexts ------------------------------------------------------------ */

/* Give it these places and one reference; takes over the one to `cwd`, not that
 * to `root`. */
void fs_context_init(struct fs_context *context, struct inode *root,
                     struct inode *cwd,
                     void (*release)(struct fs_context *context));

/* One more reference: all see what vfs_chdir does. One fewer; may sleep. */
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
 * end and repeated ones mean nothing. Symbolic links on the way are followed;
 * the last name, if it is one, where that is said.
 *
 * All may sleep, hold no lock and return 0 or -ENOENT (also for an empty path),
 * -ENOTDIR, -ENAMETOOLONG, -ELOOP (too many symbolic links), -ENOMEM, -EIO, and
 * what is listed. What failed has changed nothing.
 */

/* Open a file, following; the result has one reference, the caller's. -EISDIR:
 * a directory, and not for reading alone; -ENODEV: a device without a driver;
 * -EPERM, -EACCES, -ENOSPC. */
int vfs_open(struct fs_context *context, struct inode *at, const char *path,
             unsigned flags, struct file **out);

/* Make a directory, a device node, a symbolic link to `target` (-ENOENT: an
 * empty one). -EEXIST, -EPERM, -ENOSPC. */
int vfs_mkdir(struct fs_context *context, struct inode *at, const char *path);
int vfs_mknod(struct fs_context *context, struct inode *at, const char *path,
              uint16_t major, uint16_t minor);
int vfs_symlink(struct fs_context *context, const char *target,
                struct inode *at, const char *path);

/* The target of a symbolic link, as much of it as there is room for: its bytes
 * without an end. -EINVAL: it is none; -EFAULT. */
ssize_t vfs_read_link(struct fs_context *context, struct inode *at,
                      const char *path, struct cursor *cursor);

/* A second name. -EPERM: `old` is a directory, or names cannot be added
 * there; -EXDEV: on another file system; -EEXIST, -EMLINK, -ENOSPC. */
int vfs_link(struct fs_context *context, struct inode *old_at, const char *old,
             struct inode *new_at, const char *new);

/* Give what is called `old` the name `new` instead, in one step. What had that
 * name loses it: an empty directory to a directory (-EISDIR, -ENOTEMPTY), other
 * things to others (-ENOTDIR). Two names of one inode both stay. -EINVAL: "."
 * or "..", or a directory would come below itself; -ELOOP, too: it would lie
 * too deep; -EBUSY: a root or mounted on; -EXDEV, -EPERM, -EMLINK, -ENOSPC. */
int vfs_rename(struct fs_context *context, struct inode *old_at,
               const char *old, struct inode *new_at, const char *new);

/* Remove a name of something that is no directory (-EISDIR); an empty
 * directory; or either. -EINVAL: "."; -ENOTEMPTY: "..", or there is something
 * in it; -EBUSY: a root or mounted on; -EPERM. What is open or somebody's
 * working directory lives on without a name. */
int vfs_unlink(struct fs_context *context, struct inode *at, const char *path);
int vfs_rmdir(struct fs_context *context, struct inode *at, const char *path);
int vfs_remove(struct fs_context *context, struct inode *at, const char *path);

/* Follow the path. */
int vfs_chdir(struct fs_context *context, const char *path);

/* With `follow`, of what a symbolic link leads to; else of the link. */
int vfs_stat(struct fs_context *context, struct inode *at, const char *path,
             bool follow, struct file_stat *out);

/* Set what `which` (bits SET_*) says to what it is in `to`; `follow` as above.
 * -EINVAL: there is no such bit, mode or owner; -EPERM: it cannot be set there;
 * -EROFS. */
int vfs_setattr(struct fs_context *context, struct inode *at, const char *path,
                bool follow, unsigned which, const struct file_stat *to);

/* Put the root of `superblock` in place of the directory at `path`, for good.
 * One caller at a time. -EBUSY when something is mounted there, or it is
 * mounted already. */
int vfs_mount(struct fs_context *context, const char *path,
              struct superblock *superblock);

#endif
