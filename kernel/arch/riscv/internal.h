/*
 * What the files of this machine share; private to them.
 */
#ifndef ARCH_RISCV_INTERNAL_H
#define ARCH_RISCV_INTERNAL_H

#include "arch/hal.h"
#include "arch/riscv/sbi.h"

/* Where the image is linked; and the offset of `place` from its start. */
#define IMAGE_BASE 0xffffffff80000000ul

static inline uint64_t image_offset(const void *place)
{
    return (uint64_t)place - IMAGE_BASE;
}

/* mmu.c: where the image was loaded; set at boot. */
extern uint64_t image_physical;

/* smp.c: ask the other harts of `set` (kernel numbers), by the masks of
 * hardware identifiers that the SBI takes. */
void harts_ask(uint64_t set, enum sbi_request request, uint64_t start,
               uint64_t size);
/* A software interrupt arrived. */
void smp_interrupt(void);

/* timer.c, irq.c */
void timer_hart_setup(void);
void irq_external(void);

/* trap.c: print registers, and where each hart is. */
void trap_report(void);

#endif
