/*
 * ps: shows the processes, as the kernel lists them in /proc/processes.
 */
#include "calf.h"
#include "kernel/fcntl.h"

int main(void)
{
    int fd = open("/proc/processes", O_RDONLY);

    if (fd < 0 || calf_copy(fd, 1) < 0) {
        fprintf(2, "ps: cannot read /proc/processes\n");
        return 1;
    }
    return 0;
}
