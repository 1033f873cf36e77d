/*
 * Open files, and the table of descriptors that refer to them. An open file is
 * what fork and dup share: a position, how it was opened, and a table of what
 * it does. Files of a file system read and write through their inode; devices
 * and pipes have tables of their own.
 */
#ifndef VFS_FILE_H
#define VFS_FILE_H

#include "vfs/vfs.h"

/* Descriptors a table can hold, and how many before it needs memory. */
#define FILE_TABLE_MAX   128
#define FILE_TABLE_FIRST 16

/* What a file is ready for. */
#define POLL_READABLE 1u /* a read does not wait */
#define POLL_WRITABLE                                                          \
    4u                  /* a write that fits into an empty pipe does not wait */
#define POLL_ERROR  8u  /* nobody will read what is written */
#define POLL_HANGUP 16u /* nobody will write any more */
#define POLL_ALWAYS (POLL_READABLE | POLL_WRITABLE)

/* Queues that one file's poll joins, at most. */
#define POLL_QUEUES 2

/* What is missing stands for what is said in brackets. A result of reads and
 * writes: bytes moved, or a negative errno when it was none. The open flags
 * have been checked. */
struct file_ops {
    ssize_t (*read)(struct file *file, struct cursor *cursor);
    ssize_t (*write)(struct file *file, struct cursor *cursor);
    /* See file_poll and file_ioctl. [POLL_ALWAYS; -ENOTTY] */
    unsigned (*poll)(struct file *file, struct wait_set *set);
    int (*ioctl)(struct file *file, unsigned command, uintptr_t argument);
    /* The last reference is gone. [nothing] */
    void (*close)(struct file *file);
};

struct file {
    _Atomic uint32_t count;
    uint32_t flags;             /* I: OPEN_* */
    const struct file_ops *ops; /* I once open */
    struct inode *inode;        /* I: with a reference; NULL: a pipe */
    uint64_t offset;            /* the inode's mutex */
    void *private;              /* I once open: whatever ops want */
};

/* ---- Devices -------------------------------------------------------------
 * A device node of any file system is only a pair of numbers. What the major
 * stands for is found when the node is opened, so nodes can be made, listed and
 * asked about without a driver.
 */

/* Majors are below this. */
#define DEVICE_MAJORS 32

#define DEVICE_CONSOLE 1
#define DEVICE_NULL    2
#define DEVICE_ZERO    3

/* Open nodes of this major are files of `driver`, which stays. -EINVAL: no such
 * number; -EBUSY: it has a driver. */
int device_register(unsigned major, const struct file_ops *driver);

/* ---- Making one ---------------------------------------------------------- */

/* An open file of nothing yet, one reference; NULL: no memory. */
struct file *file_alloc(unsigned flags);

/* Make it a file of `inode`, whose reference it takes over even when it fails:
 * -EISDIR, -ENODEV, or what the file system says. */
int file_attach(struct file *file, struct inode *inode);

/* ---- Using it ------------------------------------------------------------ */

/* One more reference; the caller has one. Returns the file. */
struct file *file_get(struct file *file);
/* One fewer; the last closes the file. May sleep. NULL is allowed. */
void file_put(struct file *file);

/* Move up to cursor->left bytes, from where the file stands. May sleep, for a
 * pipe or a console also long: -EINTR when killed. Returns how many, 0 at the
 * end; -EBADF when not open for it; -EISDIR, -EFAULT, -EIO, -ENOSPC, -EFBIG,
 * -EPIPE when nothing was moved; -ESPIPE from OPEN_NO_HOLES. */
ssize_t file_read(struct file *file, struct cursor *cursor);
ssize_t file_write(struct file *file, struct cursor *cursor);

/* Read at `offset` and leave the position alone; -ESPIPE for what is no file
 * of a file system. */
ssize_t file_read_at(struct file *file, struct cursor *cursor, uint64_t offset);

/* Which of POLL_* hold now. May sleep, but not for long. With a `set`, whose
 * owner is the caller, it first joins what is woken when that changes: the set
 * needs room for POLL_QUEUES more, and is left before the file is put. */
unsigned file_poll(struct file *file, struct wait_set *set);

void file_stat(const struct file *file, struct file_stat *out);

/* Have the file do something of its own. The meaning of `argument` and the
 * result are those of `command`; -ENOTTY: unknown to this file. May sleep. */
int file_ioctl(struct file *file, unsigned command, uintptr_t argument);

bool file_is_directory(const struct file *file);

/*
 * Who is given the slots of a directory. `emit` gets one slot, of which the
 * first `within` bytes of DIRECTORY_SLOT_SIZE have been used before. It
 * returns how many more it has used: fewer than were left ends the reading.
 * Or a negative errno. It may touch user memory.
 */
struct directory_sink {
    int (*emit)(struct directory_sink *sink,
                const struct directory_entry *entry, unsigned within);
};

/* Give the slots from the file's position on to `sink`, and advance by what it
 * uses. 0; -ENOTDIR, -EBADF; or an error when nothing had been used. */
int file_read_directory(struct file *file, struct directory_sink *sink);

/* ---- Descriptors --------------------------------------------------------- */

/* Counted, so that processes can share it. Does not move in memory. */
struct file_table {
    _Atomic uint32_t count;                    /* a */
    void (*release)(struct file_table *table); /* I: frees it; or NULL */
    struct spinlock lock;
    uint16_t capacity;                    /* lock */
    uint64_t used[FILE_TABLE_MAX / 64];   /* lock: a bit a descriptor */
    struct file **slots;                  /* lock: `first`, or slab memory */
    struct file *first[FILE_TABLE_FIRST]; /* lock */
};

/* Make it empty, with one reference. */
void file_table_init(struct file_table *table,
                     void (*release)(struct file_table *table));

/* Make `to`, which is empty and nobody else's yet, refer to the same open files
 * as `from`. 0, or -ENOMEM and then it is still empty. */
int file_table_copy(struct file_table *to, struct file_table *from);

/* One more reference. One fewer; the last closes everything. May sleep. */
static inline struct file_table *file_table_get(struct file_table *table)
{
    atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed);
    return table;
}

void file_table_put(struct file_table *table);

/* Put `file` at the lowest free descriptor, which is returned; the caller's
 * reference goes to the table. -EMFILE or -ENOMEM, and it does not. Without a
 * file the descriptor is taken, but nobody finds anything there until
 * file_table_fill, which has to follow: with a file, or NULL to let it go. */
int file_table_install(struct file_table *table, struct file *file);
void file_table_fill(struct file_table *table, int fd, struct file *file);

/* The file at `fd` with a reference for the caller; NULL: none there. */
struct file *file_table_find(struct file_table *table, int fd);

/* Take it out: the table's reference goes to the caller. NULL: none there. */
struct file *file_table_remove(struct file_table *table, int fd);

#endif
