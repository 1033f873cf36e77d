/*
 * One operation of a random sequence: drawn, done, written down and read back.
 *
 * A step has all its numbers in it, so it means the same wherever it stands:
 * leaving other steps out of a sequence, as shrinking does, changes only what
 * it finds. A step of a process that is not there does nothing.
 */
#ifndef TESTS_MM_STEP_H
#define TESTS_MM_STEP_H

#include "host/mm/model.h"
#include "host/mm/stream.h"

enum act {
    ACT_CREATE,
    ACT_READ,
    ACT_WRITE,
    ACT_FETCH,
    ACT_COPY_IN,
    ACT_COPY_OUT,
    ACT_FORK,
    ACT_EXIT,
    ACT_MAP,
    ACT_UNMAP,
    ACT_PROTECT,
    ACT_POPULATE,
    ACT_EXEC,
    ACT_SPECULATE,
    ACT_TAKE, /* all pages but a few */
    ACT_GIVE, /* them back */
    ACTS
};

#define STEP_NUMBERS 4

struct step {
    uint8_t act;
    uint8_t depth;   /* 0; or it comes between, in the step of depth - 1 that
                        stands before it */
    uint16_t point;  /* where: at which of that step's points, from 1 */
    uint8_t hart;    /* that does it */
    uint8_t process; /* that acts, by its place */
    uint8_t fail;    /* its nth allocation fails; 0: none */
    uint64_t numbers[STEP_NUMBERS];
};

/* Draw what the running hart does next, of what is possible now; `alone`: it
 * does not come between others, so memory may come or go. */
void step_draw(struct step *step, struct stream *stream, bool alone);

/* Whether nothing may come between in it, nor may it come between itself. */
static inline bool step_is_atomic(const struct step *step)
{
    return step->act == ACT_TAKE || step->act == ACT_GIVE;
}

/* Do it, on the running hart. */
void step_do(const struct step *step);

/* Every process ends, and pages that were taken come back. */
void step_end_all(void);

#define STEP_TEXT 160

/* A step as a line without its newline, and back; false if it is none. */
void step_print(const struct step *step, char text[STEP_TEXT]);
bool step_parse(struct step *step, const char *text);

/* A simpler step, the `nth` one from 0 that there is; false: no more. */
bool step_simplify(struct step *step, unsigned nth);

/* Let process `to` be what `from` was; false if the step has no `from`. */
bool step_rename(struct step *step, unsigned from, unsigned to);

#endif
