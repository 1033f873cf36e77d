/*
 * Output of the console: one ring between the kernel and programs, which print,
 * and the device, which sends. No thread waits for the device, and all text is
 * sent in the order in which it was accepted.
 *
 * The kernel's messages may fill the ring. A message that has no room is lost
 * and counted; once there is room again, one line tells how many were lost.
 * Programs may fill a small part of the ring, and echo a little more, so that
 * there is room for messages. A text stays in one piece.
 *
 * After a panic, messages go out at once: see console_print.
 */
#ifndef DEV_CONSOLE_H
#define DEV_CONSOLE_H

#include "lib/types.h"

/* A device. Its functions are called from any context, with a lock held (in a
 * panic without). */
struct console_port {
    /* Send as much of `text` as the device takes now; returns how much. If
     * want_room is NULL, at least one byte. */
    size_t (*send)(const char *text, size_t length);
    /* Whether console_room is to be called when the device takes more. NULL:
     * the device has no interrupt, and console_poll sends. */
    void (*want_room)(bool wanted);
    /* Whether all has left the device. NULL: it always has. */
    bool (*idle)(void);
};

/* From now on kprintf prints to `port`. `room` is called when console_write has
 * refused a text and would take one now: with no lock held, from an interrupt
 * or from console_poll. Called once, before the other functions here. */
void console_start(const struct console_port *port, void (*room)(void));

/*
 * A message of the kernel, at most 256 bytes: goes into the ring as a whole or
 * is lost. From any context, with any locks held. Never waits.
 *
 * In a panic no lock is taken: the ring and the message are sent by polling the
 * device. If the device takes nothing for a second, this waits no longer. What
 * is not sent stays in the ring, for a later console_flush; if there is no
 * room, the oldest text is dropped.
 */
void console_print(const char *text, size_t length);

/* Text that a program writes, or echo, at most 256 bytes. True: all of it is in
 * the ring. False: there was no room. From any context, with locks below
 * LOCK_CONSOLE. Never wait. */
bool console_write(const char *text, size_t length);
bool console_echo(const char *text, size_t length);

/* The device takes more: called by its interrupt handler. */
void console_room(void);

/* Send all there is, for a device without an interrupt: called by a thread at
 * intervals. No lock is held while the device sends. */
void console_poll(void);

/* Wait until all has been sent that was accepted before, or until the device
 * has taken nothing for a second. For use before the machine stops. From any
 * context, without LOCK_CONSOLE; does nothing before console_start. */
void console_flush(void);

#endif
