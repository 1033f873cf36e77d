/*
 * crashload WRITERS SEED STEPS: that many processes write, overwrite, unlink,
 * make and remove folders, each under a folder of its own, /w0 and so on, in
 * steps that tests/crash/run knows, too: it has the same generator. A step ends
 * with one more byte in the file `steps` and a sync; then the console says so.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define FILES 24

static uint64 state;
static char top[16];
static char data[20000];

static uint64 pick(uint64 below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 16) % below;
}

/* Contents tell the step and the operation. */
static void put(const char *path, int truncate, int step, int operation)
{
    uint length = 1 + (uint)pick(pick(4) ? 3000 : sizeof(data));
    int fd = open(path, O_WRONLY | O_CREATE | truncate);

    CHECK(fd >= 0);
    for (uint i = 0; i < length; i++)
        data[i] = (char)((step * 7 + operation * 31 + i) % 251);
    CHECK(write(fd, data, (int)length) == (int)length);
    close(fd);
}

static void operate(int step, int operation)
{
    char path[32], folder[32];
    uint file = (uint)pick(FILES), kind = (uint)pick(8);

    calf_format(path, sizeof(path), "%s/d%d/f%d", top, file % 4, file);
    calf_format(folder, sizeof(folder), "%s/e%d", top, file);
    if (kind < 5)
        put(path, kind < 3 ? O_TRUNC : 0, step, operation);
    else if (kind < 7)
        unlink(path);
    else if (mkdir(folder) < 0)
        CHECK(unlink(folder) == 0);
}

static int work(int writer, long seed, long steps)
{
    char path[32], line[32];
    int fd;

    state = (uint64)(seed + writer) * 2 + 1;
    calf_format(top, sizeof(top), "/w%d", writer);
    CHECK(mkdir(top) == 0);
    for (int i = 0; i < 4; i++) {
        calf_format(path, sizeof(path), "%s/d%d", top, i);
        CHECK(mkdir(path) == 0);
    }
    calf_format(path, sizeof(path), "%s/steps", top);
    fd = open(path, O_WRONLY | O_CREATE);
    for (int step = 1; step <= steps; step++) {
        int operations = 1 + (int)pick(8);

        for (int i = 0; i < operations; i++)
            operate(step, i);
        CHECK(write(fd, "+", 1) == 1);
        CHECK(calf_write_file("/proc/disks", "sync\n") == 0);
        /* In one piece, whoever else writes lines. */
        write(1, line,
              calf_format(line, sizeof(line), "synced %d %d\n", writer, step));
    }
    close(fd);
    return check_failures != 0;
}

int main(int argc, char **argv)
{
    long writers, seed, steps;
    int status;

    if (argc != 4 || calf_number(argv[1], &writers) ||
        calf_number(argv[2], &seed) || calf_number(argv[3], &steps))
        return 2;
    for (int i = 0; i < writers; i++)
        if (fork() == 0)
            exit(work(i, seed, steps));
    while (wait(&status) > 0)
        CHECK(status == 0);
    return check_result();
}
