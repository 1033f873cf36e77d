/*
 * What rename and symbolic links do, whatever the file system: cases that
 * test_names runs on the RAM file system and test_ext2_names on a disk. Each
 * begins and ends with an empty root.
 */
#ifndef TESTS_FS_NAMES_CASES_H
#define TESTS_FS_NAMES_CASES_H

#include "vfs/vfs.h"

/* Where they are done: root and working directory. */
extern struct fs_context *names_at;

void case_rename_files(void);
void case_rename_directories(void);
void case_rename_replaces(void);
void case_rename_refused(void);
void case_start_elsewhere(void);
void case_links_followed(void);
void case_links_kept(void);
void case_links_refused(void);
void case_links_of_any_length(void);
void case_f12_parent_of_removed(void);

/* In names_odd.c. */
void case_longest_names(void);
void case_slashes(void);
void case_rename_through_links(void);
void case_rename_while_listed(void);

/* In names_large.c; needs to be told whether a directory has an index. */
void case_rename_in_large(void);
extern bool (*names_is_indexed)(struct inode *directory);

/* A directory called `path` with nothing in it goes; for what a case made. */
void names_remove(const char *path);

/* A file with these contents; whether it has them; 0 or what open says. */
void names_write(const char *path, const char *text);
bool names_has(const char *path, const char *text);
int names_open(const char *path);

/* Of a link: whether it leads to `target`. */
bool names_leads_to(const char *path, const char *target);

/* All of them by name, for the tests of each file system. */
#define NAMES_CASES(CASE)                                                      \
    CASE(rename_files)                                                         \
    CASE(rename_directories)                                                   \
    CASE(rename_replaces)                                                      \
    CASE(rename_refused)                                                       \
    CASE(start_elsewhere)                                                      \
    CASE(links_followed)                                                       \
    CASE(links_kept)                                                           \
    CASE(links_refused)                                                        \
    CASE(links_of_any_length)                                                  \
    CASE(f12_parent_of_removed)                                                \
    CASE(longest_names)                                                        \
    CASE(slashes)                                                              \
    CASE(rename_through_links)                                                 \
    CASE(rename_while_listed)                                                  \
    CASE(rename_in_large)

#endif
