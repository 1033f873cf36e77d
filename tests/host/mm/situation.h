/*
 * Families of processes in various stages of sharing, for tests that try one
 * act in each.
 */
#ifndef TESTS_MM_SITUATION_H
#define TESTS_MM_SITUATION_H

#include "host/mm/model.h"

/* Page `page` of a window. */
uint64_t at(unsigned window, unsigned page);

/* Each makes processes and returns the one to act. */

/* Regions in every window, window 1 of the file, and no memory. */
struct process *empty(void);
/* Written, read and file pages, in wide and narrow nodes. */
struct process *varied(void);
/* That, and a child that has touched nothing. */
struct process *shared(void);
/* Sharers that have read here and there, so that some nodes are linked. */
struct process *linked(void);
/* Parent, child and grandchild have lazy copies. */
struct process *lazy_copies(void);
/* The lazy copies of the child are shared by the grandchild. */
struct process *lazy_and_shared(void);
/* The only lazy copies, one of them sealed by a sharer that is gone. */
struct process *sealed_lazy_copy(void);
/* Many regions in a list that is shared. */
struct process *many_regions(void);

/* All processes end. */
void all_exit(void);

#endif
