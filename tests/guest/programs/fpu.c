/*
 * fpu [PROCESSES [ROUNDS]]: floating-point registers are each process's own.
 *
 * Every process fills all 32 registers and the rounding mode with values of
 * its own, stays in user mode long enough to be preempted, calls the kernel,
 * and looks at all of them again. Some processes use no floating point at all,
 * so that switches of each kind occur. A child begins with its parent's
 * registers, a program started by exec with zeros.
 */
#include "check.h"

#define REGISTERS 32
#define SPIN      300000

/* In one piece, so that the compiler's own use of registers is not between. */
void registers_set(const uint64 *values, uint64 rounding);
uint64 registers_get(uint64 *values);

__asm__(".text\n"
        "registers_set:\n"
        "    fsrm a1\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    fld f\\n, 8*\\n(a0)\n"
        ".endr\n"
        ".irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    fld f\\n, 8*\\n(a0)\n"
        ".endr\n"
        "    ret\n"
        "registers_get:\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    fsd f\\n, 8*\\n(a0)\n"
        ".endr\n"
        ".irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    fsd f\\n, 8*\\n(a0)\n"
        ".endr\n"
        "    frrm a0\n"
        "    ret\n");

static uint64 value_of(uint64 seed, int i)
{
    return (seed << 40) ^ (seed * 0x9e3779b97f4a7c15ul) ^ (uint64)i << 8;
}

static void fill(uint64 seed)
{
    uint64 values[REGISTERS];
    for (int i = 0; i < REGISTERS; i++)
        values[i] = value_of(seed, i);
    registers_set(values, seed % 5);
}

/* How many registers are not as fill left them. */
static int wrong(uint64 seed)
{
    uint64 values[REGISTERS];
    int count = registers_get(values) != seed % 5;
    for (int i = 0; i < REGISTERS; i++)
        count += values[i] != value_of(seed, i);
    return count;
}

static void spin(void)
{
    for (volatile int i = 0; i < SPIN; i++)
        continue;
}

static int work(int number, int rounds)
{
    int bad = 0;
    for (int round = 0; round < rounds; round++) {
        uint64 seed = (uint64)number * 1000 + (uint64)round + 1;
        if (number % 4 != 3)
            fill(seed);
        spin();
        getpid();
        if (round % 8 == 0)
            pause(1);
        if (number % 4 != 3)
            bad += wrong(seed);
    }
    return bad != 0;
}

/* What exec starts: registers of nobody else. */
static int fresh(void)
{
    uint64 values[REGISTERS];
    int bad = registers_get(values) != 0;
    for (int i = 0; i < REGISTERS; i++)
        bad += values[i] != 0;
    return bad != 0;
}

static int status_of_child(void)
{
    int status = -2;
    wait(&status);
    return status;
}

static void check_fork_and_exec(void)
{
    char *again[] = {"/fpu", "fresh", 0};
    fill(77);
    if (fork() == 0)
        exit(wrong(77) != 0);
    CHECK(wrong(77) == 0);
    CHECK(status_of_child() == 0);
    CHECK(wrong(77) == 0);
    if (fork() == 0) {
        exec("/fpu", again);
        exit(9);
    }
    CHECK(status_of_child() == 0);
    CHECK(wrong(77) == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && calf_same(argv[1], "fresh"))
        return fresh();
    int processes = argc > 1 ? atoi(argv[1]) : 8;
    int rounds = argc > 2 ? atoi(argv[2]) : 30;
    check_fork_and_exec();
    for (int i = 0; i < processes; i++)
        if (fork() == 0)
            exit(work(i, rounds));
    for (int i = 0; i < processes; i++)
        CHECK(status_of_child() == 0);
    return check_result();
}
