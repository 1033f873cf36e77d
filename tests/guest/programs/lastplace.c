/*
 * lastplace: the descriptors of a pipe when the table has one place too few and
 * cannot grow: either both ends are there, or neither and nothing is kept.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define FIRST_SLOTS 16 /* that a table has before it needs memory */

int main(void)
{
    static int fds[2] = {-77, -77};
    long before = calf_meminfo("objects");
    int fail = open("/proc/fail", O_RDWR);

    CHECK(fail >= 0);
    while (dup(0) < FIRST_SLOTS - 1)
        continue;
    CHECK(write(fail, "1", 1) == 1);
    CHECK(pipe(fds) == -1 && fds[0] == -77 && fds[1] == -77);
    CHECK(pipe(fds) == 0 && fds[0] == FIRST_SLOTS);
    for (int fd = fail; close(fd) == 0; fd++)
        continue;
    CHECK(calf_meminfo("objects") <= before + 1); /* the table has grown */
    return check_result();
}
