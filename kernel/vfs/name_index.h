/*
 * An index of the names in a large directory, so that a name is found in
 * constant time. It is in memory only. While it is not held, reclaim may take
 * it; the directory then looks at all its names, and builds the index again.
 *
 * It maps the hash of a name to a place: a number by which the directory finds
 * the name, such as a slot or a block. Several names can have one hash and one
 * place; the directory compares the names themselves. An index has all names;
 * while they are being added, the directory knows how far it has come.
 *
 * The entries are the nodes of a binary tree. The bits of a hash are a way down
 * the tree; its entry is put into the first free node on that way. When an
 * entry is removed its node stays, for another. So finding a name takes some
 * twenty steps in the largest index, and adding one moves no other.
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
    uint32_t place; /* plus 1; 0: there is no entry */
};

/* All zero: there is no index. i: LOCK_NAME_INDEX. */
struct name_index {
    struct list link;        /* i: while not held */
    struct name_node *pages; /* i: the first node of each is not in the tree: it
                                leads to the next page. NULL: no index */
    struct name_node *root;
    uint16_t page_count;
    uint8_t used;  /* nodes of the first page */
    uint8_t looks; /* at all names since there is no index */
};

/* A search for the entries of one hash. */
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

/* Called when there is no index and the directory is about to look at all its
 * names. If it has done so several times and there is memory, an empty index is
 * begun and held: true, and the caller adds all names, at once or in parts. So
 * even if reclaim takes the index again and again, building it costs at most as
 * much as looking. */
bool name_index_begin(struct name_index *index);

/* Add a name. The index is held. 0, or -ENOMEM: no memory, the index has all
 * its pages, or too many names have the hash; the index is then freed, so no
 * longer held. */
int name_index_add(struct name_index *index, uint32_t hash, uint32_t place);

/* Remove an entry, if it is there. The index is held. */
void name_index_remove(struct name_index *index, uint32_t hash, uint32_t place);

/* name_index_search begins a search for the places of names with this hash;
 * name_index_next gives the next place. False: there are no more. The index is
 * held, and does not change meanwhile. */
static inline struct name_search name_index_search(struct name_index *index,
                                                   uint32_t hash)
{
    return (struct name_search){index->root, hash, hash};
}

bool name_index_next(struct name_search *search, uint32_t *place);

/* Give up the index, if there is one. It is not held. */
void name_index_drop(struct name_index *index);

#endif
