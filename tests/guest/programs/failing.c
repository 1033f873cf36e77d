/*
 * Whole system calls with their first, second, third... allocation failing,
 * by /proc/fail, until a call makes so few that none does.
 *
 * Each try has a process of its own. If the call fails, everything has to be
 * as before it: files and names, descriptors, heap, free pages, the kernel's
 * objects. If it manages without that memory, it has to have done what it
 * should, and is undone. In the end the pages that were free are free again
 * and the audit is clean. Prints for each call how many allocations it makes,
 * how often it failed and how often it managed.
 */
#include "failing_calls.h"

#define MOST 400 /* allocations of one call */

/* How the process of a try ends. Another program ends with 0. */
enum { WRONG = 1, FAILED = 10, DONE = 11 };

static int fail_fd;
extern char data_start[], end[]; /* user.ld */

/* ---- What has to stay as it was ------------------------------------------ */

struct state {
    long free, objects, heap, descriptor;
};

static long failures_so_far(void)
{
    int n = calf_read_file("/proc/fail", text, sizeof(text));

    CHECK(n > 8 && memcmp(text, "failed: ", 8) == 0);
    return atoi(text + 8);
}

static void observe(struct state *s)
{
    int fd = dup(0);

    close(fd);
    s->descriptor = fd;
    s->heap = (long)sbrk(0);
    s->objects = calf_meminfo("objects");
    s->free = calf_meminfo("free");
}

/* Memory of what has just ended comes back a little later. */
static int comes_back(const char *name, long before)
{
    for (int tries = 0; tries < 20; tries++) {
        if (calf_meminfo(name) == before)
            return 1;
        pause(1);
    }
    return 0;
}

static void check_audit(void)
{
    calf_read_file("/proc/audit", text, sizeof(text));
    CHECK(memcmp(text, "audit: clean\n", 13) == 0);
}

/* ---- Trying -------------------------------------------------------------- */

/*
 * Until the counter is off again no instruction may write to memory that is
 * not ours yet, for that allocates too: not even to the stack.
 */
static void settle(void)
{
    for (uint64 at = (uint64)data_start; at < (uint64)end; at += PGSIZE)
        *(volatile char *)at = *(volatile char *)at;
    *(volatile char *)(r_sp() - 256) = 0;
}

static int call_with_failure(const struct scenario *s, int nth)
{
    int length = calf_format(text, sizeof(text), "%d", nth);
    int result;

    settle();
    write(fail_fd, text, length);
    result = s->call();
    write(fail_fd, "0", 1);
    return result;
}

static void try(const struct scenario *s, int nth)
{
    struct state before, after;
    int result;

    s->prepare();
    settle();
    observe(&before);
    result = call_with_failure(s, nth);
    observe(&after);
    if (result < 0) {
        CHECK(after.descriptor == before.descriptor);
        CHECK(after.heap == before.heap);
        /* Something that ended before may still give memory back. */
        CHECK(s->maps || after.free >= before.free);
        CHECK(s->maps || after.objects <= before.objects);
        check_marks();
        check_files(0);
    } else {
        s->undo(result);
    }
    if (check_failures)
        exit(WRONG);
    exit(result < 0 ? FAILED : DONE);
}

/* The status of a try. It starts when the parent writes nothing any more. */
static int try_apart(const struct scenario *s, int nth)
{
    long objects = calf_meminfo("objects");
    long free = calf_meminfo("free");
    int status = WRONG;
    int gate[2];
    int pid;

    CHECK(pipe(gate) == 0);
    pid = fork();
    if (pid == 0) {
        CHECK(read(gate[0], text, 1) == 1);
        close(gate[0]);
        close(gate[1]);
        try(s, nth);
    }
    settle();
    write(gate[1], "!", 1);
    CHECK(wait(&status) == pid);
    close(gate[0]);
    close(gate[1]);
    CHECK(comes_back("objects", objects));
    CHECK(comes_back("free", free));
    check_marks();
    check_files(0);
    check_audit();
    return status;
}

struct tally {
    int failed, managed;
};

/* Fails one allocation: 1, or 0 when the call makes fewer or goes wrong. */
static int try_one(const struct scenario *s, int nth, struct tally *tally)
{
    long before = failures_so_far();
    int status = try_apart(s, nth);
    int reached = failures_so_far() != before;

    if (status == 0 && s->call == do_exec)
        status = DONE;
    CHECK(status == DONE || (status == FAILED && reached));
    CHECK(nth < MOST);
    if (check_failures) {
        printf("%s, allocation %d, status %d\n%s", s->name, nth, status, text);
        return 0;
    }
    tally->failed += status == FAILED;
    tally->managed += status == DONE && reached;
    return reached;
}

/*
 * What a failed call has given back the next one may find, a kernel stack for
 * one, and then its allocations are others: so it goes on until a round finds
 * as many as the last one.
 */
static int try_all(const struct scenario *s)
{
    struct tally sum = {0, 0};
    int last = -1, found = 0;

    while (found != last && !check_failures) {
        last = found;
        found = 0;
        while (try_one(s, found + 1, &sum))
            found++;
    }
    printf("%s: %d allocations, %d failures, %d managed\n", s->name, found,
           sum.failed, sum.managed);
    return sum.failed + sum.managed;
}

static void prepare_all(void)
{
    marks = sbrk(MARKS * PGSIZE);
    lazy_pages = 3 * A_NODE - HEAP / 2 - (long)sbrk(0) / PGSIZE;
    lazy = sbrklazy((int)lazy_pages * PGSIZE);
    for (long i = 0; i < MARKS; i++)
        *(long *)(marks + i * PGSIZE) = i;
    make_old();
    CHECK(mkdir(FOLDER) == 0);
    fail_fd = open("/proc/fail", O_WRONLY);
    CHECK(fail_fd >= 0);
    /* What the kernel allocates once and keeps. */
    close(open(NEW, O_CREATE | O_RDWR));
    unlink(NEW);
    check_audit();
    settle();
}

int main(int argc, char **argv)
{
    int tried = 0;

    (void)argv;
    if (argc > 2)
        return 0;
    prepare_all();
    for (uint i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        if (!check_failures)
            tried += try_all(&scenarios[i]);
    unlink(OLD);
    unlink(FOLDER);
    printf("%d allocations failed\n", tried);
    return check_result();
}
