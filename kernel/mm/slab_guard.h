/*
 * What a debug build puts around each small object, to find writes outside it:
 * private to slab.c.
 *
 *   | next free | state |  the object, as asked for  |  tail, to the end |
 *
 * The words in front say whether the object is in use and how long it is; a
 * write just before the object changes them. The tail, at least 16 bytes, and
 * all of a free object hold a pattern. The pattern is checked when an object is
 * freed, when it is allocated again and by every audit. So the report comes
 * late, but it names the object. Release builds have none of this.
 */
#ifndef MM_SLAB_GUARD_H
#define MM_SLAB_GUARD_H

#include "lib/panic.h"
#include "lib/string.h"
#include "lib/types.h"

/* A free piece of a slab. */
struct piece {
    struct piece *next;
#ifdef DEBUG
    uint64_t state; /* SLAB_IS_FREE, or SLAB_IN_USE and the length */
#endif
};

#ifdef DEBUG

#define SLAB_FRONT sizeof(struct piece)
#define SLAB_GUARD (SLAB_FRONT + 16) /* bytes around each object */

#define SLAB_IS_FREE 0xf4eef4eef4ee0000ul
#define SLAB_IN_USE  0x05ed05ed05ed0000ul
#define SLAB_LENGTH  0xfffful
#define SLAB_LINK    ((struct piece *)0x6a6a6a6a6a6a6a6aul)
#define SLAB_TAIL    0x7a
#define SLAB_POISON  0x5a

static inline bool slab_all_are(const void *at, uint8_t byte, size_t length)
{
    const uint8_t *bytes = at;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

/* Make a new free piece, of `size` bytes in all. */
static inline void slab_guard_make(struct piece *piece, size_t size)
{
    piece->state = SLAB_IS_FREE;
    memset(piece + 1, SLAB_POISON, size - SLAB_FRONT);
}

/* Whether all around the object, or in the free piece, is as it should be. */
static inline bool slab_guard_is_whole(const struct piece *piece, size_t size)
{
    const uint8_t *object = (const uint8_t *)(piece + 1);
    size_t length = piece->state & SLAB_LENGTH;
    if (piece->state == SLAB_IS_FREE)
        return slab_all_are(object, SLAB_POISON, size - SLAB_FRONT);
    return (piece->state & ~SLAB_LENGTH) == SLAB_IN_USE &&
           piece->next == SLAB_LINK && length <= size - SLAB_GUARD &&
           slab_all_are(object + length, SLAB_TAIL, size - SLAB_FRONT - length);
}

/* The piece becomes an object of `length` bytes. */
static inline void *slab_guard_give(struct piece *piece, size_t size,
                                    size_t length)
{
    uint8_t *object = (uint8_t *)(piece + 1);
    if (piece->state != SLAB_IS_FREE || !slab_guard_is_whole(piece, size))
        panic("object %p was written to after it was freed", object);
    piece->next = SLAB_LINK;
    piece->state = SLAB_IN_USE | length;
    memset(object + length, SLAB_TAIL, size - SLAB_FRONT - length);
    return object;
}

/* The object becomes a free piece again. */
static inline struct piece *slab_guard_take(void *object, size_t size)
{
    struct piece *piece = (struct piece *)object - 1;
    size_t length = piece->state & SLAB_LENGTH;
    if (piece->state == SLAB_IS_FREE)
        panic("object %p is freed twice", object);
    if ((piece->state & ~SLAB_LENGTH) != SLAB_IN_USE ||
        piece->next != SLAB_LINK || length > size - SLAB_GUARD)
        panic("object %p was written to before its start, or is none", object);
    if (!slab_guard_is_whole(piece, size))
        panic("object %p was written to past its end at %zu bytes", object,
              length);
    slab_guard_make(piece, size);
    return piece;
}

#else

#define SLAB_GUARD                           0
#define slab_guard_make(piece, size)         ((void)0)
#define slab_guard_is_whole(piece, size)     true
#define slab_guard_give(piece, size, length) ((void *)(piece))
#define slab_guard_take(object, size)        ((struct piece *)(object))

#endif
#endif
