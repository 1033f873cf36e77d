/*
 * An index of the names in a large directory, so that a name is found in
 * constant time. It is in memory only. While it is not held, memory reclaim may
 * take it: a directory without one looks at all names, and builds it again.
 *
 * It maps the hash of a name to a place: a number by which the directory finds
 * the name, such as a slot or a block. Several names can have one hash and one
 * place; the directory compares the names themselves. An index has all names,
 * or the directory knows how far it is.
 *
 * The entries are the nodes of a binary tree. The bits of a hash are the way to
 * its entry, which is the first node on it that had room. A node whose entry
 * was removed stays, for another. So a name costs some twenty steps in the
 * largest index, and adding one moves no other.
 *
 * All functions but name_hash are called with the directory's mutex held, or
 * while no other thread can find the directory.
 */
#ifndef VFS_NAME_INDEX_H
#define VFS_NAME_INDEX_H

#include "lib/list.h"
#include "lib/types.h"
#include "vfs/vfs.h"

/* Pages that an index has at most: room for more than 300 000 names. */
#define NAME_INDEX_PAGES 2000u

struct name_node {
    struct name_node *child[2];
    uint32_t hash;
    uint32_t place; /* and 1; 0: there is no entry */
};

/* All zero: there is no index. i: LOCK_NAME_INDEX. */
struct name_index {
    struct list link;        /* i: while not held */
    struct name_node *pages; /* i: the first node of each is not in the tree: it
                                leads to the next page. NULL: no index */
    struct name_node *root;
    uint16_t page_count;
    uint8_t used;  /* nodes of the first page */
    uint8_t looks; /* at all names, since there was no index */
};

/* A look at the entries of one hash. */
struct name_search {
    const struct name_node *next;
    uint32_t hash, way; /* way: the bits from `next` on */
};

/* The hash of a name: the same as long as the machine runs. */
uint32_t name_hash(struct name name);

/* Once at boot, before the first file system. */
void name_index_init(void);

/* Hold the index: it stays until name_index_release. False: there is none, and
 * nothing is held. */
bool name_index_hold(struct name_index *index);
void name_index_release(struct name_index *index);

/* If there is none: the directory is about to look at all of its names. True:
 * it has done so several times, so an empty index was begun, held, to which the
 * caller adds all names, at once or in parts. So if an index is taken again and
 * again, building costs at most as much as looking. */
bool name_index_begin(struct name_index *index);

/* Add a name. The index is held. -ENOMEM: memory or pages ran out, or too many
 * names have the hash; the index is given up, and not held any more. */
int name_index_add(struct name_index *index, uint32_t hash, uint32_t place);

/* Remove an entry, if it is there. The index is held. */
void name_index_remove(struct name_index *index, uint32_t hash, uint32_t place);

/* Begin to look at the places of names with that hash; the next of them. False:
 * there is no other. The index is held, and does not change. */
static inline struct name_search name_index_search(struct name_index *index,
                                                   uint32_t hash)
{
    return (struct name_search){index->root, hash, hash};
}

bool name_index_next(struct name_search *search, uint32_t *place);

/* Give up the index, if there is one. It is not held. */
void name_index_drop(struct name_index *index);

#endif
