/*
 * Leftist heaps: the part that walks. See heap.h.
 */
#include "lib/heap.h"

static unsigned depth(const struct heap_node *heap)
{
    return heap ? heap->depth : 0;
}

/* The depth of recursion is that of both heaps together. */
struct heap_node *heap_merge(struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->key < a->key)
        return heap_merge(b, a);
    a->right = heap_merge(a->right, b);
    if (depth(a->left) < depth(a->right)) {
        struct heap_node *deeper = a->right;
        a->right = a->left;
        a->left = deeper;
    }
    a->depth = depth(a->right) + 1;
    return a;
}
