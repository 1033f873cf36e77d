/*
 * Running sequences of steps. See sequence.h.
 *
 * While a step runs, the kernel's machine calls come_between at each point
 * where another hart could act. Drawing, a count-down says at which of them a
 * step is drawn that does so; replaying, the record says. Which points there
 * are depends on what went before, so a step that was recorded for a point
 * its predecessor no longer has is left out.
 */
/* sources: tests/host/mm/step.c */
#include "host/mm/sequence.h"

#include <errno.h>
#include <stdio.h>

/* Comparing all memory costs as much as hundreds of steps. */
#define CHECK_EVERY 500
#define SHORT       300

/* The largest block of pages, as a power of two (kernel/mm/page.c). */
#define LARGEST 10

#define MOST_DEPTH 2
/* On average so many points go by between two steps that come between; a
 * shootdown, where order matters most, counts for several. */
#define MEAN_GAP       16
#define SHOOTDOWN_GAPS 8

static struct sequence *steps;
static struct stream *stream; /* NULL: replay */
static unsigned at;           /* the next step to replay */
static unsigned depth, point; /* of the step that is being done */
static int gap;
static bool undisturbed; /* nothing may come between now */
static bool hart_busy[MM_HARTS];
static uint64_t unused_before;

/* ---- Steps that come between ------------------------------------------------
 */

/* A process in mid-operation goes on on its other harts, as far as their
 * caches serve it: with what its memory was. */
static void check_cached(void)
{
    for (struct process *p = processes; p < processes + PROCESSES; p++) {
        if (!p->space || !p->busy || p->unsure || space_current() != p->space)
            continue;
        for (unsigned i = 0; i < CELLS; i++) {
            uint64_t va = model_address(i);
            uint8_t byte;
            if (model_is_page(i) && mm_touch_cached(va, &byte, ACCESS_READ) &&
                byte != model_byte(p, va))
                mm_fail("in mid-operation %lx reads %02x, but should %02x", va,
                        byte, model_byte(p, va));
        }
    }
}

static void draw_gap(void)
{
    gap = 1 + (int)stream_below(stream, 2 * MEAN_GAP);
}

static struct step *record(unsigned hart)
{
    struct step *step = &steps->steps[steps->count];
    if (steps->count == steps->most)
        return NULL;
    mm_on_hart(hart);
    step_draw(step, stream, depth == 0);
    step->depth = depth;
    step->point = point;
    steps->count++;
    return step;
}

static bool may_come(unsigned hart)
{
    return !hart_busy[hart] && hart != hal_self()->hart;
}

/* Drawing: whether one comes between here, and which. The running hart changes
 * if so. */
static struct step *draw_between(bool shootdown)
{
    gap -= shootdown ? SHOOTDOWN_GAPS : 1;
    if (gap > 0 || stream_ended(stream))
        return NULL;
    draw_gap();
    unsigned hart = stream_below(stream, MM_HARTS);
    return may_come(hart) ? record(hart) : NULL;
}

static struct step *replay_between(void)
{
    while (at < steps->count && steps->steps[at].depth == depth &&
           steps->steps[at].point == point) {
        struct step *step = &steps->steps[at++];
        if (!may_come(step->hart))
            continue;
        mm_on_hart(step->hart);
        return step;
    }
    return NULL;
}

/* Leave out steps that were to come between in one that is done. */
static void skip_deeper(void)
{
    while (!stream && at < steps->count && steps->steps[at].depth > depth)
        at++;
}

static void do_step(const struct step *step)
{
    unsigned outer_point = point;
    point = 0;
    undisturbed = step_is_atomic(step);
    if (!undisturbed || depth == 0)
        step_do(step);
    undisturbed = false;
    skip_deeper();
    point = outer_point;
}

static void come_between(bool shootdown)
{
    struct hal_thread *self = hal_self();
    if (undisturbed || depth == MOST_DEPTH)
        return;
    point++;
    depth++;
    const struct step *step =
        stream ? draw_between(shootdown) : replay_between();
    if (step) {
        hart_busy[self->hart] = true;
        do_step(step);
        check_cached();
        steps->between++;
        mm_on_hart(self->hart);
        hart_busy[self->hart] = false;
    }
    depth--;
}

/* ---- Sequences --------------------------------------------------------------
 */

static void check(bool all)
{
    mm_set_interleave(NULL);
    if (all)
        model_check_all();
    else if (mm_stale_entries())
        mm_fail("stale translations");
    mm_set_interleave(come_between);
}

static void tell_last(void)
{
    enum { LAST = 24 };
    unsigned from = steps->count > LAST ? steps->count - LAST : 0;
    fprintf(stderr, "the last of %u steps:\n", steps->count);
    sequence_tell(steps, from);
}

/* Hold a page of every largest block, so that to ask for one fails. */
void sequence_boot(uint64_t bytes)
{
    struct page *block;
    model_init(bytes);
    while ((block = page_alloc_block(PAGE_KERNEL, LARGEST))) {
        for (unsigned i = 0; i < 1u << LARGEST; i++) {
            block[i].order = 0;
            atomic_store(&block[i].count, 1);
            if (i)
                page_put(&block[i]);
        }
    }
    /* The second, when another hart of the space has made an edge visible that
     * this one remembers as missing. */
    mm_most_faults = 2;
}

/* What the harts' caches hold decides how often an allocation takes a lock,
 * and so at which points others come between: begin with nothing. The kernel
 * empties all caches before it says that there is no such block. */
static void empty_caches(void)
{
    if (page_alloc_block(PAGE_KERNEL, LARGEST))
        mm_fail("there is a block of the largest order");
}

static void begin(struct sequence *s, struct stream *from)
{
    steps = s;
    stream = from;
    at = depth = point = gap = 0;
    mm_set_interleave(NULL);
    empty_caches();
    steps->between = 0;
    unused_before = page_unused_count();
    memset(hart_busy, 0, sizeof hart_busy);
    mm_set_interleave(come_between);
}

static void end(void)
{
    for (unsigned i = 0; i < STATS; i++)
        steps->stats[i] = stat_read(i);
    check(true);
    mm_set_interleave(NULL);
    step_end_all();
    model_check_all();
    if (page_unused_count() != unused_before)
        mm_fail("%ld pages are lost",
                (long)(unused_before - page_unused_count()));
    if (model_file_users)
        mm_fail("%d regions still have the file", model_file_users);
}

void sequence_draw(struct sequence *s, struct stream *from,
                   unsigned long operations)
{
    s->count = 0;
    begin(s, from);
    mm_set_epitaph(tell_last);
    draw_gap();
    for (unsigned long i = 0; i < operations && !stream_ended(from); i++) {
        const struct step *step = record(stream_below(from, MM_HARTS));
        if (!step)
            break;
        do_step(step);
        check(i % CHECK_EVERY == 0);
    }
    end();
}

void sequence_run(struct sequence *s)
{
    begin(s, NULL);
    while (at < s->count) {
        const struct step *step = &s->steps[at++];
        mm_on_hart(step->hart);
        do_step(step);
        check(s->count <= SHORT || at % CHECK_EVERY == 0);
    }
    end();
}

/* ---- As text ----------------------------------------------------------------
 */

static void print_all(const struct sequence *s, unsigned from, FILE *out)
{
    char text[STEP_TEXT];
    for (unsigned i = from; i < s->count; i++) {
        step_print(&s->steps[i], text);
        fprintf(out, "%s\n", text);
    }
}

void sequence_tell(const struct sequence *s, unsigned from)
{
    print_all(s, from, stderr);
}

bool sequence_write(const struct sequence *s, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    print_all(s, 0, file);
    return !fclose(file);
}

bool sequence_read(struct sequence *s, const char *path)
{
    char line[STEP_TEXT];
    unsigned number = 0;
    FILE *file = fopen(path, "r");
    s->count = 0;
    if (!file)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    bool good = file;
    while (good && fgets(line, sizeof line, file)) {
        number++;
        if (line[strspn(line, " \n")] == '\0' || line[0] == '#')
            continue;
        good = s->count < s->most && step_parse(&s->steps[s->count++], line);
        if (!good)
            fprintf(stderr, "%s:%u: no step\n", path, number);
    }
    if (file)
        fclose(file);
    return good;
}
