/*
 * The disks of a board, when it starts.
 */
#ifndef DEV_DISKS_H
#define DEV_DISKS_H

#include "dev/board.h"

/* Add all disks to the block devices, and list them on the console. Once, at
 * boot. A disk that does not start is reported and left out. */
void disks_start(const struct board *board);

#endif
