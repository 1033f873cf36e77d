/*
 * Calls to the firmware (RISC-V Supervisor Binary Interface 1.0).
 */
#ifndef ARCH_RISCV_SBI_H
#define ARCH_RISCV_SBI_H

#include <stdint.h>

/* What other harts can be asked for. Fences have their SBI function numbers. */
enum sbi_request { SBI_FENCE_I = 0, SBI_SFENCE = 1, SBI_INTERRUPT };

/* Bit 0 of the mask is hart `hart_base`; SFENCE takes `start` and `size`. If
 * the firmware refuses this, or to set the timer, the kernel panics. */
void sbi_ask_harts(enum sbi_request request, uint64_t hart_mask,
                   uint64_t hart_base, uint64_t start, uint64_t size);
void sbi_set_timer(uint64_t ticks);
/* 0, or an SBI_ERR_*. */
int64_t sbi_hart_start(uint64_t hardware_id, uint64_t physical,
                       uint64_t opaque);

#endif
