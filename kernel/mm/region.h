/*
 * Regions: the truth about what a space may do where.
 *
 * A space's regions are one sorted array, counted, shared after fork, and
 * copied before the first change. Page-table entries are a cache of it. If the
 * region allows a write and the entry does not, the fault is one of
 * copy-on-write; no entry needs a mark for that.
 */
#ifndef MM_REGION_H
#define MM_REGION_H

#include "mm/object.h"

/* A bit for each enum access. */
enum {
    PROT_READ = 1 << ACCESS_READ,
    PROT_WRITE = 1 << ACCESS_WRITE,
    PROT_EXECUTE = 1 << ACCESS_EXECUTE,
};

/* What a region is for: shown in reports, and nothing depends on it. */
enum region_use { REGION_IMAGE, REGION_STACK, REGION_HEAP, REGION_MAPPING };

/* [start, end) in bytes, whole pages. */
struct region {
    uint64_t start, end;
    uint8_t prot;          /* PROT_* */
    uint8_t use;           /* enum region_use */
    struct object *object; /* NULL: anonymous; else mapped privately */
    uint64_t offset;       /* of `start` in the object, whole pages */
};

struct region_list {
    _Atomic uint32_t count; /* a: spaces that share it */
    uint32_t length, capacity;
    struct region regions[]; /* by address; immutable while shared */
};

/* An empty list with room for `capacity`, or NULL. */
struct region_list *region_list_create(uint32_t capacity);
/* region_list_get: one more sharer of the list, which it returns.
 * region_list_put: one fewer; the last put frees the list. */
struct region_list *region_list_get(struct region_list *list);
void region_list_put(struct region_list *list);

/* Unshare *list, with room for `extra` more regions. 0; or -ENOMEM, and nothing
 * has changed. */
int region_list_unshare(struct region_list **list, uint32_t extra);

/* The region that holds `va`, or NULL. */
const struct region *region_find(const struct region_list *list, uint64_t va);
/* Whether any region touches [start, end). */
bool region_overlaps(const struct region_list *list, uint64_t start,
                     uint64_t end);

/* For an unshared list. Insert and remove need room for one more region. */
void region_insert(struct region_list *list, const struct region *region);
/* Remove [start, end), splitting regions that lie partly in it. */
void region_remove(struct region_list *list, uint64_t start, uint64_t end);
/* Change prot over [start, end). Needs room for two more regions. */
void region_protect(struct region_list *list, uint64_t start, uint64_t end,
                    uint8_t prot);

#endif
