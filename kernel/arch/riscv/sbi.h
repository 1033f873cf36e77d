/*
 * Calls to the firmware (RISC-V Supervisor Binary Interface 1.0).
 */
#ifndef ARCH_RISCV_SBI_H
#define ARCH_RISCV_SBI_H

#include <stdint.h>

struct sbi_result {
    int64_t error; /* 0, or an SBI_ERR_* */
    int64_t value;
};

void sbi_set_timer(uint64_t ticks);
void sbi_send_ipi(uint64_t hart_mask, uint64_t hart_base);
void sbi_remote_fence_i(uint64_t hart_mask, uint64_t hart_base);
void sbi_remote_sfence(uint64_t hart_mask, uint64_t hart_base, uint64_t start,
                       uint64_t size);
struct sbi_result sbi_hart_start(uint64_t hardware_id, uint64_t physical,
                                 uint64_t opaque);

#endif
