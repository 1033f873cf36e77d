/*
 * Formatted text. One formatter serves the kernel's own messages (kprintf) and
 * text in memory (ksnprintf, text.h). It understands
 *
 *     %[-][0][width][.precision][l|ll|z]{d u x p s c %}
 *
 * where width and precision can be `*`; a width below 0 counts as 0. Precision
 * is for %s alone, and then the string needs no NUL within it. %p writes 0x and
 * the digits. An unknown conversion is printed as it is.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include "lib/types.h"
#include <stdarg.h>

/* Takes kprintf's text: `length` bytes, without a NUL at the end. It is called
 * from any context, also from several harts at once, and does its own locking.
 * A message longer than 256 bytes comes in several calls. */
typedef void (*print_sink_t)(const char *text, size_t length);

/* From now on kprintf's text goes to `sink`; NULL: it is dropped. */
void kprintf_set_sink(print_sink_t sink);

/* Prints a message. Takes no lock (the sink may) and allocates nothing. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for a caller that has the arguments already. */
void kvprintf(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

/* Writes as much as fits into the `size` bytes at `buffer`, terminated unless
 * `size` is 0. Returns the bytes written, without the NUL. */
size_t ksnprintf(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
