/*
 * The console's device: the board's UART or, where there is none that
 * interrupts, the firmware.
 */
#ifndef DEV_SERIAL_H
#define DEV_SERIAL_H

#include "dev/board.h"

/* Start the console on the device, once, at boot. `receive` gets each byte that
 * is typed, with no lock held; `room` goes to console_start. False: the device
 * is the firmware, and a thread has to run serial_poll. */
bool serial_start(const struct board *board, void (*receive)(uint8_t byte),
                  void (*room)(void));

/* Send, and ask the firmware for keys, now and then. Does not return. */
void serial_poll(void *unused);

#endif
