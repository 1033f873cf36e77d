/*
 * The formatter. It appends to a text. The text of kprintf is on the stack, and
 * goes to the sink each time it is full.
 *
 * It runs in a panic, on any stack and before anything is set up: it takes no
 * lock, allocates nothing, and needs some 400 bytes of stack.
 */
#include "lib/printf.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/text.h"

#define PIECE       256 /* most bytes that kprintf gives the sink at once */
#define NUMBER_ROOM 20  /* digits of 2^64 - 1 */

/* One conversion, as the format describes it. */
struct conversion {
    bool left;     /* pad on the right */
    bool zero;     /* pad with zeros */
    bool wide;     /* the integer has 64 bits, not 32 */
    int width;     /* at least so many characters */
    int precision; /* at most so many of a string; -1: all */
    char letter;
};

static print_sink_t kprintf_sink;

static void flush(struct text *out)
{
    if (out->length)
        out->drain(out->data, out->length);
    out->length = 0;
}

static void put(struct text *out, char c)
{
    if (out->drain && out->length + 1 == out->capacity)
        flush(out);
    out->truncated |= out->length + 1 >= out->capacity;
    if (!out->truncated)
        out->data[out->length++] = c;
}

static void fill(struct text *out, char c, int count)
{
    while (count-- > 0)
        put(out, c);
}

/* Writes `prefix` and `body`, padded to the conversion's width. */
static void put_field(struct text *out, const struct conversion *how,
                      const char *prefix, const char *body, size_t length)
{
    int padding = how->width - (int)(strlen(prefix) + length);
    if (!how->left && !how->zero)
        fill(out, ' ', padding);
    while (*prefix)
        put(out, *prefix++);
    if (!how->left && how->zero)
        fill(out, '0', padding);
    for (size_t i = 0; i < length; i++)
        put(out, body[i]);
    if (how->left)
        fill(out, ' ', padding);
}

static void put_number(struct text *out, const struct conversion *how,
                       const char *prefix, uint64_t value, unsigned base)
{
    char room[NUMBER_ROOM];
    size_t at = sizeof(room);
    do {
        room[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    put_field(out, how, prefix, room + at, sizeof(room) - at);
}

static void put_string(struct text *out, struct conversion *how,
                       const char *text)
{
    size_t limit = how->precision < 0 ? SIZE_MAX : (size_t)how->precision;
    if (!text)
        text = "(null)";
    how->zero = false;
    put_field(out, how, "", text, strnlen(text, limit));
}

/* A width or precision at `*at`: digits, or an argument. */
static int take_count(const char **at, va_list *arguments)
{
    int count = 0;
    if (**at == '*') {
        (*at)++;
        return va_arg(*arguments, int);
    }
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (count < 100000)
            count = count * 10 + (**at - '0');
    return count;
}

/* Reads what stands between the % and its letter; returns what follows it. */
static const char *read_conversion(struct conversion *how, const char *at,
                                   va_list *arguments)
{
    *how = (struct conversion){.precision = -1};
    for (; *at == '-' || *at == '0'; at++) {
        how->left |= *at == '-';
        how->zero |= *at == '0';
    }
    how->width = MAX(take_count(&at, arguments), 0);
    if (*at == '.') {
        at++;
        how->precision = take_count(&at, arguments);
    }
    for (; *at == 'l' || *at == 'z'; at++)
        how->wide = true;
    how->letter = *at;
    return *at ? at + 1 : at;
}

/* Writes one conversion; false if its letter is unknown. */
static bool put_conversion(struct text *out, struct conversion *how,
                           va_list *arguments)
{
    uint64_t value;
    char c;
    switch (how->letter) {
    case 'd':
        value =
            how->wide ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
        if ((int64_t)value < 0)
            put_number(out, how, "-", -value, 10);
        else
            put_number(out, how, "", value, 10);
        return true;
    case 'u':
    case 'x':
        value = how->wide ? va_arg(*arguments, uint64_t)
                          : va_arg(*arguments, unsigned);
        put_number(out, how, "", value, how->letter == 'u' ? 10 : 16);
        return true;
    case 'p':
        put_number(out, how, "0x", (uintptr_t)va_arg(*arguments, void *), 16);
        return true;
    case 's':
        put_string(out, how, va_arg(*arguments, const char *));
        return true;
    case 'c':
        c = (char)va_arg(*arguments, int);
        how->zero = false;
        put_field(out, how, "", &c, 1);
        return true;
    case '%':
        put(out, '%');
        return true;
    default:
        return false;
    }
}

void text_vprintf(struct text *out, const char *format, va_list arguments)
{
    va_list rest;
    /* va_list may be an array type. Then this parameter is a pointer, and its
     * address has the wrong type; the address of a copy has the right one. */
    va_copy(rest, arguments);
    while (*format) {
        const char *start = format;
        struct conversion how;
        if (*format++ != '%') {
            put(out, *start);
            continue;
        }
        format = read_conversion(&how, format, &rest);
        if (!put_conversion(out, &how, &rest))
            while (start < format)
                put(out, *start++);
    }
    va_end(rest);
    if (out->capacity)
        out->data[out->length] = '\0';
}

void text_init(struct text *text, char *buffer, size_t capacity)
{
    *text = (struct text){.data = buffer, .capacity = capacity};
    if (capacity)
        buffer[0] = '\0';
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_vprintf(text, format, arguments);
    va_end(arguments);
}

size_t ksnprintf(char *buffer, size_t size, const char *format, ...)
{
    struct text text = {.data = buffer, .capacity = size};
    va_list arguments;
    va_start(arguments, format);
    text_vprintf(&text, format, arguments);
    va_end(arguments);
    return text.length;
}

void kprintf_set_sink(print_sink_t sink)
{
    __atomic_store_n(&kprintf_sink, sink, __ATOMIC_RELEASE);
}

void kvprintf(const char *format, va_list arguments)
{
    char piece[PIECE + 1];
    struct text out = {
        .data = piece,
        .capacity = sizeof(piece),
        .drain = __atomic_load_n(&kprintf_sink, __ATOMIC_ACQUIRE),
    };
    if (!out.drain)
        return;
    text_vprintf(&out, format, arguments);
    flush(&out);
}

void kprintf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    kvprintf(format, arguments);
    va_end(arguments);
}
