/*
 * Leftist heaps: the node with the least key is first. To put a node in, or
 * take the first out, costs at most the logarithm of the number of nodes. A
 * heap is a pointer to its first node. The caller guards it; nothing can fail.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/types.h"

struct heap_node {
    uint64_t key; /* may change while the node is in no heap */
    struct heap_node *left, *right;
    unsigned depth; /* nodes on the way down to the right */
};

/* Make one heap of two. */
struct heap_node *heap_merge(struct heap_node *a, struct heap_node *b);

/* Put `node` into the heap `*first`. */
static inline void heap_push(struct heap_node **first, struct heap_node *node)
{
    node->left = node->right = NULL;
    node->depth = 1;
    *first = *first ? heap_merge(*first, node) : node;
}

/* Take the first node out; NULL: there is none. */
static inline struct heap_node *heap_pop(struct heap_node **first)
{
    struct heap_node *node = *first;
    if (node)
        *first = node->right ? heap_merge(node->left, node->right) : node->left;
    return node;
}

#endif
