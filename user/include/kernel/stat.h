/*
 * What fstat() and stat() tell about a file.
 */
#ifndef CALF_USER_STAT_H
#define CALF_USER_STAT_H

#include "kernel/types.h"

enum {
    T_DIR = 1,
    T_FILE = 2,
    T_DEVICE = 3,
};

struct stat {
    int dev;     /* number of the file system */
    uint ino;    /* number of the file in it */
    short type;  /* one of the T_ constants */
    short nlink; /* names this file has */
    uint64 size; /* bytes */
};

_Static_assert(sizeof(struct stat) == 24, "the kernel writes 24 bytes");

#endif
