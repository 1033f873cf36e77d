/*
 * Pages, and the registers a user program may look at.
 */
#ifndef CALF_USER_RISCV_H
#define CALF_USER_RISCV_H

#include "kernel/types.h"

#define PGSHIFT        12
#define PGSIZE         (1 << PGSHIFT)
#define PGROUNDDOWN(a) ((a) & ~(uint64)(PGSIZE - 1))
#define PGROUNDUP(a)   PGROUNDDOWN((a) + (PGSIZE - 1))

/* User addresses are below this: half of what Sv39 can name. */
#define MAXVA (1L << 38)

/* Bits of a page-table entry. */
#define PTE_V 0x01L
#define PTE_R 0x02L
#define PTE_W 0x04L
#define PTE_X 0x08L
#define PTE_U 0x10L

typedef uint64 pte_t;
typedef uint64 *pagetable_t;

static inline uint64 r_sp(void)
{
    uint64 value;

    __asm__ volatile("mv %0, sp" : "=r"(value));
    return value;
}

static inline uint64 r_ra(void)
{
    uint64 value;

    __asm__ volatile("mv %0, ra" : "=r"(value));
    return value;
}

#endif
