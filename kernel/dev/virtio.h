/*
 * Virtio devices behind the memory-mapped transport (Virtual I/O Device
 * (VIRTIO) Version 1.1, section 4.2; "version 2", so not the legacy
 * interface), and split queues (section 2.6).
 */
#ifndef DEV_VIRTIO_H
#define DEV_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page;

/* Descriptors in a queue: with its two rings they fill a page. */
#define VIRTIO_QUEUE_SIZE 128

#define VIRTIO_ID_BLOCK 2

/* Part of a buffer, by physical address. */
struct virtio_piece {
    uint64_t address;
    uint32_t length;
    bool device_writes;
};

struct virtio_device {
    uintptr_t base;    /* I: of the registers */
    uint64_t features; /* I: agreed on */
};

/* One queue. The driver's lock guards it. */
struct virtio_queue {
    struct virtio_device *device;             /* I */
    uint16_t number;                          /* I */
    struct virtio_rings *rings;               /* I: shared with the device */
    uint16_t next_free[VIRTIO_QUEUE_SIZE];    /* chain of free descriptors */
    uint16_t chain_length[VIRTIO_QUEUE_SIZE]; /* by first descriptor, of chains
                                                 in use; else 0 */
    uint16_t first_free;
    uint16_t free_count;
    uint16_t seen; /* used buffers taken so far, modulo 2^16 */
};

/* The id of the device with registers at `base`; -ENODEV: there is none;
 * -EOPNOTSUPP: it has the legacy interface. */
int virtio_identify(uintptr_t base);

/* Reset the device, and agree on those of the `wanted` features that it offers.
 * 0; -EOPNOTSUPP: it does not offer all `needed` ones. */
int virtio_begin(struct virtio_device *device, uintptr_t base, uint64_t wanted,
                 uint64_t needed);

/* Set up queue `number`. 0, -ENOMEM; -EOPNOTSUPP: not there, or too small. */
int virtio_queue_init(struct virtio_queue *queue, struct virtio_device *device,
                      uint16_t number);

/* Start the device, which is set up. */
void virtio_go(struct virtio_device *device);

/* Reset a device that could not be set up, or has failed: from then on it
 * accesses no memory. */
void virtio_give_up(struct virtio_device *device);

/* A field of the device's own configuration, which may be changing. */
uint64_t virtio_config64(const struct virtio_device *device, unsigned offset);
uint32_t virtio_config32(const struct virtio_device *device, unsigned offset);

/* Acknowledge the interrupt. False: the device reports that it has failed. */
bool virtio_acknowledge(struct virtio_device *device);

/* Offer a buffer of `count` pieces; those that the device writes come last. Its
 * number, below VIRTIO_QUEUE_SIZE, is returned; or -EBUSY: there are not enough
 * free descriptors. */
int virtio_offer(struct virtio_queue *queue, const struct virtio_piece *pieces,
                 unsigned count);

/* Tell the device that buffers were offered. */
void virtio_notify(struct virtio_queue *queue);

/* The number of a buffer that the device has used, or -ENOENT. Numbers that
 * were not offered are ignored. */
int virtio_take_used(struct virtio_queue *queue);

#endif
