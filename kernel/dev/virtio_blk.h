/*
 * Disks behind virtio (Virtual I/O Device (VIRTIO) Version 1.1, section 5.2).
 */
#ifndef DEV_VIRTIO_BLK_H
#define DEV_VIRTIO_BLK_H

#include "dev/block.h"
#include <stdint.h>

/* If there is a disk behind the registers at `base` (in the direct map), add it
 * to the block devices; it uses interrupt `interrupt`. At boot. 0; -ENODEV: no
 * disk there; -EOPNOTSUPP: one that lacks what is needed, or is a legacy one;
 * -ENOMEM, -EBUSY. */
int virtio_blk_start(uintptr_t base, unsigned interrupt);

#endif
