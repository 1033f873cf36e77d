/*
 * RISC-V's inline part of the machine contract (see arch/hal.h).
 *
 * `tp` holds the running thread. It does not change while a thread runs, on
 * whatever hart, so it can be read with interrupts on. trap.S knows the offsets
 * of the first fields of hal_thread, and those of hal_frame.
 */
#ifndef ARCH_RISCV_MACHINE_H
#define ARCH_RISCV_MACHINE_H

#include "lib/types.h"

#define HAL_PAGE_SHIFT 12
#define HAL_PAGE_SIZE  4096ul
#define HAL_USER_TOP   (1ul << 38)
#ifdef DEBUG
#define HAL_STACK_PAGES 4
#else
#define HAL_STACK_PAGES 2
#endif

/* The most kernel stacks, and so the most threads. */
#define HAL_STACKS 960

/* Physical address p is mapped at HAL_DIRECT_BASE + p. */
#define HAL_DIRECT_BASE 0xffffffc000000000ul

struct hal_fpu {
    uint64_t f[32];
    uint32_t fcsr;
};

struct hal_thread {
    uint64_t kernel_sp;   /* 0: where a trap from user mode saves registers */
    uint64_t user_sp;     /* 8: scratch of trap entry */
    uint32_t work;        /* 16: HAL_WORK_*, changed atomically */
    uint32_t hart;        /* 20: the hart that it runs on, or ran on last */
    uint64_t context[14]; /* 24: ra, sp, s0..s11 while switched out */
    bool fpu_used;        /* has floating-point state in `fpu` */
    struct hal_fpu fpu;
};

struct hal_frame {
    uint64_t x[32];  /* x[0] holds the pc */
    uint64_t status; /* sstatus */
    uint64_t unused; /* keeps the size a multiple of 16 */
};

static inline struct hal_thread *hal_self(void)
{
    struct hal_thread *self;
    __asm__("mv %0, tp" : "=r"(self));
    return self;
}

/* Nanoseconds of one count of the clock; 0: no whole number (timer.c). */
extern uint64_t timer_nanoseconds;
uint64_t timer_convert(uint64_t count);

static inline uint64_t hal_time(void)
{
    uint64_t count;
    __asm__ volatile("csrr %0, time" : "=r"(count));
    return __builtin_expect(timer_nanoseconds != 0, 1)
               ? count * timer_nanoseconds
               : timer_convert(count);
}

static inline void hal_irq_enable(void)
{
    __asm__ volatile("csrsi sstatus, 2" ::: "memory");
}

static inline void hal_irq_disable(void)
{
    __asm__ volatile("csrci sstatus, 2" ::: "memory");
}

static inline bool hal_irq_save(void)
{
    uint64_t old;
    __asm__ volatile("csrrci %0, sstatus, 2" : "=r"(old)::"memory");
    return old & 2;
}

static inline void hal_irq_restore(bool on)
{
    if (on)
        hal_irq_enable();
}

static inline bool hal_irq_enabled(void)
{
    uint64_t now;
    __asm__ volatile("csrr %0, sstatus" : "=r"(now));
    return now & 2;
}

static inline void hal_relax(void)
{
    /* `pause` of Zihintpause: a hint, a no-op where it is not known. */
    __asm__ volatile(".word 0x0100000f" ::: "memory");
}

static inline void *hal_phys_to_virt(uint64_t physical)
{
    return (void *)(HAL_DIRECT_BASE + physical);
}

static inline uint64_t hal_virt_to_phys(const void *direct)
{
    return (uint64_t)direct - HAL_DIRECT_BASE;
}

/* Both take page-aligned kernel addresses. */
void hal_clear_page(void *page);
void hal_copy_page(void *to, const void *from);

static inline uint64_t hal_frame_syscall(const struct hal_frame *f)
{
    return f->x[17];
}

static inline uint64_t hal_frame_argument(const struct hal_frame *f, int i)
{
    return f->x[10 + i];
}

static inline void hal_frame_set_result(struct hal_frame *f, uint64_t value)
{
    f->x[10] = value;
}

static inline uint64_t hal_frame_pc(const struct hal_frame *f)
{
    return f->x[0];
}

static inline uint64_t hal_frame_sp(const struct hal_frame *f)
{
    return f->x[2];
}

/* Registers as a program finds them at its start: all zero but these. */
static inline void hal_frame_start(struct hal_frame *f, uint64_t pc,
                                   uint64_t sp, uint64_t a0, uint64_t a1)
{
    *f = (struct hal_frame){0};
    f->x[0] = pc;
    f->x[2] = sp;
    f->x[10] = a0;
    f->x[11] = a1;
}

/* Accesses to memory and devices before this come before those after it. */
static inline void hal_device_fence(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

static inline uint8_t hal_read8(uintptr_t va)
{
    uint8_t v;
    __asm__ volatile("lbu %0, 0(%1)" : "=r"(v) : "r"(va) : "memory");
    return v;
}

static inline void hal_write8(uintptr_t va, uint8_t v)
{
    __asm__ volatile("sb %0, 0(%1)" ::"r"(v), "r"(va) : "memory");
}

static inline uint32_t hal_read32(uintptr_t va)
{
    uint32_t v;
    __asm__ volatile("lw %0, 0(%1)" : "=r"(v) : "r"(va) : "memory");
    return v;
}

static inline void hal_write32(uintptr_t va, uint32_t v)
{
    __asm__ volatile("sw %0, 0(%1)" ::"r"(v), "r"(va) : "memory");
}

#endif
