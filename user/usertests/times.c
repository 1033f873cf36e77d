/*
 * Time: ticks of a tenth of a second, and harts that are shared whether
 * programs want it or not.
 */
#include "usertests.h"

#define TICK_NS 100000000UL

static void test_tick(void)
{
    uint64 from = calf_clock_ns();
    int ticks = uptime();
    uint64 passed;

    expect(pause(5) == 0);
    passed = calf_clock_ns() - from;
    if (passed < 4 * TICK_NS || passed > 50 * TICK_NS)
        fail("5 ticks took %lu ms", passed / 1000000);
    ticks = uptime() - ticks;
    passed = calf_clock_ns() - from;
    /* Somebody else may have had the hart between two of these lines. */
    if ((uint64)ticks * TICK_NS > passed + TICK_NS ||
        (uint64)(ticks + 5) * TICK_NS < passed)
        fail("uptime went %d ticks in %lu ms", ticks, passed / 1000000);
}

static void test_pause(void)
{
    uint64 from = calf_clock_ns();

    for (int i = 0; i < 100; i++) {
        expect(pause(0) == 0 && pause(-1) == 0 && sleep(0) == 0);
        expect(pause((int)(1U << 31)) == 0);
    }
    expect(calf_clock_ns() - from < 10 * TICK_NS);
    /* Sleepers wake in the order of their times, not of their starts. */
    int ends[2];
    char order[2];
    expect(pipe(ends) == 0);
    for (int i = 0; i < 2; i++) {
        if (start() == 0) {
            pause(i == 0 ? 9 : 1);
            write(ends[1], &"ab"[i], 1);
            exit(0);
        }
    }
    finish(2);
    expect(read(ends[0], order, 2) == 2 && memcmp(order, "ba", 2) == 0);
}

/* More processes that never call the kernel than there are harts: others get
 * their turn, and all of them get on. */
static void test_preemption(void)
{
    enum { SPINNERS = 12 };
    int pids[SPINNERS], ends[2];
    char byte;

    expect(pipe(ends) == 0);
    for (int i = 0; i < SPINNERS; i++) {
        if ((pids[i] = start()) == 0) {
            for (volatile int k = 0; k < 100000; k++)
                ;
            write(ends[1], "x", 1);
            for (volatile int k = 0;; k++)
                ;
        }
    }
    for (int i = 0; i < SPINNERS; i++)
        expect(read(ends[0], &byte, 1) == 1);
    pause(1);
    for (int i = 0; i < SPINNERS; i++)
        expect(kill(pids[i]) == 0);
    for (int i = 0; i < SPINNERS; i++)
        expect(wait_one() == -1);
}

const struct test time_tests[] = {
    {"tick", test_tick, 0},
    {"pause", test_pause, 0},
    {"preemption", test_preemption, 0},
    {0, 0, 0},
};
