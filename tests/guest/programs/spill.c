/*
 * spill SEED: what a file system writes to its disk is what it means to write.
 *
 * Nearly all memory is filled with words that SEED makes, by a process that
 * then ends, so that every page given out later holds them. Then files and
 * folders of many kinds are made, cut, and removed. Whoever runs this looks
 * for the words on the disk.
 */
#include "check.h"
#include "kernel/fcntl.h"

/* The heap grows by so much until it cannot, all of it full. */
static void grow(int step, uint64 word)
{
    char *heap;
    while ((heap = sbrk(step)) != (char *)-1)
        for (int at = 0; at < step; at += sizeof word)
            *(uint64 *)(heap + at) = word;
}

static void fill_memory(uint64 word)
{
    if (fork() == 0) {
        grow(1 << 20, word);
        grow(4096, word); /* what is left is given out first */
        exit(0);
    }
    wait(0);
}

static char text[] = "a few bytes, again and again";

static void write_file(const char *path, int bytes, int fails)
{
    int fd = open(path, O_CREATE | O_RDWR | O_TRUNC);
    CHECK(fd >= 0);
    while (bytes > 0) {
        int part = bytes < (int)sizeof text ? bytes : (int)sizeof text;
        CHECK(write(fd, text, part) == part);
        bytes -= part;
    }
    /* A write of which nothing, and one of which a part can be had. */
    CHECK(!fails || write(fd, (char *)(1ul << 37), 100) == -1);
    if (fails)
        (void)write(fd, (char *)(((uint64)sbrk(0) | 4095) + 1 - 4096 - 10),
                    5000);
    close(fd);
}

static void make_folder(int number)
{
    static const int sizes[] = {0, 1, 29, 1023, 1025, 4097, 50000, 300000};
    char path[64];
    calf_format(path, sizeof path, "/d%d", number);
    CHECK(mkdir(path) == 0);
    for (int i = 0; i < 8; i++) {
        calf_format(path, sizeof path, "/d%d/f%d", number, i);
        write_file(path, sizes[i], i % 2);
        if (i % 3 == 1)
            write_file(path, 3, number % 2);
    }
    for (int i = 0; i < 40; i++) {
        calf_format(path, sizeof path, "/d%d/n%d-%s", number, i,
                    "long" + i % 4);
        CHECK(mknod(path, 1, 0) == 0);
        if (i % 2)
            CHECK(unlink(path) == 0);
    }
}

int main(int argc, char **argv)
{
    uint64 word = argc > 1 ? (uint64)atoi(argv[1]) * 0x9e3779b97f4a7c15ul : 0;
    for (int i = 0; i < 4; i++) {
        fill_memory(word);
        make_folder(i);
        CHECK(calf_write_file("/proc/disks", "sync") == 0);
    }
    return check_result();
}
