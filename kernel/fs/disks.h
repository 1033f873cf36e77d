/*
 * /proc/disks: what disks there are, and what was asked of them.
 */
#ifndef FS_DISKS_H
#define FS_DISKS_H

/* Add the file, at boot. -ENOSPC. */
int disks_register_file(void);

#endif
