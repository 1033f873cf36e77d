/*
 * Directories of /proc hold nothing: every answer is made from the table of
 * registered files and from what there is of processes now. Opening a file for
 * reading prints its whole text into memory of the open file, with more room
 * each time until it fits.
 *
 * Slots of the root: a few fixed ones, the table, and then a slot for each
 * number a process can have, of which only those in use are given.
 */
#include "fs/proc/procfs.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "vfs/file.h"

#define ROWS 32

/* Slots 0 and 1 are "." and "..". */
#define SLOT_SELF      2
#define SLOT_FILES     3
#define SLOT_PROCESSES (SLOT_FILES + ROWS)

/* Inode numbers: the root's, and from where processes have 16 each. The files
 * of a directory have those behind it. */
#define NUMBER_ROOT      1
#define NUMBER_PROCESSES 64
#define NUMBERS_EACH     16

/* Room for a text at first, and at most; what is longer is cut there. */
#define ROOM_FIRST 2048
#define ROOM_LAST  (1u << 20)

/* A file of the system: by functions, or a fixed text. */
struct row {
    const char *name;
    const struct procfs_entry *entry; /* NULL: `text` */
    const char *text;
};

/*
 * Inodes are made when they are looked up and go with their last user; two
 * lookups give two inodes with one number. All fields are immutable.
 */
struct procfs_inode {
    struct inode inode;
    int process;           /* whose directory or file it is; 0: the system's */
    const char *name;      /* of a file */
    const struct row *row; /* of the system's file, or NULL */
};

static struct superblock super;
static struct row rows[ROWS];
static unsigned row_count;
static const struct procfs_processes *processes;

static struct procfs_inode *procfs_of(struct inode *inode)
{
    return container_of(inode, struct procfs_inode, inode);
}

static int add_row(struct row row)
{
    if (row_count == ROWS)
        return -ENOSPC;
    rows[row_count++] = row;
    return 0;
}

int procfs_register(const char *name, const struct procfs_entry *entry)
{
    return add_row((struct row){.name = name, .entry = entry});
}

int procfs_set_text(const char *name, const char *text)
{
    return add_row((struct row){.name = name, .text = text});
}

void procfs_set_processes(const struct procfs_processes *known)
{
    processes = known;
}

/* ---- Open files ---------------------------------------------------------- */

static int show(const struct procfs_inode *inode, struct text *out)
{
    if (!inode->row)
        return processes->show(inode->process, inode->name, out);
    if (inode->row->entry)
        return inode->row->entry->show(out);
    text_printf(out, "%s", inode->row->text);
    return 0;
}

/* What a file is for: its mode. */
static uint32_t mode_of(const struct procfs_inode *inode)
{
    const struct procfs_entry *entry = inode->row ? inode->row->entry : NULL;
    return (entry && !entry->show ? 0 : 0444) |
           (entry && entry->write ? 0200 : 0);
}

static ssize_t snapshot_read(struct file *file, struct cursor *cursor)
{
    const struct text *text = file->private;
    struct mutex *mutex = &file->inode->mutex;
    ssize_t result = 0;
    mutex_lock(mutex);
    if (file->offset < text->length) {
        size_t length = MIN(cursor->left, text->length - (size_t)file->offset);
        result = cursor_put(cursor, text->data + file->offset, length);
        if (!result) {
            file->offset += length;
            result = (ssize_t)length;
        }
    }
    mutex_unlock(mutex);
    return result;
}

static ssize_t command_write(struct file *file, struct cursor *cursor)
{
    char command[PROCFS_COMMAND + 1];
    size_t length = cursor->left;
    if (length > PROCFS_COMMAND)
        return -EINVAL;
    int result = cursor_take(cursor, command, length);
    if (result)
        return result;
    command[length] = '\0';
    return procfs_of(file->inode)->row->entry->write(command, length);
}

static void snapshot_close(struct file *file)
{
    slab_free(file->private);
}

static const struct file_ops snapshot_ops = {
    .read = snapshot_read,
    .write = command_write,
    .close = snapshot_close,
};

/* The text of `inode` in memory of its own, a struct text and what it needs. */
static int take_snapshot(const struct procfs_inode *inode, void **out)
{
    for (size_t room = ROOM_FIRST;; room *= 2) {
        struct text *text = *out = slab_alloc(room);
        if (!text)
            return -ENOMEM;
        text_init(text, (char *)(text + 1), room - sizeof(*text));
        int result = show(inode, text);
        if (!result && (!text->truncated || room == ROOM_LAST))
            return 0;
        slab_free(text);
        *out = NULL;
        if (result)
            return result;
    }
}

static int procfs_open(struct inode *inode, struct file *file)
{
    uint32_t mode = mode_of(procfs_of(inode));
    if (((file->flags & OPEN_READ) && !(mode & 0444)) ||
        ((file->flags & OPEN_WRITE) && !(mode & 0200)))
        return -EACCES;
    file->ops = &snapshot_ops;
    return file->flags & OPEN_READ
               ? take_snapshot(procfs_of(inode), &file->private)
               : 0;
}

static void procfs_release(struct inode *inode)
{
    if (inode_drop(inode))
        slab_free(procfs_of(inode));
}

static const struct inode_ops file_ops = {
    .open = procfs_open,
    .release = procfs_release,
};

/* ---- Names --------------------------------------------------------------- */

static const struct inode_ops directory_ops;

/* The number of a process's directory, or with 0 of the root. */
static uint64_t number_of(int process)
{
    return process ? NUMBER_PROCESSES + (uint64_t)process * NUMBERS_EACH
                   : NUMBER_ROOT;
}

/* The name of the file number `i` of a process, or with 0 of the system; NULL:
 * there are no more. */
static const char *file_name(int process, uint64_t i)
{
    if (!process)
        return i < row_count ? rows[i].name : NULL;
    for (uint64_t at = 0; processes->files[at]; at++)
        if (at == i)
            return processes->files[at];
    return NULL;
}

/* The inode of a directory, or, where `name` is given, of a file in it. */
static int make_inode(int process, const char *name, uint64_t i,
                      struct inode **out)
{
    struct inode_shape shape = {.type = name ? INODE_FILE : INODE_DIRECTORY};
    struct procfs_inode *new = slab_alloc_zeroed(sizeof(*new));
    if (!new)
        return -ENOMEM;
    new->process = process;
    new->name = name;
    if (name && !process)
        new->row = &rows[i];
    inode_init(&new->inode, &super, name ? &file_ops : &directory_ops,
               number_of(process) + (name ? 1 + i : 0), &shape);
    atomic_store(&new->inode.links, 1);
    atomic_store(&new->inode.mode, name ? mode_of(new) : 0555);
    *out = &new->inode;
    return 0;
}

/* Whether there is a process with this number, now. */
static bool is_process(uint64_t number)
{
    return processes && number > 0 && number <= INT32_MAX &&
           processes->next((int)number - 1) == (int)number;
}

static int self_number(void)
{
    return processes ? processes->self() : 0;
}

/* The process a name stands for, or 0. */
static int process_named(struct name name)
{
    char digits[12];
    const char *end = digits;
    uint64_t number;
    if (name_is(name, "self"))
        return self_number();
    if (name.length >= sizeof(digits) || name.text[0] == '0')
        return 0;
    memcpy(digits, name.text, name.length);
    digits[name.length] = '\0';
    if (!parse_u64(&end, &number) || *end || !is_process(number))
        return 0;
    return (int)number;
}

static int lookup(struct inode *directory, struct name name, struct inode **out)
{
    int process = procfs_of(directory)->process;
    const char *file;
    if (name_is(name, "..")) {
        *out = inode_get(super.root);
        return 0;
    }
    if (process && !is_process((uint64_t)process))
        return -ENOENT;
    for (unsigned i = 0; (file = file_name(process, i)); i++)
        if (name_is(name, file))
            return make_inode(process, file, i, out);
    if (process || !(process = process_named(name)))
        return -ENOENT;
    return make_inode(process, NULL, 0, out);
}

static int fill_entry(struct directory_entry *out, uint64_t number,
                      const char *name)
{
    out->number = number;
    out->length = strlcpy(out->name, name, sizeof(out->name));
    return 1;
}

/* The first process in a slot at or after *slot. */
static int read_process_slot(uint64_t *slot, struct directory_entry *out)
{
    uint64_t after = MAX(*slot, (uint64_t)SLOT_PROCESSES) - SLOT_PROCESSES;
    int process =
        processes && after < INT32_MAX ? processes->next((int)after) : 0;
    char digits[12];
    if (!process)
        return 0;
    /* Process n stands in the slot n - 1 after the first. */
    *slot = SLOT_PROCESSES + (uint64_t)process - 1;
    ksnprintf(digits, sizeof(digits), "%d", process);
    return fill_entry(out, number_of(process), digits);
}

static int read_directory(struct inode *directory, uint64_t *slot,
                          struct directory_entry *out)
{
    int process = procfs_of(directory)->process;
    if (*slot == 0)
        return fill_entry(out, directory->number, ".");
    if (*slot == 1)
        return fill_entry(out, NUMBER_ROOT, "..");
    if (*slot == SLOT_SELF && !process && self_number())
        return fill_entry(out, number_of(self_number()), "self");
    *slot = MAX(*slot, (uint64_t)SLOT_FILES);
    uint64_t i = *slot - SLOT_FILES;
    const char *file = file_name(process, i);
    if (file)
        return fill_entry(out, number_of(process) + 1 + i, file);
    return process ? 0 : read_process_slot(slot, out);
}

static const struct inode_ops directory_ops = {
    .lookup = lookup,
    .read_directory = read_directory,
    .release = procfs_release,
};

int procfs_make(struct superblock **out)
{
    int result = make_inode(0, NULL, 0, &super.root);
    if (result)
        return result;
    superblock_init(&super, "procfs");
    *out = &super;
    return 0;
}
