/*
 * Formatted output.
 *
 * Text gathers in a buffer and leaves in one write, so that lines of several
 * processes stay whole. The buffer is not on the stack, which is a page, and
 * may be nearly full of the program's own. The same code formats into memory:
 * then the output has no descriptor and what does not fit is dropped.
 */
#include "calf.h"

#define BUFFER_BYTES 256

struct output {
    int fd; /* -1: the text stays in the buffer */
    char *buffer;
    uint size, used;
};

/* One directive of a format. */
struct directive {
    int width, longs;
    int left, zeros;
};

static void put(struct output *out, char c)
{
    if (out->used == out->size) {
        if (out->fd < 0)
            return;
        write(out->fd, out->buffer, (int)out->used);
        out->used = 0;
    }
    out->buffer[out->used++] = c;
}

static void put_field(struct output *out, const struct directive *d,
                      const char *text, uint length)
{
    int padding = d->width > (int)length ? d->width - (int)length : 0;
    int zeros = d->zeros && !d->left;

    if (zeros && length > 0 && *text == '-') {
        put(out, *text++);
        length--;
    }
    for (int i = 0; !d->left && i < padding; i++)
        put(out, zeros ? '0' : ' ');
    for (uint i = 0; i < length; i++)
        put(out, text[i]);
    for (int i = 0; d->left && i < padding; i++)
        put(out, ' ');
}

static void put_number(struct output *out, const struct directive *d,
                       uint64 value, uint base, const char *sign)
{
    char text[24];
    char *at = text + sizeof(text);
    uint length;

    do {
        *--at = "0123456789ABCDEF"[value % base];
        value /= base;
    } while (value != 0);
    for (uint i = strlen(sign); i > 0; i--)
        *--at = sign[i - 1];
    length = text + sizeof(text) - at;
    put_field(out, d, at, length);
}

static const char *read_directive(struct directive *d, const char *format)
{
    *d = (struct directive){0};
    for (; *format == '-' || *format == '0'; format++) {
        if (*format == '-')
            d->left = 1;
        else
            d->zeros = 1;
    }
    for (; *format >= '0' && *format <= '9'; format++)
        d->width = 10 * d->width + (*format - '0');
    for (; *format == 'l'; format++)
        d->longs++;
    return format;
}

static void put_pointer(struct output *out, uint64 value)
{
    struct directive sixteen = {.width = 16, .zeros = 1};

    put(out, '0');
    put(out, 'x');
    put_number(out, &sixteen, value, 16, "");
}

static void put_text(struct output *out, const struct directive *d,
                     const char *text)
{
    if (text == 0)
        text = "(null)";
    put_field(out, d, text, strlen(text));
}

static void put_formatted(struct output *out, const char *format, va_list args)
{
    struct directive d;

    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(out, *format);
            continue;
        }
        format = read_directive(&d, format + 1);
        if (*format == 'd' || *format == 'i') {
            long value = d.longs ? va_arg(args, long) : va_arg(args, int);
            uint64 size = value < 0 ? -(uint64)value : (uint64)value;
            put_number(out, &d, size, 10, value < 0 ? "-" : "");
        } else if (*format == 'u' || *format == 'x') {
            uint64 value = d.longs ? va_arg(args, uint64) : va_arg(args, uint);
            put_number(out, &d, value, *format == 'u' ? 10 : 16, "");
        } else if (*format == 'p') {
            put_pointer(out, va_arg(args, uint64));
        } else if (*format == 's') {
            put_text(out, &d, va_arg(args, const char *));
        } else if (*format == 'c') {
            char c = (char)va_arg(args, int);
            put_field(out, &d, &c, 1);
        } else if (d.longs) {
            /* Programs of 2022 write %l for an unsigned long. */
            put_number(out, &d, va_arg(args, uint64), 10, "");
            format--;
        } else if (*format == '\0') {
            put(out, '%');
            return;
        } else {
            if (*format != '%')
                put(out, '%');
            put(out, *format);
        }
    }
}

static void print(int fd, const char *format, va_list args)
{
    static char buffer[BUFFER_BYTES];
    struct output out = {.fd = fd, .buffer = buffer, .size = sizeof(buffer)};

    put_formatted(&out, format, args);
    if (out.used > 0)
        write(fd, buffer, (int)out.used);
}

void printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(1, format, args);
    va_end(args);
}

void fprintf(int fd, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(fd, format, args);
    va_end(args);
}

int calf_vformat(char *to, uint size, const char *format, va_list args)
{
    struct output out = {.fd = -1, .buffer = to, .size = size - 1};

    if (size == 0)
        return 0;
    put_formatted(&out, format, args);
    to[out.used] = '\0';
    return (int)out.used;
}

int calf_format(char *to, uint size, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = calf_vformat(to, size, format, args);
    va_end(args);
    return length;
}
