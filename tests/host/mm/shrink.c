/*
 * Shrinking. See shrink.h.
 *
 * First pieces of the sequence are left out, half of it to begin with and in
 * the end single steps; whatever still fails is gone on with. Then each step
 * is made simpler in the ways that step_simplify knows, and steps that come
 * between are tried as steps of their own. That lets more be left out, so it
 * all begins again, until nothing helps.
 */
/* sources: tests/host/mm/sequence.c */
#include "host/mm/shrink.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIAL_SECONDS 300

static unsigned tries;
static time_t deadline;

static size_t size_of(unsigned most)
{
    return sizeof(struct sequence) + most * sizeof(struct step);
}

struct sequence *sequence_create(unsigned most)
{
    struct sequence *s = mmap(NULL, size_of(most), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    s->most = most;
    return s;
}

void sequence_destroy(struct sequence *s)
{
    munmap(s, size_of(s->most));
}

/* ---- Trials -----------------------------------------------------------------
 */

/* The test's own handlers and words belong to the parent. */
static void be_a_child(bool loud)
{
    static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (unsigned i = 0; i < sizeof caught / sizeof *caught; i++)
        signal(caught[i], SIG_DFL);
    alarm(TRIAL_SECONDS);
    if (!loud && !freopen("/dev/null", "w", stderr))
        _exit(2);
}

static bool passed(pid_t child)
{
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        exit(1);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static pid_t fork_flushed(void)
{
    fflush(NULL);
    return fork();
}

bool trial_draw(struct sequence *record, struct stream *stream,
                unsigned long operations, bool loud)
{
    pid_t child = fork_flushed();
    if (!child) {
        be_a_child(loud);
        sequence_draw(record, stream, operations);
        exit(0);
    }
    return passed(child);
}

bool trial_run(struct sequence *steps, bool loud)
{
    pid_t child = fork_flushed();
    if (!child) {
        be_a_child(loud);
        sequence_run(steps);
        exit(0);
    }
    return passed(child);
}

static bool still_fails(struct sequence *s)
{
    tries++;
    return !trial_run(s, false);
}

static bool in_time(void)
{
    return time(NULL) < deadline;
}

/* ---- Leaving out ------------------------------------------------------------
 */

static void copy(struct sequence *to, const struct sequence *from)
{
    to->count = from->count;
    memcpy(to->steps, from->steps, from->count * sizeof(struct step));
}

/* Where the piece of so many steps from `from` ends, with all that come
 * between in its last. */
static unsigned piece_end(const struct sequence *s, unsigned from,
                          unsigned length)
{
    unsigned end = from + length < s->count ? from + length : s->count;
    while (end < s->count && s->steps[end].depth > s->steps[end - 1].depth)
        end++;
    return end;
}

static void leave_out(struct sequence *s, unsigned from, unsigned end)
{
    memmove(&s->steps[from], &s->steps[end],
            (s->count - end) * sizeof(struct step));
    s->count -= end - from;
}

/* Whether any piece of that length could be left out. */
static bool leave_out_pieces(struct sequence *s, struct sequence *trial,
                             unsigned length)
{
    bool shorter = false;
    for (unsigned i = s->count; i > 0 && in_time();) {
        i = i > length ? i - length : 0;
        copy(trial, s);
        leave_out(trial, i, piece_end(s, i, length));
        if (!still_fails(trial))
            continue;
        copy(s, trial);
        shorter = true;
        i = i < s->count ? i : s->count;
    }
    return shorter;
}

static bool leave_out_all(struct sequence *s, struct sequence *trial)
{
    bool shorter = false;
    for (unsigned length = (s->count + 1) / 2; length > 1 && in_time();
         length /= 2)
        shorter |= leave_out_pieces(s, trial, length);
    while (in_time() && leave_out_pieces(s, trial, 1))
        shorter = true;
    return shorter;
}

/* ---- Making simpler ---------------------------------------------------------
 */

/* Take a step that comes between, with those in it, out to stand by itself. */
static void stand_alone(struct sequence *s, unsigned at)
{
    unsigned depth = s->steps[at].depth;
    for (unsigned i = at;
         i < s->count && (i == at || s->steps[i].depth > depth); i++)
        s->steps[i].depth -= depth;
}

/* The nth way to make a step simpler; false: there are no more. */
static bool simplify(struct sequence *s, unsigned at, unsigned nth)
{
    if (nth)
        return step_simplify(&s->steps[at], nth - 1);
    stand_alone(s, at);
    return true;
}

static bool differ(const struct step *a, const struct step *b)
{
    return memcmp(a, b, sizeof *a) != 0;
}

static bool simplify_step(struct sequence *s, struct sequence *trial,
                          unsigned i)
{
    bool simpler = false;
    for (unsigned nth = 0; in_time(); nth++) {
        copy(trial, s);
        if (!simplify(trial, i, nth))
            break;
        if (!differ(&trial->steps[i], &s->steps[i]) || !still_fails(trial))
            continue;
        copy(s, trial);
        simpler = true;
    }
    return simpler;
}

static bool rename_process(struct sequence *s, struct sequence *trial,
                           unsigned from, unsigned to)
{
    bool renamed = false;
    copy(trial, s);
    for (unsigned i = 0; i < s->count; i++)
        renamed |= step_rename(&trial->steps[i], from, to);
    if (!renamed || !in_time() || !still_fails(trial))
        return false;
    copy(s, trial);
    return true;
}

/* Let few processes do what many did. */
static bool rename_all(struct sequence *s, struct sequence *trial)
{
    bool renamed = false;
    for (unsigned from = PROCESSES; from-- > 1;)
        for (unsigned to = 0; to < from; to++)
            renamed |= rename_process(s, trial, from, to);
    return renamed;
}

static bool simplify_all(struct sequence *s, struct sequence *trial)
{
    bool simpler = rename_all(s, trial);
    for (unsigned i = 0; i < s->count && in_time(); i++)
        simpler |= simplify_step(s, trial, i);
    return simpler;
}

unsigned sequence_shrink(struct sequence *s, unsigned seconds)
{
    struct sequence *trial = sequence_create(s->most);
    deadline = time(NULL) + seconds;
    tries = 0;
    if (still_fails(s))
        do
            leave_out_all(s, trial);
        while (in_time() && simplify_all(s, trial));
    else
        tries = 0;
    sequence_destroy(trial);
    return tries;
}
