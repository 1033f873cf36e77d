/*
 * The plain types everything else is built from: fixed-width integers, sizes
 * and bool come from the compiler's own freestanding headers, so this file
 * only gathers them and adds the one they lack. Addresses of physical memory
 * are not here on purpose: mm owns that type and keeps it opaque.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A count of bytes, or a negative errno. */
typedef long ssize_t;

#endif
