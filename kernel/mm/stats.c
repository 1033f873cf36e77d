/*
 * The counters, and the names under which /proc/meminfo shows them.
 */
#include "mm/stats.h"

struct stat_block stats[HAL_MAX_HARTS];

const char *const stat_names[STATS] = {
    [STAT_FAULTS] = "faults",
    [STAT_FAULT_SPURIOUS] = "faults_spurious",
    [STAT_FAULT_ZERO] = "faults_zero",
    [STAT_FAULT_FILE] = "faults_file",
    [STAT_FAULT_REUSE] = "faults_reuse",
    [STAT_FAULT_COPY] = "faults_copy",
    [STAT_FAULT_SEGV] = "faults_segv",
    [STAT_FAULT_BUS] = "faults_bus",
    [STAT_FAULT_NOMEM] = "faults_nomem",
    [STAT_NODES_COPIED] = "nodes_copied",
    [STAT_NODES_CLAIMED] = "nodes_claimed",
    [STAT_NODES_SEALED] = "nodes_sealed",
    [STAT_NODES_LINKED] = "nodes_linked",
    [STAT_NODES_LAZY] = "nodes_lazy",
    [STAT_NODES_MERGED] = "nodes_merged",
    [STAT_PAGES_COPIED] = "pages_copied",
    [STAT_SHOOTDOWNS] = "shootdowns",
};
