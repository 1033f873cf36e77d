/*
 * exec: how a program starts, what it keeps, and how it is refused. The other
 * end of most tests is this program again, whose first argument is then a word
 * that begins with @.
 */
#include "usertests.h"

#define MOST 31 /* arguments exec takes */

extern char end[]; /* user.ld: of the image */

static char long_word[PGSIZE + 1];
static char *arguments[MOST + 10];

static const char *word_number(int i)
{
    static char text[24];

    calf_format(text, sizeof(text), "argument-%d%s", i, i % 3 ? "" : " x");
    return text;
}

/* Where things are in a program that has just started. */
static int check_start(int argc, char **argv)
{
    uint64 image_end = PGROUNDUP((uint64)end);
    uint64 stack = image_end + PGSIZE;
    uint64 strings = (uint64)&argv[argc + 1];

    if ((uint64)sbrk(0) != stack + PGSIZE)
        return 10;
    if (r_sp() % 16 != 0 || r_sp() > (uint64)argv)
        return 11;
    if ((uint64)argv % 8 != 0 || argv[argc] != 0)
        return 12;
    for (int i = 0; i < argc; i++) {
        uint64 at = (uint64)argv[i];
        if (at < strings || at + strlen(argv[i]) >= stack + PGSIZE)
            return 13;
    }
    return 0;
}

static int check_words(int argc, char **argv)
{
    if (argc != MOST)
        return 20;
    for (int i = 2; i < argc; i++) {
        if (!calf_same(argv[i], word_number(i)))
            return 21;
    }
    return 0;
}

/* The descriptor is open, at the file's 4th byte; and we are in a folder. */
static int check_kept(int fd)
{
    char byte;

    if (read(fd, &byte, 1) != 1 || byte != pattern_byte(3))
        return 30;
    if (close(fd) < 0 || lowest_free() != fd || !exists("in-inner"))
        return 31;
    return 0;
}

int other_end(int argc, char **argv)
{
    int result = check_start(argc, argv);

    if (result != 0)
        return result;
    if (calf_same(argv[1], "@words"))
        return check_words(argc, argv);
    if (calf_same(argv[1], "@kept"))
        return check_kept(atoi(argv[2]));
    if (calf_same(argv[1], "@status"))
        return atoi(argv[2]);
    if (calf_same(argv[1], "@length"))
        return (int)strlen(argv[2]) - atoi(argv[3]);
    return calf_same(argv[1], "@layout") ? 0 : 99;
}

/* exec in a child: its status, or -2 if exec came back. */
static int exec_status(const char *path, char **argv)
{
    if (start() == 0) {
        exec(path, argv);
        exit(-2);
    }
    return wait_one();
}

static void test_exec_words(void)
{
    static char words[MOST][24];

    for (int i = 2; i < MOST; i++)
        arguments[i] = strcpy(words[i], word_number(i));
    arguments[0] = "x";
    arguments[1] = "@words";
    arguments[MOST] = 0;
    expect(exec_status(self, arguments) == 0);
    arguments[MOST] = "one too many";
    arguments[MOST + 1] = 0;
    expect(exec_status(self, arguments) == -2);
    for (int i = MOST; i < MOST + 9; i++)
        arguments[i] = "far too many";
    expect(exec_status(self, arguments) == -2);
    arguments[0] = "x";
    arguments[1] = "@layout";
    arguments[2] = 0;
    expect(exec_status(self, arguments) == 0);
    arguments[2] = "";
    arguments[3] = "";
    arguments[4] = 0;
    expect(exec_status(self, arguments) == 0);
}

/* All arguments in one page: ever larger ones, of which the last that fit
 * leave the program no stack to run on. */
static void test_exec_page_of_words(void)
{
    char length[8];
    int refused = 0;

    memset(long_word, 'w', sizeof(long_word) - 1);
    arguments[0] = "x";
    arguments[1] = "@length";
    arguments[2] = long_word;
    arguments[3] = length;
    arguments[4] = 0;
    for (int size = 2000; size <= PGSIZE; size += 16) {
        long_word[size] = '\0';
        calf_format(length, sizeof(length), "%d", size);
        int status = exec_status(self, arguments);
        if (status == -2)
            refused = 1;
        else if (refused || (status != 0 && (status != -1 || size < 3500)))
            fail("an argument of %d bytes gives status %d", size, status);
        long_word[size] = 'w';
    }
    expect(refused);
    memset(long_word, 'w', 220);
    long_word[219] = '\0';
    for (int i = 0; i < MOST; i++)
        arguments[i] = long_word;
    arguments[MOST] = 0;
    expect(exec_status(self, arguments) == -2);
}

static void test_exec_path_lengths(void)
{
    char *layout[] = {"x", "@layout", 0};
    char path[140];

    /* Slashes make it longer and name the same file. */
    memset(path, '/', sizeof(path));
    strcpy(path + 127 - strlen(self), self);
    expect(exec_status(path, layout) == 0);
    memset(path, '/', sizeof(path));
    strcpy(path + 128 - strlen(self), self);
    expect(exec_status(path, layout) == -2);
}

static void test_exec_keeps(void)
{
    char number[8];
    int fd;

    make_file("f", 10);
    fd = open("f", O_RDONLY);
    expect(read(fd, work, 3) == 3);
    expect(mkdir("inner") == 0 && chdir("inner") == 0);
    touch("in-inner");
    calf_format(number, sizeof(number), "%d", fd);
    expect(exec_status(self, (char *[]){"x", "@kept", number, 0}) == 0);
    expect(read(fd, work, 1) == 1 && work[0] == pattern_byte(4));
    remove_file("in-inner");
    expect(chdir("..") == 0);
    remove_file("inner");
    remove_file("f");
}

static void test_exec_refused(void)
{
    static char *some[] = {"x", 0};
    char *heap = page_heap();
    int fd;

    make_file("data", 3000);
    touch("empty");
    expect(mkdir("folder") == 0 && mknod("device", CONSOLE, 0) == 0);
    fd = open("half", O_CREATE | O_RDWR);
    expect(write(fd, "\177ELF\2\1\1", 7) == 7);
    close(fd);
    expect(sbrk(PGSIZE) == heap);
    strcpy(heap, "still here");
    fd = open("data", O_RDONLY);
    expect(exec("data", some) == -1 && exec("empty", some) == -1);
    expect(exec("folder", some) == -1 && exec("device", some) == -1);
    expect(exec("half", some) == -1 && exec("none", some) == -1);
    expect(exec("", some) == -1 && exec("data/x", some) == -1);
    expect(calf_same(heap, "still here") && sbrk(0) == heap + PGSIZE);
    expect(read(fd, work, 1) == 1 && work[0] == pattern_byte(0));
    remove_file("data");
    remove_file("empty");
    remove_file("half");
    remove_file("folder");
    remove_file("device");
}

/* A part of this program's file, as a program: refused, or dead at once. */
static void test_exec_cut_program(void)
{
    static const int sizes[] = {1, 63, 64, 100, 1000, 4096, 5000, 9000};
    char *layout[] = {"x", "@layout", 0};

    for (uint i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int from = open(self, O_RDONLY);
        int to = open("cut", O_CREATE | O_TRUNC | O_WRONLY);
        int left = sizes[i], n;
        while (left > 0 && (n = read(from, work, left)) > 0) {
            expect(write(to, work, n) == n);
            left -= n;
        }
        close(from);
        close(to);
        expect(exec_status("cut", layout) != 0);
    }
    remove_file("cut");
}

/* A program goes on although its file is gone, or has other contents. */
static void test_exec_then_unlink(void)
{
    char *layout[] = {"x", "@layout", 0};
    int from = open(self, O_RDONLY);
    int to = open("copy", O_CREATE | O_WRONLY);

    expect(calf_copy(from, to) == 0);
    close(from);
    close(to);
    expect(exec_status("copy", layout) == 0);
    for (int i = 0; i < 10; i++) {
        if (start() == 0) {
            exec("copy", layout);
            exit(5);
        }
    }
    remove_file("copy");
    for (int i = 0; i < 10; i++) {
        int status = wait_one();
        expect(status == 0 || status == 5); /* begun before, or not */
    }
}

static void test_many_failing_execs(void)
{
    static char *some[] = {"x", "y", 0};

    make_file("data", 100);
    some[1] = long_word;
    memset(long_word, 'w', PGSIZE);
    for (int i = 0; i < 50000; i++) {
        const char *path = i % 3 == 0 ? "none" : i % 3 == 1 ? "data" : self;
        if (exec(path, some) != -1)
            fail("exec %d came through", i);
    }
    remove_file("data");
}

static void exec_chain(int left)
{
    char number[12];

    calf_format(number, sizeof(number), "%d", left);
    exec(self, (char *[]){"x", "@status", number, 0});
    exit(-2);
}

/* Many processes exec one program at the same time. */
static void test_exec_storm(void)
{
    enum { PROCESSES = 12, ROUNDS = 10 };

    for (int round = 0; round < ROUNDS; round++) {
        uint sum = 0;
        for (int i = 1; i <= PROCESSES; i++) {
            if (start() == 0)
                exec_chain(i);
        }
        for (int i = 1; i <= PROCESSES; i++)
            sum += (uint)wait_one();
        if (sum != PROCESSES * (PROCESSES + 1) / 2)
            fail("the statuses of round %d add up to %u", round, sum);
    }
}

const struct test exec_tests[] = {
    {"exec-arguments", test_exec_words, 0},
    {"exec-page-of-arguments", test_exec_page_of_words, NOISY},
    {"exec-path-lengths", test_exec_path_lengths, 0},
    {"exec-keeps", test_exec_keeps, 0},
    {"exec-refused", test_exec_refused, 0},
    {"exec-cut-program", test_exec_cut_program, NOISY},
    {"exec-then-unlink", test_exec_then_unlink, 0},
    {"exec-storm", test_exec_storm, 0},
    {"fifty-thousand-execs", test_many_failing_execs, SLOW},
    {0, 0, 0},
};
