/*
 * The heap.
 *
 * Memory from sbrk is cut into blocks that lie one behind the other. A block's
 * header has its own size and that of the block below, so both neighbours of a
 * freed block are found at once and joined with it if they are free. Free
 * blocks are kept in one list for each power of two: a block of list k has at
 * least 2^k bytes, so any block of a higher list fits without a search. A run
 * of blocks ends in a header of size 0 that counts as used; when sbrk goes on
 * just behind it, that header becomes the first of the new memory.
 */
#include "calf.h"

#define USED    1UL
#define HEADER  16UL
#define LISTS   40
#define GROWTH  (64UL << 10)
#define LARGEST (1UL << 30) /* sbrk takes an int */

struct block {
    uint64 size;  /* with the header, a multiple of 16; bit 0: USED */
    uint64 below; /* size of the block below, 0 if there is none */
    struct block *next, *previous; /* of a free block: the list */
};

static struct block *lists[LISTS];
static struct block *last; /* the end of the newest run, or 0 */

static struct block *block_above(struct block *b)
{
    return (struct block *)((char *)b + (b->size & ~USED));
}

static uint list_for(uint64 size)
{
    uint list = 0;

    /* No built-in for this: on this machine it needs the compiler's library. */
    while ((size >>= 1) != 0)
        list++;
    return list < LISTS ? list : LISTS - 1;
}

static void list_add(struct block *b)
{
    struct block **head = &lists[list_for(b->size)];

    b->previous = 0;
    b->next = *head;
    if (b->next != 0)
        b->next->previous = b;
    *head = b;
}

static void list_drop(struct block *b)
{
    if (b->previous != 0)
        b->previous->next = b->next;
    else
        lists[list_for(b->size)] = b->next;
    if (b->next != 0)
        b->next->previous = b->previous;
}

/* Gives a block of known size, in no list, to its free neighbours or a list. */
static void release(struct block *b)
{
    struct block *above = block_above(b);

    if (!(above->size & USED)) {
        list_drop(above);
        b->size += above->size;
    }
    if (b->below != 0) {
        struct block *below = (struct block *)((char *)b - b->below);
        if (!(below->size & USED)) {
            list_drop(below);
            below->size += b->size;
            b = below;
        }
    }
    block_above(b)->below = b->size;
    list_add(b);
}

static int grow(uint64 bytes)
{
    char *memory = sbrk((int)bytes);
    struct block *b;
    uint64 skip = 0;

    if (memory == SBRK_ERROR)
        return -1;
    if (last != 0 && (char *)last + HEADER == memory) {
        b = last;
        b->size = bytes;
    } else {
        skip = -(uint64)memory & (HEADER - 1);
        b = (struct block *)(memory + skip);
        b->below = 0;
        b->size = ((bytes - skip) & ~(HEADER - 1)) - HEADER;
    }
    last = block_above(b);
    last->size = USED;
    release(b);
    return 0;
}

static struct block *find(uint64 size)
{
    uint list = list_for(size);

    for (struct block *b = lists[list]; b != 0; b = b->next) {
        if (b->size >= size)
            return b;
    }
    while (++list < LISTS) {
        if (lists[list] != 0)
            return lists[list];
    }
    return 0;
}

void *malloc(uint bytes)
{
    uint64 size = (bytes + HEADER + HEADER - 1) & ~(HEADER - 1);
    struct block *b;

    if (size > LARGEST)
        return 0;
    if (size < sizeof(struct block))
        size = sizeof(struct block);
    b = find(size);
    if (b == 0) {
        /* Near the end of memory what is needed may still be there. */
        if ((size + GROWTH > LARGEST || grow(size + GROWTH) < 0) &&
            grow(size + 3 * HEADER) < 0)
            return 0;
        b = find(size);
    }
    list_drop(b);
    if (b->size - size >= sizeof(struct block)) {
        struct block *rest = (struct block *)((char *)b + size);
        rest->size = b->size - size;
        rest->below = size;
        b->size = size;
        block_above(rest)->below = rest->size;
        list_add(rest);
    }
    b->size |= USED;
    return (char *)b + HEADER;
}

void free(void *memory)
{
    struct block *b;

    if (memory == 0)
        return;
    b = (struct block *)((char *)memory - HEADER);
    if (!(b->size & USED))
        return;
    b->size &= ~USED;
    release(b);
}
