/*
 * Faults of each kind that a program can cause, a known number of them, against
 * the counters of /proc/meminfo. A few more of any kind come of the program's
 * own stack and data around them.
 */
#include "check.h"
#include "kernel/riscv.h"

enum { PAGES = 100, MORE = 16, OUTCOMES = 6 };

enum { SPURIOUS, ZERO, REUSE, COPY, SEGV, ALL };

static const char *const names[OUTCOMES] = {"faults_spurious", "faults_zero",
                                            "faults_reuse",    "faults_copy",
                                            "faults_segv",     "faults"};
static long before[OUTCOMES];
static volatile char *base;

static void begin(void)
{
    for (int i = 0; i < OUTCOMES; i++)
        before[i] = calf_meminfo(names[i]);
}

/* Since begin() so many of one kind came, and few others. */
static void expect(const char *what, int kind, long number)
{
    printf("%s:", what);
    for (int i = 0; i < OUTCOMES; i++) {
        long least = i == kind || i == ALL ? number : 0;
        long came = calf_meminfo(names[i]) - before[i];

        printf(" %s %ld", names[i], came);
        CHECK(came >= least);
        CHECK(came <= least + MORE);
    }
    printf("\n");
}

static void store_all(void)
{
    for (int i = 0; i < PAGES; i++)
        base[i * PGSIZE] = (char)i;
}

static void load_all(void)
{
    for (int i = 0; i < PAGES; i++)
        (void)base[i * PGSIZE];
}

/* In a child that shares all memory with this process. */
static void in_a_child(void (*act)(void))
{
    if (fork() == 0) {
        act();
        exit(0);
    }
    wait(0);
}

static void store_to_text(void)
{
    volatile char *text = (volatile char *)store_all;

    *text = 0;
}

static volatile char *fresh(void)
{
    return sbrklazy(PAGES * PGSIZE);
}

int main(void)
{
    begin();
    expect("nothing", ALL, 0);

    base = fresh();
    begin();
    store_all();
    expect("first stores", ZERO, PAGES);
    base = fresh();
    begin();
    load_all();
    expect("first loads", ZERO, PAGES);
    begin();
    store_all();
    expect("stores after loads", ZERO, PAGES);

    begin();
    in_a_child(store_all);
    expect("stores of a child", COPY, PAGES);
    begin();
    store_all();
    expect("stores of the last owner", REUSE, PAGES);
    begin();
    in_a_child(load_all);
    expect("loads of a child", ALL, 0);
    begin();
    in_a_child(store_to_text);
    expect("a store to the text", SEGV, 1);
    return check_result();
}
