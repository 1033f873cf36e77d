/*
 * Sequences tried in a process of their own, so that a failure, of whatever
 * kind, is survived; and the shortest one looked for that still fails.
 */
#ifndef TESTS_MM_SHRINK_H
#define TESTS_MM_SHRINK_H

#include "host/mm/sequence.h"

/* Room for `most` steps, seen by processes that are forked later. */
struct sequence *sequence_create(unsigned most);
void sequence_destroy(struct sequence *sequence);

/* Draw, or do again, in a child process of this one, which must have booted
 * the machine and done nothing. True: it passed. What the child says on
 * stderr is shown if `loud`. */
bool trial_draw(struct sequence *record, struct stream *stream,
                unsigned long operations, bool loud);
bool trial_run(struct sequence *steps, bool loud);

/* Leave out of a failing sequence, and make simpler, what it does not need to
 * fail, for at most so many seconds. The number of sequences tried; 0 if it
 * does not fail when done again. */
unsigned sequence_shrink(struct sequence *steps, unsigned seconds);

#endif
