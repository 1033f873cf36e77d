/*
 * The formatter. Text goes into a buffer. For a string in memory the buffer is
 * the string itself, and what does not fit is only counted; for kprintf it is a
 * piece of stack that goes to the sink each time it is full.
 *
 * It runs in a panic, on any stack and before anything is set up: it takes no
 * lock, allocates nothing, and needs some 400 bytes of stack.
 */
#include "lib/printf.h"
#include "lib/string.h"

#define PIECE       256 /* bytes kprintf gives the sink at once */
#define NUMBER_ROOM 22  /* digits of 2^64 - 1 in octal */

struct output {
    char *buffer;
    size_t size;        /* of buffer */
    size_t used;        /* bytes in buffer */
    size_t total;       /* bytes written in all, kept or not */
    print_sink_t drain; /* takes a full buffer; NULL: the rest is dropped */
};

/* One conversion, as the format describes it. */
struct conversion {
    bool left;     /* pad on the right */
    bool zero;     /* pad with zeros */
    int width;     /* at least so many characters */
    int precision; /* at most so many of a string; -1: all */
    int length;    /* of the argument: bytes in an integer */
    char letter;
};

static print_sink_t kprintf_sink;

static void output_flush(struct output *out)
{
    if (out->drain && out->used) {
        out->drain(out->buffer, out->used);
        out->used = 0;
    }
}

static void output_put(struct output *out, char c)
{
    if (out->used == out->size)
        output_flush(out);
    if (out->used < out->size)
        out->buffer[out->used++] = c;
    out->total++;
}

static void output_fill(struct output *out, char c, int count)
{
    while (count-- > 0)
        output_put(out, c);
}

/* Writes `prefix` and `body`, padded to the conversion's width. */
static void put_field(struct output *out, const struct conversion *how,
                      const char *prefix, const char *body, size_t length)
{
    size_t taken = strlen(prefix) + length;
    int padding = taken < (size_t)how->width ? how->width - (int)taken : 0;
    if (!how->left && !how->zero)
        output_fill(out, ' ', padding);
    while (*prefix)
        output_put(out, *prefix++);
    if (!how->left && how->zero)
        output_fill(out, '0', padding);
    for (size_t i = 0; i < length; i++)
        output_put(out, body[i]);
    if (how->left)
        output_fill(out, ' ', padding);
}

static void put_number(struct output *out, const struct conversion *how,
                       const char *prefix, uint64_t value, unsigned base)
{
    const char *digits =
        how->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char room[NUMBER_ROOM];
    size_t at = sizeof(room);
    do {
        room[--at] = digits[value % base];
        value /= base;
    } while (value);
    put_field(out, how, prefix, room + at, sizeof(room) - at);
}

static void put_string(struct output *out, struct conversion *how,
                       const char *text)
{
    size_t limit = how->precision < 0 ? SIZE_MAX : (size_t)how->precision;
    if (!text)
        text = "(null)";
    how->zero = false;
    put_field(out, how, "", text, strnlen(text, limit));
}

/*
 * Takes an integer argument. Small ones come as int; hh and h make them as
 * small as they were.
 */
static uint64_t take_integer(va_list *arguments, int length, bool is_signed)
{
    if (length == 8)
        return va_arg(*arguments, uint64_t);
    unsigned given = va_arg(*arguments, unsigned);
    unsigned unused = 64 - 8 * (unsigned)length;
    uint64_t high = (uint64_t)given << unused;
    return is_signed ? (uint64_t)((int64_t)high >> unused) : high >> unused;
}

/* A width or precision at `*at`: digits, or an argument. */
static int take_count(const char **at, va_list *arguments)
{
    int count = 0;
    if (**at == '*') {
        (*at)++;
        return va_arg(*arguments, int);
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (count < 100000)
            count = count * 10 + (**at - '0');
    }
    return count;
}

/* Reads what stands between the % and its letter; returns what follows it. */
static const char *read_conversion(struct conversion *how, const char *at,
                                   va_list *arguments)
{
    *how = (struct conversion){.precision = -1, .length = 4};
    for (; *at == '-' || *at == '0'; at++) {
        how->left |= *at == '-';
        how->zero |= *at == '0';
    }
    how->width = take_count(&at, arguments);
    if (how->width < 0) {
        how->left = true;
        how->width = how->width == INT32_MIN ? 0 : -how->width;
    }
    if (*at == '.') {
        at++;
        how->precision = take_count(&at, arguments);
    }
    for (; *at == 'h'; at++)
        how->length = how->length == 4 ? 2 : 1;
    for (; *at == 'l' || *at == 'z'; at++)
        how->length = 8;
    how->letter = *at;
    return *at ? at + 1 : at;
}

/* Writes one conversion; false if its letter is unknown. */
static bool put_conversion(struct output *out, struct conversion *how,
                           va_list *arguments)
{
    uint64_t value;
    char c;
    switch (how->letter) {
    case 'd':
    case 'i':
        value = take_integer(arguments, how->length, true);
        if ((int64_t)value < 0)
            put_number(out, how, "-", -value, 10);
        else
            put_number(out, how, "", value, 10);
        return true;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        value = take_integer(arguments, how->length, false);
        put_number(out, how, "", value,
                   how->letter == 'u'   ? 10
                   : how->letter == 'o' ? 8
                                        : 16);
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
        output_put(out, '%');
        return true;
    default:
        return false;
    }
}

static void format_into(struct output *out, const char *format,
                        va_list arguments)
{
    va_list rest;
    /* A va_list parameter may be an array, which has no address of its own
     * type; a copy has. */
    va_copy(rest, arguments);
    while (*format) {
        const char *start = format;
        struct conversion how;
        if (*format++ != '%') {
            output_put(out, *start);
            continue;
        }
        format = read_conversion(&how, format, &rest);
        if (!put_conversion(out, &how, &rest)) {
            while (start < format)
                output_put(out, *start++);
        }
    }
    va_end(rest);
}

int kvsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = {.buffer = buffer, .size = size ? size - 1 : 0};
    format_into(&out, format, arguments);
    if (size)
        buffer[out.used] = '\0';
    return (int)out.total;
}

int ksnprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = kvsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

void kprintf_set_sink(print_sink_t sink)
{
    __atomic_store_n(&kprintf_sink, sink, __ATOMIC_RELEASE);
}

void kvprintf(const char *format, va_list arguments)
{
    char piece[PIECE];
    struct output out = {
        .buffer = piece,
        .size = sizeof(piece),
        .drain = __atomic_load_n(&kprintf_sink, __ATOMIC_ACQUIRE),
    };
    if (!out.drain)
        return;
    format_into(&out, format, arguments);
    output_flush(&out);
}

void kprintf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    kvprintf(format, arguments);
    va_end(arguments);
}
