/*
 * All a program written for xv6 may call.
 *
 * System calls return -1 on any error and say no more. The rest is the library
 * in user/lib. What only Calf has is in calf.h.
 */
#ifndef CALF_USER_USER_H
#define CALF_USER_USER_H

#include "kernel/types.h"
#include "kernel/vm.h"

struct stat;

#define SBRK_ERROR ((char *)-1)

/* Processes. wait(0) is allowed; a killed child has status -1. */
int getpid(void);
int fork(void);
int exec(const char *path, char **arguments);
int exit(int status) __attribute__((noreturn));
int wait(int *status);
int kill(int pid);

/* Time, in ticks of a tenth of a second. sleep and pause are the same call. */
int uptime(void);
int pause(int ticks);
int sleep(int ticks);

/*
 * Memory: moves the end of the heap by so many bytes; returns the old end.
 * sbrk has all of it there at once or fails; sbrklazy makes it when touched.
 */
char *sys_sbrk(int bytes, int how);
char *sbrk(int bytes);
char *sbrklazy(int bytes);

/* Open files. */
int open(const char *path, int flags);
int close(int fd);
int read(int fd, void *to, int bytes);
int write(int fd, const void *from, int bytes);
int dup(int fd);
int pipe(int *ends);
int fstat(int fd, struct stat *st);

/* Names. */
int chdir(const char *path);
int mkdir(const char *path);
int mknod(const char *path, short major, short minor);
int link(const char *existing, const char *name);
int unlink(const char *path);
int stat(const char *path, struct stat *st);

/* Text and memory; string lengths and sizes are 32 bits. */
uint strlen(const char *text);
char *strcpy(char *to, const char *from);
int strcmp(const char *a, const char *b);
char *strchr(const char *text, char c);
int atoi(const char *text);
void *memset(void *to, int byte, uint bytes);
void *memmove(void *to, const void *from, int bytes);
void *memcpy(void *to, const void *from, uint bytes);
int memcmp(const void *a, const void *b, uint bytes);

/* The heap. malloc returns 0 when there is no memory. */
void *malloc(uint bytes);
void free(void *memory);

/*
 * Reads a line from descriptor 0, with its end, at most size - 1 bytes; an
 * empty string is the end of the input.
 */
char *gets(char *to, int size);

/*
 * Formats: %d %i %u %x %p %s %c %%, with l or ll, a width, - and 0; and %l
 * alone, as older programs have it, for an unsigned long. The digits of %x and
 * %p above 9 are capitals.
 * The text of one call goes out in one write when it is below 256 bytes.
 */
void printf(const char *format, ...);
void fprintf(int fd, const char *format, ...);

#endif
