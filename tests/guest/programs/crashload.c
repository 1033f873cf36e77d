/*
 * crashload WRITERS SEED STEPS: that many processes write, overwrite, rename
 * and unlink files (some of them open), make symbolic links, make, move,
 * replace and remove folders that are empty or have a file in them, and replace
 * a file by another, each under a folder of its own, /w0 and so on, in steps
 * that tests/crash/run knows, too: it has the same generator. A step ends with
 * one more byte in the file `steps` and a sync; then the console says so.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define FILES   24
#define FOLDERS 8
#define ORPHANS 4

static uint64 state;
static char top[16];
static char data[20000];
static int orphans[ORPHANS]; /* open, without a name */

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

static void remove_open(const char *path)
{
    static uint next;
    int fd = open(path, O_RDONLY);

    unlink(path);
    close(orphans[next]);
    orphans[next] = fd;
    next = (next + 1) % ORPHANS;
}

static int is_link(const char *path)
{
    char target[1];

    return calf_readlink(path, target, sizeof(target)) > 0;
}

/* Short and long ones, which lead nowhere. */
static void make_link(const char *path, int step, int operation)
{
    char target[128];

    int used =
        calf_format(target, sizeof(target), "/none/%d/%d", step, operation);
    int more = operation % 2 ? 40 : 1;

    while (more-- > 0)
        used += calf_format(target + used, sizeof(target) - (uint)used, "/0");
    unlink(path);
    CHECK(calf_symlink(target, path) == 0);
}

/* Each file and folder has a folder that it lies in. */
static void name_it(char *path, uint size, uint number, char what)
{
    calf_format(path, size, "%s/d%d/%c%d", top, number % 4, what, number);
}

static void change_folder(const char *path, uint kind, int step, int operation)
{
    char inside[32], other[32];
    int fd = open(path, O_RDONLY);

    close(fd);
    calf_format(inside, sizeof(inside), "%s/in", path);
    switch (kind) {
    case 10:
    case 11:
        name_it(other, sizeof(other), (uint)pick(FOLDERS), 'e');
        calf_rename(path, other);
        break;
    case 12:
        if (fd < 0)
            mkdir(path);
        else
            unlink(path);
        break;
    case 13:
        if (fd >= 0)
            put(inside, O_TRUNC, step, operation);
        break;
    default:
        unlink(inside);
    }
}

static void operate(int step, int operation)
{
    char path[32], other[32];
    uint file = (uint)pick(FILES), kind = (uint)pick(15);

    if (kind < 10)
        name_it(path, sizeof(path), file, 'f');
    else
        name_it(path, sizeof(path), file % FOLDERS, 'e');
    if (kind < 5 && is_link(path))
        unlink(path);
    if (kind < 5) {
        put(path, kind < 3 ? O_TRUNC : 0, step, operation);
    } else if (kind == 5) {
        unlink(path);
    } else if (kind == 6) {
        remove_open(path);
    } else if (kind == 7) {
        make_link(path, step, operation);
    } else if (kind < 10) {
        name_it(other, sizeof(other), (uint)pick(FILES), 'f');
        calf_rename(path, other);
    } else {
        change_folder(path, kind, step, operation);
    }
}

/* Never is there none, or half of one. */
static void replace(int step)
{
    char path[32], other[32];

    calf_format(path, sizeof(path), "%s/new", top);
    calf_format(other, sizeof(other), "%s/current", top);
    put(path, O_TRUNC, step, 8);
    CHECK(calf_rename(path, other) == 0);
}

static int work(int writer, long seed, long steps)
{
    char path[32], line[32];
    int fd;

    state = (uint64)(seed + writer) * 2 + 1;
    for (int i = 0; i < ORPHANS; i++)
        orphans[i] = -1;
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
        replace(step);
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
