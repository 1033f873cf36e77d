/*
 * Plain types: fixed-width integers, sizes and bool from the compiler's
 * freestanding headers, and ssize_t, which they lack.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A count of bytes, or a negative errno. */
typedef long ssize_t;

#endif
