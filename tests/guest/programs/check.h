/*
 * How the test programs check: each failed check says itself and its line,
 * and the program ends with status 1 if there was any.
 */
#ifndef CALF_TEST_CHECK_H
#define CALF_TEST_CHECK_H

#include "calf.h"

static int check_failures;

/* Notes a failure, with the text of the condition, and goes on. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("line %d: not so: %s\n", __LINE__, #condition);             \
            check_failures++;                                                  \
        }                                                                      \
    } while (0)

/* The status for main to return. */
static inline int check_result(void)
{
    printf(check_failures ? "%d checks failed\n" : "all checks passed\n",
           check_failures);
    return check_failures != 0;
}

#endif
