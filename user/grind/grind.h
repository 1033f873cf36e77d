/*
 * grind: between the one who watches (main.c) and those who work (work.c).
 */
#ifndef CALF_GRIND_H
#define CALF_GRIND_H

#include "suite.h"
#include "kernel/types.h"

/* What one worker has done; those that are killed do not tell. */
struct tally {
    uint64 acts, forks, execs, kills;
};

/*
 * Does random things, in the current folder, until uptime() is `until`; then
 * returns. fail() if anything is not as it has to be. `number` makes the names
 * of the worker's own files.
 */
void work(int number, uint seed, int until, struct tally *tally);

/* Removes whatever workers leave in the current folder. */
void clean_up(void);

/* The other end of a worker's exec: 0 if the arguments are what it gave. */
int check_arguments(int argc, char **argv);
#define EXEC_WORD "@exec"

/* A path of this program. */
extern const char *self;

#endif
