/*
 * An index of the names in a large directory, so that a name is found in
 * constant time. It is in memory only, and can be given up at any time: a
 * directory without one looks at all of its names, and builds it again.
 *
 * It maps the hash of a name to a place: a number by which the directory finds
 * the name, such as a slot or a block. Several names can have one hash, and
 * several of them one place; the directory compares the names themselves. An
 * index that is there has all names, or the directory knows how far it is.
 *
 * Extendible hashing: a table, as long as a power of two, gives the bucket of a
 * hash by its top bits. A bucket is one page. A full one is divided in two, and
 * the table is doubled when it cannot tell the halves apart. So adding a name
 * moves one page of entries at most, however many there are. An index has at
 * most NAME_INDEX_BUCKETS + 1 pages.
 *
 * All functions but name_hash are called with the directory's mutex held, or
 * when nobody else can find the directory. While an index is not held, memory
 * reclaim may take it (a shrinker, oom.h).
 */
#ifndef VFS_NAME_INDEX_H
#define VFS_NAME_INDEX_H

#include "lib/list.h"
#include "lib/types.h"
#include "vfs/vfs.h"

/* The table is one page. */
#define NAME_INDEX_BUCKETS 1024u

/* All zero: there is no index. i: LOCK_NAME_INDEX. */
struct name_index {
    struct list link;   /* i: while not held */
    struct page *table; /* i: of numbers of pages; NULL: there is no index */
    uint32_t pages;     /* of the index */
    uint8_t depth;      /* the table has 2^depth entries */
    uint8_t looks;      /* at all names, since there was no index */
};

/* The hash of a name: the same as long as the machine runs. */
uint32_t name_hash(struct name name);

/* Once at boot, before the first file system. */
void name_index_init(void);

/* Hold the index: it stays until name_index_release. False: there is none, and
 * nothing is held. */
bool name_index_hold(struct name_index *index);
void name_index_release(struct name_index *index);

/* Where there is none: the directory is about to look at all of its names.
 * True: it has done so several times, so it pays to build an index, and an
 * empty one has been begun, held. The caller adds all names, at once or in
 * parts. So a directory whose index is given up again and again spends at most
 * as much on building as on looking. */
bool name_index_begin(struct name_index *index);

/* Add a name of that hash. The index is held. Where memory or buckets run out
 * the index is given up: -ENOMEM, and it is not held any more. */
int name_index_add(struct name_index *index, uint32_t hash, uint32_t place);

/* Take out an entry, if it is there. The index is held. */
void name_index_remove(struct name_index *index, uint32_t hash, uint32_t place);

/* The next place at which there may be a name of that hash. `*at` is 0 before
 * the first. False: there is no other. The index is held. */
bool name_index_next(const struct name_index *index, uint32_t hash,
                     uint32_t *at, uint32_t *place);

/* Give up the index, if there is one. It is not held. */
void name_index_drop(struct name_index *index);

#endif
