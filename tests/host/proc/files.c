/*
 * Static inodes: nothing is made or removed, and the reference that each begins
 * with stays. To give back one more is an error.
 */
/* sources: kernel/vfs/vfs.c kernel/vfs/tree.c kernel/vfs/name_index.c */
/* sources: kernel/vfs/namei.c kernel/vfs/inode.c */
/* sources: kernel/vfs/file.c kernel/vfs/file_table.c */
#include "host/proc/files.h"
#include "host/proc/sched.h"

#include "host/mm/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"

#define NAMES 16

/* A program in ELF64, with 64 bytes of code and two pages of zeros behind. */
struct program {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    uint32_t segment_type, segment_flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
    uint8_t code[64];
};

struct node {
    struct inode inode;
    const char *name;
    struct program program;
};

static struct node nodes[NAMES + 4];
static unsigned node_count;
static struct superblock superblock;

static int lookup(struct inode *directory, struct name name, struct inode **out)
{
    if (name_is(name, "..")) {
        *out = inode_get(superblock.root);
        return 0;
    }
    for (unsigned i = 1; i < node_count && directory == superblock.root; i++)
        if (name_is(name, nodes[i].name)) {
            *out = inode_get(&nodes[i].inode);
            return 0;
        }
    return -ENOENT;
}

static ssize_t read_program(struct inode *inode, struct cursor *cursor,
                            uint64_t offset)
{
    const struct node *node = container_of(inode, struct node, inode);
    size_t size = sizeof node->program;
    size_t length = offset < size ? MIN(size - offset, cursor->left) : 0;
    int error =
        cursor_put(cursor, (const char *)&node->program + offset, length);
    return error ? error : (ssize_t)length;
}

static void release(struct inode *inode)
{
    mm_fail("%s: one reference too few",
            container_of(inode, struct node, inode)->name);
}

static const struct inode_ops ops = {
    .lookup = lookup, .read = read_program, .release = release};

static struct node *add(const char *name, enum inode_type type)
{
    struct node *node = &nodes[node_count++];
    node->name = name;
    inode_init(&node->inode, &superblock, &ops, node_count,
               &(struct inode_shape){.type = type});
    return node;
}

static void add_program(const char *name, unsigned number)
{
    struct node *node = add(name, INODE_FILE);
    node->inode.size = sizeof node->program;
    node->program = (struct program){
        .ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
        .type = 2,
        .machine = 243,
        .entry = USER_TEXT + 2 * number,
        .phoff = offsetof(struct program, segment_type),
        .phentsize = 56,
        .phnum = 1,
        .segment_type = 1,
        .segment_flags = 7,
        .offset = offsetof(struct program, code),
        .vaddr = USER_TEXT,
        .filesz = sizeof node->program.code,
        .memsz = sizeof node->program.code + 2 * HAL_PAGE_SIZE};
}

struct inode *files_make(const char *const *names, unsigned count)
{
    superblock.root = &add("/", INODE_DIRECTORY)->inode;
    add("a", INODE_DIRECTORY);
    add("b", INODE_DIRECTORY);
    add("bad", INODE_FILE);
    for (unsigned i = 0; i < count; i++)
        if (names[i])
            add_program(names[i], i);
    return superblock.root;
}

unsigned files_references(void)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < node_count; i++)
        sum += atomic_load(&nodes[i].inode.count);
    return sum;
}
