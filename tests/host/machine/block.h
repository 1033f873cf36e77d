/*
 * A machine in a block of memory of exactly its size, so that AddressSanitizer
 * sees what is touched beside it.
 */
#ifndef TESTS_HOST_MACHINE_BLOCK_H
#define TESTS_HOST_MACHINE_BLOCK_H

#include "private.h"

#define CODE    (MACHINE_RAM_BASE + 0x200000) /* where harts begin */
#define HANDLER (MACHINE_RAM_BASE + 0x300000) /* stvec; loops */
#define DATA    (MACHINE_RAM_BASE + 0x400000)
#define TABLES  (MACHINE_RAM_BASE + 0x500000)

#define LOOP 0x0000006fu

/* A new machine with all harts at CODE, in S mode, hart 0's turn of 1000
 * instructions; NULL if it cannot be. The caller frees it. */
struct machine *block_new(const struct machine_config *config);

/* All as it was when it was new. Costs no more than what was touched. */
void block_renew(struct machine *m);

#endif
