/*
 * Memory and strings. Copying and filling are frequent, so they move eight
 * bytes at a time, 64 in each turn of a loop, if both sides reach an eight-byte
 * boundary after the same number of bytes; pages always do. No access is
 * misaligned: on some RISC-V machines that traps to the firmware and costs a
 * thousand times as much.
 *
 * The compiler must not replace a loop in memcpy by a call of memcpy, which
 * would never end: the pragma below forbids it to gcc, -ffreestanding to clang.
 */
#include "lib/string.h"

#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

/* Objects of any type may be read and written as words. */
typedef uint64_t __attribute__((may_alias)) word_t;

#define WORD  sizeof(word_t)
#define BLOCK (8 * WORD)

static bool word_aligned(const void *address)
{
    return (uintptr_t)address % WORD == 0;
}

/* Whether both reach a word boundary after the same number of bytes. */
static bool in_step(const void *left, const void *right)
{
    return ((uintptr_t)left - (uintptr_t)right) % WORD == 0;
}

/* Copies upwards. The places may overlap if `to` is the lower one: a block is
 * read in full before any of it is written. */
static void copy_up(uint8_t *to, const uint8_t *from, size_t left)
{
    if (in_step(to, from)) {
        for (; left && !word_aligned(to); left--)
            *to++ = *from++;
        for (; left >= BLOCK; left -= BLOCK) {
            word_t *out = (word_t *)to;
            const word_t *in = (const word_t *)from;
            word_t a = in[0], b = in[1], c = in[2], d = in[3];
            word_t e = in[4], f = in[5], g = in[6], h = in[7];
            out[0] = a, out[1] = b, out[2] = c, out[3] = d;
            out[4] = e, out[5] = f, out[6] = g, out[7] = h;
            to += BLOCK;
            from += BLOCK;
        }
        for (; left >= WORD; left -= WORD) {
            *(word_t *)to = *(const word_t *)from;
            to += WORD;
            from += WORD;
        }
    }
    for (; left; left--)
        *to++ = *from++;
}

/* Copies downwards. The places may overlap if `to` is the higher one. */
static void copy_down(uint8_t *to, const uint8_t *from, size_t left)
{
    if (in_step(to, from)) {
        for (; left && !word_aligned(to + left); left--)
            to[left - 1] = from[left - 1];
        for (; left >= WORD; left -= WORD)
            *(word_t *)(to + left - WORD) =
                *(const word_t *)(from + left - WORD);
    }
    for (; left; left--)
        to[left - 1] = from[left - 1];
}

void *memcpy(void *to, const void *from, size_t length)
{
    copy_up(to, from, length);
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    /* The difference wraps to a large value if `to` is the lower one. */
    if ((uintptr_t)to - (uintptr_t)from >= length)
        copy_up(to, from, length);
    else
        copy_down(to, from, length);
    return to;
}

void *memset(void *to, int value, size_t length)
{
    uint8_t *at = to;
    uint8_t byte = (uint8_t)value;
    word_t word = byte * UINT64_C(0x0101010101010101);
    for (; length && !word_aligned(at); length--)
        *at++ = byte;
    for (; length >= BLOCK; length -= BLOCK) {
        word_t *out = (word_t *)at;
        out[0] = word, out[1] = word, out[2] = word, out[3] = word;
        out[4] = word, out[5] = word, out[6] = word, out[7] = word;
        at += BLOCK;
    }
    for (; length >= WORD; length -= WORD) {
        *(word_t *)at = word;
        at += WORD;
    }
    for (; length; length--)
        *at++ = byte;
    return to;
}

int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *a = left, *b = right;
    /* Skip equal words; bytes decide. */
    if (in_step(a, b) && word_aligned(a)) {
        while (length >= WORD && *(const word_t *)a == *(const word_t *)b) {
            a += WORD;
            b += WORD;
            length -= WORD;
        }
    }
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;
    while (length < limit && text[length])
        length++;
    return length;
}

size_t strlen(const char *text)
{
    return strnlen(text, SIZE_MAX);
}

int strncmp(const char *left, const char *right, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        uint8_t a = (uint8_t)left[i], b = (uint8_t)right[i];
        if (a != b || !a)
            return a - b;
    }
    return 0;
}

int strcmp(const char *left, const char *right)
{
    return strncmp(left, right, SIZE_MAX);
}

char *strchr(const char *text, int wanted)
{
    while (*text != (char)wanted)
        if (!*text++)
            return NULL;
    return (char *)(uintptr_t)text;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    if (size) {
        size_t kept = length < size ? length : size - 1;
        memcpy(to, from, kept);
        to[kept] = '\0';
    }
    return length;
}

/* The value of a digit in any base up to 16; 16 if it is no digit. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 'a' ^ 'A';
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

bool parse_u64(const char **text, uint64_t *value)
{
    const char *at = *text;
    unsigned base = 10;
    uint64_t sum = 0;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        at += 2;
    }
    if (digit_value(*at) >= base)
        return false;
    for (unsigned digit; (digit = digit_value(*at)) < base; at++) {
        if (__builtin_mul_overflow(sum, base, &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *text = at;
    *value = sum;
    return true;
}
