/*
 * The table of drivers, and open files of devices, which have no position.
 */
#include "vfs/device.h"
#include "lib/errno.h"

static const struct device_driver *_Atomic drivers[DEVICE_MAJORS];

int device_register(unsigned major, const struct device_driver *driver)
{
    const struct device_driver *none = NULL;
    if (major >= DEVICE_MAJORS)
        return -EINVAL;
    if (!atomic_compare_exchange_strong(&drivers[major], &none, driver))
        return -EBUSY;
    return 0;
}

static ssize_t device_read(struct file *file, struct cursor *cursor)
{
    const struct device_driver *driver = file->private;
    return driver->read(file->inode->minor, cursor);
}

static ssize_t device_write(struct file *file, struct cursor *cursor)
{
    const struct device_driver *driver = file->private;
    return driver->write(file->inode->minor, cursor);
}

static unsigned device_poll(struct file *file, struct wait_set *set)
{
    const struct device_driver *driver = file->private;
    return driver->poll ? driver->poll(file->inode->minor, set) : POLL_ALWAYS;
}

static int device_ioctl(struct file *file, unsigned command, uintptr_t argument)
{
    const struct device_driver *driver = file->private;
    return driver->ioctl ? driver->ioctl(file->inode->minor, command, argument)
                         : -ENOTTY;
}

static const struct file_ops device_file_ops = {
    .read = device_read,
    .write = device_write,
    .poll = device_poll,
    .ioctl = device_ioctl,
};

int device_open(struct file *file)
{
    unsigned major = file->inode->major;
    const struct device_driver *driver =
        major < DEVICE_MAJORS ? atomic_load(&drivers[major]) : NULL;
    if (!driver)
        return -ENODEV;
    file->ops = &device_file_ops;
    file->private = (void *)driver;
    return 0;
}
