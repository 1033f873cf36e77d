/*
 * A program as the course text would have it, to see that such programs
 * compile and run as they are: it includes what those include, and nothing of
 * Calf's own. Processes in a ring pass a token round, each through a pipe.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"

#define RING 8

int main(int argc, char *argv[])
{
    int rounds = 5;
    int left[2], right[2];
    int i, n, pid = 0;

    if (argc > 2) {
        fprintf(2, "usage: token [rounds]\n");
        exit(1);
    }
    if (argc == 2)
        rounds = atoi(argv[1]);

    if (pipe(left) < 0) {
        printf("token: pipe failed\n");
        exit(1);
    }
    int first = left[1];
    for (i = 0; i < RING - 1; i++) {
        if (pipe(right) < 0 || (pid = fork()) < 0) {
            printf("token: no room for process %d\n", i);
            exit(1);
        }
        if (pid == 0) {
            close(first);
            close(right[0]);
            while (read(left[0], &n, sizeof(n)) == sizeof(n)) {
                n++;
                write(right[1], &n, sizeof(n));
            }
            exit(i);
        }
        close(left[0]);
        close(right[1]);
        left[0] = right[0];
    }

    n = 0;
    for (i = 0; i < rounds; i++) {
        write(first, &n, sizeof(n));
        if (read(left[0], &n, sizeof(n)) != sizeof(n)) {
            printf("token: lost\n");
            exit(1);
        }
    }
    close(first);

    int sum = 0, status;
    while (wait(&status) >= 0)
        sum += status;
    printf("token: %d passes, sum %d\n", n, sum);
    exit(0);
}
