/*
 * What leaves by the console: one ring between all who print and the device
 * that sends. Nobody waits for the device, and what was accepted first is sent
 * first, whoever it came from.
 *
 * The kernel's messages may fill the ring. What has no room is lost and
 * counted, and once there is room again one line in its place tells how many
 * were. Programs have a small part of the ring, and echo a little more, so that
 * neither of them keeps out a message. Whatever is put in stays in one piece.
 *
 * After a panic, messages go out at once: see console_print.
 */
#ifndef DEV_CONSOLE_H
#define DEV_CONSOLE_H

#include "lib/types.h"

/* A device. Its functions are called from any context, with a lock held, or in
 * a panic without. */
struct console_port {
    /* Takes as much of `text` as the device takes now; returns how much. Where
     * want_room is NULL that is never nothing. */
    size_t (*send)(const char *text, size_t length);
    /* Whether console_room is to be called when the device takes more. NULL:
     * nobody is; then console_poll sends. */
    void (*want_room)(bool wanted);
    /* Whether all has left the device. NULL: it always has. */
    bool (*idle)(void);
};

/* From now on kprintf prints here. `port` is the device; `room` is told that
 * console_write, having refused a text, would take one now: called with no lock
 * held, from an interrupt or from console_poll. Once, before anything else
 * here. */
void console_start(const struct console_port *port, void (*room)(void));

/*
 * A message of the kernel, at most 256 bytes: goes into the ring as a whole or
 * is lost. From any context, with any locks held. Never waits.
 *
 * In a panic no lock is taken: the ring is sent, then the message, by asking
 * the device again and again. Once that has taken nothing for a second, this
 * waits no more. What is not sent stays in the ring, where the oldest gives
 * way, for a console_flush to come.
 */
void console_print(const char *text, size_t length);

/* Text that a program writes, or echo, at most 256 bytes: goes into the ring as
 * a whole, or false: no room. From any context, with locks below LOCK_CONSOLE.
 * Never wait. */
bool console_write(const char *text, size_t length);
bool console_echo(const char *text, size_t length);

/* The device takes more: called by its interrupt. */
void console_room(void);

/* Send all there is, for a device without an interrupt: called by a thread now
 * and then. No lock is held while the device sends. */
void console_poll(void);

/* Wait until all has been sent that was accepted before, but not once the
 * device has taken nothing for a second. Before the machine stops. From any
 * context, with no lock of LOCK_CONSOLE; harmless before console_start. */
void console_flush(void);

#endif
