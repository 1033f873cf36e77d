/*
 * Directories as read() shows them, and the file sizes programs count on.
 */
#ifndef CALF_USER_FS_H
#define CALF_USER_FS_H

#include "kernel/types.h"

#define ROOTINO 1
#define BSIZE   1024

/* The largest file that is sure to be writable is MAXFILE blocks. */
#define NDIRECT   12
#define NINDIRECT (BSIZE / sizeof(uint))
#define MAXFILE   (NINDIRECT + NDIRECT)

#define DIRSIZ 14

/* One record of a directory. A name of DIRSIZ bytes has no final zero. */
struct dirent {
    ushort inum; /* 0: the slot is empty */
    char name[DIRSIZ];
};

#endif
