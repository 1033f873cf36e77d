/*
 * Steps of a random sequence. See step.h.
 *
 * Addresses are drawn to hit edges: of pages, of nodes (the model's windows
 * lie there), and of user memory. The most frequent acts are the cheap ones.
 */
/* sources: tests/host/mm/model.c tests/host/mm/stream.c */
#include "host/mm/step.h"

#include <stdio.h>
#include <stdlib.h>

#include "mm/eager.h"

#define MOST_TAKEN 4096

static struct page *taken[MOST_TAKEN];
static unsigned taken_count;

/* What each act is called, and its numbers. */
static const struct {
    const char *name, *numbers[STEP_NUMBERS];
} acts[ACTS] = {
    [ACT_CREATE] = {"create", {"layout"}},
    [ACT_READ] = {"read", {"va", "length"}},
    [ACT_WRITE] = {"write", {"va", "length", "fill"}},
    [ACT_FETCH] = {"fetch", {"va"}},
    [ACT_COPY_IN] = {"copy-in", {"va", "length"}},
    [ACT_COPY_OUT] = {"copy-out", {"va", "length", "fill"}},
    [ACT_FORK] = {"fork", {"place", "write", "execute", "eager"}},
    [ACT_EXIT] = {"exit", {NULL}},
    [ACT_MAP] = {"map", {"cell", "end", "prot", "file"}},
    [ACT_UNMAP] = {"unmap", {"cell", "end"}},
    [ACT_PROTECT] = {"protect", {"cell", "end", "prot"}},
    [ACT_POPULATE] = {"populate", {"cell"}},
    [ACT_EXEC] = {"exec", {"place", "layout"}},
    [ACT_SPECULATE] = {"speculate", {"va"}},
    [ACT_TAKE] = {"take", {"left"}},
    [ACT_GIVE] = {"give", {NULL}},
};

/* ---- Drawing ----------------------------------------------------------------
 */

/* A process at rest, or NULL; often the one this hart has anyway. */
static struct process *some_process(struct stream *s)
{
    unsigned at = stream_below(s, PROCESSES);
    if (stream_one_in(s, 2))
        for (int i = 0; i < PROCESSES; i++)
            if (processes[i].space && !processes[i].busy &&
                processes[i].space == space_current())
                return &processes[i];
    for (int i = 0; i < PROCESSES; i++, at = (at + 1) % PROCESSES)
        if (processes[at].space && !processes[at].busy)
            return &processes[at];
    return NULL;
}

static unsigned free_place(void)
{
    unsigned i = 0;
    while (i + 1 < PROCESSES && (processes[i].space || processes[i].busy))
        i++;
    return i;
}

static unsigned some_page(struct stream *s)
{
    unsigned window = stream_below(s, WINDOWS);
    return model_window(window) + stream_below(s, WINDOW_PAGES);
}

static uint64_t some_address(struct stream *s)
{
    static const uint16_t offsets[] = {0, 1, 7, 2048, 4095};
    uint64_t page = model_address(some_page(s));
    return page + (stream_one_in(s, 4) ? stream_below(s, HAL_PAGE_SIZE)
                                       : offsets[stream_below(s, 5)]);
}

/* A length that stays in the window of `va`. */
static size_t some_length(struct stream *s, uint64_t va)
{
    unsigned w = WINDOWS;
    while (va < model_address(model_window(--w)))
        continue;
    uint64_t end =
        model_address(model_window(w)) + WINDOW_PAGES * HAL_PAGE_SIZE;
    size_t length =
        1 + stream_below(s, stream_one_in(s, 3) ? 5 * HAL_PAGE_SIZE : 16);
    return length < end - va ? length : end - va;
}

/* A range of cells: a few, or many with gaps between. */
static void draw_cells(struct step *step, struct stream *s)
{
    unsigned first = stream_below(s, CELLS);
    unsigned count = 1 + stream_below(s, stream_one_in(s, 6) ? CELLS : 6);
    step->numbers[0] = first;
    step->numbers[1] = first + count < CELLS ? first + count : CELLS;
}

static uint8_t some_prot(struct stream *s)
{
    static const uint8_t prots[] = {
        PROT_READ | PROT_WRITE,   PROT_READ | PROT_WRITE,
        PROT_READ | PROT_WRITE,   PROT_READ,
        PROT_READ | PROT_EXECUTE, PROT_READ | PROT_WRITE | PROT_EXECUTE};
    return prots[stream_below(s, 6)];
}

static void draw_touch(struct step *step, struct stream *s)
{
    static const uint8_t kinds[] = {
        ACT_READ,  ACT_READ,  ACT_READ,  ACT_WRITE,   ACT_WRITE,
        ACT_WRITE, ACT_WRITE, ACT_FETCH, ACT_COPY_IN, ACT_COPY_OUT};
    step->act = kinds[stream_below(s, 10)];
    step->numbers[0] = some_address(s);
    if (step->act == ACT_FETCH) {
        step->numbers[0] &= ~(HAL_PAGE_SIZE - 1);
        return;
    }
    step->numbers[1] = some_length(s, step->numbers[0]);
    if (step->act == ACT_WRITE || step->act == ACT_COPY_OUT)
        step->numbers[2] = stream_below(s, 256);
}

static void draw_fork(struct step *step, struct stream *s)
{
    step->act = ACT_FORK;
    step->numbers[0] = free_place();
    step->numbers[1] = some_address(s);
    step->numbers[2] = some_address(s);
    step->numbers[3] = stream_one_in(s, 20) ? 1 + stream_below(s, 2) : 0;
}

static void draw_range(struct step *step, struct stream *s)
{
    unsigned which = stream_below(s, 7);
    draw_cells(step, s);
    step->act = which < 4 ? ACT_MAP : which < 5 ? ACT_UNMAP : ACT_PROTECT;
    if (step->act == ACT_UNMAP)
        return;
    step->numbers[2] = some_prot(s);
    if (step->act == ACT_PROTECT && stream_one_in(s, 9))
        step->numbers[2] = PROT_WRITE;
    if (step->act == ACT_MAP && stream_one_in(s, 3))
        step->numbers[3] = 1 + stream_below(s, FILE_PAGES + 4);
}

static void draw_act(struct step *step, struct stream *s, bool alone)
{
    unsigned which = stream_below(s, 100);
    if (which < 64) {
        draw_touch(step, s);
    } else if (which < 75) {
        draw_fork(step, s);
    } else if (which < 81) {
        step->act = ACT_EXIT;
    } else if (which < 93) {
        draw_range(step, s);
    } else if (which < 96) {
        step->act = ACT_POPULATE;
        step->numbers[0] = some_page(s);
    } else if (which < 97) {
        step->act = ACT_EXEC;
        step->numbers[0] = free_place();
        step->numbers[1] = stream_below(s, 256);
    } else if (which < 99 || !alone || !stream_one_in(s, 20)) {
        step->act = ACT_SPECULATE;
        step->numbers[0] = some_address(s);
    } else if (model_low) {
        step->act = ACT_GIVE;
    } else {
        step->act = ACT_TAKE;
        step->numbers[0] = stream_below(s, 12);
    }
}

void step_draw(struct step *step, struct stream *s, bool alone)
{
    struct process *p = some_process(s);
    *step = (struct step){.act = ACT_CREATE, .hart = hal_self()->hart};
    if (!p) {
        step->process = free_place();
        step->numbers[0] = stream_below(s, 256);
        return;
    }
    step->process = p - processes;
    draw_act(step, s, alone);
    if (stream_one_in(s, 12))
        step->fail = 1 + stream_below(s, 8);
}

/* ---- Doing ------------------------------------------------------------------
 */

/* A program's first regions: one of everything (layout 0), or some with gaps
 * here and there. */
static struct process *create(uint64_t layout, uint32_t nth)
{
    struct process *p = model_create(nth);
    struct stream s = stream_seeded(layout);
    unsigned at = 0;
    if (p && !layout)
        model_map(p, 0, CELLS, PROT_READ | PROT_WRITE, -1, 0);
    while (p && layout && at < CELLS) {
        unsigned end = at + 1 + stream_below(&s, 40);
        end = end < CELLS ? end : CELLS;
        bool mapped = !stream_one_in(&s, 8);
        uint8_t prot = some_prot(&s);
        int file = stream_one_in(&s, 5) ? (int)stream_below(&s, 20) : -1;
        if (mapped)
            model_map(p, at, end, prot, file, 0);
        at = end;
    }
    return p;
}

/* A new program in place of the old: a new space, then the old one goes. */
static void exec(struct process *p, const struct step *step)
{
    p->busy = true;
    model_next = step->numbers[0];
    bool made = create(step->numbers[1], step->fail);
    p->busy = false;
    if (made)
        model_exit(p);
}

/* The contract: pages of one anonymous region, and a writable one. */
static void populate(struct process *p, unsigned first, uint32_t nth)
{
    unsigned end = first;
    uint8_t prot = p->cells[first].prot;
    while (end < CELLS && end < first + 5 && model_is_page(end) &&
           p->cells[end].prot == prot && p->cells[end].file < 0)
        end++;
    if (prot & PROT_WRITE && end > first)
        model_populate(p, first, end, nth);
}

static void fork_as_told(struct process *p, const struct step *step)
{
    static const char *const policies[] = {"share", "tables", "bytes"};
    const uint64_t *n = step->numbers;
    eager_set_policy(policies[n[3] % 3]);
    model_next = n[0];
    model_fork(p, n[1], n[2], step->fail);
}

static void do_range(struct process *p, const struct step *step)
{
    const uint64_t *n = step->numbers;
    if (n[0] >= n[1] || n[1] > CELLS)
        return;
    if (step->act == ACT_MAP)
        model_map(p, n[0], n[1], n[2], (int)n[3] - 1, step->fail);
    else if (step->act == ACT_UNMAP)
        model_unmap(p, n[0], n[1], step->fail);
    else
        model_protect(p, n[0], n[1], n[2], step->fail);
}

static void take_memory(unsigned left)
{
    while (taken_count < MOST_TAKEN &&
           (taken[taken_count] = page_alloc(PAGE_KERNEL)))
        taken_count++;
    while (left-- && taken_count)
        page_put(taken[--taken_count]);
    model_low = true;
}

static void give_back(void)
{
    while (taken_count)
        page_put(taken[--taken_count]);
    model_low = false;
}

static void do_touch(struct process *p, const struct step *step)
{
    const uint64_t *n = step->numbers;
    switch (step->act) {
    case ACT_READ:
        model_read(p, n[0], n[1], step->fail);
        break;
    case ACT_WRITE:
        model_write(p, n[0], n[1], n[2], step->fail);
        break;
    case ACT_FETCH:
        model_fetch(p, n[0], step->fail);
        break;
    case ACT_COPY_IN:
        model_copy_in(p, n[0], n[1]);
        break;
    case ACT_COPY_OUT:
        model_copy_out(p, n[0], n[1], n[2]);
        break;
    }
}

static void do_of_process(struct process *p, const struct step *step)
{
    switch (step->act) {
    case ACT_FORK:
        fork_as_told(p, step);
        break;
    case ACT_EXIT:
        model_exit(p);
        break;
    case ACT_MAP:
    case ACT_UNMAP:
    case ACT_PROTECT:
        do_range(p, step);
        break;
    case ACT_POPULATE:
        populate(p, step->numbers[0], step->fail);
        break;
    case ACT_EXEC:
        exec(p, step);
        break;
    default:
        do_touch(p, step);
    }
}

void step_do(const struct step *step)
{
    struct process *p = &processes[step->process % PROCESSES];
    switch (step->act) {
    case ACT_CREATE:
        model_next = step->process;
        create(step->numbers[0], step->fail);
        break;
    case ACT_SPECULATE:
        mm_speculate(step->numbers[0]);
        break;
    case ACT_TAKE:
        take_memory(step->numbers[0]);
        break;
    case ACT_GIVE:
        give_back();
        break;
    default:
        if (p->space && !p->busy)
            do_of_process(p, step);
    }
}

void step_end_all(void)
{
    give_back();
    for (int i = 0; i < PROCESSES; i++)
        if (processes[i].space)
            model_exit(&processes[i]);
    eager_set_policy("share");
    mm_fence_code();
    mm_on_hart(0);
}

/* ---- As text ----------------------------------------------------------------
 */

void step_print(const struct step *step, char text[STEP_TEXT])
{
    int at = snprintf(text, STEP_TEXT, "%*s", 4 * step->depth, "");
    if (step->depth)
        at += snprintf(text + at, STEP_TEXT - at, "point %u: ", step->point);
    at += snprintf(text + at, STEP_TEXT - at, "hart %u process %u: %s",
                   step->hart, step->process, acts[step->act].name);
    for (unsigned i = 0; i < STEP_NUMBERS && acts[step->act].numbers[i]; i++)
        at += snprintf(text + at, STEP_TEXT - at, " %s=%#lx",
                       acts[step->act].numbers[i], step->numbers[i]);
    if (step->fail)
        snprintf(text + at, STEP_TEXT - at, " fail=%u", step->fail);
}

static bool parse_act(struct step *step, const char *name)
{
    for (step->act = 0; step->act < ACTS; step->act++)
        if (!strcmp(acts[step->act].name, name))
            return true;
    return false;
}

static bool parse_number(struct step *step, char *word)
{
    char *value = strchr(word, '=');
    if (!value)
        return false;
    *value++ = '\0';
    for (unsigned i = 0; i < STEP_NUMBERS && acts[step->act].numbers[i]; i++)
        if (!strcmp(acts[step->act].numbers[i], word)) {
            step->numbers[i] = strtoull(value, NULL, 0);
            return true;
        }
    step->fail = strtoul(value, NULL, 0);
    return !strcmp(word, "fail");
}

bool step_parse(struct step *step, const char *text)
{
    char name[20], copy[STEP_TEXT];
    unsigned depth = strspn(text, " ") / 4, point = 0, hart, process;
    int used = 0;
    if (depth && sscanf(text, " point %u:%n", &point, &used) != 1)
        return false;
    snprintf(copy, sizeof copy, "%s", text + used);
    if (sscanf(copy, " hart %u process %u: %19[a-z-]%n", &hart, &process, name,
               &used) != 3)
        return false;
    *step = (struct step){
        .depth = depth, .point = point, .hart = hart, .process = process};
    if (hart >= MM_HARTS || process >= PROCESSES || !parse_act(step, name))
        return false;
    for (char *w = strtok(copy + used, " \n"); w; w = strtok(NULL, " \n"))
        if (!parse_number(step, w))
            return false;
    return true;
}

/* ---- Simpler ----------------------------------------------------------------
 */

/* Make one number simpler: 0, or else the least that is not. */
static void simplify_number(struct step *step, unsigned which, bool most)
{
    uint64_t *n = step->numbers;
    bool is_touch = step->act >= ACT_READ && step->act <= ACT_COPY_OUT;
    bool is_range = step->act >= ACT_MAP && step->act <= ACT_PROTECT;
    if ((step->act == ACT_FORK || step->act == ACT_EXEC) && which == 0)
        return; /* others rely on the place */
    if (step->act == ACT_MAP && which == 2)
        n[2] = PROT_READ | PROT_WRITE; /* none at all is no mapping */
    else if (most && !(is_touch && which == 1))
        n[which] = 0;
    else if (which == 0)
        n[0] &= ~(HAL_PAGE_SIZE - 1);
    else if (is_range && which == 1)
        n[1] = n[0] + 1;
    else if (n[which] > 1)
        n[which] = 1;
}

bool step_simplify(struct step *step, unsigned nth)
{
    if (nth < 2 * STEP_NUMBERS) {
        simplify_number(step, nth / 2, nth % 2 == 0);
        return true;
    }
    nth -= 2 * STEP_NUMBERS;
    if (nth == 0)
        step->fail = 0;
    else if (nth == 1)
        step->hart = 0;
    else if (nth - 2 < step->process)
        step->process = nth - 2;
    return nth < 2 + PROCESSES;
}

bool step_rename(struct step *step, unsigned from, unsigned to)
{
    bool names_place = step->act == ACT_FORK || step->act == ACT_EXEC;
    bool renamed = step->process == from;
    if (renamed)
        step->process = to;
    if (names_place && step->numbers[0] == from) {
        step->numbers[0] = to;
        renamed = true;
    }
    return renamed;
}
