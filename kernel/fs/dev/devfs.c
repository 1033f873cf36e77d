/* /dev. See devfs.h. */
#include "fs/dev/devfs.h"
#include "vfs/file.h"
#include "fs/ram/ramfs.h"
#include "lib/bits.h"

static ssize_t null_read(struct file *, struct cursor *)
{
    return 0;
}

static ssize_t null_write(struct file *, struct cursor *cursor)
{
    return (ssize_t)cursor->left;
}

static ssize_t zero_read(struct file *, struct cursor *cursor)
{
    size_t length = cursor->left;
    int result = 0;
    while (cursor->left && !result)
        result = cursor_put_zeros(cursor, MIN(cursor->left, HAL_PAGE_SIZE));
    return cursor->left < length ? (ssize_t)(length - cursor->left) : result;
}

static const struct file_ops null_driver = {.read = null_read,
                                            .write = null_write};
static const struct file_ops zero_driver = {.read = zero_read,
                                            .write = null_write};

static const struct {
    const char *path;
    uint16_t major;
    const struct file_ops *driver; /* NULL: registered elsewhere */
} nodes[] = {
    {"/console", DEVICE_CONSOLE, NULL},
    {"/null", DEVICE_NULL, &null_driver},
    {"/zero", DEVICE_ZERO, &zero_driver},
};

int devfs_make(struct superblock **out)
{
    struct fs_context context;
    int result = ramfs_make("devfs", 1, out);
    if (result)
        return result;
    fs_context_init(&context, (*out)->root, inode_get((*out)->root), NULL);
    for (unsigned i = 0; !result && i < ARRAY_SIZE(nodes); i++) {
        if (nodes[i].driver)
            device_register(nodes[i].major, nodes[i].driver);
        result = vfs_mknod(&context, NULL, nodes[i].path, nodes[i].major, 0);
    }
    fs_context_put(&context);
    return result;
}
