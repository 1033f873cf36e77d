/*
 * The serial port: a 16550 or one of its many likenesses. Two ways out:
 *
 *   uart_write_sync  waits for the chip. For the kernel's own messages, from
 *                    any context, in a panic too.
 *   uart_write       puts text into a ring that interrupts empty. For
 *                    programs: it never waits.
 *
 * What was accepted first is sent first, whichever way it came. One port, the
 * console; nothing works before uart_init, and writing then is harmless.
 */
#ifndef DEV_UART_H
#define DEV_UART_H

#include "lib/types.h"

struct uart_config {
    uintptr_t base;     /* virtual address of register 0 */
    unsigned reg_shift; /* registers are 1 << reg_shift bytes apart */
    unsigned reg_width; /* bytes an access takes: 1 or 4 */
    uint32_t clock;     /* input clock in Hz, or 0: leave the speed alone */
    uint32_t baud;      /* wanted speed, or 0: leave the speed alone */
};

/*
 * Sets the port up: eight bits, no parity, receiver interrupt on. Called once,
 * before its interrupt is enabled. 0, -EINVAL for a configuration that makes
 * no sense, -ENODEV if nothing answers at that address.
 */
int uart_init(struct uart_config config);

/*
 * Who gets each received byte, and who is told that uart_write, having taken
 * less than it was given, would take more now. Both are called from the
 * interrupt, with no lock held; they may write. Set before the interrupt is
 * enabled; NULL for nobody.
 */
void uart_set_receiver(void (*receiver)(uint8_t byte));
void uart_set_tx_room(void (*tx_room)(void));

/*
 * Sends all of `text`, waiting for the chip. Text accepted earlier goes first.
 * If the chip stops taking bytes the rest is dropped, not waited for.
 */
void uart_write_sync(const char *text, size_t length);

/* Accepts as much of `text` as there is room for; returns how much that is. */
size_t uart_write(const char *text, size_t length);

/* Handles the port's interrupt. Not entered twice at a time. */
void uart_interrupt(void);

#endif
