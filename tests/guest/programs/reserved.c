/*
 * reserved: a trap ends a reservation. Else the store-conditional of one thread
 * could belong to the load-reserved of another, that ran meanwhile.
 */
#include "check.h"

#define TIMES 1000

static long word;

/* Each returns 0 if the SC has stored. */
long at_once(long *word);
long after_a_call(long *word);
long after_a_fault(long *word, long *to);
__asm__(".text\n"
        "at_once:\n"
        "    lr.d t0, (a0)\n"
        "    sc.d a0, t0, (a0)\n"
        "    ret\n"
        "after_a_call:\n"
        "    mv a5, a0\n"
        "    li a7, 11\n" /* getpid */
        "    lr.d t0, (a5)\n"
        "    ecall\n"
        "    sc.d a0, t0, (a5)\n"
        "    ret\n"
        "after_a_fault:\n"
        "    lr.d t0, (a0)\n"
        "    ld t1, (a1)\n"
        "    sc.d a0, t0, (a0)\n"
        "    ret\n");

int main(void)
{
    int stored[3] = {0};
    char *memory = sbrklazy(TIMES * 4096);
    CHECK(memory != (char *)-1L);
    word = 1;
    for (int i = 0; i < TIMES; i++) {
        stored[0] += !at_once(&word);
        stored[1] += !after_a_call(&word);
        stored[2] += !after_a_fault(&word, (long *)(memory + i * 4096));
    }
    CHECK(stored[0] > TIMES / 2);
    CHECK(stored[1] == 0);
    CHECK(stored[2] == 0);
    return check_result();
}
