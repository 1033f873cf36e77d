/*
 * Leftist heaps: who has the least key is found at once; putting in and taking
 * out cost at most the logarithm of how many there are.
 *
 * A heap is a pointer to its first node, NULL when it is empty. Of a node's two
 * halves the right one is never the deeper, so the way down along right halves,
 * the only way that is walked, is short.
 *
 * No locks here: whoever owns the heap guards it. Nothing can fail.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/types.h"

struct heap_node {
    struct heap_node *left, *right;
    uint64_t key;
    unsigned depth; /* nodes along right halves, this one included */
};

/* Make one heap of two. */
struct heap_node *heap_merge(struct heap_node *a, struct heap_node *b);

/* Put `node`, which is in no heap, into the heap `*first`. */
static inline void heap_push(struct heap_node **first, struct heap_node *node,
                             uint64_t key)
{
    *node = (struct heap_node){.key = key, .depth = 1};
    *first = *first ? heap_merge(*first, node) : node;
}

/* Take the node with the least key out of the heap `*first`; NULL: none. */
static inline struct heap_node *heap_pop(struct heap_node **first)
{
    struct heap_node *node = *first;
    if (node)
        *first = node->right ? heap_merge(node->left, node->right) : node->left;
    return node;
}

#endif
