/*
 * Directories inside one another until one is refused: that happens while
 * there is still memory, and everything else goes on.
 */
#include "check.h"

#define TOO_MANY 100000

int main(void)
{
    int made = 0, pid, status;

    while (made < TOO_MANY && mkdir("d") == 0 && chdir("d") == 0)
        made++;
    printf("%d directories\n", made);
    CHECK(made >= 100 && made < TOO_MANY);
    CHECK(calf_meminfo("free") > 2000);
    pid = fork();
    if (pid == 0)
        exit(7);
    CHECK(pid > 0 && wait(&status) == pid && status == 7);
    return check_result();
}
