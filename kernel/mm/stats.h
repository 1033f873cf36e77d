/*
 * Counters of what the memory system did since boot, for /proc/meminfo and
 * the tests. Each hart has counters of its own; a read adds them up.
 */
#ifndef MM_STATS_H
#define MM_STATS_H

#include "arch/hal.h"

enum stat {
    STAT_FAULTS,         /* all, counted on entry */
    STAT_FAULT_SPURIOUS, /* from here in the order of enum fault */
    STAT_FAULT_ZERO,
    STAT_FAULT_FILE,
    STAT_FAULT_REUSE,
    STAT_FAULT_COPY,
    STAT_FAULT_SEGV,
    STAT_FAULT_BUS,
    STAT_FAULT_NOMEM,
    STAT_NODES_COPIED,
    STAT_NODES_CLAIMED,
    STAT_NODES_SEALED,
    STAT_NODES_LINKED,
    STAT_NODES_LAZY,
    STAT_NODES_MERGED,
    STAT_PAGES_COPIED,
    STAT_SHOOTDOWNS,
    STATS
};

struct stat_block {
    _Alignas(64) _Atomic uint64_t value[STATS];
};

extern struct stat_block stats[HAL_MAX_HARTS];
extern const char *const stat_names[STATS];

static inline void stat_count(enum stat which)
{
    atomic_fetch_add_explicit(&stats[hal_self()->hart].value[which], 1,
                              memory_order_relaxed);
}

static inline uint64_t stat_read(enum stat which)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < hal_hart_count(); i++)
        sum +=
            atomic_load_explicit(&stats[i].value[which], memory_order_relaxed);
    return sum;
}

#endif
