/*
 * A sparse array of pointers, by 64-bit index: a tree of small nodes that is as
 * high as its highest index needs. So an array of one element at index 0 has no
 * node, and one of a million elements has nodes on four levels. Takes no lock.
 */
#ifndef FS_JOURNAL_RADIX_H
#define FS_JOURNAL_RADIX_H

#include "lib/types.h"

struct radix {
    void *root;      /* the element at index 0, or the top node */
    unsigned height; /* of nodes above the elements */
};

/* An empty array. */
static inline void radix_init(struct radix *radix)
{
    *radix = (struct radix){0};
}

/* The element at `index`, or NULL. */
void *radix_get(const struct radix *radix, uint64_t index);

/* Put `item` there; NULL takes out what is there, and cannot fail. -ENOMEM,
 * and then no element has changed. */
int radix_set(struct radix *radix, uint64_t index, void *item);

/* Give back all nodes; elements that are still there are forgotten. */
void radix_clear(struct radix *radix);

#endif
