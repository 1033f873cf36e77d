/*
 * kill PID...: marks processes to end; each does so at its next way out of the
 * kernel.
 */
#include "calf.h"

int main(int argc, char **argv)
{
    int status = 0;

    if (argc < 2) {
        fprintf(2, "usage: kill PID...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        long pid;
        if (calf_number(argv[i], &pid) < 0 || pid != (int)pid) {
            fprintf(2, "kill: not a process number: %s\n", argv[i]);
            status = 1;
        } else if (kill((int)pid) < 0) {
            fprintf(2, "kill: no process %s\n", argv[i]);
            status = 1;
        }
    }
    return status;
}
