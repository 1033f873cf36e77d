/*
 * Here because programs written for xv6 include it; user programs have no use
 * for the type.
 */
#ifndef CALF_USER_SPINLOCK_H
#define CALF_USER_SPINLOCK_H

#include "kernel/types.h"

struct spinlock {
    uint locked;
};

#endif
