/*
 * From a path to an inode. For the verbs in vfs.c and tree.c only; everybody
 * else uses those.
 */
#ifndef VFS_NAMEI_H
#define VFS_NAMEI_H

#include "vfs/vfs.h"

/* What to do about the last name of a path. Where it is free, nothing (-ENOENT)
 * but for `shape` or `inode`. */
struct want {
    bool follow;                     /* go on if it is a symbolic link */
    bool fresh;                      /* it has to be free, else -EEXIST */
    const struct inode_shape *shape; /* make this */
    struct inode *inode;             /* or give it the name: no directory */
};

/* What `path` leads to, with a reference. Holds no lock on return. */
int namei(struct fs_context *context, struct inode *at, const char *path,
          const struct want *want, struct inode **out);

/* Where the last name of a path is or would be. */
struct place {
    struct inode *directory; /* with a reference */
    struct name name; /* "", "." or ".." when the path ends so; its text lies
                         in the path or in `buffer` */
    const char *rest; /* what comes behind it */
    char *buffer; /* what links have made of the path; NULL: they have not */
    unsigned followed; /* links */
};

/* The place of the last name of `path`, which no link there changes. */
int namei_parent(struct fs_context *context, struct inode *at, const char *path,
                 struct place *place);

/* Give it back. */
void namei_put(struct place *place);

/* Whether a name is "", "." or "..": it is there, whatever the directory has.
 */
bool namei_is_special(struct name name);

/* Read the target of a symbolic link: its bytes, or an error. */
int namei_read_link(struct inode *link, struct cursor *cursor);

#endif
