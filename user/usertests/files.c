/*
 * Files: how they are opened, what they tell of themselves, positions that
 * are shared, files that are open and have no name, and many at once.
 */
#include "usertests.h"

#define LARGE_FILE (268 * 1024)

static void test_open_flags(void)
{
    int fd;

    expect(open("f", O_RDONLY) == -1 && open("f", O_RDWR) == -1);
    expect(open("f", O_TRUNC | O_WRONLY) == -1);
    make_file("f", 100);
    fd = open("f", O_RDONLY);
    expect(write(fd, "x", 1) == -1 && read(fd, work, 1) == 1);
    close(fd);
    fd = open("f", O_WRONLY);
    expect(read(fd, work, 1) == -1 && write(fd, work, 1) == 1);
    close(fd);
    check_file("f", 100);
    fd = open("f", O_RDWR | O_CREATE); /* exists: opened, not emptied */
    expect(read(fd, work, 200) == 100);
    close(fd);
    close(open("f", O_CREATE | O_TRUNC | O_RDWR));
    check_file("f", 0);
    remove_file("f");
    fd = open("f", O_CREATE); /* created, to be read only */
    expect(fd >= 0 && write(fd, "x", 1) == -1 && read(fd, work, 1) == 0);
    close(fd);
    remove_file("f");
}

static void test_lowest_descriptor(void)
{
    int first = lowest_free();
    int fds[6];

    touch("f");
    for (int i = 0; i < 6; i++)
        expect((fds[i] = open("f", O_RDONLY)) == first + i);
    close(fds[4]);
    close(fds[1]);
    expect(dup(fds[0]) == fds[1] && open("f", O_RDONLY) == fds[4]);
    expect(dup(fds[0]) == first + 6);
    close(0);
    expect(open("f", O_RDONLY) == 0);
    remove_file("f");
}

/* Without a descriptor for it nothing is opened, and so nothing is done. */
static void test_open_without_descriptor(void)
{
    struct stat st;
    int first = lowest_free();

    make_file("f", 1234);
    while (dup(0) >= 0)
        continue;
    expect(open("f", O_WRONLY | O_TRUNC) == -1);
    expect(open("g", O_CREATE | O_RDWR) == -1);
    for (int fd = first; close(fd) == 0; fd++)
        continue;
    expect(stat("f", &st) == 0 && st.size == 1234);
    expect(!exists("g"));
    remove_file("f");
}

static void test_stat(void)
{
    struct stat st, other;
    int fd;

    memset(&st, 0x55, sizeof(st));
    make_file("f", 1234);
    fd = open("f", O_RDONLY);
    /* 24 bytes, not one more. */
    memset(work, 0x55, 64);
    expect(fstat(fd, (struct stat *)(work + 8)) == 0);
    expect(work[7] == 0x55 && work[8 + 24] == 0x55);
    memmove(&st, work + 8, sizeof(st));
    expect(st.type == 2 && st.nlink == 1 && st.size == 1234 && st.ino != 0);
    expect(work[8 + 8] == 2 && work[8 + 10] == 1 && work[8 + 16] == (char)210);
    expect(stat("f", &other) == 0 && memcmp(&st, &other, sizeof(st)) == 0);
    expect(link("f", "g") == 0 && fstat(fd, &other) == 0 && other.nlink == 2);
    expect(stat("g", &other) == 0 && other.ino == st.ino);
    expect(stat(".", &other) == 0 && other.type == 1 && other.dev == st.dev);
    expect(mknod("d", CONSOLE, 0) == 0 && stat("d", &other) == 0);
    expect(other.type == 3);
    touch("h");
    expect(stat("h", &other) == 0 && other.ino != st.ino && other.size == 0);
    expect(stat("none", &other) == -1);
    remove_file("d");
    remove_file("f");
    expect(fstat(fd, &other) == 0 && other.nlink == 1);
    remove_file("g");
    expect(fstat(fd, &other) == 0 && other.nlink == 0 && other.size == 1234);
    remove_file("h");
}

static void test_console_device(void)
{
    int fd;

    expect(mknod("c", CONSOLE, 0) == 0 && mknod("c", CONSOLE, 0) == -1);
    fd = open("c", O_RDWR);
    expect(fd >= 0 && write(fd, "", 0) == 0);
    close(fd);
    expect(mknod("nothing", 9, 9) == 0);
    fd = open("nothing", O_RDWR);
    expect(fd == -1 || read(fd, work, 1) == -1);
    if (fd >= 0)
        close(fd);
    expect(mknod("no/folder", 1, 1) == -1);
    /* Any number makes a node. */
    expect(mknod("any", -1, -1) == 0 && open("any", O_RDWR) == -1);
    remove_file("any");
    remove_file("c");
    remove_file("nothing");
}

/* Reads and writes in pieces that meet the ends of blocks and pages. */
static void test_pieces(void)
{
    static const int sizes[] = {1, 13, 511, 512, 1023, 1025, 4095, 4097, 9999};
    enum { BYTES = 30000 };
    int fd, n;

    for (uint i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fd = open("f", O_CREATE | O_TRUNC | O_RDWR);
        for (int at = 0; at < BYTES; at += n) {
            n = BYTES - at < sizes[i] ? BYTES - at : sizes[i];
            for (int k = 0; k < n; k++)
                work[k] = pattern_byte((uint)(at + k));
            expect(write(fd, work, n) == n);
        }
        expect(read(fd, work, 1) == 0); /* it stands at the end */
        close(fd);
        check_file("f", BYTES);
        fd = open("f", O_RDONLY);
        for (int at = 0; (n = read(fd, work, sizes[i])) > 0; at += n) {
            expect(n == (BYTES - at < sizes[i] ? BYTES - at : sizes[i]));
            expect(work[n - 1] == pattern_byte((uint)(at + n - 1)));
        }
        close(fd);
    }
    remove_file("f");
}

static void test_large_file(void)
{
    make_file("large", LARGE_FILE);
    check_file("large", LARGE_FILE);
    make_file("large", 10); /* emptied first */
    check_file("large", 10);
    remove_file("large");
    expect(!exists("large"));
}

static void test_shared_position(void)
{
    int fd = open("f", O_CREATE | O_RDWR), twin = dup(fd), other;

    expect(write(fd, "ab", 2) == 2 && write(twin, "cd", 2) == 2);
    for (int i = 0; i < 4; i++) {
        if (start() == 0) {
            for (int k = 0; k < 50; k++)
                expect(write(fd, "12345678", 8) == 8);
            exit(0);
        }
    }
    finish(4);
    other = open("f", O_RDONLY); /* has one of its own */
    expect(read(other, work, 4000) == 4 + 4 * 50 * 8);
    expect(memcmp(work, "abcd12345678", 12) == 0);
    for (int i = 4; i < 1604; i += 8)
        expect(memcmp(work + i, "12345678", 8) == 0);
    close(fd);
    expect(write(twin, "z", 1) == 1);
    expect(read(other, work, 9) == 1);
    remove_file("f");
}

static void test_unlinked_while_open(void)
{
    int fd;

    make_file("f", 6000);
    fd = open("f", O_RDWR);
    remove_file("f");
    expect(!exists("f"));
    expect(read(fd, work, 6000) == 6000 && work[5999] == pattern_byte(5999));
    expect(write(fd, "more", 4) == 4);
    touch("f"); /* another file of this name */
    check_file("f", 0);
    remove_file("f");
    if (start() == 0) {
        close(fd);
        exit(0);
    }
    finish(1);
    expect(write(fd, "more", 4) == 4);
    close(fd);
}

/* Emptied by one, while another has it open further on, who then cannot write
 * until the file has grown to there again. */
static void test_truncated_while_open(void)
{
    int fd, other;

    make_file("f", 5000);
    fd = open("f", O_RDWR);
    expect(read(fd, work, 4500) == 4500);
    other = open("f", O_WRONLY | O_TRUNC);
    expect(read(fd, work, 100) == 0);
    expect(write(fd, "x", 1) == -1 && write(fd, work, 5000) == -1);
    expect(write(fd, work, 0) == 0);
    check_file("f", 0);
    expect(write(other, work, 4499) == 4499 && write(fd, "x", 1) == -1);
    expect(write(other, "y", 1) == 1 && write(fd, "x", 1) == 1);
    close(other);
    close(fd);
    fd = open("f", O_RDONLY);
    expect(read(fd, work, 5000) == 4501);
    expect(work[4499] == 'y' && work[4500] == 'x');
    remove_file("f");
}

/* A file that is gone leaves its number to another: numbers stay small. */
static void test_inode_numbers(void)
{
    struct stat st;
    uint first = 0;

    for (int i = 0; i < 300; i++) {
        touch("f");
        expect(stat("f", &st) == 0);
        if (i == 0)
            first = st.ino;
        if (st.ino > first)
            fail("file %d has the number %u, the first had %u", i, st.ino,
                 first);
        remove_file("f");
    }
}

/* Hundreds of open files, in several processes, all of one file each. */
static void test_open_files(void)
{
    enum { PROCESSES = 6, FILES = 100 };
    char name[8] = "f0";

    for (int i = 0; i < PROCESSES; i++) {
        name[1] = (char)('0' + i);
        if (start() == 0) {
            make_file(name, FILES);
            int first = lowest_free();
            for (int k = 0; k < FILES; k++) {
                int fd = open(name, O_RDONLY);
                if (fd != first + k)
                    fail("open file %d has descriptor %d", k, fd);
                expect(read(fd, work, k) == k);
            }
            for (int k = 0; k < FILES; k++) {
                expect(read(first + k, work, 1) == 1);
                expect(work[0] == pattern_byte((uint)k));
            }
            remove_file(name);
            exit(0);
        }
    }
    finish(PROCESSES);
}

static void test_links(void)
{
    enum { LINKS = 500 };
    char name[16];
    struct stat st;

    make_file("f", 50);
    for (int i = 0; i < LINKS; i++) {
        calf_format(name, sizeof(name), "l%d", i);
        expect(link("f", name) == 0);
    }
    expect(stat("f", &st) == 0 && st.nlink == LINKS + 1);
    remove_file("f");
    check_file("l499", 50);
    for (int i = 0; i < LINKS; i++) {
        calf_format(name, sizeof(name), "l%d", i);
        remove_file(name);
    }
    expect(!exists("l499") && link("f", "g") == -1);
}

/* Processes that write files of their own at the same time. */
static void test_writers(void)
{
    enum { PROCESSES = 4 };
    char name[8] = "w0";

    for (int i = 0; i < PROCESSES; i++) {
        name[1] = (char)('0' + i);
        if (start() == 0) {
            for (int k = 0; k < 3; k++)
                make_file(name, 9000 + 3000 * (uint)i);
            exit(0);
        }
    }
    finish(PROCESSES);
    for (int i = 0; i < PROCESSES; i++) {
        name[1] = (char)('0' + i);
        check_file(name, 9000 + 3000 * (uint)i);
        remove_file(name);
    }
}

const struct test file_tests[] = {
    {"open-flags", test_open_flags, 0},
    {"lowest-descriptor", test_lowest_descriptor, 0},
    {"open-without-descriptor", test_open_without_descriptor, 0},
    {"stat", test_stat, 0},
    {"console-device", test_console_device, 0},
    {"file-pieces", test_pieces, 0},
    {"file-of-268-k", test_large_file, 0},
    {"shared-position", test_shared_position, 0},
    {"unlinked-while-open", test_unlinked_while_open, 0},
    {"truncated-while-open", test_truncated_while_open, 0},
    {"inode-numbers", test_inode_numbers, 0},
    {"open-files", test_open_files, 0},
    {"five-hundred-links", test_links, 0},
    {"file-writers", test_writers, 0},
    {0, 0, 0},
};
