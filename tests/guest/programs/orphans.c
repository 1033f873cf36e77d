/*
 * Orphans go to init and are reaped there: parents that end before their
 * children, three generations deep, some of the children already dead and
 * not waited for. When all have ended none may be left in the table.
 */
#include "check.h"

#define PARENTS 20
#define LEAVES  5

static char table[16384];

/* How many lines of the table of processes end in this program's name. */
static int count_ours(void)
{
    static const char name[] = "orphans\n";
    int count = 0;
    if (calf_read_file("/proc/processes", table, sizeof(table)) < 0)
        return -1;
    for (char *at = table; *at; at++)
        count += memcmp(at, name, sizeof(name) - 1) == 0;
    return count;
}

static void be_parent(int number)
{
    for (int i = 0; i < LEAVES; i++)
        if (fork() == 0) {
            fork();
            if (i % 2)
                pause(number % 4 + 1);
            exit(i);
        }
    exit(number);
}

int main(void)
{
    CHECK(count_ours() == 1);
    for (int i = 0; i < PARENTS; i++)
        if (fork() == 0)
            be_parent(i);
    for (int i = 0; i < PARENTS; i++)
        CHECK(wait(0) > 0);
    CHECK(wait(0) == -1);
    for (int tries = 0; count_ours() > 1 && tries < 100; tries++)
        pause(1);
    CHECK(count_ours() == 1);
    return check_result();
}
