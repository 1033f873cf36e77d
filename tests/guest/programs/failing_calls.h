/*
 * What failing.c does: the calls, how to undo them, and what they are done to,
 * a file and memory with known contents.
 */
#ifndef CALF_TEST_FAILING_CALLS_H
#define CALF_TEST_FAILING_CALLS_H

#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"

#define OLD    "/tmp/failing.old" /* is there all the time */
#define NEW    "/tmp/failing.new" /* what calls make */
#define FOLDER "/tmp/failing.d"
#define MOVED  "/tmp/failing.d/moved"
#define MARKS  700 /* marked pages of the heap: more than a node has */
#define HEAP   40  /* pages by which calls move the heap's end */
#define A_NODE 512 /* pages */

enum { OLD_SIZE = 124 * 100, WRITTEN = 40 * PGSIZE };

struct scenario {
    const char *name;
    void (*prepare)(void);
    int (*call)(void);        /* -1 if it failed */
    void (*undo)(int result); /* what a call that went well has done */
    int maps;                 /* a failed one may have brought memory in */
};

static int old_fd;
static int ends[2];
static char *marks;
static char *lazy;      /* behind them, memory that nobody has touched, */
static long lazy_pages; /* until shortly before a node ends */
static char text[8192];
static struct stat info;

/* ---- Files and memory ---------------------------------------------------- */

static char old_byte(long i)
{
    return (char)(i * 7 + i / 255);
}

/* OLD is as it was made, but for `more` bytes of marks behind. */
static void check_files(long more)
{
    int fd = open(OLD, O_RDONLY);
    long at = 0, wrong = 0;
    int n;

    while ((n = read(fd, text, sizeof(text))) > 0)
        for (int i = 0; i < n; i++, at++)
            wrong += text[i] !=
                     (at < OLD_SIZE ? old_byte(at) : marks[at - OLD_SIZE]);
    CHECK(n == 0);
    CHECK(wrong == 0);
    CHECK(at == OLD_SIZE + more);
    close(fd);
    CHECK(stat(NEW, &info) < 0);
}

static void make_old(void)
{
    old_fd = open(OLD, O_CREATE | O_TRUNC | O_WRONLY);
    for (long i = 0; i < OLD_SIZE; i += 100) {
        for (long k = 0; k < 100; k++)
            text[k] = old_byte(i + k);
        CHECK(write(old_fd, text, 100) == 100);
    }
}

static void check_marks(void)
{
    long wrong = 0;

    for (long i = 0; i < MARKS; i++)
        wrong += *(long *)(marks + i * PGSIZE) != i;
    CHECK(wrong == 0);
}

/* ---- The calls ----------------------------------------------------------- */

static int do_fork(void)
{
    int pid = fork();

    if (pid == 0)
        exit(0);
    return pid;
}

static void reap(int pid)
{
    int status = -1;

    CHECK(wait(&status) == pid && status == 0);
}

static int do_exec(void)
{
    static char *arguments[] = {"failing", "only", "start", 0};

    return exec("/failing", arguments);
}

static void close_it(int fd)
{
    CHECK(close(fd) == 0);
}

static void remove_new(int result)
{
    (void)result;
    CHECK(unlink(NEW) == 0);
}

static void close_and_remove(int fd)
{
    close_it(fd);
    remove_new(0);
}

static int do_open(void)
{
    return open(OLD, O_RDWR);
}

static int do_open_folder(void)
{
    return open("/proc", O_RDONLY);
}

static int do_create(void)
{
    return open(NEW, O_CREATE | O_RDWR);
}

static int do_mkdir(void)
{
    return mkdir(NEW);
}

static int do_mknod(void)
{
    return mknod(NEW, 1, 0);
}

static int do_link(void)
{
    return link(OLD, NEW);
}

static void make_new(void)
{
    CHECK(link(OLD, NEW) == 0);
}

/* A name that could not be taken away is still there. */
static int do_unlink(void)
{
    int result = unlink(NEW);

    if (result < 0)
        remove_new(0);
    return result;
}

/* The same for one that could not be changed. */
static int do_rename(void)
{
    int result = calf_rename(NEW, MOVED);

    if (result < 0)
        remove_new(0);
    return result;
}

static void remove_moved(int result)
{
    (void)result;
    CHECK(unlink(MOVED) == 0);
}

static int do_symlink(void)
{
    return calf_symlink(OLD, NEW);
}

static void make_symlink(void)
{
    CHECK(calf_symlink(OLD, NEW) == 0);
}

static int do_open_symlink(void)
{
    int result = open(NEW, O_RDWR);

    if (result < 0)
        remove_new(0);
    return result;
}

static int do_chdir(void)
{
    return chdir(FOLDER);
}

static int do_pipe(void)
{
    return pipe(ends);
}

static void close_ends(int result)
{
    (void)result;
    close_it(ends[0]);
    close_it(ends[1]);
}

/* The numbers of the ends go to where there is no memory yet. */
static int do_pipe_lazy(void)
{
    return pipe((int *)lazy);
}

static void close_lazy_ends(int result)
{
    memcpy(ends, lazy, sizeof(ends));
    close_ends(result);
}

static int do_dup(void)
{
    return dup(0);
}

static int do_fstat_lazy(void)
{
    return fstat(0, (struct stat *)lazy);
}

/* More pages, and more levels of the file's index, than it has. */
static int do_write(void)
{
    return write(old_fd, marks, WRITTEN);
}

/* As much as it said, and no more. */
static void check_written(int bytes)
{
    check_files(bytes);
    close_it(old_fd);
    make_old();
}

static void create_new(void)
{
    old_fd = open(NEW, O_CREATE | O_WRONLY);
}

/* Nothing of the first page of a file: it is empty then. */
static int do_write_new(void)
{
    int result = write(old_fd, marks, 100);

    CHECK(fstat(old_fd, &info) == 0);
    CHECK(info.size == (result < 0 ? 0 : 100));
    remove_new(0);
    return result;
}

static void make_pipe(void)
{
    CHECK(pipe(ends) == 0);
}

static void fill_pipe(void)
{
    make_pipe();
    CHECK(write(ends[1], marks, 300) == 300);
}

static int do_write_pipe(void)
{
    return write(ends[1], marks, 300);
}

static void drain_pipe(int bytes)
{
    CHECK(read(ends[0], text, 300) == bytes);
    CHECK(memcmp(text, marks, (uint)bytes) == 0);
}

/* What could not be copied is still in the pipe. */
static int do_read_pipe_lazy(void)
{
    return read(ends[0], lazy, 300);
}

static void check_read(int bytes)
{
    CHECK(memcmp(lazy, marks, (uint)bytes) == 0);
    if (bytes < 300)
        CHECK(read(ends[0], text, 300) == 300 - bytes);
}

static void open_old(void)
{
    close(old_fd);
    old_fd = open(OLD, O_RDONLY);
}

static int do_read_lazy(void)
{
    return read(old_fd, lazy + PGSIZE - 50, OLD_SIZE);
}

static void check_old_read(int bytes)
{
    long wrong = 0;

    for (long i = 0; i < bytes; i++)
        wrong += lazy[PGSIZE - 50 + i] != old_byte(i);
    CHECK(wrong == 0);
}

/* Into memory that is shared with the parent, so each page is a copy. */
static int do_read_shared(void)
{
    return read(old_fd, marks + 8, PGSIZE - 8);
}

static void check_shared_read(int bytes)
{
    long wrong = 0;

    for (long i = 0; i < bytes; i++)
        wrong += marks[8 + i] != old_byte(i);
    CHECK(wrong == 0);
}

static int moved(char *result)
{
    return result == SBRK_ERROR ? -1 : 0;
}

static int do_sbrk(void)
{
    return moved(sbrk(HEAP * PGSIZE));
}

static int do_sbrk_lazy(void)
{
    return moved(sbrklazy(HEAP * PGSIZE));
}

static void sbrk_back(int result)
{
    (void)result;
    CHECK(sbrk(-HEAP * PGSIZE) != SBRK_ERROR);
}

/* Part of a node that the parent shares goes away. */
static int do_shrink(void)
{
    return moved(sbrk(-((int)lazy_pages + 100) * PGSIZE));
}

static void grow_again(int result)
{
    (void)result;
    CHECK(sbrk(((int)lazy_pages + 100) * PGSIZE) != SBRK_ERROR);
    for (long i = MARKS - 100; i < MARKS; i++)
        *(long *)(marks + i * PGSIZE) = i;
}

static int read_all(const char *path)
{
    int fd = open(path, O_RDONLY);
    int n;

    if (fd < 0)
        return -1;
    while ((n = read(fd, text, sizeof(text))) > 0)
        ;
    close(fd);
    return n;
}

#define READER(name, path)                                                     \
    static int do_##name(void)                                                 \
    {                                                                          \
        return read_all(path);                                                 \
    }
READER(meminfo, "/proc/meminfo")
READER(audit, "/proc/audit")
READER(processes, "/proc/processes")
READER(maps, "/proc/self/maps")
READER(tree, "/proc/self/tree")
READER(status, "/proc/self/status")
READER(names, "/proc/self")

static void nothing(void)
{
}

static void nothing_to_undo(int result)
{
    (void)result;
}

static const struct scenario scenarios[] = {
    {"fork", nothing, do_fork, reap, 0},
    {"exec", nothing, do_exec, nothing_to_undo, 0},
    {"open", nothing, do_open, close_it, 0},
    {"open-folder", nothing, do_open_folder, close_it, 0},
    {"create", nothing, do_create, close_and_remove, 0},
    {"mkdir", nothing, do_mkdir, remove_new, 0},
    {"mknod", nothing, do_mknod, remove_new, 0},
    {"link", nothing, do_link, remove_new, 0},
    {"unlink", make_new, do_unlink, nothing_to_undo, 0},
    {"rename", make_new, do_rename, remove_moved, 0},
    {"symlink", nothing, do_symlink, remove_new, 0},
    {"open-symlink", make_symlink, do_open_symlink, close_and_remove, 0},
    {"chdir", nothing, do_chdir, nothing_to_undo, 0},
    {"dup", nothing, do_dup, close_it, 0},
    {"pipe", nothing, do_pipe, close_ends, 0},
    {"pipe-lazy", nothing, do_pipe_lazy, close_lazy_ends, 1},
    {"fstat-lazy", nothing, do_fstat_lazy, nothing_to_undo, 1},
    {"write", make_old, do_write, check_written, 0},
    {"write-new", create_new, do_write_new, nothing_to_undo, 0},
    {"write-pipe", make_pipe, do_write_pipe, drain_pipe, 0},
    {"read-pipe-lazy", fill_pipe, do_read_pipe_lazy, check_read, 1},
    {"read-lazy", open_old, do_read_lazy, check_old_read, 1},
    {"read-shared", open_old, do_read_shared, check_shared_read, 1},
    {"sbrk", nothing, do_sbrk, sbrk_back, 1},
    {"sbrk-lazy", nothing, do_sbrk_lazy, sbrk_back, 0},
    {"shrink", nothing, do_shrink, grow_again, 1},
    {"meminfo", nothing, do_meminfo, nothing_to_undo, 0},
    {"audit", nothing, do_audit, nothing_to_undo, 0},
    {"processes", nothing, do_processes, nothing_to_undo, 0},
    {"maps", nothing, do_maps, nothing_to_undo, 0},
    {"tree", nothing, do_tree, nothing_to_undo, 0},
    {"status", nothing, do_status, nothing_to_undo, 0},
    {"names", nothing, do_names, nothing_to_undo, 0},
};

#endif
