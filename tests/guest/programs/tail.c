/*
 * tail SIZE: this program's code is mapped from its file, which ends in the
 * middle of a page, SIZE bytes from the first. What follows there is zero.
 *
 * Nothing here has a first value but zero, so the file may end so.
 */
#include "check.h"

int main(int argc, char **argv)
{
    volatile char *at = 0;
    long size = argc > 1 ? atoi(argv[1]) : 0;
    CHECK(size % 4096);
    for (long i = size; i % 4096; i++)
        CHECK(at[i] == 0);
    return check_result();
}
