/*
 * mixed WORKERS SECONDS: processes that do a bit of everything at once.
 *
 * Each worker draws one act after the other: fork and write, run another
 * program, send bytes down a chain of processes, make, check and remove a file,
 * move the heap's end, kill a child. Every act checks what it sees against
 * what follows from its seed. Prints the number of acts and of errors; the
 * status is 0 only without an error.
 */
#include "calf.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"

enum { PAGES = 40, BLOCK = 1500, ACTS = 6 };

struct tally {
    long acts[ACTS], errors;
};

static char block[BLOCK];
static char back[BLOCK];
static uint state;
static uint64 own; /* the seed that the heap's words follow from */
static char *heap;
static struct tally tally;
static int until; /* ticks; when the workers end */

static uint draw(uint below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

static void check(int good, const char *what)
{
    if (good)
        return;
    tally.errors++;
    fprintf(2, "mixed: pid %d: %s\n", getpid(), what);
}

static uint64 *word(uint page)
{
    return (uint64 *)(heap + (uint64)page * PGSIZE + (page * 8) % PGSIZE);
}

static void write_heap(uint64 seed)
{
    own = seed;
    for (uint page = 0; page < PAGES; page++)
        *word(page) = own + page;
}

static int heap_is_right(void)
{
    for (uint page = 0; page < PAGES; page++)
        if (*word(page) != own + page)
            return 0;
    return 1;
}

static void fill_block(char *to, uint seed)
{
    for (uint i = 0; i < BLOCK; i++)
        to[i] = (char)(seed + i * i);
}

/* Waits for the child; 1 if it ended with this status. */
static int ended(int pid, int status)
{
    int got = 0;

    return wait(&got) == pid && got == status;
}

/* A child that writes all it shares, and sometimes has one like it. */
static void descend(int depth)
{
    int pid = fork();

    check(pid >= 0, "no fork");
    if (pid == 0) {
        int good = heap_is_right();
        write_heap(own * 3 + 1);
        tally.errors = 0;
        if (depth > 0)
            descend(depth - 1);
        exit(good && heap_is_right() && tally.errors == 0 ? 17 : 1);
    }
    if (pid < 0)
        return;
    write_heap(own + 1);
    check(ended(pid, 17), "a child saw wrong memory");
    check(heap_is_right(), "a parent's memory has changed");
}

static void act_fork(void)
{
    descend((int)draw(3));
}

static void act_exec(void)
{
    static char number[12];
    static char *arguments[] = {"mixed", "leaf", number, 0};
    int status = (int)draw(100) + 20;
    int pid = fork();

    check(pid >= 0, "no fork");
    if (pid == 0) {
        calf_format(number, sizeof(number), "%d", status);
        exec("/mixed", arguments);
        exit(1);
    }
    if (pid > 0)
        check(ended(pid, status), "another program went wrong");
}

/* One process of the chain: hands on everything, each byte one higher. */
static void hand_on(int from, int to)
{
    int n;

    while ((n = read(from, block, BLOCK)) > 0) {
        for (int i = 0; i < n; i++)
            block[i]++;
        if (calf_write_all(to, block, (uint)n) < 0)
            exit(1);
    }
    exit(n == 0 ? 18 : 1);
}

static void act_pipes(void)
{
    int first[2], second[2];
    uint seed = draw(1000), got = 0;
    int n, pids[2];

    if (pipe(first) < 0) {
        check(0, "no pipe");
        return;
    }
    if (pipe(second) < 0) {
        check(0, "no second pipe");
        close(first[0]);
        close(first[1]);
        return;
    }
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        check(pids[i] >= 0, "no fork");
        if (pids[i] == 0 && i == 0) {
            close(first[1]);
            close(second[0]);
            hand_on(first[0], second[1]);
        }
        if (pids[i] == 0) {
            close(first[0]);
            close(second[0]);
            close(second[1]);
            fill_block(block, seed);
            exit(calf_write_all(first[1], block, BLOCK) == 0 ? 18 : 1);
        }
    }
    close(first[0]);
    close(first[1]);
    close(second[1]);
    while (got < BLOCK &&
           (n = read(second[0], back + got, (int)(BLOCK - got))) > 0)
        got += (uint)n;
    close(second[0]);
    fill_block(block, seed + 1);
    check(got == BLOCK && memcmp(back, block, BLOCK) == 0, "a pipe's bytes");
    for (int i = 0; i < 2; i++) {
        int status = 0;
        check(wait(&status) > 0 && status == 18, "a process at a pipe");
    }
}

static char name[24], other[24]; /* of a worker's file */

static void name_files(uint number)
{
    calf_format(name, sizeof(name), "/tmp/mixed.%u", number);
    calf_format(other, sizeof(other), "/tmp/mixed.%u.too", number);
}

static void act_file(void)
{
    uint seed = draw(1000), blocks = draw(12) + 1;
    int fd;

    fd = open(name, O_CREATE | O_RDWR | O_TRUNC);
    check(fd >= 0, "no file");
    for (uint i = 0; i < blocks; i++) {
        fill_block(block, seed + i);
        check(write(fd, block, BLOCK) == BLOCK, "a write was short");
    }
    close(fd);
    if (draw(2))
        check(link(name, other) == 0 && unlink(name) == 0, "a name");
    else
        check(calf_rename(name, other) == 0, "a new name");
    check(calf_symlink(other, name) == 0, "a symbolic link");
    fd = open(name, O_RDONLY);
    check(unlink(name) == 0, "a link is left");
    for (uint i = 0; i < blocks; i++) {
        fill_block(block, seed + i);
        check(read(fd, back, BLOCK) == BLOCK && memcmp(block, back, BLOCK) == 0,
              "a file's bytes");
    }
    check(read(fd, back, 1) == 0, "a file's end");
    check(unlink(other) == 0 && open(other, O_RDONLY) < 0, "a name is left");
    close(fd);
}

static void act_heap(void)
{
    uint pages = draw(60) + 1;
    char *more =
        draw(2) ? sbrk((int)(pages * PGSIZE)) : sbrklazy((int)(pages * PGSIZE));

    check(more != SBRK_ERROR, "no heap");
    if (more == SBRK_ERROR)
        return;
    for (uint i = 0; i < pages; i++) {
        check(more[i * PGSIZE + 100] == 0, "new memory is not zero");
        more[i * PGSIZE + 100] = 1;
    }
    check(sbrk(-(int)(pages * PGSIZE)) != SBRK_ERROR, "heap not given back");
    check(heap_is_right(), "the heap has changed");
}

/*
 * One that computes, waits or forks: not for ever, since the one that is to
 * kill it may itself be killed, when memory is full.
 */
static void act_kill(void)
{
    uint how = draw(3);
    int pid = fork();

    check(pid >= 0, "no fork");
    if (pid == 0) {
        while (uptime() < until + 20) {
            if (how == 0)
                write_heap(own + 1);
            else if (how == 1)
                pause(20);
            else if (fork() == 0)
                exit(0);
            else
                wait(0);
        }
        exit(1);
    }
    if (pid < 0)
        return;
    if (draw(2))
        pause(1);
    check(kill(pid) == 0 && ended(pid, -1), "a kill");
}

static void (*const acts[ACTS])(void) = {act_fork, act_exec, act_pipes,
                                         act_file, act_heap, act_kill};

static void work(uint number, int report)
{
    state = number * 7919 + 1;
    name_files(number);
    heap = sbrk(PAGES * PGSIZE);
    write_heap(number);
    while (uptime() < until) {
        uint which = draw(ACTS);
        acts[which]();
        tally.acts[which]++;
    }
    write(report, &tally, sizeof(tally));
    exit(0);
}

/* What another program does: its status, if its memory is as it should be. */
static int leaf(const char *number)
{
    for (uint i = 0; i < BLOCK; i++)
        if (block[i] != 0)
            return 1;
    fill_block(block, 1);
    return atoi(number);
}

int main(int argc, char **argv)
{
    long workers, seconds, reports = 0, sum = 0;
    struct tally one, all = {{0}, 0};
    int ends[2], n;

    if (argc == 3 && calf_same(argv[1], "leaf"))
        return leaf(argv[2]);
    if (argc != 3 || calf_number(argv[1], &workers) < 0 ||
        calf_number(argv[2], &seconds) < 0 || pipe(ends) < 0) {
        fprintf(2, "usage: mixed WORKERS SECONDS\n");
        return 2;
    }
    until = uptime() + (int)seconds * 10;
    for (long i = 0; i < workers; i++)
        if (fork() == 0) {
            close(ends[0]);
            work((uint)i, ends[1]);
        }
    close(ends[1]);
    while ((n = read(ends[0], &one, sizeof(one))) != 0) {
        if (n != sizeof(one)) { /* no memory to read into: later */
            pause(1);
            continue;
        }
        for (uint i = 0; i < ACTS; i++)
            all.acts[i] += one.acts[i];
        all.errors += one.errors;
        reports++;
    }
    while (wait(0) > 0)
        ;
    for (long i = 0; i < workers; i++) { /* what the killed have left */
        name_files((uint)i);
        unlink(name);
        unlink(other);
    }
    for (uint i = 0; i < ACTS; i++)
        sum += all.acts[i];
    all.errors += workers - reports;
    printf("forks %ld, execs %ld, pipes %ld, files %ld, heaps %ld, kills %ld\n",
           all.acts[0], all.acts[1], all.acts[2], all.acts[3], all.acts[4],
           all.acts[5]);
    printf("mixed: %ld processes, %ld s, %ld acts, %ld errors\n", workers,
           seconds, sum, all.errors);
    return all.errors != 0;
}
