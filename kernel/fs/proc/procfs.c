/*
 * The names in /proc. Its directories hold nothing: every answer is made from
 * the table of registered files and from what there is of processes now.
 *
 * Slots of the root, which are inode numbers too: a few fixed ones, the table,
 * and then a slot for each number a process can have, of which only those in
 * use are given.
 */
#include "fs/proc/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"

#define ROWS 32

/* Slots 0 and 1 are "." and ".."; 2 is "self". */
#define SLOT_SELF      2
#define SLOT_ROWS      3
#define SLOT_PROCESSES (SLOT_ROWS + ROWS)

/* Inode numbers: the root's, and from where processes have 16 each. */
#define NUMBER_ROOT      1
#define NUMBER_PROCESSES 64
#define NUMBERS_EACH     16

static struct superblock super;
static struct procfs_row rows[ROWS];
static unsigned row_count;
static const struct procfs_processes *processes;

static const struct inode_ops root_ops;
static const struct inode_ops process_ops;
static const struct inode_ops file_ops;

static int add_row(struct procfs_row row)
{
    if (row_count == ROWS)
        return -ENOSPC;
    rows[row_count++] = row;
    return 0;
}

int procfs_register(const char *name, const struct procfs_entry *entry)
{
    return add_row((struct procfs_row){.name = name, .entry = entry});
}

int procfs_set_text(const char *name, const char *text)
{
    return add_row((struct procfs_row){.name = name, .text = text});
}

void procfs_set_processes(const struct procfs_processes *known)
{
    processes = known;
}

int procfs_show(const struct procfs_inode *inode, struct text *out)
{
    if (!inode->row)
        return processes->show(inode->process, inode->file, out);
    if (inode->row->entry)
        return inode->row->entry->show(out);
    text_printf(out, "%s", inode->row->text);
    return 0;
}

/* What open allows. */
static uint32_t mode_of(const struct procfs_inode *inode)
{
    const struct procfs_entry *entry = inode->row ? inode->row->entry : NULL;
    if (inode->inode.type == INODE_DIRECTORY)
        return 0555;
    return (entry && !entry->show ? 0 : 0444) |
           (entry && entry->write ? 0200 : 0);
}

static int make_inode(const struct inode_ops *ops, uint64_t number,
                      struct procfs_inode what, struct inode **out)
{
    struct inode_shape shape = {.type = ops == &file_ops ? INODE_FILE
                                                         : INODE_DIRECTORY};
    struct procfs_inode *new = slab_alloc(sizeof(*new));
    if (!new)
        return -ENOMEM;
    *new = what;
    inode_init(&new->inode, &super, ops, number, &shape);
    atomic_store(&new->inode.links, 1);
    atomic_store(&new->inode.mode, mode_of(new));
    *out = &new->inode;
    return 0;
}

static void procfs_release(struct inode *inode)
{
    if (inode_drop(inode))
        slab_free(procfs_of(inode));
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

static uint64_t process_inode_number(int process)
{
    return NUMBER_PROCESSES + (uint64_t)process * NUMBERS_EACH;
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

static int root_lookup(struct inode *directory, struct name name,
                       struct inode **out)
{
    if (name_is(name, "..")) {
        *out = inode_get(directory);
        return 0;
    }
    for (unsigned i = 0; i < row_count; i++)
        if (name_is(name, rows[i].name))
            return make_inode(&file_ops, SLOT_ROWS + i,
                              (struct procfs_inode){.row = &rows[i]}, out);
    int process = process_named(name);
    if (!process)
        return -ENOENT;
    return make_inode(&process_ops, process_inode_number(process),
                      (struct procfs_inode){.process = process}, out);
}

static int process_lookup(struct inode *directory, struct name name,
                          struct inode **out)
{
    int process = procfs_of(directory)->process;
    const char *const *files = processes->files;
    if (name_is(name, "..")) {
        *out = inode_get(super.root);
        return 0;
    }
    for (unsigned i = 0; files[i] && is_process((uint64_t)process); i++)
        if (name_is(name, files[i]))
            return make_inode(
                &file_ops, process_inode_number(process) + i + 1,
                (struct procfs_inode){.process = process, .file = files[i]},
                out);
    return -ENOENT;
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
    uint64_t after = *slot - SLOT_PROCESSES;
    int process =
        processes && after < INT32_MAX ? processes->next((int)after) : 0;
    char digits[12];
    if (!process)
        return 0;
    /* Process n stands in the slot n - 1 after the first. */
    *slot = SLOT_PROCESSES + (uint64_t)process - 1;
    ksnprintf(digits, sizeof(digits), "%d", process);
    return fill_entry(out, process_inode_number(process), digits);
}

static int root_read_directory(struct inode *directory, uint64_t *slot,
                               struct directory_entry *out)
{
    int self = self_number();
    if (*slot == 0)
        return fill_entry(out, directory->number, ".");
    if (*slot == 1)
        return fill_entry(out, directory->number, "..");
    if (*slot == SLOT_SELF && self)
        return fill_entry(out, process_inode_number(self), "self");
    *slot = MAX(*slot, (uint64_t)SLOT_ROWS);
    if (*slot < SLOT_ROWS + row_count)
        return fill_entry(out, *slot, rows[*slot - SLOT_ROWS].name);
    *slot = MAX(*slot, (uint64_t)SLOT_PROCESSES);
    return read_process_slot(slot, out);
}

static int process_read_directory(struct inode *directory, uint64_t *slot,
                                  struct directory_entry *out)
{
    int process = procfs_of(directory)->process;
    if (*slot == 0)
        return fill_entry(out, directory->number, ".");
    if (*slot == 1)
        return fill_entry(out, NUMBER_ROOT, "..");
    for (uint64_t i = 0; processes->files[i]; i++)
        if (i == *slot - 2)
            return fill_entry(out, process_inode_number(process) + i + 1,
                              processes->files[i]);
    return 0;
}

static const struct inode_ops root_ops = {
    .lookup = root_lookup,
    .read_directory = root_read_directory,
    .release = procfs_release,
};

static const struct inode_ops process_ops = {
    .lookup = process_lookup,
    .read_directory = process_read_directory,
    .release = procfs_release,
};

static const struct inode_ops file_ops = {
    .open = procfs_open,
    .release = procfs_release,
};

int procfs_make(struct superblock **out)
{
    int result = make_inode(&root_ops, NUMBER_ROOT, (struct procfs_inode){0},
                            &super.root);
    if (result)
        return result;
    superblock_init(&super, "procfs");
    *out = &super;
    return 0;
}
