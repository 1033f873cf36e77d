/*
 * Block devices: what a driver offers and what a file system asks of it.
 *
 * A request moves whole sectors between one run of the device and parts of
 * pages. Many may be under way at once, and they may end in any order. A write
 * is safe from a power cut once a flush that began after the write's end has
 * ended. Requests reach a driver through block_ops.
 */
#ifndef DEV_BLOCK_H
#define DEV_BLOCK_H

#include "lib/list.h"
#include "mm/page.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOCK_SECTOR   512u
#define BLOCK_SEGMENTS 16

enum block_command { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_COMMANDS };

/* Part of a page: whole sectors. */
struct block_segment {
    struct page *page;
    uint16_t offset, length; /* bytes */
};

struct block_device;

/* The device owns it from block_submit until `done` is called. */
struct block_request {
    enum block_command command;
    uint16_t count;  /* of segments; a flush: 0 */
    uint64_t sector; /* the first */
    struct block_segment segments[BLOCK_SEGMENTS];
    /* Called once, perhaps before block_submit returns, perhaps from an
     * interrupt handler. */
    void (*done)(struct block_request *request);
    int result; /* once done: 0 or -EIO */
    void *private;
    struct list link; /* the driver's */
};

struct block_ops {
    /* Begin the request; sleeps while the device's queue is full. The request
     * is in range, and a write is allowed. */
    void (*submit)(struct block_device *device, struct block_request *request);
};

struct block_device {
    const char *name;            /* I: "vda" */
    const struct block_ops *ops; /* I */
    uint64_t sectors;            /* I */
    bool read_only;              /* I */
    bool has_flush;              /* I: if not, each write that ended is safe */
    /* Requests and sectors by command; counted by block_submit. */
    _Atomic uint64_t requests[BLOCK_COMMANDS];
    _Atomic uint64_t moved[BLOCK_COMMANDS];
};

/* The most disks. */
#define BLOCK_DEVICES 8

/* A disk by index from 0 on; NULL after the last. */
struct block_device *block_at(unsigned index);
unsigned block_count(void);
/* The disk of that name, or NULL. */
struct block_device *block_find(const char *name);

/* Add a disk, at boot. 0, or -ENOSPC. */
int block_add(struct block_device *device);

/* Begin `request`. If it cannot be done (beyond the end, or a write to a
 * read-only device), it ends with -EIO at once. May sleep; no spinlock held. */
void block_submit(struct block_device *device, struct block_request *request);

/* Do `request` and wait for its end; a kill does not end the wait. 0 or -EIO.
 * Uses the request's `done` and `private`. */
int block_do(struct block_device *device, struct block_request *request);

/* Wait until all writes that have ended are safe: 0 or -EIO. */
int block_flush(struct block_device *device);

#endif
