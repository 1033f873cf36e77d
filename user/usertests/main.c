/*
 * usertests [-q] [-l] [TEST...]: tests of the system calls, as a program
 * written for xv6 sees them.
 *
 * Each test is a fact such programs rely on, or a way in which kernels are
 * known to break. Around each the free pages are counted and the kernel's
 * audit has to find its books in order, where there is a /proc to ask. Without
 * arguments all tests run, in a folder made in the current one, so that a disk
 * is tested by going to it first; the last line is ALL TESTS PASSED if nothing
 * was wrong. -q leaves out the slow ones, -l lists them.
 */
#include "usertests.h"

#define WARM_FILE   "usertests.tmp"
#define FLAT_TRIES  30   /* tenths of a second for dead processes to be gone */
#define QUICK_LIMIT 1800 /* tenths of a second until a test counts as stuck */
#define SLOW_LIMIT  6000

static const struct test *const subjects[] = {
    argument_tests, memory_tests, exec_tests,      process_tests, time_tests,
    pipe_tests,     file_tests,   directory_tests, full_tests};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

const char *self;
static char reason[300];
static char folder[24]; /* of the test at hand */
static int audited;     /* there is a /proc */

/* Collects what fail() wrote, until every process of the test is gone. */
static void collect_reason(int fd)
{
    uint used = 0;
    char c;

    while (read(fd, &c, 1) == 1) {
        if (used + 1 < sizeof(reason))
            reason[used++] = c;
    }
    reason[used] = '\0';
}

static void enter_folder(void)
{
    if (mkdir(folder) < 0 || chdir(folder) < 0)
        fail("cannot make a folder %s here, or enter it", folder);
}

/* Runs the test and then says, as its status and on the console, how it went;
 * in a process of its own, which others watch. */
static int supervise(const struct test *t)
{
    int ends[2];
    int status = -1;
    int pid;

    calf_format(folder, sizeof(folder), "usertests.%d", getpid());
    if (pipe(ends) < 0 || (pid = fork()) < 0) {
        printf("FAILED: no pipe or no process for it\n");
        return 1;
    }
    if (pid == 0) {
        /* The lowest number, so that those of the test follow each other. */
        close(ends[0]);
        report_fd = dup(ends[1]);
        close(ends[1]);
        enter_folder();
        settle();
        t->run();
        exit(0);
    }
    close(ends[1]);
    settle();
    collect_reason(ends[0]);
    wait(&status);
    if (status == -1)
        calf_format(reason, sizeof(reason), "the test's process was killed");
    else if (status != 0 && reason[0] == '\0')
        calf_format(reason, sizeof(reason), "status %d", status);
    if (unlink(folder) < 0 && status == 0) {
        calf_format(reason, sizeof(reason), "it left files in %s", folder);
        status = 1;
    }
    if (status != 0)
        printf("%s: FAILED: %s\n", t->name, reason);
    return status != 0;
}

/* The test's result, or -1 if it does not come to its end. */
static int run_watched(const struct test *t)
{
    int limit = t->flags & SLOW ? SLOW_LIMIT : QUICK_LIMIT;
    int status = 1;
    int runner, watch, first;

    watch = fork();
    if (watch == 0) {
        pause(limit);
        exit(0);
    }
    runner = fork();
    if (runner == 0)
        exit(supervise(t));
    if (runner < 0 || watch < 0)
        printf("%s: FAILED: no processes to run it in\n", t->name);
    do {
        first = wait(&status);
    } while (first >= 0 && first != runner && first != watch);
    if (first == watch) {
        printf("%s: FAILED: no end after %d s\n", t->name, limit / 10);
        return -1;
    }
    kill(watch);
    wait(0);
    return first == runner ? status : 1;
}

static int books_are_right(const struct test *t, const long *before)
{
    if (!audited)
        return 1;
    if (compare_pages(before, FLAT_TRIES, reason, sizeof(reason)) == 0 &&
        audit_is_clean(reason, sizeof(reason)) == 0)
        return 1;
    printf("%s: FAILED: %s\n", t->name, reason);
    return 0;
}

/* 1: passed, 0: failed, -1: it hangs. */
static int run_test(const struct test *t)
{
    long before[PAGE_KINDS];
    int status;

    if (t->flags & NOISY)
        printf("%s: the kernel will report something\n", t->name);
    count_pages(before);
    status = run_watched(t);
    if (status < 0)
        return -1;
    if (!books_are_right(t, before) || status != 0)
        return 0;
    printf("%s: ok\n", t->name);
    return 1;
}

/* Has whatever the kernel allocates once and keeps allocated before pages are
 * counted. */
static void warm_up(void)
{
    audited = can_audit();
    if (!audited)
        printf("no /proc/audit: memory that is lost will not be noticed\n");
    if (fork() == 0) {
        close(open(WARM_FILE, O_CREATE | O_WRONLY));
        exit(0);
    }
    wait(0);
    unlink(WARM_FILE);
    if (audited)
        audit_is_clean(reason, sizeof(reason));
    settle();
    pause(2);
}

static const struct test *find(const char *name)
{
    for (uint i = 0; i < SUBJECTS; i++) {
        for (const struct test *t = subjects[i]; t->name != 0; t++) {
            if (calf_same(t->name, name))
                return t;
        }
    }
    return 0;
}

static void list(int quick)
{
    for (uint i = 0; i < SUBJECTS; i++) {
        for (const struct test *t = subjects[i]; t->name != 0; t++) {
            if (!quick || !(t->flags & SLOW))
                printf("%-28s %s\n", t->name,
                       t->flags & SLOW ? "slow" : "quick");
        }
    }
}

static int conclude(int passed, int failed, int all)
{
    if (failed > 0)
        printf("%d TESTS FAILED\n", failed);
    else if (all)
        printf("ALL TESTS PASSED\n");
    else
        printf("%d TESTS PASSED\n", passed);
    return failed > 0;
}

static int run_named(char **names)
{
    int passed = 0, failed = 0, result = 0;

    for (char **name = names; *name != 0; name++) {
        if (find(*name) == 0) {
            fprintf(2, "usertests: no test %s: see usertests -l\n", *name);
            return 2;
        }
    }
    warm_up();
    for (char **name = names; *name != 0 && result >= 0; name++) {
        result = run_test(find(*name));
        passed += result > 0;
        failed += result <= 0;
    }
    return conclude(passed, failed, 0);
}

/* 1 if fewer pages can be had than before all tests. */
static int pages_are_lost(const char *who, int before, int after)
{
    if (after >= before)
        return 0;
    printf("FAILED: %s could have %d pages before, and can have %d\n", who,
           before, after);
    return 1;
}

static int run_all(int quick)
{
    int passed = 0, failed = 0, left_out = 0;
    int growing, child;

    settle();
    growing = count_by_growing();
    child = count_by_child();
    warm_up();
    for (uint i = 0; i < SUBJECTS; i++) {
        for (const struct test *t = subjects[i]; t->name != 0; t++) {
            int result = 1;
            if (quick && (t->flags & SLOW)) {
                left_out++;
                continue;
            }
            result = run_test(t);
            passed += result > 0;
            failed += result <= 0;
            if (result < 0) {
                printf("stopped: what hangs would disturb the others\n");
                return conclude(passed, failed, 0);
            }
        }
    }
    pause(2);
    failed += pages_are_lost("this program", growing, count_by_growing());
    failed += pages_are_lost("its child", child, count_by_child());
    if (left_out > 0)
        printf("%d slow tests left out\n", left_out);
    return conclude(passed, failed, 1);
}

static int usage(int fd, int status)
{
    fprintf(fd, "usage: usertests [-q] [-l] [TEST...]\n"
                "  -q  leave out the slow tests\n"
                "  -l  list the tests\n");
    return status;
}

static const char *own_path(const char *name)
{
    if (name[0] == '/')
        return name;
    return exists("/bin/usertests") ? "/bin/usertests" : "/usertests";
}

int main(int argc, char **argv)
{
    int quick = 0, only_list = 0;

    if (argc == 0)
        return STATUS_NO_WORDS;
    if (argc > 1 && argv[1][0] == '@')
        return other_end(argc, argv);
    self = own_path(argv[0]);
    for (argv++; *argv != 0 && (*argv)[0] == '-'; argv++) {
        if (calf_same(*argv, "-q"))
            quick = 1;
        else if (calf_same(*argv, "-l"))
            only_list = 1;
        else
            return calf_same(*argv, "--help") ? usage(1, 0) : usage(2, 2);
    }
    if (only_list) {
        list(quick);
        return 0;
    }
    return *argv != 0 ? run_named(argv) : run_all(quick);
}
