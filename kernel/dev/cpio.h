/*
 * Reads a cpio archive in the "newc" format, which Linux uses for an initrd,
 * and which boot loaders therefore support. The archive is read in place;
 * entries point into it. Several archives may follow one another with zeros
 * between them, as when an extra file is appended.
 *
 * Hard links: each name is an entry of its own with the same `ino` and an
 * `nlink` above 1, and only one of them, usually the last, carries the data.
 */
#ifndef DEV_CPIO_H
#define DEV_CPIO_H

#include "lib/types.h"

struct cpio {
    const uint8_t *data;
    size_t size;
    size_t offset;     /* of the next header */
    size_t start;      /* of the current archive: padding counts from here */
    bool inside;       /* past a first header, before the trailer */
    const char *error; /* after -EUCLEAN: what is wrong, for people */
};

struct cpio_entry {
    const char *name;   /* terminated; never empty; not checked otherwise */
    size_t name_length; /* without the NUL */
    uint32_t mode;      /* type and permissions, as in stat */
    uint32_t uid, gid;
    uint32_t mtime; /* seconds since 1970 */
    uint32_t nlink;
    uint32_t ino;
    const void *data;
    size_t size;
};

/* Starts reading the `size` bytes at `data`, which outlive the entries. */
void cpio_open(struct cpio *cpio, const void *data, size_t size);

/*
 * Reads the next entry. 1: it is in `*entry`. 0: there are no more. -EUCLEAN:
 * the archive is damaged at cpio->offset in the way cpio->error says, and so
 * will be every later call.
 */
int cpio_next(struct cpio *cpio, struct cpio_entry *entry);

#endif
