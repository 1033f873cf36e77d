/*
 * What programs can do to the console, and what others feel of it:
 *
 * provoke write              writes a gigabyte in one call
 * provoke calls N            makes N unknown system calls
 * provoke faults N           lets N children fault
 * provoke gaps calls|faults  does so for three seconds, beside a write that
 *                            fills the console, and tells the longest time in
 *                            which this process did not run
 * provoke kills              kills one who writes a gigabyte and one who waits
 *                            for him, and tells how long each took to end
 * provoke children N         fills the console beside N sleeping children
 * provoke file TEXT          fills the console, then writes TEXT to a file
 */
#include "check.h"
#include "kernel/fcntl.h"

#define GIGABYTE 0x40000000
#define SECOND   1000000000ul
#define UNKNOWN  99

static void write_much(void)
{
    write(1, sbrklazy(GIGABYTE), GIGABYTE);
    exit(0);
}

static void call_unknown(void)
{
    register long number __asm__("a7") = UNKNOWN;
    register long result __asm__("a0");

    __asm__ volatile("ecall" : "=r"(result) : "r"(number) : "memory");
}

static void let_fault(void)
{
    if (fork() == 0)
        *(volatile char *)0x3000000000 = 1;
    wait(0);
}

static void provoke(const char *kind, long times)
{
    for (long i = 0; i < times; i++) {
        if (calf_same(kind, "calls"))
            call_unknown();
        else
            let_fault();
    }
    exit(0);
}

/* A process that does `what`, some time after it has begun. */
static int start(void (*what)(void))
{
    int pid = fork();

    if (pid == 0)
        what();
    pause(5);
    return pid;
}

static void measure_gaps(const char *kind)
{
    uint64 longest = 0, now, last, end;
    int filler = start(write_much), child = fork();

    if (child == 0)
        provoke(kind, 1L << 60);
    last = calf_clock_ns();
    end = last + 3 * SECOND;
    while ((now = calf_clock_ns()) < end) {
        if (now - last > longest)
            longest = now - last;
        last = now;
    }
    kill(child);
    kill(filler);
    while (wait(0) >= 0)
        continue;
    printf("\nlongest gap %d us\n", (int)(longest / 1000));
}

static void write_little(void)
{
    for (;;)
        write(1, "x", 1);
}

static int time_to_die(int pid)
{
    uint64 began = calf_clock_ns();

    kill(pid);
    CHECK(wait(0) == pid);
    return (int)((calf_clock_ns() - began) / 1000000);
}

static void measure_kills(void)
{
    int writer = start(write_much), waiter = start(write_little);
    int first = time_to_die(waiter), second = time_to_die(writer);

    printf("\nthe waiter took %d ms, the writer %d ms\n", first, second);
}

static void sleep_among(int children)
{
    for (int i = 0; i < children; i++)
        if (fork() == 0) {
            pause(600);
            exit(0);
        }
    int filler = start(write_much);
    pause(50);
    kill(filler);
    wait(0);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const char *of = argc > 2 ? argv[2] : "";

    if (calf_same(what, "write"))
        write_much();
    if (calf_same(what, "calls") || calf_same(what, "faults"))
        provoke(what, atoi(of));
    if (calf_same(what, "gaps"))
        measure_gaps(of);
    if (calf_same(what, "kills"))
        measure_kills();
    if (calf_same(what, "children"))
        sleep_among(atoi(of));
    if (calf_same(what, "file")) {
        start(write_much);
        calf_write_file(of, argv[3]);
    }
    return check_result();
}
