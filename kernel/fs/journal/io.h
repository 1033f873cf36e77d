/*
 * Many blocks to and from a device at once, for the journal: neighbours go in
 * one request, and several requests are under way at a time.
 */
#ifndef FS_JOURNAL_IO_H
#define FS_JOURNAL_IO_H

#include "dev/block.h"
#include "sched/waitq.h"

#define JOURNAL_REQUESTS 8

/* Letters: I immutable; u by its one user; l lock. */
struct journal_io {
    struct block_device *device; /* I */
    uint32_t block_size;         /* I */
    struct block_request requests[JOURNAL_REQUESTS];
    struct block_request *filling; /* u: not yet submitted; or NULL */
    struct spinlock lock;
    uint32_t busy; /* l: bit n: requests[n] is under way, or filling */
    int error;     /* l: the first since the last wait */
    struct waitq ended;
};

void journal_io_init(struct journal_io *io, struct block_device *device,
                     uint32_t block_size);

/* Begin to read or write block `block` of the device, whose bytes are at
 * `offset` in `page`. They stay as they are until journal_io_wait. May sleep.
 */
void journal_io_add(struct journal_io *io, enum block_command command,
                    uint64_t block, struct page *page, uint32_t offset);

/* Wait for all that was begun: 0, or -EIO when any of it failed. */
int journal_io_wait(struct journal_io *io);

#endif
