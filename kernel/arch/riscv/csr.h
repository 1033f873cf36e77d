/*
 * Control and status registers: names and accessors (RISC-V Privileged
 * Architecture 20211203, chapters 4 and 10; Sstc 1.0).
 */
#ifndef ARCH_RISCV_CSR_H
#define ARCH_RISCV_CSR_H

#include <stdint.h>

#define SSTATUS_SPIE       (1ul << 5)
#define SSTATUS_FS         (3ul << 13)
#define SSTATUS_FS_INITIAL (1ul << 13)
#define SSTATUS_FS_CLEAN   (2ul << 13)
#define SSTATUS_FS_DIRTY   (3ul << 13)

#define SIE_SOFTWARE (1ul << 1)
#define SIE_TIMER    (1ul << 5)
#define SIE_EXTERNAL (1ul << 9)

#define SCAUSE_INTERRUPT (1ul << 63)
enum {
    INTERRUPT_SOFTWARE = 1,
    INTERRUPT_TIMER = 5,
    INTERRUPT_EXTERNAL = 9,
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_USER = 8,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};

#define SATP_SV39       (8ul << 60)
#define SCOUNTEREN_TIME (1ul << 1)

#define csr_read(name)                                                         \
    ({                                                                         \
        uint64_t value_;                                                       \
        __asm__ volatile("csrr %0, " #name : "=r"(value_)::"memory");          \
        value_;                                                                \
    })
#define csr_write(name, value)                                                 \
    __asm__ volatile("csrw " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define csr_set(name, bits)                                                    \
    __asm__ volatile("csrs " #name ", %0" ::"r"((uint64_t)(bits)) : "memory")
#define csr_clear(name, bits)                                                  \
    __asm__ volatile("csrc " #name ", %0" ::"r"((uint64_t)(bits)) : "memory")

#endif
