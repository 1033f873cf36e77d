/*
 * The board, as its device tree describes it.
 */
#ifndef DEV_BOARD_H
#define DEV_BOARD_H

#include "arch/hal.h"
#include "dev/uart.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_RANGES 16

/* The most places for virtio devices. */
#define BOARD_VIRTIO 8

#define BOARD_DEVICES (3 + BOARD_VIRTIO)

struct board {
    struct hal_range ram[BOARD_RANGES];
    unsigned ram_count;
    struct hal_range reserved[BOARD_RANGES]; /* image, tree, initrd, firmware */
    unsigned reserved_count;
    uint64_t harts[HAL_MAX_HARTS]; /* hardware ids, in order */
    unsigned hart_count;
    uint64_t timebase;        /* Hz */
    bool sstc;                /* every hart has it */
    struct hal_range initrd;  /* empty: none */
    const char *command_line; /* "" if none */
    struct hal_range uart;    /* empty: none */
    unsigned uart_shift, uart_width;
    unsigned uart_interrupt; /* 0: none */
    struct hal_range rtc;    /* empty: none */
    struct hal_range plic;   /* empty: none */
    unsigned plic_context;   /* of the boot hart */
    struct board_virtio {
        struct hal_range registers;
        unsigned interrupt;
    } virtio[BOARD_VIRTIO]; /* by address */
    unsigned virtio_count;
};

/* Read the tree at `blob` (in the direct map), booted on hart `boot_id`.
 * NULL, or a sentence that says why this machine cannot run Calf. */
const char *board_read(struct board *board, const void *blob, uint64_t boot_id);

/* Put the places of all devices into `out`, which has room for BOARD_DEVICES.
 * Returns how many; some may be empty. */
unsigned board_devices(const struct board *board, struct hal_range *out);

/* The value of `name=` on the command line, up to the next space, or as much of
 * it as there is room for. False: it is not there. What follows run= is a
 * command for init, whatever it looks like. */
bool board_argument(const struct board *board, const char *name, char *value,
                    size_t size);

/* Whether all of `range` is memory. */
bool board_has_memory(const struct board *board, struct hal_range range);

#endif
