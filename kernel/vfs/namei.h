/*
 * From a path to an inode. For the verbs in vfs.c and tree.c only; everybody
 * else uses those.
 */
#ifndef VFS_NAMEI_H
#define VFS_NAMEI_H

#include "vfs/vfs.h"

/* Where the last name of a path is or would be. */
struct place {
    struct inode *directory; /* with a reference */
    struct name name; /* "", "." or ".." when the path ends so; its text lies
                         in the path or in `buffer` */
    const char *rest; /* what comes behind it */
    char *buffer; /* what links have made of the path; NULL: they have not */
    unsigned followed; /* links */
};

/* What `path` leads to, with a reference; `follow`: through a link at its end,
 * too. Holds no lock on return. */
int namei(const struct fs_context *context, struct inode *at, const char *path,
          bool follow, struct inode **out);

/* The place of the last name of `path`, which no link there changes. */
int namei_parent(const struct fs_context *context, struct inode *at,
                 const char *path, struct place *place);

/* The last name has been found to be `link`, a symbolic link, whose reference
 * is taken over: go on to the place that it leads to. Even after an error the
 * place must be given back. */
int namei_follow(const struct fs_context *context, struct place *place,
                 struct inode *link);

/* What the last name is, with a reference. */
int namei_last(const struct fs_context *context, const struct place *place,
               struct inode **out);

void namei_put(struct place *place);

/* Read the target of a symbolic link: its bytes, or an error. */
int namei_read_link(struct inode *link, struct cursor *cursor);

/* namei_parent for a name that is to be removed: vfs_remove's errors, too. */
int namei_removal(const struct fs_context *context, struct inode *at,
                  const char *path, struct place *place);

/* Whether a name is "", "." or "..": it is there, whatever the directory has.
 */
bool namei_is_special(struct name name);

/* `inode`, or the root of what is mounted on it: takes over the reference. */
struct inode *namei_enter_mounts(struct inode *inode);

#endif
