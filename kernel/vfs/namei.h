/*
 * From a path to an inode: for the verbs in vfs.c and tree.c only.
 */
#ifndef VFS_NAMEI_H
#define VFS_NAMEI_H

#include "vfs/vfs.h"

/* What to do about the last name of a path. If it is free, and neither `shape`
 * nor `inode` is set: -ENOENT. */
struct want {
    bool follow;                     /* go on if it is a symbolic link */
    bool fresh;                      /* it has to be free, else -EEXIST */
    const struct inode_shape *shape; /* if it is free, make this */
    struct inode *inode; /* if it is free, link this, which is no directory */
};

/* Set *out to what `path` leads to, with a reference. Holds no lock on return.
 * 0, or an error (vfs.h). */
int namei(struct fs_context *context, struct inode *at, const char *path,
          const struct want *want, struct inode **out);

/* Where the last name of a path is or would be. */
struct place {
    struct inode *directory; /* with a reference */
    struct name name;  /* may be "", "." or ".."; in the path or `buffer` */
    const char *rest;  /* the path behind it */
    char *buffer;      /* the path with targets of links in it, or NULL */
    unsigned followed; /* links */
};

/* Find the place of the last name of `path`; a link there is not followed. On
 * success the caller puts the place afterwards. */
int namei_parent(struct fs_context *context, struct inode *at, const char *path,
                 struct place *place);

void namei_put(struct place *place);

/* Whether a name is "", "." or "..". */
bool namei_is_special(struct name name);

/* Read the target of a symbolic link: the bytes read, or an error. */
int namei_read_link(struct inode *link, struct cursor *cursor);

#endif
