/*
 * A worker of grind: random acts. Some are one system call on things that all
 * workers share, whose result nobody can know; others check that what is the
 * worker's own (memory, a file, a pipe, the status of a child) stays so.
 *
 * Only acts on own pipes and children may block, and those end by themselves.
 */
#include "grind.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/memlayout.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"

#define FDS        12
#define MAX_DEPTH  2
#define LARGEST    (96 << 10) /* bytes of a shared file, about */
#define HEAP_LIMIT (256 << 10)
#define OWN_PAGES  4
#define WORDS      (PGSIZE / sizeof(uint64))
#define NAMES      6
#define FOLDERS    3
#define GIGABYTE   (1 << 30)

static uint state;
static struct tally *tally;
static int number, depth;
static int fds[FDS];
static char buffer[6000];
static char path[40];

/* Memory that children overwrite, and that must not change here. */
static uint64 own[OWN_PAGES][WORDS];
static uint64 own_seed;

static char *heap; /* the heap's part that acts move, and its size */
static uint heap_size;

static uint choose(uint many)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % many;
}

static void fill_own(uint64 seed)
{
    own_seed = seed;
    for (uint page = 0; page < OWN_PAGES; page++) {
        for (uint i = page; i < WORDS; i += 37)
            own[page][i] = seed + i * 0x10001UL;
    }
}

static void check_own(void)
{
    for (uint page = 0; page < OWN_PAGES; page++) {
        for (uint i = page; i < WORDS; i += 37) {
            if (own[page][i] != own_seed + i * 0x10001UL)
                fail("memory of worker %d changed: page %u, word %u", number,
                     page, i);
        }
    }
}

/* Names of files and of folders are never the same, so folders do not come to
 * lie in each other. */
static void random_file(char *to)
{
    if (choose(3) == 0)
        calf_format(to, sizeof(path), "d%u/f%u", choose(FOLDERS),
                    choose(NAMES));
    else
        calf_format(to, sizeof(path), "f%u", choose(NAMES));
}

static const char *random_path(void)
{
    if (choose(6) == 0)
        calf_format(path, sizeof(path), "d%u", choose(FOLDERS));
    else
        random_file(path);
    return path;
}

static void *random_address(void)
{
    static const uint64 bad[] = {
        0,    TRAPFRAME, MAXVA, KERNBASE,    0xffffffff80000000,
        -8UL, 1UL << 63, 4096,  0x3fffffffff};

    if (choose(8) != 0)
        return buffer;
    return (void *)bad[choose(sizeof(bad) / sizeof(bad[0]))];
}

/* A child for the act at hand, or -1; in the child, no deeper children than
 * there are levels left. */
static int fork_child(void)
{
    int pid = depth < MAX_DEPTH ? fork() : -1;

    if (pid == 0) {
        depth++;
        state ^= (uint)getpid() * 2654435761u;
    } else if (pid > 0) {
        tally->forks++;
    }
    return pid;
}

static void expect_child(int pid, int status)
{
    int got = -2;
    int ended = wait(&got);

    if (ended != pid)
        fail("waited for process %d, and %d came", pid, ended);
    if (got == 1)
        exit(1); /* it has said why */
    if (got != status)
        fail("process %d ended with status %d, not %d", pid, got, status);
}

static int *random_fd(void)
{
    return &fds[choose(FDS)];
}

static void act_open(void)
{
    static const int flags[] = {O_RDONLY,
                                O_RDWR,
                                O_WRONLY,
                                O_RDWR | O_CREATE,
                                O_RDWR | O_CREATE | O_TRUNC,
                                O_WRONLY | O_TRUNC};
    int *fd = random_fd();

    if (*fd >= 0 && close(*fd) < 0)
        fail("descriptor %d is not open", *fd);
    *fd = open(random_path(), flags[choose(6)]);
}

static void act_read(void)
{
    read(*random_fd(), random_address(), (int)choose(sizeof(buffer)));
}

static void act_write(void)
{
    struct stat st;
    int fd = *random_fd();

    if (fd >= 0 && (fstat(fd, &st) < 0 || st.size > LARGEST))
        return;
    write(fd, random_address(), (int)choose(sizeof(buffer)));
}

static void act_dup(void)
{
    int *to = random_fd();

    if (*to < 0)
        *to = dup(*random_fd());
}

static void act_stat(void)
{
    struct stat st;

    if (choose(2) == 0)
        fstat(*random_fd(), random_address());
    else if (stat(random_path(), &st) == 0 && (st.type < 1 || st.type > 3))
        fail("a file of type %d", st.type);
}

static void act_name(void)
{
    char other[sizeof(path)];

    switch (choose(9)) {
    case 0:
        calf_format(other, sizeof(other), "d%u", choose(FOLDERS));
        mkdir(other);
        break;
    case 1:
        calf_format(other, sizeof(other), "f%u", choose(NAMES));
        link(other, random_path());
        break;
    case 2:
        mknod(random_path(), 77, 0); /* a device that nothing drives */
        break;
    case 3:
        random_file(other);
        calf_symlink(random_path(), other);
        calf_readlink(other, random_address(), (int)choose(50));
        break;
    case 4:
        random_file(other);
        random_file(path);
        calf_rename(other, path);
        break;
    case 5:
        calf_format(other, sizeof(other), "d%u", choose(FOLDERS));
        calf_format(path, sizeof(path), "d%u", choose(FOLDERS));
        calf_rename(other, path);
        break;
    default:
        unlink(random_path());
    }
}

static void act_folder(void)
{
    int pid = fork_child();

    if (pid == 0) {
        calf_format(path, sizeof(path), "d%u", choose(FOLDERS));
        if (chdir(path) == 0) {
            close(open("f0", O_CREATE | O_RDWR));
            unlink("f1");
            link("../f2", "f3");
            chdir("..");
        }
        exit(0);
    }
    if (pid > 0)
        expect_child(pid, 0);
}

/* A file nobody else knows has what was written. */
static void act_own_file(void)
{
    uint size = choose(sizeof(buffer));
    int pid = getpid(), fd;

    calf_format(path, sizeof(path), "own%d", pid);
    fd = open(path, O_CREATE | O_TRUNC | O_RDWR);
    if (fd < 0)
        return;
    for (uint i = 0; i < size; i++)
        buffer[i] = (char)(i * 3 + (uint)pid);
    int written = write(fd, buffer, (int)size);
    close(fd);
    fd = open(path, O_RDONLY);
    memset(buffer, 0, sizeof(buffer));
    if (fd < 0 || (written > 0 && read(fd, buffer, written) != written))
        fail("the own file of worker %d cannot be read", number);
    for (int i = 0; i < written; i++) {
        if (buffer[i] != (char)(i * 3 + pid))
            fail("the own file of worker %d is wrong at %d", number, i);
    }
    close(fd);
    if (unlink(path) < 0)
        fail("the own file of worker %d cannot be removed", number);
}

static void act_pipe(void)
{
    int total = (int)choose(3000), got = 0, n, ends[2], pid;

    if (pipe(ends) < 0)
        return;
    pid = fork_child();
    if (pid == 0) {
        close(ends[0]);
        for (int i = 0; i < total; i++)
            buffer[i] = (char)(i * 5);
        n = write(ends[1], buffer, total);
        exit(n == total || n == -1 ? 0 : 3);
    }
    close(ends[1]);
    int limit = choose(4) == 0 ? total / 2 : total; /* or go early */
    while (pid > 0 && got < limit &&
           (n = read(ends[0], buffer, 1 + (int)choose(900))) > 0) {
        for (int i = 0; i < n; i++) {
            if (buffer[i] != (char)((got + i) * 5))
                fail("byte %d of a pipe is wrong", got + i);
        }
        got += n;
    }
    if (pid > 0 && got < limit)
        fail("%d bytes came through a pipe, not %d", got, limit);
    close(ends[0]);
    if (pid > 0)
        expect_child(pid, 0);
}

static void act_heap(void)
{
    uint to = choose(HEAP_LIMIT), from = heap_size;
    int change = (int)to - (int)from;
    char *old = (choose(2) ? sbrk : sbrklazy)(change);

    if (old == SBRK_ERROR)
        return;
    if (old != heap + from)
        fail("the heap ends at %p, not at %p", old, heap + from);
    heap_size = to;
    for (uint at = from; at < to; at += 1 + choose(3000)) {
        if (heap[at] != 0)
            fail("new memory is not zero");
        heap[at] = 1;
    }
}

/* A gigabyte of promises, a little of it kept, shared with a child. */
static void act_lazy(void)
{
    char *base = sbrklazy(GIGABYTE);
    int pid;

    if (base == SBRK_ERROR)
        return;
    for (int i = 0; i < 5; i++)
        base[choose(GIGABYTE)] = 1;
    pid = fork_child();
    if (pid == 0) {
        base[choose(GIGABYTE)] = 2;
        exit(7);
    }
    if (sbrk(-GIGABYTE) != base + GIGABYTE)
        fail("the heap does not shrink by a gigabyte");
    if (pid > 0)
        expect_child(pid, 7);
}

/* A good part of what memory there is. */
static void act_hog(void)
{
    long bytes = calf_meminfo("free") / 4 * PGSIZE;
    char *base;

    if (bytes <= 0 || bytes > GIGABYTE)
        return;
    base = sbrk((int)bytes);
    if (base != SBRK_ERROR && sbrk(-(int)bytes) != base + bytes)
        fail("the heap does not shrink");
}

static void do_acts(uint many);

static void act_fork(void)
{
    int pid = fork_child();

    if (pid == 0) {
        check_own();
        fill_own(own_seed + (uint)getpid());
        do_acts(choose(12));
        check_own();
        exit(33);
    }
    if (pid > 0)
        expect_child(pid, 33);
    check_own();
}

static void act_orphan(void)
{
    int pid = fork_child();

    if (pid == 0) {
        if (fork_child() == 0)
            do_acts(choose(6));
        exit(0);
    }
    if (pid > 0)
        expect_child(pid, 0);
}

static void act_exec(void)
{
    char first[16], second[16];
    int pid = fork_child();

    if (pid == 0) {
        uint value = choose(100000);
        calf_format(first, sizeof(first), "%u", value);
        calf_format(second, sizeof(second), "%u", value * 7 + 1);
        char *arguments[] = {"grind", EXEC_WORD, first, second, 0};
        if (choose(3) == 0)
            exec(random_path(), arguments);
        if (choose(6) == 0)
            exec(self, (char **)TRAPFRAME);
        exec(self, arguments);
        exit(0); /* no memory for it */
    }
    if (pid > 0) {
        tally->execs++;
        expect_child(pid, 0);
    }
}

static void be_victim(void)
{
    int ends[2];

    switch (choose(5)) {
    case 0:
        pause(20);
        break;
    case 1:
        if (pipe(ends) == 0) {
            write(ends[1], buffer, 500);
            pause(1);
        }
        break;
    case 2:
        do_acts(20);
        break;
    case 3:
        if (fork_child() == 0)
            pause(1);
        else
            wait(0);
        break;
    default:
        for (int until = uptime() + 10; uptime() < until;)
            ;
    }
    exit(0);
}

static void act_kill(void)
{
    int status = -2, pid = fork_child();

    if (pid == 0)
        be_victim();
    if (pid < 0)
        return;
    for (volatile uint i = choose(20000); i > 0; i--)
        ;
    kill(pid);
    tally->kills++;
    if (wait(&status) != pid || (status != -1 && status != 0))
        fail("a killed child has status %d", status);
}

static void act_proc(void)
{
    static const char *const files[] = {"/proc/meminfo", "/proc/processes",
                                        "/proc/self/maps", "/proc/self/tree",
                                        "/proc/self/status"};
    int fd = open(files[choose(5)], O_RDONLY);

    if (fd >= 0) {
        while (read(fd, buffer, 1 + (int)choose(4000)) > 0)
            ;
        close(fd);
    }
}

/* The books are right at any moment, not only when all is quiet. */
static void act_audit(void)
{
    if (can_audit() && audit_is_clean(buffer, sizeof(buffer)) < 0)
        fail("%s", buffer);
}

static void act_pause(void)
{
    pause(choose(8) == 0);
}

static void act_wrong(void)
{
    if (close(100) != -1 || dup(-1) != -1 || kill(-1) != -1 ||
        mkdir("") != -1 || unlink(".") != -1 || wait(0) != -1)
        fail("what is wrong was not refused");
    if (read(*random_fd(), buffer, -1) != -1 || pipe((int *)TRAPFRAME) != -1)
        fail("what is wrong was not refused");
}

static const struct {
    void (*act)(void);
    uint weight;
} acts[] = {
    {act_open, 20}, {act_read, 20}, {act_write, 20}, {act_dup, 8},
    {act_stat, 8},  {act_name, 20}, {act_folder, 4}, {act_own_file, 6},
    {act_pipe, 6},  {act_heap, 10}, {act_lazy, 2},   {act_hog, 1},
    {act_fork, 8},  {act_exec, 5},  {act_orphan, 2}, {act_kill, 4},
    {act_proc, 3},  {act_wrong, 4}, {act_audit, 1},  {act_pause, 1},
};

static void do_acts(uint many)
{
    uint total = 0;

    for (uint i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        total += acts[i].weight;
    for (; many > 0; many--) {
        uint lot = choose(total), i = 0;
        while (lot >= acts[i].weight)
            lot -= acts[i++].weight;
        acts[i].act();
        tally->acts++;
    }
}

void work(int worker, uint seed, int until, struct tally *to)
{
    number = worker;
    state = seed;
    tally = to;
    heap = sbrk(0);
    for (uint i = 0; i < FDS; i++)
        fds[i] = -1;
    fill_own(seed);
    while (uptime() < until)
        do_acts(20);
    check_own();
}

static void clean_folder(void)
{
    struct dirent record;
    char name[DIRSIZ + 1] = {0};
    int fd = open(".", O_RDONLY);

    while (fd >= 0 && read(fd, &record, sizeof(record)) == sizeof(record)) {
        memmove(name, record.name, DIRSIZ);
        if (record.inum != 0 && name[0] != '.')
            unlink(name);
    }
    close(fd);
}

void clean_up(void)
{
    for (uint i = 0; i < FOLDERS; i++) {
        calf_format(path, sizeof(path), "d%u", i);
        if (chdir(path) == 0) {
            clean_folder();
            chdir("..");
        }
    }
    clean_folder();
}

int check_arguments(int argc, char **argv)
{
    if (argc != 4 || argv[4] != 0)
        return 20;
    return (uint)atoi(argv[3]) == (uint)atoi(argv[2]) * 7 + 1 ? 0 : 21;
}
