/*
 * The console as programs see it: lines that can be edited while they are
 * typed, echo, and output as it is written.
 *
 * Keys: carriage return is a newline; backspace and delete remove a character,
 * ^U the line; ^D ends the input, so that a read gets what precedes it, or
 * nothing; ^P calls the hook. When a line reaches TTY_LINE bytes it can be
 * read, even if it has no end.
 *
 * Output: a write of at most TTY_TURN bytes comes out in one piece. Longer
 * writes take turns with others, at the end of a line where one is near.
 *
 * The device calls tty_input and tty_output_room.
 */
#ifndef IPC_TTY_H
#define IPC_TTY_H

#include "lib/types.h"

#define TTY_LINE 128
#define TTY_TURN 256

/* Make the console device 1, any minor. Once, at boot, before input. `hook` is
 * what ^P does, called with no lock held, from an interrupt. */
void tty_init(void (*hook)(void));

/* A byte was typed. From any context; the caller holds no lock of LOCK_TTY or
 * above. */
void tty_input(uint8_t byte);

/* console_write has refused a text, and would take one now. Called as
 * tty_input. */
void tty_output_room(void);

#endif
