/*
 * Directories of /proc store nothing: each answer is made from the table of
 * registered files and from the processes that exist at that moment. When a
 * file is opened for reading, its whole text is printed into memory of the open
 * file, with more room each time until it fits.
 *
 * The slots of the root are a few fixed ones, the table, and then a slot for
 * each number that a process can have; slots without a process are left out.
 */
#include "fs/proc/procfs.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "vfs/file.h"

#define ENTRIES 32

/* Slots 0 and 1 are "." and "..". */
#define SLOT_SELF      2
#define SLOT_FILES     3
#define SLOT_PROCESSES (SLOT_FILES + ENTRIES)

/* Inode numbers: the root's, and those of processes, 16 each. The files of a
 * directory have the numbers after its own. */
#define NUMBER_ROOT      1
#define NUMBER_PROCESSES 64
#define NUMBERS_EACH     16

/* Room for a text at first, and at most; a longer text is cut there. */
#define ROOM_FIRST 2048
#define ROOM_LAST  (1u << 20)

/* A lookup makes an inode, which is freed with its last reference; two lookups
 * make two inodes with one number. All fields are immutable. */
struct procfs_inode {
    struct inode inode;
    int process;      /* whose directory or file it is; 0: the system's */
    const char *name; /* of a file */
    const struct procfs_entry *entry; /* of the system's file, or NULL */
};

static struct superblock super;
static struct procfs_entry entries[ENTRIES];
static unsigned entry_count;
static const struct procfs_processes *processes;

static struct procfs_inode *procfs_of(struct inode *inode)
{
    return container_of(inode, struct procfs_inode, inode);
}

int procfs_register(struct procfs_entry entry)
{
    if (entry_count == ENTRIES)
        return -ENOSPC;
    entries[entry_count++] = entry;
    return 0;
}

void procfs_set_processes(const struct procfs_processes *known)
{
    processes = known;
}

/* ---- Open files ---------------------------------------------------------- */

static int show(const struct procfs_inode *inode, struct text *out)
{
    if (!inode->entry)
        return processes->show(inode->process, inode->name, out);
    if (inode->entry->show)
        return inode->entry->show(out);
    text_printf(out, "%s\n", inode->entry->text);
    return 0;
}

static uint32_t mode_of(const struct procfs_entry *entry)
{
    return (!entry || entry->show || entry->text ? 0444 : 0) |
           (entry && entry->write ? 0200 : 0);
}

static ssize_t snapshot_read(struct file *file, struct cursor *cursor)
{
    const struct text *text = file->private;
    mutex_lock(&file->inode->mutex);
    size_t at = MIN(file->offset, (uint64_t)text->length);
    size_t length = MIN(cursor->left, text->length - at);
    int result = cursor_put(cursor, text->data + at, length);
    if (!result)
        file->offset += length;
    mutex_unlock(&file->inode->mutex);
    return result ? result : (ssize_t)length;
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
    return procfs_of(file->inode)->entry->write(command, length);
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

/* Print the text of `inode` into new memory: a struct text and its buffer. */
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
    bool reads = file->flags & OPEN_READ;
    uint32_t wanted =
        (reads ? 0444 : 0) | (file->flags & OPEN_WRITE ? 0200 : 0);
    if (wanted & ~atomic_load(&inode->mode))
        return -EACCES;
    file->ops = &snapshot_ops;
    return reads ? take_snapshot(procfs_of(inode), &file->private) : 0;
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

/* The name of file `i` of a process, or of the system if `process` is 0; NULL:
 * there are no more. */
static const char *file_name(int process, uint64_t i)
{
    if (process)
        return i < processes->file_count ? processes->files[i] : NULL;
    return i < entry_count ? entries[i].name : NULL;
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
        new->entry = &entries[i];
    inode_init(&new->inode, &super, name ? &file_ops : &directory_ops,
               number_of(process) + (name ? 1 + i : 0), &shape);
    atomic_store(&new->inode.links, 1);
    atomic_store(&new->inode.mode, name ? mode_of(new->entry) : 0555);
    *out = &new->inode;
    return 0;
}

/* Whether there is a process with this number, now. */
static bool is_process(uint64_t number)
{
    return number > 0 && number <= INT32_MAX &&
           processes->next((int)number - 1) == (int)number;
}

/* The process a name stands for, or 0. */
static int process_named(struct name name)
{
    char digits[12];
    const char *end = digits;
    uint64_t number;
    if (name_is(name, "self"))
        return processes->self();
    if (name.length >= sizeof(digits) || name.text[0] == '0')
        return 0;
    memcpy(digits, name.text, name.length);
    digits[name.length] = '\0';
    bool is = parse_u64(&end, &number) && !*end && is_process(number);
    return is ? (int)number : 0;
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
    int process = after < INT32_MAX ? processes->next((int)after) : 0;
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
    if (*slot == SLOT_SELF && !process && processes->self())
        return fill_entry(out, number_of(processes->self()), "self");
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
