/*
 * lines WRITERS COUNT: processes that each write COUNT lines of their own
 * digit, every other one some dozen lines at once.
 */
#include "check.h"

static char text[1200];

static void write_lines(int digit, int count)
{
    int used = 0;

    for (int i = 0; i < count; i++) {
        int length = 5 + (i * 7 + digit) % 50;

        memset(text + used, '0' + digit, length);
        text[used + length] = '\n';
        used += length + 1;
        if (digit % 2 && used < 1000 && i < count - 1)
            continue;
        CHECK(write(1, text, used) == used);
        used = 0;
    }
    exit(check_failures);
}

int main(int argc, char **argv)
{
    int writers = argc > 1 ? atoi(argv[1]) : 4, status;
    int count = argc > 2 ? atoi(argv[2]) : 100;

    for (int i = 0; i < writers; i++)
        if (fork() == 0)
            write_lines(i, count);
    while (wait(&status) >= 0)
        CHECK(status == 0);
    return check_result();
}
