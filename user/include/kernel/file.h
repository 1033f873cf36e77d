/*
 * Device numbers, for mknod().
 */
#ifndef CALF_USER_FILE_H
#define CALF_USER_FILE_H

#include "kernel/types.h"

#define CONSOLE 1 /* major number of the console */

#define minor(device) ((device)&0xff)
#define major(device) (((device) >> 8) & 0xff)

#endif
