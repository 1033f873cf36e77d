/*
 * Instructions in pages that are copied: linked by lowbuffer.ld, so that the
 * program may write its code. Of each round's children half change an
 * instruction, and see to it themselves that it is fetched anew. The others
 * write only a word beside it: they still have the instruction that was there,
 * whatever the frame of their copy held before, and on whichever hart.
 */
#include "check.h"

#define CHILDREN  6
#define TURNS     6
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

static int child(uint n)
{
    int expected = n % 2 ? (int)n + 1 : 1;

    if (n % 2) {
        *(volatile uint *)(uint64)value = RESULT(n + 1);
        __asm__ volatile("fence.i" ::: "memory");
    } else {
        beside = n;
    }
    for (int i = 0; i < TURNS; i++) {
        if (value() != expected)
            return 1;
        pause(1); /* and perhaps go on elsewhere */
    }
    return 0;
}

int main(int argc, char **argv)
{
    long rounds = 1;
    int status;

    CHECK(argc == 2 && calf_number(argv[1], &rounds) == 0);
    for (long i = 0; i < rounds && !check_failures; i++) {
        for (uint n = 0; n < CHILDREN; n++)
            if (fork() == 0)
                exit(child(n));
        for (int n = 0; n < CHILDREN; n++)
            CHECK(wait(&status) > 0 && status == 0);
        CHECK(value() == 1);
    }
    return check_result();
}
