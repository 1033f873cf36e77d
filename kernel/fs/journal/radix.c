/*
 * A sparse array as a tree of nodes of 64 pointers. A tree of height h reaches
 * the indices below 64^h; a higher index is reached by putting nodes on top.
 */
#include "fs/journal/radix.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define SHIFT 6
#define SLOTS (1u << SHIFT)

struct node {
    void *slots[SLOTS];
};

/* Whether a tree of this height has a place for `index`. */
static bool reaches(unsigned height, uint64_t index)
{
    return height * SHIFT >= 64 || index >> (height * SHIFT) == 0;
}

/* Where `index` goes in a node with `below` levels of nodes under it. */
static unsigned slot_of(uint64_t index, unsigned below)
{
    return (index >> (below * SHIFT)) & (SLOTS - 1);
}

void *radix_get(const struct radix *radix, uint64_t index)
{
    void *at = radix->root;
    unsigned shift = radix->height * SHIFT;
    if (shift < 64 && index >> shift)
        return NULL;
    while (at && shift) {
        shift -= SHIFT;
        at = ((struct node *)at)->slots[index >> shift & (SLOTS - 1)];
    }
    return at;
}

/* Put nodes on top until `index` is in reach. */
static int grow(struct radix *radix, uint64_t index)
{
    while (!reaches(radix->height, index)) {
        if (radix->root) {
            struct node *top = slab_alloc_zeroed(sizeof(*top));
            if (!top)
                return -ENOMEM;
            top->slots[0] = radix->root;
            radix->root = top;
        }
        radix->height++;
    }
    return 0;
}

int radix_set(struct radix *radix, uint64_t index, void *item)
{
    void **place = &radix->root;
    if (!item && !radix_get(radix, index))
        return 0;
    if (grow(radix, index))
        return -ENOMEM;
    for (unsigned below = radix->height; below-- > 0;) {
        if (!*place)
            *place = slab_alloc_zeroed(sizeof(struct node));
        if (!*place)
            return -ENOMEM;
        place = &((struct node *)*place)->slots[slot_of(index, below)];
    }
    *place = item;
    return 0;
}

/* As deep as the tree is high, so at most eleven calls. */
static void free_nodes(struct node *node, unsigned below)
{
    for (unsigned i = 0; below && i < SLOTS; i++)
        if (node->slots[i])
            free_nodes(node->slots[i], below - 1);
    slab_free(node);
}

void radix_clear(struct radix *radix)
{
    if (radix->root && radix->height)
        free_nodes(radix->root, radix->height - 1);
    radix_init(radix);
}
