/*
 * Forks that copy at once what sharing the tree would copy later, for
 * comparison.
 */
#ifndef MM_EAGER_H
#define MM_EAGER_H

#include "mm/space.h"

enum fork_policy {
    FORK_SHARE,  /* share the tree: nothing is copied before a write */
    FORK_TABLES, /* copy every node, share the pages: the classic way */
    FORK_BYTES,  /* copy every page as well: no copy-on-write */
};

/* Set by the boot argument fork=share|tables|bytes; false: no such policy. */
bool eager_set_policy(const char *name);
enum fork_policy eager_policy(void);

/* After pt_share of the parent's root, and a shootdown, each space locked or
 * not yet known to others: copy what the policy says. 0 or -ENOMEM; the
 * parent's memory is right either way. */
int eager_copy(struct space *parent, struct space *child);

#endif
