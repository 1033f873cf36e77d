/*
 * Addresses that tests written for xv6 poke at, to see that they fault.
 * Calf keeps none of these things there; it keeps nothing there.
 */
#ifndef CALF_USER_MEMLAYOUT_H
#define CALF_USER_MEMLAYOUT_H

#include "kernel/riscv.h"

#define KERNBASE 0x80000000L
#define PHYSTOP  (KERNBASE + (128L << 20))

#define TRAMPOLINE (MAXVA - PGSIZE)
#define TRAPFRAME  (MAXVA - 2 * PGSIZE)

#endif
