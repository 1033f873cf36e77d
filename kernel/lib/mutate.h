/*
 * Bugs put back on purpose.
 *
 * A mutant is a build in which one way copy-on-write goes wrong is wrong again:
 * -DMUTANT=N makes MUTATE(N) true. docs/BUGS.md tells the stories by number,
 * and `make mutants` checks that the tests catch every one. In all other builds
 * MUTATE is the constant false and leaves no trace.
 */
#ifndef LIB_MUTATE_H
#define LIB_MUTATE_H

#ifdef MUTANT
#define MUTATE(number) (MUTANT == (number))
#else
#define MUTATE(number) 0
#endif

#endif
