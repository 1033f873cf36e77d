/*
 * Counters of what the memory system did since boot, for /proc/meminfo and
 * the tests. Each hart has counters of its own; a read adds them up.
 */
#ifndef MM_STATS_H
#define MM_STATS_H

#include "arch/hal.h"

/* Each counter, and its name in /proc/meminfo. */
#define STAT_LIST(X)                                                           \
    X(STAT_FAULTS, "faults") /* all, counted on entry */                       \
    /* From here in the order of enum fault. */                                \
    X(STAT_FAULT_SPURIOUS, "faults_spurious")                                  \
    X(STAT_FAULT_ZERO, "faults_zero")                                          \
    X(STAT_FAULT_FILE, "faults_file")                                          \
    X(STAT_FAULT_REUSE, "faults_reuse")                                        \
    X(STAT_FAULT_COPY, "faults_copy")                                          \
    X(STAT_FAULT_SEGV, "faults_segv")                                          \
    X(STAT_FAULT_BUS, "faults_bus")                                            \
    X(STAT_FAULT_NOMEM, "faults_nomem")                                        \
    X(STAT_NODES_COPIED, "nodes_copied")                                       \
    X(STAT_NODES_CLAIMED, "nodes_claimed")                                     \
    X(STAT_NODES_SEALED, "nodes_sealed")                                       \
    X(STAT_NODES_LINKED, "nodes_linked")                                       \
    X(STAT_NODES_LAZY, "nodes_lazy")                                           \
    X(STAT_NODES_MERGED, "nodes_merged")                                       \
    X(STAT_PAGES_COPIED, "pages_copied")                                       \
    X(STAT_SHOOTDOWNS, "shootdowns")

#define STAT_SYMBOL(symbol, name) symbol,
#define STAT_NAME(symbol, name)   name,

enum stat { STAT_LIST(STAT_SYMBOL) STATS };

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
