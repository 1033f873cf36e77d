/*
 * Memory and strings. Most are functions of the C library and do what they do
 * there, as the compiler itself calls the first four. strlcpy and parse_u64 are
 * safer than what the C library has. What C leaves undefined (NULL, overlap in
 * memcpy) is undefined here too.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *to, const void *from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
char *strchr(const char *text, int wanted);

/* Copies `from` into the `size` bytes at `to`, with a NUL at the end unless
 * `size` is 0. Returns the length of `from`: if that is `size` or more, the
 * copy was truncated. */
size_t strlcpy(char *to, const char *from, size_t size);

/* Reads an unsigned number, decimal or hexadecimal after "0x", at `*text`.
 * True: the number is in `*value` and `*text` is the first character after
 * it. False (no digit, or it needs more than 64 bits): nothing has changed. */
bool parse_u64(const char **text, uint64_t *value);

#endif
