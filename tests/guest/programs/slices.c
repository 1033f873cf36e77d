/*
 * The timer on one hart, counted under --icount: who sleeps is woken when it
 * is due although somebody computes, and those who compute share the hart.
 *
 * The timer is left as it is by slices that end early, so each part begins
 * after many of those.
 */
#include "check.h"

#define TURNS     500
#define MS        1000000ul
#define PAUSE     2          /* of 100 ms */
#define SHARE     (100 * MS) /* that two compute for */
#define TOLERANCE (15 * MS)  /* a slice and a half */

/* So many switches to another process and back. */
static void switch_often(void)
{
    int there[2], back[2];
    char byte = 0;

    CHECK(pipe(there) == 0 && pipe(back) == 0);
    if (fork() == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            write(back[1], &byte, 1);
        exit(0);
    }
    for (int i = 0; i < TURNS; i++) {
        write(there[1], &byte, 1);
        CHECK(read(back[0], &byte, 1) == 1);
    }
    close(there[0]);
    close(there[1]);
    close(back[0]);
    close(back[1]);
    wait(0);
}

static void sleep_beside_a_computer(void)
{
    int child = fork();
    if (child == 0)
        for (;;)
            ;
    uint64 begin = calf_clock_ns();
    pause(PAUSE);
    uint64 slept = calf_clock_ns() - begin;
    kill(child);
    wait(0);
    CHECK(slept >= PAUSE * 100 * MS);
    CHECK(slept < PAUSE * 100 * MS + TOLERANCE);
}

/* How often the loop goes round until then. */
static uint64 compute_until(uint64 end)
{
    uint64 count = 0;
    while (calf_clock_ns() < end)
        count++;
    return count;
}

/* While a process sleeps for which the idle hart has armed the timer late. */
static void share_the_hart(void)
{
    int ends[2], sleeper = fork();
    if (sleeper == 0)
        pause(1000);
    pause(1);
    uint64 counts[2], end = calf_clock_ns() + SHARE;

    CHECK(pipe(ends) == 0);
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            counts[0] = compute_until(end);
            write(ends[1], &counts[0], sizeof(counts[0]));
            exit(0);
        }
    for (int i = 0; i < 2; i++) {
        CHECK(read(ends[0], &counts[i], sizeof(counts[i])) == 8);
    }
    kill(sleeper);
    while (wait(0) > 0)
        ;
    uint64 less = counts[0] < counts[1] ? counts[0] : counts[1];
    uint64 more = counts[0] + counts[1] - less;
    CHECK(more <= less + less / 3);
}

int main(void)
{
    switch_often();
    sleep_beside_a_computer();
    switch_often();
    share_the_hart();
    return check_result();
}
