/*
 * Disks behind virtio (Virtual I/O Device (VIRTIO) Version 1.1, section 5.2).
 */
#ifndef DEV_VIRTIO_BLK_H
#define DEV_VIRTIO_BLK_H

#include "dev/block.h"
#include <stdint.h>

/* Add the disk with registers at `base` (in the direct map) and interrupt
 * `interrupt` to the block devices. At boot. 0; -ENODEV: no disk there;
 * -EOPNOTSUPP: it lacks what is needed, or has the legacy interface; -ENOMEM,
 * -EBUSY. */
int virtio_blk_start(uintptr_t base, unsigned interrupt);

#endif
