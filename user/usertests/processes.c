/*
 * fork, exit, wait and kill: statuses, families, orphans, the limit of
 * processes, and the races between all of these.
 */
#include "usertests.h"

#define TOO_MANY 1000 /* processes; fork has to fail before */

/* Ends this process as soon as nobody holds the other end of the pipe. */
static void wait_for_close(int ends[2])
{
    char byte;

    close(ends[1]);
    read(ends[0], &byte, 1);
    exit(0);
}

static void loop(void)
{
    for (volatile int i = 0;; i++)
        ;
}

static void test_exit_status(void)
{
    static const int statuses[] = {0,   1,     -1,         -2,
                                   255, 256,   0x12345678, (int)(1U << 31),
                                   77,  65536, 0x7fffffff};

    for (uint i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (start() == 0)
            exit(statuses[i]);
        int status = wait_one();
        if (status != statuses[i])
            fail("exit(%d) gave status %d", statuses[i], status);
    }
}

static void test_wait(void)
{
    int pids[5];

    expect(wait(0) == -1);
    for (int i = 0; i < 5; i++) {
        if ((pids[i] = start()) == 0) {
            expect(wait(0) == -1); /* no children of its own */
            exit(i + 10);
        }
        expect(pids[i] > 1 && pids[i] != getpid());
    }
    for (int i = 0; i < 5; i++) {
        int status = -3;
        int pid = wait(i == 2 ? 0 : &status);
        int k = 0;
        while (k < 5 && pids[k] != pid)
            k++;
        if (k == 5 || (i != 2 && status != k + 10))
            fail("wait gave process %d, status %d", pid, status);
        pids[k] = 0;
    }
    expect(wait(0) == -1);
}

static void test_killed_status(void)
{
    int pid = start();

    if (pid == 0)
        loop();
    expect(kill(pid) == 0 && wait_one() == -1);
    expect(kill(pid) == -1 && kill(-1) == -1 && kill(0x7fffffff) == -1);
    expect(dies(load_byte, 0x80000000) == 1);
    if (start() == 0) {
        kill(getpid());
        exit(3); /* too late: it does not come back from kill */
    }
    expect(wait_one() == -1);
}

/* Two on different harts, or in turns, never see each other's memory. */
static void test_fork_copies(void)
{
    static int variable = 1;
    volatile int local = 1;
    char *heap = sbrk(PGSIZE);

    *heap = 1;
    for (int i = 0; i < 20; i++) {
        if (start() == 0) {
            expect(variable == 1 && local == 1 && *heap == 1);
            variable = 2;
            local = 3;
            *heap = 4;
            exit(0);
        }
        expect(variable == 1 && local == 1 && *heap == 1);
    }
    finish(20);
    expect(variable == 1 && local == 1 && *heap == 1);
}

static int fork_until_it_fails(void)
{
    int ends[2], count = 0;

    expect(pipe(ends) == 0);
    while (count < TOO_MANY) {
        int pid = fork();
        if (pid == 0)
            wait_for_close(ends);
        if (pid < 0)
            break;
        count++;
    }
    close(ends[0]);
    close(ends[1]);
    for (int i = 0; i < count; i++)
        expect(wait(0) > 0);
    expect(wait(0) == -1);
    return count;
}

/* Those that have ended and were not waited for count, too. */
static void test_zombie_limit(void)
{
    int count = 0, pid;

    while (count < TOO_MANY && (pid = fork()) >= 0) {
        if (pid == 0)
            exit(0);
        count++;
    }
    expect(count > 40 && count < TOO_MANY);
    for (int i = 0; i < count; i++)
        expect(wait(0) > 0);
    expect(wait(0) == -1);
}

/* Every one forks for ever, until a file says that it is enough. */
static void multiply(void)
{
    for (;;) {
        if (exists("enough"))
            exit(0);
        if (fork() < 0)
            touch("enough");
    }
}

/* All of them have an end of a pipe; it is closed when the last one is gone. */
static void test_fork_bomb(void)
{
    int ends[2];
    char byte;

    expect(pipe(ends) == 0);
    if (start() == 0)
        multiply();
    close(ends[1]);
    pause(6);
    touch("enough");
    finish(1);
    expect(read(ends[0], &byte, 1) == 0);
    close(ends[0]);
    for (int i = 0; i < 40; i++) {
        if (start() == 0)
            exit(0);
    }
    finish(40);
    remove_file("enough");
}

static void test_fork_limit(void)
{
    int first = fork_until_it_fails();

    expect(first > 40 && first < TOO_MANY);
    for (int i = 0; i < 3; i++) {
        int again = fork_until_it_fails();
        if (again < first - first / 10)
            fail("%d processes at first, then %d", first, again);
    }
}

/* The parent goes first: the child becomes another's, and is not ours. */
static void test_orphans(void)
{
    int ends[2];
    char byte;

    expect(pipe(ends) == 0);
    for (int i = 0; i < 40; i++) {
        if (start() == 0) {
            if (start() == 0) {
                pause(i % 3);
                expect(write(ends[1], "x", 1) == 1);
                exit(0);
            }
            if (i % 4 == 0 && start() == 0)
                exit(0); /* a zombie when its parent goes */
            exit(0);
        }
        finish(1);
        expect(wait(0) == -1);
    }
    for (int i = 0; i < 40; i++)
        expect(read(ends[0], &byte, 1) == 1);
}

/* Many whose parents are ending at the same moment. */
static void test_reparent_storm(void)
{
    for (int i = 0; i < 60; i++) {
        int pid = start();
        if (pid == 0) {
            fork();
            fork();
            if (i % 2)
                fork();
            exit(0);
        }
        expect(wait(0) == pid && wait(0) == -1);
    }
}

static void test_wait_storm(void)
{
    for (int i = 0; i < 400; i++) {
        int pid = start();
        if (pid == 0)
            exit(i);
        int status = -1;
        expect(wait(&status) == pid && status == i);
    }
    for (int i = 0; i < 100; i++) {
        if (start() == 0) {
            for (int k = 0; k < 3; k++) {
                if (start() == 0)
                    exit(0);
            }
            finish(3);
            exit(0);
        }
        if (i % 10 == 9)
            finish(10);
    }
}

static int ends[2];

static void in_pause(void)
{
    pause(100000);
}

static void in_pipe_read(void)
{
    char byte;

    read(ends[0], &byte, 1);
}

static void in_pipe_write(void)
{
    write(ends[1], work, 4096);
}

static void in_wait(void)
{
    if (fork() == 0) {
        pause(3);
        exit(0);
    }
    wait(0);
}

static void in_console(void)
{
    char byte;

    while (read(0, &byte, 1) >= 0)
        ;
}

static void in_fork(void)
{
    for (;;) {
        if (fork() == 0)
            exit(0);
        wait(0);
    }
}

static void in_files(void)
{
    for (;;) {
        int fd = open("killed", O_CREATE | O_RDWR | O_TRUNC);
        write(fd, work, 5000);
        close(fd);
        unlink("killed");
    }
}

static void in_exec(void)
{
    for (;;)
        exec("none", (char *[]){"x", 0});
}

/* Wherever a process is, kill ends it, with status -1. */
static void test_kill_anywhere(void)
{
    static void (*const places[])(void) = {
        loop,       in_pause, in_pipe_read, in_pipe_write, in_wait,
        in_console, in_fork,  in_files,     in_exec};

    for (uint i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (int asleep = 0; asleep < 2; asleep++) {
            int pid;
            expect(pipe(ends) == 0);
            pid = start();
            if (pid == 0) {
                places[i]();
                exit(3);
            }
            if (asleep)
                pause(1);
            expect(kill(pid) == 0);
            int status = wait_one();
            if (status != -1)
                fail("place %u: status %d", i, status);
            close(ends[0]);
            close(ends[1]);
        }
    }
    unlink("killed");
}

/* Several kill one, which is about to end by itself. */
static void test_kill_races(void)
{
    for (int i = 0; i < 60; i++) {
        int victim = start();
        if (victim == 0) {
            for (volatile int k = 0; k < i * 300; k++)
                ;
            exit(5);
        }
        for (int k = 0; k < 3; k++) {
            if (start() == 0) {
                kill(victim);
                exit(5);
            }
        }
        for (int k = 0; k < 4; k++) {
            int status = wait_one();
            expect(status == 5 || status == -1);
        }
    }
}

/* A killed process takes nothing with it that others hold. */
static void test_kill_a_family(void)
{
    char byte;

    for (int i = 0; i < 10; i++) {
        int pid;
        expect(pipe(ends) == 0);
        pid = start();
        if (pid == 0) {
            for (int k = 0; k < 5; k++) {
                if (start() == 0) {
                    close(ends[0]);
                    pause(1);
                    exit(0);
                }
            }
            pause(1000);
            exit(0);
        }
        close(ends[1]);
        kill(pid);
        expect(wait_one() == -1);
        expect(read(ends[0], &byte, 1) == 0); /* until the orphans are gone */
        close(ends[0]);
    }
}

/* Process 1 stays, whatever is done to it. */
static void test_init_stays(void)
{
    kill(1);
    if (start() == 0) {
        if (start() == 0) {
            pause(1);
            exit(0);
        }
        exit(0);
    }
    finish(1);
    pause(2);
}

const struct test process_tests[] = {
    {"exit-status", test_exit_status, 0},
    {"wait", test_wait, 0},
    {"killed-status", test_killed_status, NOISY},
    {"fork-copies", test_fork_copies, 0},
    {"fork-limit", test_fork_limit, 0},
    {"zombie-limit", test_zombie_limit, 0},
    {"fork-bomb", test_fork_bomb, 0},
    {"orphans", test_orphans, 0},
    {"reparent-storm", test_reparent_storm, 0},
    {"wait-storm", test_wait_storm, 0},
    {"kill-anywhere", test_kill_anywhere, 0},
    {"kill-races", test_kill_races, 0},
    {"kill-a-family", test_kill_a_family, 0},
    {"init-stays", test_init_stays, 0},
    {0, 0, 0},
};
