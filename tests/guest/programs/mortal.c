/*
 * mortal BOUND FOLDER [ROW]: a process is killed in the middle of each system
 * call, with much to do where a call has a length: 900 MB,
 * and less of a disk's file. How long it then takes to end is told, in
 * milliseconds; a row that takes longer than BOUND is tried three times, and
 * its best is told. FOLDER is where files lie. Needs 4 GB of memory.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"

#define LARGE  (900 << 20)
#define MEDIUM (64 << 20)
#define TRIES  3

static const int moments[] = {100}; /* ms after the call began */
#define MOMENTS (sizeof(moments) / sizeof(moments[0]))

static const char *folder;
static char *memory;  /* LARGE bytes, shared with all children */
static char name[64]; /* always of a file: later rows write to it */
static char other[64];
static int fd, ends[2];
static char block[1 << 20];

/* ---- What is prepared, and what is then done again and again --------------
 */

/* A file of that length, open; perhaps the one there is. */
static void fill(uint bytes)
{
    struct stat st = {.size = 0};
    fd = open(name, O_CREATE | O_RDWR);
    fstat(fd, &st);
    while (st.size < bytes && write(fd, block, sizeof(block)) > 0)
        st.size += sizeof(block);
    CHECK(st.size >= bytes);
    close(fd);
    fd = open(name, O_RDWR);
}

static void fill_for_memory(void)
{
    fill(LARGE);
}

static void fill_for_disk(void)
{
    fill(MEDIUM);
}

static void reopen(int flags)
{
    close(fd);
    fd = open(name, flags);
}

static void open_zero(void)
{
    memory = sbrklazy(LARGE);
    fd = open("/dev/zero", O_RDWR);
}

static void make_pipe(void)
{
    pipe(ends);
}

static void own_much(void)
{
    memory = sbrk(LARGE);
}

static void have_child(void)
{
    if (fork() == 0) {
        pause(100);
        exit(0);
    }
}

static void do_fork(void)
{
    if (fork() == 0)
        exit(0);
    wait(0);
}

static void do_exit(void)
{
    exit(0);
}

static void do_wait(void)
{
    wait(0);
}

static void do_pipe(void)
{
    int both[2];
    pipe(both);
    close(both[0]);
    close(both[1]);
}

static void do_read(void)
{
    read(fd, memory, LARGE);
}

static void do_read_again(void)
{
    reopen(O_RDONLY);
    do_read();
}

static void do_read_pipe(void)
{
    read(ends[0], memory, LARGE);
}

static void do_read_console(void)
{
    read(0, memory, LARGE);
}

static void do_read_folder(void)
{
    fd = open("/tmp", O_RDONLY);
    do_read();
    close(fd);
}

static void do_kill(void)
{
    kill(1 << 30);
}

static void do_exec(void)
{
    char *arguments[] = {"/no/such/program", 0};
    exec(arguments[0], arguments);
    arguments[0] = "/README"; /* is there, and is none */
    exec(arguments[0], arguments);
}

/* A program that execs itself, for ever. */
static void do_exec_self(void)
{
    char *arguments[] = {"/mortal", "again", 0};
    exec(arguments[0], arguments);
}

static void do_fstat(void)
{
    struct stat st;
    fstat(0, &st);
}

static void do_chdir(void)
{
    chdir("/tmp");
}

static void do_dup(void)
{
    close(dup(0));
}

static void do_getpid(void)
{
    getpid();
}

static void do_sbrk_up(void)
{
    sbrk(LARGE);
    sbrk(-LARGE);
}

static void do_sbrk_down(void)
{
    sbrk(-LARGE);
}

static void do_sbrk_lazy(void)
{
    sbrklazy(LARGE);
    sbrk(-LARGE);
}

static void do_pause(void)
{
    pause(1000);
}

static void do_uptime(void)
{
    uptime();
}

static void do_open(void)
{
    close(open("/dev/zero", O_RDONLY));
}

static void do_open_proc(void)
{
    close(open("/proc/self/tree", O_RDONLY));
    close(open("/proc/self/maps", O_RDONLY));
    close(open("/proc/meminfo", O_RDONLY));
    close(open("/proc/processes", O_RDONLY));
}

static void do_open_audit(void)
{
    close(open("/proc/audit", O_RDONLY));
}

static void do_truncate(void)
{
    close(open(name, O_RDWR | O_TRUNC));
}

static void do_write(void)
{
    write(fd, memory, LARGE);
}

static void do_write_new(void)
{
    unlink(name);
    fd = open(name, O_CREATE | O_RDWR);
    do_write();
    close(fd);
}

static void create(void)
{
    close(open(name, O_CREATE | O_RDWR));
}

static void do_write_pipe(void)
{
    write(ends[1], memory, LARGE);
}

static void drain_pipe(void)
{
    make_pipe();
    if (fork() == 0) {
        close(ends[1]);
        while (read(ends[0], name, sizeof(name)) > 0)
            ;
        exit(0);
    }
    close(ends[0]);
}

static void do_write_console(void)
{
    write(1, memory, LARGE);
}

static void do_mknod(void)
{
    mknod(other, 1, 1);
    unlink(other);
}

static void do_unlink(void)
{
    close(fd);
    unlink(name);
}

static void do_link(void)
{
    link(name, other);
    unlink(other);
}

static void do_mkdir(void)
{
    mkdir(other);
    unlink(other);
}

static void forget_name(void)
{
    fill_for_memory();
    unlink(name);
}

static void forget_name_on_disk(void)
{
    fill_for_disk();
    unlink(name);
}

static void do_close(void)
{
    close(fd);
}

/* ---- The table ----------------------------------------------------------- */

enum place { ANYWHERE, MEMORY, DISK };

static const struct row {
    const char *name;
    enum place place; /* of FOLDER */
    void (*prepare)(void), (*act)(void);
} rows[] = {
    {"fork", 0, 0, do_fork},
    {"exit", 0, own_much, do_exit},
    {"wait", 0, have_child, do_wait},
    {"pipe", 0, 0, do_pipe},
    {"read-zero", 0, open_zero, do_read},
    {"read-disk", DISK, fill_for_disk, do_read_again},
    {"read-pipe", 0, make_pipe, do_read_pipe},
    {"read-console", 0, 0, do_read_console},
    {"read-folder", 0, 0, do_read_folder},
    {"kill", 0, 0, do_kill},
    {"exec-not", 0, 0, do_exec},
    {"exec", 0, 0, do_exec_self},
    {"fstat", 0, 0, do_fstat},
    {"chdir", 0, 0, do_chdir},
    {"dup", 0, 0, do_dup},
    {"getpid", 0, 0, do_getpid},
    {"sbrk-up", 0, 0, do_sbrk_up},
    {"sbrk-down", 0, own_much, do_sbrk_down},
    {"sbrk-lazy", 0, 0, do_sbrk_lazy},
    {"pause", 0, 0, do_pause},
    {"uptime", 0, 0, do_uptime},
    {"open", 0, 0, do_open},
    {"open-proc", 0, 0, do_open_proc},
    {"open-audit", 0, 0, do_open_audit},
    {"open-truncate-disk", DISK, fill_for_disk, do_truncate},
    {"write-memory", MEMORY, 0, do_write_new},
    {"write-disk", DISK, 0, do_write_new},
    {"write-pipe", 0, make_pipe, do_write_pipe},
    {"write-pipe-read", 0, drain_pipe, do_write_pipe},
    {"write-console", 0, 0, do_write_console},
    {"mknod", 0, 0, do_mknod},
    {"unlink-disk", DISK, fill_for_disk, do_unlink},
    {"link", 0, create, do_link},
    {"mkdir", 0, 0, do_mkdir},
    {"close-disk", DISK, forget_name_on_disk, do_close},
    {"read-memory", MEMORY, fill_for_memory, do_read_again},
    {"open-truncate", MEMORY, fill_for_memory, do_truncate},
    {"unlink", MEMORY, fill_for_memory, do_unlink},
    {"close", MEMORY, forget_name, do_close},
};

/* ---- One row, one moment, once ------------------------------------------- */

static void child(const struct row *row, int ready)
{
    if (row->prepare)
        row->prepare();
    write(ready, "!", 1);
    for (;;)
        row->act();
}

static int ms_since(uint64 start)
{
    return (int)((calf_clock_ns() - start) / 1000000);
}

static void spend(int ms)
{
    uint64 start = calf_clock_ns();
    while (ms_since(start) < ms)
        ;
}

/* Milliseconds from the kill to the end. */
static int once(const struct row *row, int moment)
{
    int ready[2], status = 0, pid;
    char byte;
    uint64 start;

    pipe(ready);
    pid = fork();
    if (pid == 0)
        child(row, ready[1]);
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        printf("\n%s: did not begin\n", row->name);
    close(ready[0]);
    spend(moment);
    start = calf_clock_ns();
    kill(pid);
    CHECK(wait(&status) == pid);
    return ms_since(start);
}

static void try(const struct row *row, int bound)
{
    for (uint i = 0; i < MOMENTS; i++) {
        int best = once(row, moments[i]);
        for (int left = TRIES - 1; left && best > bound; left--) {
            int next = once(row, moments[i]);
            best = next < best ? next : best;
        }
        printf("\nrow %s at %d: %d ms\n", row->name, moments[i], best);
    }
}

int main(int argc, char **argv)
{
    enum place place;
    if (argc < 3) {
        do_exec_self();
        exit(1);
    }
    folder = argv[2];
    place = calf_same(folder, "/tmp") ? MEMORY : DISK;
    memory = place == DISK ? sbrklazy(LARGE) : sbrk(LARGE);
    CHECK(memory != SBRK_ERROR);
    calf_format(name, sizeof(name), "%s/mortal-1", folder);
    calf_format(other, sizeof(other), "%s/mortal-2", folder);
    for (uint i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        if (argc > 3 ? !calf_same(argv[3], row->name)
                     : row->place && row->place != place)
            continue;
        if (place == DISK && !row->place && argc < 4)
            continue;
        try(row, atoi(argv[1]));
    }
    unlink(name);
    unlink(other);
    return check_result();
}
