/*
 * Text that grows at its end inside a buffer of the caller. For reports of
 * unknown length, such as the files of /proc: lines are printed without checks,
 * and at the end `truncated` says whether something did not fit.
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include "lib/types.h"
#include <stdarg.h>

struct text {
    char *data;      /* always terminated, if capacity is not 0 */
    size_t length;   /* bytes in it, without the NUL; below capacity */
    size_t capacity; /* bytes at data */
    bool truncated;  /* something did not fit and is missing */
    /* NULL; or called when full: takes the text, which is then empty. */
    void (*drain)(const char *text, size_t length);
};

/* Starts an empty text in the `capacity` bytes at `buffer`, which must outlive
 * it. */
void text_init(struct text *text, char *buffer, size_t capacity);

/* Appends (printf.h has the format). If the text does not fit it is truncated,
 * and nothing is appended after that. */
void text_printf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
