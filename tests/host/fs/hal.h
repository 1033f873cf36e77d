/*
 * For tests of kernel/fs: stands in for arch/hal.h (its include guard is taken
 * here, by -include on the test's flags line) and for spinlocks. Physical
 * memory begins at 0 of an array of the test's.
 */
#ifndef ARCH_HAL_H
#define ARCH_HAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HAL_PAGE_SHIFT 12
#define HAL_PAGE_SIZE  4096ul

#define HAL_WORK_KILLED 2u
#define HAL_WORK_SIGNAL 4u

struct hal_range {
    uint64_t start, end;
};

struct hal_thread {
    uint32_t work, hart;
};

/* The one thread, alive as long as the test does not say otherwise. */
extern uint64_t stub_thread[64];

static inline struct hal_thread *hal_self(void)
{
    return (struct hal_thread *)stub_thread;
}

extern uint8_t stub_memory[];

extern uint64_t stub_time;

static inline uint64_t hal_time(void)
{
    return stub_time;
}

static inline void *hal_phys_to_virt(uint64_t physical)
{
    return stub_memory + physical;
}

static inline uint64_t hal_virt_to_phys(const void *direct)
{
    return (uint64_t)((const uint8_t *)direct - stub_memory);
}

static inline void hal_clear_page(void *page)
{
    memset(page, 0, HAL_PAGE_SIZE);
}

static inline void hal_copy_page(void *to, const void *from)
{
    memcpy(to, from, HAL_PAGE_SIZE);
}

#include "host/lib/fake_spinlock.h"

#endif
