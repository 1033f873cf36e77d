/*
 * Reads the console to bad addresses, which fails once a line is there, and
 * then to a good one: the line is still whole.
 */
#include "check.h"
#include "kernel/memlayout.h"

int main(void)
{
    static char line[64];

    CHECK(read(0, (char *)TRAPFRAME, 10) == -1);
    CHECK(read(0, (char *)check_result, 10) == -1);
    CHECK(read(0, line, sizeof(line)) == 9);
    printf("got %s", line);
    return check_result();
}
