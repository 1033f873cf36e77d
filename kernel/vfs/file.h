/*
 * Open files, and the table of descriptors that refer to them. An open file is
 * what fork and dup share: a position, how it was opened, and a table of its
 * operations. Files of a file system read and write through their inode;
 * devices and pipes have tables of their own.
 */
#ifndef VFS_FILE_H
#define VFS_FILE_H

#include "vfs/vfs.h"

/* Descriptors a table can hold. */
#define FILE_TABLE_MAX 128

/* What a file is ready for. */
#define POLL_READABLE 1u  /* a read does not wait */
#define POLL_WRITABLE 4u  /* nor does a write that fits into an empty pipe */
#define POLL_ERROR    8u  /* a pipe without readers */
#define POLL_HANGUP   16u /* a pipe without writers */
#define POLL_ALWAYS   (POLL_READABLE | POLL_WRITABLE)

/* Queues that one file's poll joins, at most. */
#define POLL_QUEUES 2

/* read and write return the bytes moved or, if none were, a negative errno; the
 * open flags have been checked. If poll or ioctl is missing, the result is the
 * one beside it. See file_poll, file_ioctl. */
struct file_ops {
    ssize_t (*read)(struct file *file, struct cursor *cursor);
    ssize_t (*write)(struct file *file, struct cursor *cursor);
    unsigned (*poll)(struct file *file, struct wait_set *set); /* POLL_ALWAYS */
    int (*ioctl)(struct file *file, unsigned command,
                 uintptr_t argument); /* -ENOTTY */
    void (*close)(struct file *file); /* the last reference is gone */
};

struct file {
    _Atomic uint32_t count;
    uint32_t flags;             /* I: OPEN_* */
    const struct file_ops *ops; /* I once open */
    struct inode *inode;        /* I: with a reference; NULL: a pipe */
    uint64_t offset;            /* the inode's mutex */
    void *private;              /* I once open: for ops */
};

/* ---- Devices -------------------------------------------------------------
 * A device node is a pair of numbers. The driver is looked for when the node is
 * opened: a node without a driver can be made, listed and examined.
 */

#define DEVICE_CONSOLE 1
#define DEVICE_NULL    2
#define DEVICE_ZERO    3
#define DEVICE_MAJORS  32

/* Make `driver`, which is never freed, the driver of the nodes with this major,
 * which is below DEVICE_MAJORS and has none yet. At boot, before nodes are
 * opened. */
void device_register(unsigned major, const struct file_ops *driver);

/* ---- Making one ---------------------------------------------------------- */

/* A file that is not open yet, with one reference; NULL: no memory. */
struct file *file_alloc(unsigned flags);

/* Open `file` on `inode`, and take over the reference to the inode, even on
 * failure. 0, -EISDIR, -ENODEV, or an error of the file system. */
int file_attach(struct file *file, struct inode *inode);

/* ---- Using it ------------------------------------------------------------ */

/* One more reference; the caller has one. Returns the file. */
struct file *file_get(struct file *file);
/* One fewer; the last closes the file. May sleep. NULL is allowed. */
void file_put(struct file *file);

/* Move up to cursor->left bytes, from the file's position on. May sleep; the
 * wait for a pipe or the console has no bound, but a kill or a signal ends it
 * (-EINTR). Returns the bytes moved, 0 at the end; if none were, -EBADF (not
 * opened for this), -EISDIR, -EFAULT, -EIO, -ENOSPC, -EFBIG, -EPIPE, -ESPIPE
 * (OPEN_NO_HOLES). */
ssize_t file_read(struct file *file, struct cursor *cursor);
ssize_t file_write(struct file *file, struct cursor *cursor);

/* As file_read, but at `offset`; the file's position stays. -ESPIPE: a device
 * or pipe. */
ssize_t file_read_at(struct file *file, struct cursor *cursor, uint64_t offset);

/* Which of POLL_* hold now. May sleep, but not for long. If `set` is given, it
 * first joins the queues that are woken when the answer changes. The set has
 * room for POLL_QUEUES more, and the caller has it leave them before the file
 * is put. */
unsigned file_poll(struct file *file, struct wait_set *set);

void file_stat(const struct file *file, struct file_stat *out);

/* Do a command that only this kind of file has. The meaning of `argument` and
 * the result are those of `command`; -ENOTTY: unknown to this file. May sleep.
 */
int file_ioctl(struct file *file, unsigned command, uintptr_t argument);

bool file_is_directory(const struct file *file);

/* Read the slots of a directory from the file's position on, each as the record
 * that `encode` makes of it. Results as of file_read, and -ENOTDIR. A record
 * may be read in parts; if its entry is removed between two of them, the rest
 * is skipped. */
typedef void encode_entry(const struct directory_entry *entry,
                          char record[DIRECTORY_SLOT_SIZE]);
ssize_t file_read_directory(struct file *file, struct cursor *cursor,
                            encode_entry *encode);

/* ---- Descriptors --------------------------------------------------------- */

/* Counted, so that processes can share it. Does not move in memory. */
struct file_table {
    _Atomic uint32_t count;                    /* a */
    void (*release)(struct file_table *table); /* I: frees it; or NULL */
    struct spinlock lock;
    uint64_t used[FILE_TABLE_MAX / 64]; /* lock: a bit a descriptor */
    struct file *slots[FILE_TABLE_MAX]; /* lock: of used ones */
};

/* Make it empty, with one reference. */
void file_table_init(struct file_table *table,
                     void (*release)(struct file_table *table));

/* Make `to`, which is empty and in use nowhere else yet, refer to the same open
 * files as `from`. */
void file_table_copy(struct file_table *to, struct file_table *from);

/* get: one more reference. put: one fewer; the last put closes all files, and
 * may sleep. */
static inline struct file_table *file_table_get(struct file_table *table)
{
    atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed);
    return table;
}

void file_table_put(struct file_table *table);

/* file_table_install: put `file` at the lowest free descriptor and return that;
 * the table takes over the caller's reference. On -EMFILE the caller keeps it.
 * If `file` is NULL, the descriptor is taken without a file. Then
 * file_table_fill must follow: it gives the descriptor a file or, with NULL,
 * frees it. */
int file_table_install(struct file_table *table, struct file *file);
void file_table_fill(struct file_table *table, int fd, struct file *file);

/* The file at `fd` with a reference for the caller; NULL: none there. */
struct file *file_table_find(struct file_table *table, int fd);

/* Take the file at `fd` out of the table: the caller gets the table's
 * reference. NULL: none there. */
struct file *file_table_remove(struct file_table *table, int fd);

#endif
