/*
 * crashload SEED STEPS: writes, appends, unlinks, makes and removes folders
 * under /w, in steps that tests/crash/run knows, too: it has the same
 * generator. A step ends with one more byte in /w/steps and a sync; then the
 * console says so.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define FILES 24

static uint64 state;
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

    calf_format(path, sizeof(path), "/w/d%d/f%d", file % 4, file);
    calf_format(folder, sizeof(folder), "/w/e%d", file);
    if (kind < 5)
        put(path, kind < 3 ? O_TRUNC : 0, step, operation);
    else if (kind < 7)
        unlink(path);
    else if (mkdir(folder) < 0)
        CHECK(unlink(folder) == 0);
}

int main(int argc, char **argv)
{
    long seed, steps;
    int fd;

    if (argc != 3 || calf_number(argv[1], &seed) ||
        calf_number(argv[2], &steps))
        return 2;
    state = (uint64)seed * 2 + 1;
    CHECK(mkdir("/w") == 0);
    for (int i = 0; i < 4; i++) {
        char path[] = {'/', 'w', '/', 'd', (char)('0' + i), 0};
        CHECK(mkdir(path) == 0);
    }
    fd = open("/w/steps", O_WRONLY | O_CREATE);
    for (int step = 1; step <= steps; step++) {
        int operations = 1 + (int)pick(8);

        for (int i = 0; i < operations; i++)
            operate(step, i);
        CHECK(write(fd, "+", 1) == 1);
        CHECK(calf_write_file("/proc/disks", "sync\n") == 0);
        printf("synced %d\n", step);
    }
    close(fd);
    return check_result();
}
