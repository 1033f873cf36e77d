/*
 * Error numbers. A function that can fail returns 0 (or a count) on success,
 * and one of these, negated, on failure. A function that returns a pointer
 * returns NULL on failure.
 *
 * The numbers are those of Linux, so that a second system-call ABI can return
 * them to its programs as they are.
 */
#ifndef LIB_ERRNO_H
#define LIB_ERRNO_H

/* The request makes no sense. */
#define EINVAL     22
#define ENOSYS     38
#define EOPNOTSUPP 95
#define EOVERFLOW  75
#define E2BIG      7
#define EFAULT     14

/* The request is not allowed. */
#define EPERM  1
#define EACCES 13
#define EROFS  30

/* The request cannot be carried out now. */
#define EAGAIN    11
#define EBUSY     16
#define EINTR     4
#define ERESTART  85 /* never comes to programs: sched/hurry.h */
#define ETIMEDOUT 110

/* There is no room. */
#define ENOMEM 12
#define ENOSPC 28
#define EMFILE 24
#define EMLINK 31
#define EFBIG  27

/* Names. */
#define ENOENT       2
#define EEXIST       17
#define ENOTDIR      20
#define EISDIR       21
#define ENOTEMPTY    39
#define ENAMETOOLONG 36
#define EXDEV        18
#define ELOOP        40

/* Open files and devices. */
#define EBADF  9
#define EPIPE  32
#define ESPIPE 29
#define ENODEV 19
#define EIO    5
#define ENXIO  6
#define ENOTTY 25

/* Processes and programs. */
#define ESRCH   3
#define ECHILD  10
#define ENOEXEC 8

/* Data on a disk or from a boot loader is damaged. */
#define EUCLEAN 117

#endif
