/*
 * Names: how long, how deep, how many in one folder; what may be linked and
 * unlinked; and processes that create and remove the same names at once.
 */
#include "usertests.h"

static void test_folder_opens_to_read(void)
{
    expect(mkdir("d") == 0);
    expect(open("d", O_WRONLY) == -1 && open("d", O_RDWR) == -1);
    expect(open("d", O_CREATE) == -1 && open("d", O_TRUNC) == -1);
    expect(open("d", 0x8000) == -1);
    expect(open("d", O_CREATE | O_RDWR) == -1 && open(".", O_RDWR) == -1);
    int fd = open("d", O_RDONLY);
    expect(fd >= 0 && write(fd, "x", 1) == -1);
    remove_file("d");
}

/* The number of used records of a folder, and in `at` the one named. */
static int read_records(const char *folder, const char *name, struct dirent *at)
{
    struct dirent record;
    int fd = open(folder, O_RDONLY), n, count = 0;

    expect(fd >= 0 && sizeof(record) == 16);
    while ((n = read(fd, &record, 16)) == 16) {
        if (record.inum == 0)
            continue;
        count++;
        uint length = 0;
        while (length < DIRSIZ && record.name[length] != '\0')
            length++;
        if (length == strlen(name) && memcmp(record.name, name, length) == 0)
            *at = record;
    }
    expect(n == 0);
    close(fd);
    return count;
}

static void test_records(void)
{
    struct dirent record = {0};
    struct stat st;

    expect(mkdir("d") == 0);
    expect(read_records("d", ".", &record) == 2);
    expect(stat("d", &st) == 0 && record.inum == (ushort)st.ino);
    expect(st.size % 16 == 0);
    expect(read_records("d", "..", &record) == 2);
    expect(stat(".", &st) == 0 && record.inum == (ushort)st.ino);
    touch("d/file");
    expect(read_records("d", "file", &record) == 3);
    expect(stat("d/file", &st) == 0 && record.inum == (ushort)st.ino);
    touch("d/second");
    remove_file("d/file");
    memset(&record, 0, sizeof(record));
    expect(read_records("d", "file", &record) == 3 && record.inum == 0);
    remove_file("d/second");
    remove_file("d");
}

/* 14 characters count; longer names are cut without a word, also when they
 * are looked up, and in the middle of a path. */
static void test_name_lengths(void)
{
    static const char full[] = "fourteen-chars";
    struct dirent record = {0};

    expect(strlen(full) == DIRSIZ && mkdir("d") == 0);
    touch("d/thirteen-char");
    touch("d/fourteen-chars");
    expect(exists("d/fourteen-charsX") && exists("d/fourteen-chars-and-more"));
    touch("d/fourteen-charsYZ"); /* the same file */
    expect(read_records("d", full, &record) == 4);
    expect(memcmp(record.name, full, DIRSIZ) == 0);
    remove_file("d/fourteen-charsQ");
    expect(!exists("d/fourteen-chars") && exists("d/thirteen-char"));
    expect(!exists("d/thirteen-charX"));
    remove_file("d/thirteen-char");
    expect(mkdir("d/folder-of-15-ch") == 0 && mkdir("d/folder-of-15-c") == -1);
    touch("d/folder-of-15-cXX/inside");
    expect(exists("d/folder-of-15-c/inside"));
    remove_file("d/folder-of-15-c/inside");
    remove_file("d/folder-of-15-chars");
    remove_file("d");
}

static void test_paths(void)
{
    static char path[200];

    expect(mkdir("a") == 0 && mkdir("a/b") == 0);
    touch("a/b/c");
    expect(exists("./a/../a/./b//c") && exists("a///b/c"));
    expect(!exists("a/b/c/d") && !exists("a/x/../b/c") && !exists("a/b/c/.."));
    expect(exists("/") && exists("/..") && exists("/../.././"));
    expect(chdir("a/b") == 0 && exists("c") && exists("../b/c"));
    expect(chdir("c") == -1 && chdir("none") == -1 && chdir("../..") == 0);
    /* An empty path is the current folder. */
    expect(exists("") && chdir("") == 0 && exists("a"));
    expect(open("", O_CREATE | O_RDWR) == -1 && open("", O_RDWR) == -1);
    expect(mkdir("") == -1 && unlink("") == -1);
    expect(link("", "x") == -1 && link("a/b/c", "") == -1);
    expect(mknod("", 1, 1) == -1 && exec("", (char *[]){"x", 0}) == -1);
    /* 127 bytes are a path, 128 are not. */
    memset(path, '/', sizeof(path));
    memmove(path, "a/b", 3);
    strcpy(path + 126, "c");
    expect(strlen(path) == 127 && exists(path));
    path[126] = '/';
    strcpy(path + 127, "c");
    expect(strlen(path) == 128 && !exists(path));
    expect(mkdir(path) == -1 && unlink(path) == -1 && link(path, "y") == -1);
    remove_file("a/b/c");
    remove_file("a/b");
    remove_file("a");
}

static void test_link_refused(void)
{
    expect(mkdir("d") == 0 && mkdir("d/e") == 0);
    make_file("f", 10);
    expect(link("d", "x") == -1 && link(".", "x") == -1);
    expect(link("f", "f") == -1 && link("f", "d") == -1);
    expect(link("f", "d/e/../e") == -1 && link("none", "x") == -1);
    expect(link("f", "none/x") == -1 && link("f", "f/x") == -1);
    expect(link("f", "d/.") == -1 && link("f", "d/..") == -1);
    expect(link("f", "d/e/g") == 0);
    check_file("d/e/g", 10);
    expect(!exists("x"));
    remove_file("d/e/g");
    remove_file("d/e");
    remove_file("d");
    remove_file("f");
}

static void test_unlink_refused(void)
{
    expect(mkdir("d") == 0 && mkdir("d/e") == 0);
    touch("d/e/f");
    expect(unlink("d") == -1 && unlink("d/e") == -1 && unlink("/") == -1);
    expect(unlink(".") == -1 && unlink("..") == -1 && unlink("d/.") == -1);
    expect(unlink("d/e/..") == -1 && unlink("d/e/f/.") == -1);
    expect(unlink("none") == -1 && unlink("none/f") == -1);
    remove_file("d/e/f");
    expect(unlink("d/e/.") == -1);
    remove_file("d/e");
    expect(mkdir("d/e") == 0);
    remove_file("d/e");
    remove_file("d");
    expect(unlink("d") == -1 && !exists("d"));
}

/* The folder a process is in may lose its name. */
static void test_removed_current_folder(void)
{
    expect(mkdir("d") == 0);
    if (start() == 0) {
        expect(chdir("d") == 0 && unlink("../d") == 0);
        expect(open("f", O_CREATE | O_RDWR) == -1 && mkdir("e") == -1);
        expect(link("../none", "x") == -1 && !exists("f"));
        expect(chdir("..") == 0 && !exists("d") && mkdir("d") == 0);
        remove_file("d");
        exit(0);
    }
    finish(1);
    expect(!exists("d") && mkdir("d") == 0);
    remove_file("d");
}

static void test_51_deep(void)
{
    enum { DEPTH = 51 };

    for (int i = 0; i < DEPTH; i++)
        expect(mkdir("deep") == 0 && chdir("deep") == 0);
    make_file("bottom", 20);
    expect(exists("../deep/bottom"));
    remove_file("bottom");
    for (int i = 0; i < DEPTH; i++)
        expect(chdir("..") == 0 && unlink("deep") == 0);
}

static void test_many_names(void)
{
    enum { NAMES = 500 };
    struct dirent record;
    char name[16];
    struct stat st, after;

    expect(mkdir("d") == 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < NAMES; i++) {
            calf_format(name, sizeof(name), "d/n%d", i);
            touch(name);
        }
        expect(read_records("d", ".", &record) == NAMES + 2);
        expect(stat("d", &st) == 0 && st.size >= NAMES * 8);
        for (int i = NAMES; i-- > 0;) {
            calf_format(name, sizeof(name), "d/n%d", i);
            remove_file(name);
            if (i % 100 == 0)
                expect(!exists(name));
        }
        expect(read_records("d", ".", &record) == 2);
        expect(stat("d", &after) == 0 && after.size <= st.size);
    }
    remove_file("d");
}

/* Several processes, one set of names: a name that is found is whole. */
static void test_same_names(void)
{
    enum { PROCESSES = 4, ROUNDS = 150 };
    char name[4] = "x0";

    for (int i = 0; i < PROCESSES; i++) {
        if (start() == 0) {
            uint state = (uint)i;
            for (int k = 0; k < ROUNDS; k++) {
                name[1] = (char)('0' + next_random(&state) % 4);
                int fd = open(name, O_CREATE | O_RDWR);
                expect(fd >= 0);
                close(fd);
                if (next_random(&state) % 2)
                    unlink(name);
                else
                    link(name, "y");
                if (next_random(&state) % 4 == 0)
                    unlink("y");
            }
            exit(0);
        }
    }
    finish(PROCESSES);
    for (int i = 0; i < 4; i++) {
        name[1] = (char)('0' + i);
        unlink(name);
        expect(!exists(name));
    }
    unlink("y");
}

/* One name: of all who make it, one succeeds; of all who remove it, one. */
static void test_only_one_makes_it(void)
{
    enum { PROCESSES = 4, ROUNDS = 40 };

    for (int round = 0; round < ROUNDS; round++) {
        for (int removing = 0; removing < 2; removing++) {
            int successes = 0;
            for (int i = 0; i < PROCESSES; i++) {
                if (start() == 0)
                    exit(removing ? unlink("one") == 0 : mkdir("one") == 0);
            }
            for (int i = 0; i < PROCESSES; i++)
                successes += wait_one();
            if (successes != 1)
                fail("%d processes %s it", successes,
                     removing ? "removed" : "made");
        }
    }
}

/* Processes with names of their own in one folder, made and removed. */
static void test_own_names(void)
{
    enum { PROCESSES = 4, NAMES = 25, ROUNDS = 4 };
    struct dirent record;
    char name[16];

    expect(mkdir("d") == 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (start() == 0) {
            for (int k = 0; k < ROUNDS * NAMES; k++) {
                calf_format(name, sizeof(name), "d/p%d-%d", i, k % NAMES);
                if (k / NAMES % 2)
                    remove_file(name);
                else
                    make_file(name, (uint)k);
            }
            for (int k = 0; k < NAMES; k++) {
                calf_format(name, sizeof(name), "d/p%d-%d", i, k);
                expect(!exists(name));
            }
            exit(0);
        }
    }
    finish(PROCESSES);
    expect(read_records("d", ".", &record) == 2);
    remove_file("d");
}

/* A folder that one removes while others make things in it: nothing is made
 * in a folder that has gone. */
static void test_folder_races(void)
{
    enum { ROUNDS = 200 };

    for (int i = 0; i < 3; i++) {
        if (start() == 0) {
            for (int k = 0; k < ROUNDS; k++) {
                if (i == 0) {
                    mkdir("d");
                    unlink("d");
                } else {
                    int fd = open("d/f", O_CREATE | O_RDWR);
                    if (fd >= 0)
                        close(fd);
                    unlink("d/f");
                    if (i == 2 && mkdir("d/e") == 0)
                        unlink("d/e");
                }
            }
            exit(0);
        }
    }
    finish(3);
    unlink("d/f");
    unlink("d/e");
    unlink("d");
    expect(!exists("d"));
}

const struct test directory_tests[] = {
    {"folder-opens-to-read", test_folder_opens_to_read, 0},
    {"folder-records", test_records, 0},
    {"name-lengths", test_name_lengths, 0},
    {"paths", test_paths, 0},
    {"link-refused", test_link_refused, 0},
    {"unlink-refused", test_unlink_refused, 0},
    {"removed-current-folder", test_removed_current_folder, 0},
    {"fifty-one-deep", test_51_deep, 0},
    {"many-names", test_many_names, 0},
    {"same-names", test_same_names, 0},
    {"only-one-makes-it", test_only_one_makes_it, 0},
    {"own-names", test_own_names, 0},
    {"folder-races", test_folder_races, 0},
    {0, 0, 0},
};
