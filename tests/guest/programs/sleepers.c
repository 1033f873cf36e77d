/*
 * Whoever sleeps can be killed: in a pause, at either end of a pipe, in wait,
 * at the console, and also in a loop that never calls the kernel. Each is
 * started, given time to fall asleep, killed, and must then be waited for with
 * status -1.
 */
#include "check.h"

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
    static char much[4096];
    write(ends[1], much, sizeof(much));
}

static void in_wait(void)
{
    if (fork() == 0) {
        pause(10);
        exit(0);
    }
    wait(0);
}

static void in_console_read(void)
{
    char byte;
    read(0, &byte, 1);
}

static void in_a_loop(void)
{
    for (volatile int i = 0;; i++)
        continue;
}

/* Kill one that does `what`. */
static void check_killed(const char *name, void (*what)(void))
{
    int status = 0, pid;
    if (pipe(ends) < 0 || (pid = fork()) < 0) {
        CHECK(!"enough memory");
        return;
    }
    if (pid == 0) {
        what();
        exit(3);
    }
    pause(3);
    CHECK(kill(pid) == 0);
    CHECK(wait(&status) == pid);
    printf("%s: status %d\n", name, status);
    CHECK(status == -1);
    CHECK(kill(pid) == -1);
    close(ends[0]);
    close(ends[1]);
}

/* One that is killed before it ran at all; many times, for the races. */
static void check_killed_at_once(void)
{
    for (int i = 0; i < 200; i++) {
        int status = 0, pid = fork();
        if (pid == 0)
            in_a_loop();
        kill(pid);
        CHECK(wait(&status) == pid);
        CHECK(status == -1);
    }
}

int main(void)
{
    check_killed("pause", in_pause);
    check_killed("pipe read", in_pipe_read);
    check_killed("pipe write", in_pipe_write);
    check_killed("wait", in_wait);
    check_killed("console read", in_console_read);
    check_killed("loop", in_a_loop);
    check_killed_at_once();
    return check_result();
}
