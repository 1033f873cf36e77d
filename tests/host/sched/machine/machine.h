/*
 * The inline part of a machine for kernel/sched (see kernel/arch/hal.h) whose
 * harts stop before each access to what others share. Which hart goes on from
 * there tests/host/sched/test_sched.c decides.
 */
#ifndef TESTS_SCHED_MACHINE_H
#define TESTS_SCHED_MACHINE_H

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#define HAL_PAGE_SIZE   4096ul
#define HAL_STACK_PAGES 4

struct hal_frame;

struct hal_thread {
    uint32_t work, hart;
    ucontext_t first; /* where it begins */
    bool begun;
    jmp_buf context; /* where it goes on */
};

extern struct hal_thread *machine_self;

/* Another hart may go on here. */
void machine_point(void);

static inline struct hal_thread *hal_self(void)
{
    return machine_self;
}

/* Interrupts come when the running thread says so. */
static inline bool hal_irq_save(void)
{
    return false;
}

static inline void hal_irq_enable(void)
{
}

static inline void hal_irq_restore(bool on)
{
    (void)on;
}

static inline bool hal_irq_enabled(void)
{
    return false;
}

void hal_relax(void);

#undef atomic_load
#undef atomic_store
#undef atomic_load_explicit
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit

#define ATOMICALLY(operation, ...)                                             \
    (machine_point(), __atomic_##operation(__VA_ARGS__, 5))

#define atomic_load(p)         ATOMICALLY(load_n, p)
#define atomic_store(p, v)     ATOMICALLY(store_n, p, v)
#define atomic_fetch_or(p, v)  ATOMICALLY(fetch_or, p, v)
#define atomic_fetch_and(p, v) ATOMICALLY(fetch_and, p, v)

#define atomic_load_explicit(p, order) atomic_load(p)

#define atomic_compare_exchange_strong(p, e, v)                                \
    ATOMICALLY(compare_exchange_n, p, e, v, 0, 5)

#define atomic_compare_exchange_weak(p, e, v)                                  \
    atomic_compare_exchange_strong(p, e, v)

#define atomic_compare_exchange_weak_explicit(p, e, v, yes, no)                \
    atomic_compare_exchange_strong(p, e, v)

#endif
