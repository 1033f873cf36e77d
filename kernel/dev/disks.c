/*
 * The disks of a board. See disks.h.
 */
#include "dev/disks.h"
#include "dev/virtio_blk.h"
#include "lib/errno.h"
#include "lib/printf.h"

static void start(const struct board_virtio *place)
{
    uintptr_t base = (uintptr_t)hal_phys_to_virt(place->registers.start);
    int error = virtio_blk_start(base, place->interrupt);
    if (error == -EOPNOTSUPP)
        kprintf("calf: the device at %lx has no virtio interface of version "
                "1.0 (QEMU: -global virtio-mmio.force-legacy=false)\n",
                place->registers.start);
    else if (error && error != -ENODEV)
        kprintf("calf: the disk at %lx does not start (error %d)\n",
                place->registers.start, -error);
}

void disks_start(const struct board *board)
{
    for (unsigned i = 0; board->plic.end && i < board->virtio_count; i++)
        start(&board->virtio[i]);
    for (unsigned i = 0; i < block_count(); i++) {
        const struct block_device *disk = block_at(i);
        kprintf("calf: %s: %luM%s%s\n", disk->name, disk->sectors >> 11,
                disk->read_only ? ", read-only" : "",
                disk->has_flush ? "" : ", no flush");
    }
}
