/*
 * Formatted text. One formatter serves the kernel's own messages (kprintf) and
 * strings in memory (ksnprintf). It understands
 *
 *     %[-][0][width][.precision][hh|h|l|ll|z]{d i u o x X p s c %}
 *
 * where width and precision can be `*`. Precision is for %s alone, and then
 * the string needs no NUL within it. %p writes 0x and the digits. There is no
 * floating point. A conversion it does not know is written out as it stands.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include "lib/types.h"
#include <stdarg.h>

/*
 * Where kprintf's text goes: `length` bytes, with no NUL at the end. It is
 * called from any context, also from several harts at once, and does its own
 * locking. A message longer than 256 bytes comes in several calls.
 */
typedef void (*print_sink_t)(const char *text, size_t length);

/* Sends what is printed from now on to `sink`; NULL throws it away. */
void kprintf_set_sink(print_sink_t sink);

/* Prints a message. Takes no lock of its own and allocates nothing. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for a caller that has the arguments already. */
void kvprintf(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

/*
 * Writes into the `size` bytes at `buffer`, cut short if it must be, and
 * terminated whenever `size` is not 0. Returns the length the whole text has,
 * without its NUL: a result of `size` or more means it was cut.
 */
int kvsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int ksnprintf(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
