/*
 * crowd [GROUPS] [SECONDS]: several readers on one pipe, woken together again
 * and again, so that many threads are made ready on their way to sleep. Two
 * harts that each took the thread the other was leaving once stood for ever.
 */
#include "check.h"

#define READERS 3

static void reader(int *in, int *out)
{
    char c;

    close(in[1]);
    close(out[0]);
    while (read(in[0], &c, 1) == 1 && write(out[1], &c, 1) == 1)
        ;
    exit(0);
}

/* Hand out READERS bytes and collect them, for so long. */
static void group(long seconds)
{
    int in[2], out[2];
    char bytes[READERS] = {1, 2, 3};
    long rounds = 0;

    if (pipe(in) || pipe(out))
        exit(1);
    for (int i = 0; i < READERS; i++)
        if (fork() == 0)
            reader(in, out);
    close(in[0]);
    close(out[1]);
    uint64 end = calf_clock_ns() + seconds * 1000000000ul;
    for (; calf_clock_ns() < end; rounds++) {
        int want = READERS, got;
        if (write(in[1], bytes, READERS) != READERS)
            break;
        while (want > 0 && (got = read(out[0], bytes, want)) > 0)
            want -= got;
    }
    close(in[1]);
    while (wait(0) > 0)
        ;
    exit(rounds ? 0 : 1);
}

int main(int argc, char **argv)
{
    long groups = 6, seconds = 5;
    int status;

    if (argc > 1)
        calf_number(argv[1], &groups);
    if (argc > 2)
        calf_number(argv[2], &seconds);
    for (int i = 0; i < groups; i++)
        if (fork() == 0)
            group(seconds);
    while (wait(&status) > 0)
        CHECK(status == 0);
    return check_result();
}
