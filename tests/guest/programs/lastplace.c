/*
 * lastplace: the descriptors of a pipe when there is one place too few: either
 * both ends are there, or neither and nothing is kept.
 */
#include "check.h"

int main(void)
{
    static int fds[2] = {-77, -77};
    int fd, last = 0;

    while ((fd = dup(0)) >= 0)
        last = fd;
    close(last);
    long before = calf_meminfo("objects");
    CHECK(pipe(fds) == -1 && fds[0] == -77 && fds[1] == -77);
    CHECK(calf_meminfo("objects") == before);
    close(last - 1);
    CHECK(pipe(fds) == 0 && fds[0] == last - 1 && fds[1] == last);
    return check_result();
}
