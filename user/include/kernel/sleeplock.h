/*
 * Here because programs written for xv6 include it; user programs have no use
 * for the type.
 */
#ifndef CALF_USER_SLEEPLOCK_H
#define CALF_USER_SLEEPLOCK_H

#include "kernel/types.h"

struct sleeplock {
    uint locked;
};

#endif
