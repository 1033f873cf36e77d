/*
 * oldcode ROUNDS: instructions in pages that are copied. It is linked by
 * lowbuffer.ld, so that it may write its code. Of its children, one after the
 * other, every second changes an instruction, and sees to it itself that it is
 * fetched anew. The others write only a word beside it: they still have the
 * instruction that was there, whatever the frame of their copy held before, and
 * on whichever hart. Two more processes compute, so that children move around.
 */
#include "check.h"

#define BUSY      2
#define TURNS     20
#define A_WHILE   20000
#define RESULT(n) (0x00000513u | (n) << 20) /* li a0, n */

__asm__(".pushsection .text.value, \"ax\"\n"
        ".option push\n"
        ".option norvc\n"
        ".balign 4096\n"
        "value:\n"
        "    li a0, 1\n"
        "    ret\n"
        "beside:\n"
        "    .word 0\n"
        ".balign 4096\n"
        ".option pop\n"
        ".popsection\n");

extern int value(void);
extern volatile uint beside;

static void compute(void)
{
    for (volatile int i = 0; i < A_WHILE; i++)
        ;
}

static int child(uint n)
{
    int expected = n % 2 ? (int)n % 100 + 2 : 1;

    if (n % 2) {
        *(volatile uint *)(uint64)value = RESULT((uint)expected);
        __asm__ volatile("fence.i" ::: "memory");
    } else {
        beside = n;
    }
    for (int i = 0; i < TURNS; i++) {
        if (value() != expected)
            return 1;
        compute();
    }
    return 0;
}

int main(int argc, char **argv)
{
    int busy[BUSY], status;
    long rounds;

    if (argc != 2 || calf_number(argv[1], &rounds) < 0)
        return 2;
    for (int i = 0; i < BUSY; i++)
        if ((busy[i] = fork()) == 0)
            for (;;)
                compute();
    for (uint n = 0; n < rounds && !check_failures; n++) {
        if (fork() == 0)
            exit(child(n));
        CHECK(wait(&status) > 0 && status == 0);
        CHECK(value() == 1);
    }
    for (int i = 0; i < BUSY; i++) {
        kill(busy[i]);
        CHECK(wait(0) == busy[i]);
    }
    return check_result();
}
