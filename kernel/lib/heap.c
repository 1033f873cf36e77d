/*
 * Leftist heaps: a right child's way down, always to the right, is never longer
 * than its left sibling's. So this way, the only one walked, is short.
 */
#include "lib/heap.h"

struct heap_node *heap_merge(struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->key < a->key)
        return heap_merge(b, a);
    a->right = heap_merge(a->right, b);
    if (!a->left || a->left->depth < a->right->depth) {
        struct heap_node *deeper = a->right;
        a->right = a->left;
        a->left = deeper;
    }
    a->depth = a->right ? a->right->depth + 1 : 1;
    return a;
}
