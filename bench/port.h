/*
 * What the benchmark asks of a system, so that one source measures several.
 *
 * The functions are the smallest set that Calf's ABI and Linux both have; each
 * is a call or two of the system below, with nothing in between that would
 * have to be measured too. port_calf.c and port_linux.c are all that differs.
 * Failing is -1 (or NULL), without a reason: a benchmark that fails gives up.
 */
#ifndef BENCH_PORT_H
#define BENCH_PORT_H

#include <stddef.h>
#include <stdint.h>

#define PORT_PAGE 4096

/* Ends the benchmark. Where it is the first process (Linux), the machine is
 * powered off, for nobody else would. */
void port_end(int status) __attribute__((noreturn));

/* Nanoseconds since some moment, in steps of 100. */
uint64_t port_clock_ns(void);

/* Sleeps. */
void port_sleep(int seconds);

/* Prints a line or a part of one, at most 255 bytes, at once. */
void port_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As many calls that do nothing in the kernel but come back. */
void port_null_calls(long count);

/* A copy of the process: its pid, 0 in the copy, or -1. */
int port_fork(void);

/* Ends the process; nothing else runs (no handlers, no buffers). */
void port_exit(int status) __attribute__((noreturn));

/* Waits for a child to end: 0 if its status was 0, else -1. */
int port_wait(void);

/* Replaces the process by the benchmark itself, told to do nothing and to
 * end with status 0. Comes back only if that fails. */
void port_exec_nothing(void);

/*
 * So many fresh bytes of zeros, from a page boundary on, each page made when
 * it is first touched; NULL if there is no room. Given back in reverse order.
 */
char *port_memory(size_t bytes);
void port_memory_end(char *base, size_t bytes);

/* Free frames of the machine. */
uint64_t port_free_frames(void);

/* The calling process stays on that hart; -1 if the system has no such call. */
int port_pin(unsigned hart);

/* Pipes and files. port_create makes an empty file that can be written,
 * port_open opens one to read it from its start. */
int port_pipe(int ends[2]);
int port_create(const char *path);
int port_open(const char *path);
int port_remove(const char *path);
int port_read(int fd, void *to, int bytes);
int port_write(int fd, const void *from, int bytes);
void port_close(int fd);

/*
 * A disk with an ext3 file system. After port_disk_start its root is the
 * current folder; -1 if there is none. port_disk_sync comes back when all that
 * was written is safe on it; port_disk_forget syncs and gives up what is
 * cached of files that are not open; port_disk_sectors tells how many sectors
 * of it were read since the machine started, or is -1.
 */
int port_disk_start(void);
int port_disk_sync(void);
int port_disk_forget(void);
long port_disk_sectors(void);

#endif
