/*
 * Text that grows at its end inside a buffer somebody else owns. For reports
 * of unknown length, such as the files of /proc: the writer prints line after
 * line and need not look at a result each time, and the reader asks once, at
 * the end, whether all of it fitted.
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include "lib/types.h"

struct text {
    char *data;      /* always terminated, if capacity is not 0 */
    size_t length;   /* bytes in it, without the NUL; below capacity */
    size_t capacity; /* bytes at data */
    bool truncated;  /* something did not fit and is missing */
};

/* Starts an empty text in the `capacity` bytes at `buffer`, still the
 * caller's, which must outlive it. */
void text_init(struct text *text, char *buffer, size_t capacity);

/*
 * Appends. What does not fit is cut off, and nothing is appended after a cut,
 * so what is there is always a beginning of the whole.
 */
void text_printf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
