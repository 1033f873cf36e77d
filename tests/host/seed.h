/*
 * The seed of a test that draws random cases: the same in every run, unless
 * SEED in the environment says otherwise. tools/soak runs the tests that
 * include this with one seed after the other.
 */
#ifndef TESTS_SEED_H
#define TESTS_SEED_H

#include <stdlib.h>

static inline unsigned test_seed(unsigned usual)
{
    const char *told = getenv("SEED");
    return told ? usual + (unsigned)strtoul(told, NULL, 0) : usual;
}

#endif
