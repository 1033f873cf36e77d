/*
 * Text that grows inside a caller's buffer; see the header.
 */
#include "lib/text.h"
#include "lib/printf.h"

void text_init(struct text *text, char *buffer, size_t capacity)
{
    *text = (struct text){.data = buffer, .capacity = capacity};
    if (capacity)
        buffer[0] = '\0';
}

void text_printf(struct text *text, const char *format, ...)
{
    size_t room = text->capacity - text->length;
    va_list arguments;
    if (text->truncated)
        return;
    va_start(arguments, format);
    size_t wanted = (size_t)kvsnprintf(room ? text->data + text->length : NULL,
                                       room, format, arguments);
    va_end(arguments);
    if (wanted < room) {
        text->length += wanted;
        return;
    }
    text->length += room ? room - 1 : 0;
    text->truncated = wanted != 0;
}
