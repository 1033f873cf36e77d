/*
 * What the files of this machine share; private to them.
 */
#ifndef ARCH_RISCV_INTERNAL_H
#define ARCH_RISCV_INTERNAL_H

#include "arch/hal.h"

/* Where the image is linked; and the offset of `place` from its start. */
#define IMAGE_BASE 0xffffffff80000000ul

static inline uint64_t image_offset(const void *place)
{
    return (uint64_t)place - IMAGE_BASE;
}

/* mmu.c: where the image was loaded; set at boot. */
extern uint64_t image_physical;

/* What other harts can be asked for. Fences have their SBI function numbers. */
enum sbi_request { SBI_FENCE_I = 0, SBI_SFENCE = 1, SBI_INTERRUPT };

/* sbi.c, calls to the firmware (RISC-V Supervisor Binary Interface 1.0). Bit 0
 * of the mask is hart `hart_base`; SFENCE takes `start` and `size`. If the
 * firmware refuses one of these two, the kernel panics. */
void sbi_ask_harts(enum sbi_request request, uint64_t hart_mask,
                   uint64_t hart_base, uint64_t start, uint64_t size);
void sbi_set_timer(uint64_t ticks);
/* 0, or an SBI_ERR_*. */
int64_t sbi_hart_start(uint64_t hardware_id, uint64_t physical,
                       uint64_t opaque);

/* smp.c: ask the harts of `set` (kernel numbers), but not this one. Makes the
 * masks of hardware identifiers that the SBI takes. */
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
