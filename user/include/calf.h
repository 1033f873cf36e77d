/*
 * What Calf's own programs use beyond the calls of user/user.h.
 *
 * Everything is named calf_, so that a program may use any other name.
 * The stack of a program is one page: large buffers are static.
 */
#ifndef CALF_USER_CALF_H
#define CALF_USER_CALF_H

#include "kernel/types.h"
#include "user/user.h"

#include <stdarg.h>

#define CALF_FORMAT(text, first) __attribute__((format(printf, text, first)))

/* With calf.h the compiler checks formats; older programs would not pass. */
void printf(const char *format, ...) CALF_FORMAT(1, 2);
void fprintf(int fd, const char *format, ...) CALF_FORMAT(2, 3);

/* What calf_lstat tells; times are nanoseconds since 1970. */
struct calf_stat {
    uint64 device, inode;
    uint64 type; /* T_DIR, T_FILE, T_DEVICE, CALF_LINK */
    uint64 mode; /* permissions: the low twelve bits */
    uint64 links, owner, group, size;
    uint64 major, minor; /* of a device */
    long accessed, modified, changed;
};

/* A symbolic link. */
#define CALF_LINK 4

/* What calf_setattr is to set; and a time that stands for now. */
#define CALF_SET_MODE     1
#define CALF_SET_OWNER    2
#define CALF_SET_GROUP    4
#define CALF_SET_ACCESSED 8
#define CALF_SET_MODIFIED 16
#define CALF_NOW          (-0x7fffffffffffffffl - 1)

/*
 * System calls, as those of user/user.h: 0, or -1. rename takes the name away
 * from what had it; readlink gives the length of the target, without an end.
 * Only setattr follows a symbolic link at the end of a path.
 */
int calf_rename(const char *old, const char *name);
int calf_symlink(const char *target, const char *name);
int calf_readlink(const char *path, char *to, int size);
int calf_lstat(const char *path, struct calf_stat *st);
int calf_setattr(const char *path, int which, const struct calf_stat *to);

/* The time of day in nanoseconds since 1970; -1 where there is no /proc. */
long calf_date_ns(void);

/* Such a time as "2027-01-31 12:00:59", with its zero. */
#define CALF_DATE 20
void calf_date_text(char to[CALF_DATE], long time);

/*
 * Formats into to[size], cut to fit and always ended by a zero. Returns the
 * number of bytes there without the zero.
 */
int calf_format(char *to, uint size, const char *format, ...) CALF_FORMAT(3, 4);
int calf_vformat(char *to, uint size, const char *format, va_list arguments)
    CALF_FORMAT(3, 0);

/* Nanoseconds since the machine started, in steps of 100. */
uint64 calf_clock_ns(void);

/* Reads a decimal number that is all of text. Returns 0, or -1 if it is not. */
int calf_number(const char *text, long *value);

/* True if the two strings are the same. */
int calf_same(const char *a, const char *b);

/* Writes all of it, in several writes if need be. Returns 0 or -1. */
int calf_write_all(int fd, const void *from, uint bytes);

/*
 * Reads a file from its start into to[size] and adds a zero. Returns the bytes
 * read, or -1 if the file cannot be opened, read, or does not fit.
 */
int calf_read_file(const char *path, char *to, uint size);

/* Writes all of text to an existing file. Returns 0 or -1. */
int calf_write_file(const char *path, const char *text);

/*
 * The number behind `name:` in /proc/meminfo (pages, or events since boot), or
 * -1 if there is none.
 */
long calf_meminfo(const char *name);

/* Copies from one descriptor to another until the end. Returns 0 or -1. */
int calf_copy(int from, int to);

/*
 * Does action on every path that main's arguments name, and says which of them
 * it cannot verb. Returns the exit status: 0, 1 if one failed, 2 if none was
 * given.
 */
int calf_each_path(const char *program, const char *verb,
                   int (*action)(const char *path), int argc, char **argv);

/*
 * Calls function with another stack, which ends at top (16-byte aligned);
 * for programs that recurse further than one page of stack allows.
 */
void calf_call_on_stack(void (*function)(void), void *top);

#endif
