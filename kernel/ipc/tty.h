/*
 * The console as programs see it: lines that can be edited, echo, and output.
 *
 * Keys: carriage return is a newline; backspace and delete remove a character,
 * ^U the line; ^D ends the input, so a read gets what precedes it, or nothing;
 * ^P calls the hook. A line of TTY_LINE bytes can be read without its end.
 *
 * Output: a write of at most TTY_TURN bytes comes out in one piece. Longer
 * writes take turns with others, at the end of a line where one is near.
 */
#ifndef IPC_TTY_H
#define IPC_TTY_H

#include "lib/types.h"

#define TTY_LINE 128
#define TTY_TURN 256

/* Make the console device 1, any minor. Once, at boot, before input. `hook` is
 * called at ^P: from an interrupt, no lock held. */
void tty_init(void (*hook)(void));

/* The device calls these, from any context, with no lock of LOCK_TTY or above
 * held. tty_input: a byte was typed. tty_output_room: console_write has refused
 * a text, and would take one now. */
void tty_input(uint8_t byte);
void tty_output_room(void);

#endif
