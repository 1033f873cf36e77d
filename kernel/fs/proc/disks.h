/*
 * /proc/disks: what disks there are, and what was asked of them. Writing
 * "sync" to it makes everything safe that was written to files before;
 * "drop" also gives up what is kept only for speed.
 */
#ifndef FS_PROC_DISKS_H
#define FS_PROC_DISKS_H

/* Add the file, at boot. -ENOSPC. */
int disks_register_file(void);

#endif
