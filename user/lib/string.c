/*
 * Strings that end in a zero byte.
 */
#include "calf.h"

uint strlen(const char *text)
{
    const char *end = text;

    while (*end != '\0')
        end++;
    return end - text;
}

char *strcpy(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
    return to;
}

int strcmp(const char *a, const char *b)
{
    for (; *a == *b; a++, b++) {
        if (*a == '\0')
            return 0;
    }
    return (uchar)*a - (uchar)*b;
}

int calf_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

char *strchr(const char *text, char c)
{
    for (; *text != '\0'; text++) {
        if (*text == c)
            return (char *)text;
    }
    return 0;
}

int atoi(const char *text)
{
    uint value = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        value = 10 * value + (uint)(*text - '0');
    return (int)value;
}

int calf_number(const char *text, long *value)
{
    int negative = *text == '-';
    long sum = 0;

    text += negative;
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' ||
            __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, *text - '0', &sum))
            return -1;
    }
    *value = negative ? -sum : sum;
    return 0;
}
