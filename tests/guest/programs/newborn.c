/*
 * newborn [ROUNDS]: what a program finds that has just been started.
 *
 * It starts itself, from a process whose registers are full, while another
 * process keeps the floating-point registers full. Before anything else runs,
 * _start notes all registers, and whether the stack below holds anything. The
 * registers are zero, but for sp, a0 and a1; the stack holds the arguments.
 */
#include "check.h"

#define PAGE   4096ul
#define POISON 0xb5

struct start {
    uint64 x[32]; /* x[0] is not used */
    uint64 f[32];
    uint64 fcsr;
    uint64 below; /* every word of the stack below sp, ored */
};

extern struct start at_start;
void fill_and_exec(const char *path, char **arguments);
void fill_floats(void);

#define EACH(n, from, to) ".irp " #n ", " from "," to "\n"
#define LOW               "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define HIGH              "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

__asm__(".section .entry, \"ax\"\n"
        ".globl _start\n"
        "_start:\n"
        "    sd x5, -8(sp)\n"
        "    sd x6, -16(sp)\n"
        "    la x5, at_start\n"
        ".irp n, 1,2,3,4,7,8,9,10,11,12,13,14,15," HIGH "\n"
        "    sd x\\n, 8*\\n(x5)\n"
        ".endr\n" EACH(n, LOW, HIGH) "    fsd f\\n, 256+8*\\n(x5)\n"
                                     ".endr\n"
                                     "    frcsr x6\n"
                                     "    sd x6, 512(x5)\n"
                                     "    ld x6, -8(sp)\n"
                                     "    sd x6, 40(x5)\n"
                                     "    ld x6, -16(sp)\n"
                                     "    sd x6, 48(x5)\n"
                                     "    sd zero, -8(sp)\n"
                                     "    sd zero, -16(sp)\n"
                                     "    li x6, -4096\n"
                                     "    and x6, x6, sp\n"
                                     "    li x7, 0\n"
                                     "1:  beq x6, sp, 2f\n"
                                     "    ld x28, 0(x6)\n"
                                     "    or x7, x7, x28\n"
                                     "    addi x6, x6, 8\n"
                                     "    j 1b\n"
                                     "2:  sd x7, 520(x5)\n"
                                     "    call main\n"
                                     "    call exit\n"
                                     ".text\n"
                                     "fill_and_exec:\n"
                                     "    li x5, 0xb5b5b5b5b5b5b5b5\n"
                                     ".irp n, 1,3,4,6,7,8,9,12,13,14,15," HIGH
                                     "\n"
                                     "    mv x\\n, x5\n"
                                     ".endr\n"
                                     "    li a7, 7\n"
                                     "    ecall\n"
                                     "    unimp\n"
                                     "fill_floats:\n"
                                     "    li x5, 0xb5b5b5b5b5b5b5b5\n" EACH(
                                         n, LOW, HIGH) "    fmv.d.x f\\n, x5\n"
                                                       ".endr\n"
                                                       "    li x5, 0x7f\n"
                                                       "    fscsr x5\n"
                                                       "    ret\n");

struct start at_start;

static void check_registers(int argc, char **argv)
{
    const struct start *s = &at_start;
    for (int i = 1; i < 32; i++)
        if (i != 2 && i != 10 && i != 11 && s->x[i])
            printf("x%d is %lx\n", i, s->x[i]), check_failures++;
    for (int i = 0; i < 32; i++)
        if (s->f[i])
            printf("f%d is %lx\n", i, s->f[i]), check_failures++;
    CHECK(s->x[2] == (uint64)argv && s->x[2] % 16 == 0);
    CHECK(s->x[10] == (uint64)argc && s->x[11] == (uint64)argv);
    CHECK(s->fcsr == 0);
}

/* Every byte from the arguments' array to the end of the stack is part of the
 * array or of an argument, or zero. */
static void check_stack(int argc, char **argv)
{
    uint64 from = (uint64)(argv + argc + 1), end = ((uint64)argv | 4095) + 1;
    CHECK(at_start.below == 0);
    CHECK(argv[argc] == 0);
    for (int i = argc - 1; i >= 0; i--) {
        for (; from < (uint64)argv[i]; from++)
            CHECK(*(char *)from == 0);
        from += strlen(argv[i]) + 1;
    }
    for (; from < end; from++)
        CHECK(*(char *)from == 0);
}

/* Pages that will be given out next are full, and so are this stack and, as
 * far as a program can see to it, the kernel's. */
static void fill_pages(void)
{
    static char long_path[] = "\xb5\xb5\xb5\xb5\xb5/\xb5\xb5\xb5\xb5\xb5\xb5/x";
    if (fork() == 0) {
        char *heap = sbrk(64 * PAGE);
        memset(heap, POISON, 64 * PAGE);
        exit(open(long_path, 0) != -1);
    }
    wait(0);
}

static int start_one(int round)
{
    char *arguments[] = {"newborn", "looks", "three", "a longer argument", 0};
    arguments[4 - round % 3] = 0;
    fill_pages();
    if (fork() == 0) {
        fill_floats();
        fill_and_exec("/newborn", arguments);
    }
    int status = -2;
    wait(&status);
    return status;
}

int main(int argc, char **argv)
{
    int rounds = argc == 2 ? atoi(argv[1]) : 0;
    check_registers(argc, argv);
    check_stack(argc, argv);
    if (!rounds)
        return check_failures != 0;
    int neighbour = fork();
    while (neighbour == 0)
        fill_floats();
    for (int i = 0; i < rounds; i++)
        CHECK(start_one(i) == 0);
    kill(neighbour);
    wait(0);
    return check_result();
}
