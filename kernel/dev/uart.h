/*
 * The serial port: a 16550 or compatible. It sends the console's ring
 * (console.h) and receives what is typed. One port.
 */
#ifndef DEV_UART_H
#define DEV_UART_H

#include "dev/console.h"

struct uart_config {
    uintptr_t base;     /* virtual address of register 0 */
    unsigned reg_shift; /* registers are 1 << reg_shift bytes apart */
    unsigned reg_width; /* bytes an access takes: 1 or 4 */
    uint32_t clock;     /* input clock in Hz, or 0: leave the speed alone */
    uint32_t baud;      /* wanted speed, or 0: leave the speed alone */
};

/*
 * Sets the port up: eight bits, no parity, receiver interrupt on. Called once,
 * before its interrupt is enabled; waits up to a second until the firmware's
 * output has been sent. 0, -EINVAL for a configuration that makes no sense,
 * -ENODEV if nothing answers at that address.
 */
int uart_init(struct uart_config config);

/* Call `receiver` for each received byte, from the interrupt, with no lock
 * held; it may print. Set before the interrupt is enabled; NULL: bytes are
 * dropped. */
void uart_set_receiver(void (*receiver)(uint8_t byte));

/* The port as the console's device. Its functions never wait. */
extern const struct console_port uart_port;

/* Handles the port's interrupt, and calls console_room. Not called by two harts
 * at once. */
void uart_interrupt(void *unused);

#endif
