/*
 * The random test of kernel/mm against the model.
 *
 * It is done in rounds, each of a process of its own that begins with a
 * machine just booted, so that a failing round can be done again, and shrunk,
 * by itself. From the environment:
 *
 *   SEED=N      which sequences (1)
 *   OPS=N       how many operations, not counting those that come between
 *   ROUND=N     only this round of the seed
 *   REPLAY=FILE do the steps in the file, as a failure has written them
 *   BYTES=FILE  draw the steps from the file's bytes: what a fuzzer found
 *   SHRINK=N    seconds to shrink a failure (60); 0: do not
 *   PROGRESS=N  say every N seconds how far it is
 */
#ifndef TESTS_MM_RANDOM_H
#define TESTS_MM_RANDOM_H

#include <stdbool.h>

/* False when something failed; all has been said on stderr by then. Of
 * `operations`, unless OPS says otherwise. The machine has not been booted. */
bool random_test(unsigned long operations);

#endif
