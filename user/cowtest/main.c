/*
 * cowtest [list | SECTION...]: tests of copy-on-write memory, from outside the
 * kernel.
 *
 * Each section is a subject; most show one way in which copy-on-write is known
 * to go wrong, and have the number of that bug in the project's list. After
 * each, the kernel's audit has to find its books in order and as many pages
 * have to be free as before. Without arguments all sections run, and the last
 * line is ALL COW TESTS PASSED if nothing was wrong. A section is named by its
 * name or by its bug's number. Sections that the kernel reports faults in, as
 * it should, are announced on a line of their own.
 *
 * Bugs without a section here cannot be shown by a program with these system
 * calls: two threads of one process (9, 19 and 25 in part), mappings whose
 * protection changes (23; giving memory back stands in for it), books that
 * start out wrong (13). The host tests of kernel/mm have them.
 */
#include "cowtest.h"

#define FLAT_TRIES 20 /* tenths of a second for dead processes to be gone */

struct section {
    const char *name;
    int bug;   /* its number in the list of bugs, or 0 */
    int noisy; /* provokes faults that the kernel reports */
    void (*run)(void);
};

static const struct section sections[] = {
    {"simple", 0, 0, test_simple},
    {"three", 0, 0, test_three},
    {"file", 0, 0, test_file},
    {"forkfork", 10, 0, test_forkfork},
    {"readonly-sharing", 0, 0, test_readonly_sharing},
    {"deep-chain", 0, 0, test_deep_chain},
    {"exec-arguments", 0, 0, test_exec_arguments},
    {"text-stays-readonly", 1, 1, test_text_stays_readonly},
    {"readonly-pages-counted", 2, 0, test_readonly_counted},
    {"fork-of-fork", 3, 0, test_fork_of_fork},
    {"kernel-writes-shared-page", 4, 0, test_kernel_writes},
    {"copy-crosses-pages", 5, 0, test_copy_crosses_pages},
    {"copy-without-memory", 6, 0, test_copy_without_memory},
    {"guard-page", 7, 1, test_guard_page},
    {"sole-owner-reuses", 8, 0, test_sole_owner_reuses},
    {"fork-without-memory", 11, 1, test_fork_without_memory},
    {"write-without-memory", 12, 1, test_write_without_memory},
    {"shrink-in-pages", 15, 1, test_shrink_in_pages},
    {"address-edges", 16, 1, test_address_edges},
    {"many-sharers", 17, 0, test_many_sharers},
    {"parent-writes-first", 18, 0, test_parent_writes_first},
    {"survivor-claims", 20, 0, test_survivor_claims},
    {"lazy-is-not-empty", 21, 0, test_lazy_is_not_empty},
    {"random-operations", 22, 0, test_random_operations},
    {"revoked-pages", 23, 1, test_revoked_pages},
    {"zero-page", 27, 0, test_zero_page},
    {"new-instructions", 29, 1, test_new_instructions},
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

const char *self;
static char reason[300];

static void print_name(const struct section *s)
{
    if (s->bug != 0)
        printf("%s (bug %d): ", s->name, s->bug);
    else
        printf("%s: ", s->name);
}

/*
 * Collects what fail() wrote first, which ends with a zero, until every process
 * of the section is gone. What follows comes of the first.
 */
static void collect_reason(int fd)
{
    uint used = 0;
    int ended = 0;
    char c;

    while (read(fd, &c, 1) == 1) {
        if (!ended && used + 1 < sizeof(reason))
            reason[used++] = c;
        ended |= c == '\0';
    }
    reason[used] = '\0';
}

/* Runs the section in a process of its own: its status. */
static int run_apart(const struct section *s)
{
    int ends[2];
    int status = -1;
    int pid;

    if (pipe(ends) < 0 || (pid = fork()) < 0) {
        calf_format(reason, sizeof(reason), "no pipe or no process for it");
        return 1;
    }
    if (pid == 0) {
        close(ends[0]);
        report_fd = ends[1];
        settle();
        s->run();
        exit(0);
    }
    close(ends[1]);
    settle();
    collect_reason(ends[0]);
    close(ends[0]);
    wait(&status);
    if (status == -1)
        calf_format(reason, sizeof(reason), "the section's process was killed");
    else if (status != 0 && reason[0] == '\0')
        calf_format(reason, sizeof(reason), "status %d", status);
    unlink(SCRATCH_FILE);
    return status;
}

static int section_passes(const struct section *s)
{
    long before[PAGE_KINDS];
    int failed;

    print_name(s);
    printf(s->noisy ? "the kernel will report faults\n" : "... ");
    count_pages(before);
    failed = run_apart(s) != 0 ||
             compare_pages(before, FLAT_TRIES, reason, sizeof(reason)) < 0 ||
             audit_is_clean(reason, sizeof(reason)) < 0;
    if (s->noisy)
        print_name(s);
    if (failed)
        printf("FAILED: %s\n", reason);
    else
        printf("ok\n");
    return !failed;
}

/*
 * Has whatever the kernel allocates once and keeps allocated before pages are
 * counted.
 */
static void warm_up(void)
{
    int pid = fork();

    if (pid == 0) {
        close(open(SCRATCH_FILE, O_CREATE | O_WRONLY));
        exit(0);
    }
    wait(0);
    unlink(SCRATCH_FILE);
    audit_is_clean(reason, sizeof(reason));
    settle();
    pause(2);
}

static const struct section *find(const char *name, uint from)
{
    long bug;
    int is_bug = calf_number(name, &bug) == 0 && bug > 0;

    for (uint i = from; i < SECTIONS; i++) {
        if (is_bug ? sections[i].bug == bug : calf_same(name, sections[i].name))
            return &sections[i];
    }
    return 0;
}

static int run_named(int argc, char **argv)
{
    int ran = 0, failures = 0;

    for (int i = 1; i < argc; i++) {
        if (find(argv[i], 0) == 0) {
            fprintf(2, "cowtest: no section %s: see cowtest list\n", argv[i]);
            return 2;
        }
    }
    for (int i = 1; i < argc; i++) {
        const struct section *s = find(argv[i], 0);
        for (; s != 0; s = find(argv[i], s - sections + 1)) {
            failures += !section_passes(s);
            ran++;
        }
    }
    if (failures > 0)
        printf("%d COW TESTS FAILED\n", failures);
    else
        printf("%d COW TESTS PASSED\n", ran);
    return failures > 0;
}

static int run_all(void)
{
    int failures = 0;

    for (uint i = 0; i < SECTIONS; i++)
        failures += !section_passes(&sections[i]);
    if (failures > 0)
        printf("%d COW TESTS FAILED\n", failures);
    else
        printf("ALL COW TESTS PASSED\n");
    return failures > 0;
}

static int list(void)
{
    for (uint i = 0; i < SECTIONS; i++) {
        print_name(&sections[i]);
        printf("\n");
    }
    return 0;
}

/* The other end of exec: are the arguments what a sharing process gave? */
static int check_arguments(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (!calf_same(argv[i], test_argument((uint)i)))
            return 3;
    }
    return argc == TEST_ARGUMENTS ? 0 : 4;
}

int main(int argc, char **argv)
{
    self = strchr(argv[0], '/') != 0 ? argv[0] : "/bin/cowtest";
    if (argc >= 2 && calf_same(argv[1], ARGUMENT_MODE))
        return check_arguments(argc, argv);
    if (argc == 2 && calf_same(argv[1], "list"))
        return list();
    if (argc >= 2 && argv[1][0] == '-') {
        printf("usage: cowtest [list | SECTION...]\n");
        return calf_same(argv[1], "--help") ? 0 : 2;
    }
    warm_up();
    return argc > 1 ? run_named(argc, argv) : run_all();
}
