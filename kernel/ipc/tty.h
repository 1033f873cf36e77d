/*
 * The console as programs see it: lines that are edited while they are typed,
 * echo, and output as it is given.
 *
 * Keys: carriage return is a newline; backspace and delete take back a
 * character, ^U the line; ^D ends the input, so that a read gets what precedes
 * it, or nothing; ^P calls the hook. A line is at most TTY_LINE bytes and is
 * handed over unfinished when it reaches that.
 *
 * Output: what a program writes at once comes out in one piece if it has at
 * most TTY_TURN bytes. Longer writes take turns with others, at the end of a
 * line where one is near.
 *
 * The device stands below and calls tty_input and tty_output_room.
 */
#ifndef IPC_TTY_H
#define IPC_TTY_H

#include "lib/types.h"

#define TTY_LINE 128
#define TTY_TURN 256

/* Make the console device 1, any minor. Once, at boot, before input. -EBUSY.
 * `hook` is what ^P does, called with no lock held, from an interrupt. */
int tty_init(void (*hook)(void));

/* A byte was typed. From any context; the caller holds no lock of LOCK_TTY or
 * above. */
void tty_input(uint8_t byte);

/* console_write, having refused a text, would take one now. The same
 * conditions. */
void tty_output_room(void);

#endif
