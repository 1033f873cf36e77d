/*
 * renames WORKERS SECONDS: a storm. Each worker moves a file of its own around
 * between folders, and folders into each other's, while others make, remove and
 * list the same ones. Its file is never lost, nor there twice, and has its
 * contents; no worker gets stuck, or does much less than the others.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"

enum { FOLDERS = 3, MOST = 8 };

static uint state;
static long done;

static uint draw(uint below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

static void name(char *to, uint folder, int worker)
{
    calf_format(to, 32, "d%d/w%d", folder, worker);
}

/* The own file goes from one folder to another, or to another name and back. */
static uint move_own(uint at, int worker)
{
    char from[32], to[32];
    uint next = draw(FOLDERS);

    name(from, at, worker);
    name(to, next, worker);
    CHECK(calf_rename(from, to) == 0);
    if (draw(8) == 0) {
        calf_format(from, sizeof(from), "d%d/other%d", at, worker);
        CHECK(calf_rename(to, from) == 0 && calf_rename(from, to) == 0);
    }
    return next;
}

/* A folder below a folder, in and out again; two workers may try to put two
 * into each other. What all change may be there or not. */
static void move_shared(void)
{
    char a[32], b[32];

    calf_format(a, sizeof(a), "d%d/s%d", draw(FOLDERS), draw(3));
    calf_format(b, sizeof(b), "d%d/s%d/s%d", draw(FOLDERS), draw(3), draw(3));
    switch (draw(6)) {
    case 0:
        mkdir(a);
        break;
    case 1:
        unlink(draw(2) ? a : b);
        break;
    case 2:
        calf_rename(a, b);
        break;
    case 3:
        calf_rename(b, a);
        break;
    case 4:
        calf_symlink("../d0", a);
        break;
    default:
        close(open(b, O_CREATE | O_RDWR));
    }
}

static void check_own(uint at, int worker)
{
    char path[32], text[8] = {0};
    int fd;

    name(path, at, worker);
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, sizeof(text)) == 1);
    CHECK(text[0] == '0' + worker);
    close(fd);
    for (uint i = 0; i < FOLDERS; i++) {
        name(path, i, worker);
        if (i != at)
            CHECK(open(path, O_RDONLY) == -1);
    }
}

static void work(int worker, int until, int report)
{
    char path[32], text[1] = {(char)('0' + worker)};
    uint at = 0;
    int fd;

    state = (uint)worker * 7919 + 1;
    name(path, at, worker);
    fd = open(path, O_CREATE | O_WRONLY);
    CHECK(write(fd, text, 1) == 1);
    close(fd);
    for (; uptime() < until; done++) {
        at = move_own(at, worker);
        move_shared();
        if (draw(16) == 0)
            check_own(at, worker);
    }
    check_own(at, worker);
    name(path, at, worker);
    CHECK(unlink(path) == 0);
    write(report, &done, sizeof(done));
    exit(check_failures != 0);
}

/* Removes what can be removed in the current folder; a folder that cannot, or
 * none. */
static int find_folder(char *folder)
{
    struct dirent record;
    int fd = open(".", O_RDONLY), found = 0;

    memset(folder, 0, DIRSIZ + 1);
    while (read(fd, &record, sizeof(record)) == sizeof(record)) {
        if (record.inum == 0 || record.name[0] == '.')
            continue;
        memmove(folder, record.name, DIRSIZ);
        found = unlink(folder) < 0;
        if (found)
            break;
    }
    close(fd);
    return found;
}

/* Removes all that is left in a folder: others may lie in each other. */
static void clean_up(const char *path)
{
    char folder[DIRSIZ + 1];
    int depth = 0;

    CHECK(chdir(path) == 0);
    while (depth >= 0) {
        int down = find_folder(folder);

        CHECK(chdir(down ? folder : "..") == 0);
        depth += down ? 1 : -1;
    }
}

int main(int argc, char **argv)
{
    long workers, seconds, count, least = 0, most = 0;
    int ends[2], status;
    char path[8];

    if (argc != 3 || calf_number(argv[1], &workers) < 0 || workers > MOST ||
        calf_number(argv[2], &seconds) < 0 || pipe(ends) < 0)
        return 2;
    for (int i = 0; i < FOLDERS; i++) {
        calf_format(path, sizeof(path), "d%d", i);
        CHECK(mkdir(path) == 0);
    }
    for (int i = 0; i < workers; i++)
        if (fork() == 0)
            work(i, uptime() + (int)seconds * 10, ends[1]);
    close(ends[1]);
    for (int i = 0; i < workers; i++) {
        CHECK(wait(&status) > 0 && status == 0);
        CHECK(read(ends[0], &count, sizeof(count)) == sizeof(count));
        least = i == 0 || count < least ? count : least;
        most = count > most ? count : most;
    }
    CHECK(least * 10 > most);
    for (int i = 0; i < FOLDERS; i++) {
        calf_format(path, sizeof(path), "d%d", i);
        clean_up(path);
        CHECK(unlink(path) == 0);
    }
    printf("%ld to %ld turns\n", least, most);
    return check_result();
}
