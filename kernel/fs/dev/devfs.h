/*
 * /dev: a small RAM file system that starts with a node for each device there
 * is, and the two devices that need no hardware: null and zero.
 */
#ifndef FS_DEV_DEVFS_H
#define FS_DEV_DEVFS_H

#include "vfs/vfs.h"

/* Register null and zero, and make the file system. Once, at boot. -ENOMEM. */
int devfs_make(struct superblock **out);

#endif
