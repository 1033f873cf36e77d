/*
 * Filling, copying and comparing memory.
 *
 * Compilers call these on their own and turn such loops into calls, of
 * themselves here; PLAIN_LOOPS forbids that. Eight bytes go at a time where the
 * addresses allow it.
 */
#include "kernel/types.h"
#include "user/user.h"

#ifdef __clang__
#define PLAIN_LOOPS __attribute__((no_builtin))
#else
#define PLAIN_LOOPS                                                            \
    __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

typedef uint64 __attribute__((may_alias)) word;

static int words_fit(const void *a, const void *b)
{
    return (((uint64)a | (uint64)b) & 7) == 0;
}

PLAIN_LOOPS void *memset(void *to, int byte, uint bytes)
{
    char *at = to;
    char *end = at + bytes;
    word pattern = (uchar)byte * 0x0101010101010101UL;

    while (at < end && ((uint64)at & 7) != 0)
        *at++ = (char)byte;
    for (; end - at >= 8; at += 8)
        *(word *)at = pattern;
    while (at < end)
        *at++ = (char)byte;
    return to;
}

PLAIN_LOOPS static void copy_upwards(char *to, const char *from, uint bytes)
{
    char *end = to + bytes;

    if (words_fit(to, from)) {
        for (; end - to >= 8; to += 8, from += 8)
            *(word *)to = *(const word *)from;
    }
    while (to < end)
        *to++ = *from++;
}

void *memcpy(void *to, const void *from, uint bytes)
{
    copy_upwards(to, from, bytes);
    return to;
}

PLAIN_LOOPS void *memmove(void *to, const void *from, int bytes)
{
    char *target = to;
    const char *source = from;

    if (bytes <= 0)
        return to;
    if (target <= source || target >= source + bytes) {
        copy_upwards(target, source, bytes);
        return to;
    }
    while (bytes-- > 0)
        target[bytes] = source[bytes];
    return to;
}

int memcmp(const void *a, const void *b, uint bytes)
{
    const uchar *left = a;
    const uchar *right = b;

    for (uint i = 0; i < bytes; i++) {
        if (left[i] != right[i])
            return left[i] - right[i];
    }
    return 0;
}
