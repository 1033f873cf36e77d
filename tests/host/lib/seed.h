/*
 * What the environment says to a test that draws random cases. They are the
 * same in every run, unless SEED= says otherwise; tools/soak runs the tests
 * that ask for it with one seed after the other.
 */
#ifndef TESTS_SEED_H
#define TESTS_SEED_H

#include <stdlib.h>

static inline unsigned long test_number(const char *name, unsigned long usual)
{
    const char *told = getenv(name);
    return told ? strtoul(told, NULL, 0) : usual;
}

static inline unsigned test_seed(unsigned usual)
{
    return usual + (unsigned)test_number("SEED", 0);
}

#endif
