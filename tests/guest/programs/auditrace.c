/*
 * auditrace [exec]: the audit and meminfo are read while processes fork and
 * exit, or exec, as fast as they can: nothing half made or half gone may show.
 */
#include "check.h"

#define PAGES 600

static char text[4096];
static char heap[PAGES * 4096];

static void churn(int with_exec)
{
    char *again[] = {"auditrace", "only", "start", 0};

    for (;;) {
        if (fork() == 0) {
            for (int k = 0; k < PAGES; k += 50)
                heap[k * 4096] = 1;
            if (with_exec)
                exec("/auditrace", again);
            exit(1);
        }
        wait(0);
    }
}

int main(int argc, char **argv)
{
    int pids[6];

    (void)argv;
    if (argc > 2)
        return 0;
    for (int i = 0; i < PAGES; i++)
        heap[i * 4096] = 1;
    for (int i = 0; i < 6; i++)
        if ((pids[i] = fork()) == 0)
            churn(argc > 1);
    for (int until = uptime() + 40; uptime() < until;) {
        calf_read_file("/proc/audit", text, sizeof(text));
        CHECK(memcmp(text, "audit: clean", 12) == 0);
        CHECK(calf_meminfo("free") > 0);
    }
    for (int i = 0; i < 6; i++)
        kill(pids[i]);
    while (wait(0) > 0)
        ;
    return check_result();
}
