/*
 * Reading newc archives. An entry is a header of 110 characters (a magic
 * number and thirteen fields of eight hexadecimal digits), a name, padding to
 * four bytes, data, padding again; an entry of a known name ends the archive.
 *
 * Nothing in the archive is trusted: a length is compared with the bytes that
 * are left before it is added to anything, so that no sum can wrap.
 */
#include "dev/cpio.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MAGIC        "070701"
#define MAGIC_LENGTH 6
#define DIGITS       8
#define FIELDS       13
#define HEADER_SIZE  (MAGIC_LENGTH + FIELDS * DIGITS)
#define PADDING      4
#define TRAILER      "TRAILER!!!"

enum field {
    FIELD_INO = 0,
    FIELD_MODE = 1,
    FIELD_UID = 2,
    FIELD_GID = 3,
    FIELD_NLINK = 4,
    FIELD_MTIME = 5,
    FIELD_DATA_SIZE = 6,
    FIELD_NAME_SIZE = 11,
};

void cpio_open(struct cpio *cpio, const void *data, size_t size)
{
    *cpio = (struct cpio){.data = data, .size = size};
}

/* Steps over `length` bytes and the padding after them. Returns the bytes; NULL
 * if some are missing. Padding may be missing at the very end. */
static const uint8_t *take(const struct cpio *cpio, size_t *offset,
                           size_t length)
{
    const uint8_t *taken = cpio->data + *offset;
    size_t after;

    if (length > cpio->size - *offset)
        return NULL;
    after = *offset + length - cpio->start;
    after += -after % PADDING;
    *offset = MIN(cpio->start + after, cpio->size);
    return taken;
}

static bool read_fields(const uint8_t *header, uint32_t fields[FIELDS])
{
    const uint8_t *at = header + MAGIC_LENGTH;

    for (int i = 0; i < FIELDS; i++, at += DIGITS) {
        char digits[2 + DIGITS + 1] = "0x";
        const char *rest = digits;
        uint64_t value;

        memcpy(digits + 2, at, DIGITS);
        digits[2 + DIGITS] = '\0';
        if (!parse_u64(&rest, &value) || *rest)
            return false;
        fields[i] = (uint32_t)value;
    }
    return true;
}

/* Reads the entry at the current position, or the trailer, and steps over it.
 * NULL, or what is wrong. */
static const char *read_entry(struct cpio *cpio, struct cpio_entry *entry)
{
    uint32_t fields[FIELDS];
    const uint8_t *header = cpio->data + cpio->offset;
    size_t offset = cpio->offset + HEADER_SIZE;
    size_t name_size;

    if (cpio->size - cpio->offset < HEADER_SIZE)
        return "it breaks off in an entry's header, or has no trailer";
    if (memcmp(header, MAGIC, MAGIC_LENGTH))
        return "no newc header where one belongs (is it compressed?)";
    if (!read_fields(header, fields))
        return "a header has a number that is not hexadecimal";
    name_size = fields[FIELD_NAME_SIZE];
    *entry = (struct cpio_entry){
        .name = (const char *)take(cpio, &offset, name_size),
        .name_length = name_size - 1,
        .mode = fields[FIELD_MODE],
        .uid = fields[FIELD_UID],
        .gid = fields[FIELD_GID],
        .mtime = fields[FIELD_MTIME],
        .nlink = fields[FIELD_NLINK],
        .ino = fields[FIELD_INO],
        .size = fields[FIELD_DATA_SIZE],
    };
    if (!entry->name)
        return "it breaks off in a name";
    if (name_size < 2 || strnlen(entry->name, name_size) != name_size - 1)
        return "a name is empty or not terminated where it should be";
    entry->data = take(cpio, &offset, entry->size);
    if (!entry->data)
        return "it breaks off in a file's data";
    cpio->offset = offset;
    return NULL;
}

int cpio_next(struct cpio *cpio, struct cpio_entry *entry)
{
    for (;;) {
        if (!cpio->inside) {
            while (cpio->offset < cpio->size && !cpio->data[cpio->offset])
                cpio->offset++;
            if (cpio->offset == cpio->size)
                return 0;
            cpio->start = cpio->offset;
        }
        cpio->error = read_entry(cpio, entry);
        if (cpio->error)
            return -EUCLEAN;
        cpio->inside = strcmp(entry->name, TRAILER) != 0;
        if (cpio->inside)
            return 1;
    }
}
