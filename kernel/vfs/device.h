/*
 * Character devices: drivers by major number. A device node of any file system
 * is only a pair of numbers; the driver behind the major is found when the node
 * is opened, so nodes can be made, listed and asked about without one.
 */
#ifndef VFS_DEVICE_H
#define VFS_DEVICE_H

#include "vfs/file.h"

/* Majors are below this. */
#define DEVICE_MAJORS 32

#define DEVICE_CONSOLE 1
#define DEVICE_NULL    2
#define DEVICE_ZERO    3

/* As the operations of open files (vfs/file.h), but for a minor number; poll
 * and ioctl may be missing. They are called with no lock held. */
struct device_driver {
    ssize_t (*read)(unsigned minor, struct cursor *cursor);
    ssize_t (*write)(unsigned minor, struct cursor *cursor);
    unsigned (*poll)(unsigned minor, struct wait_set *set);
    int (*ioctl)(unsigned minor, unsigned command, uintptr_t argument);
};

/* Let `driver`, which stays, serve all nodes with this major. -EINVAL: no such
 * number; -EBUSY: it has a driver. */
int device_register(unsigned major, const struct device_driver *driver);

/* Give `file`, of a device node, its operations. -ENODEV: no driver. */
int device_open(struct file *file);

#endif
