/*
 * For drivers under test: stands in for arch/hal.h (its include guard is taken
 * here, by -include on the test's flags line) and hands every access to a
 * device register, every spinlock and the clock to the test.
 */
#ifndef ARCH_HAL_H
#define ARCH_HAL_H

#include "host/lib/fake_spinlock.h"
#include <stdatomic.h>
#include <stdint.h>

uint8_t hal_read8(uintptr_t va);
uint32_t hal_read32(uintptr_t va);
void hal_write8(uintptr_t va, uint8_t value);
void hal_write32(uintptr_t va, uint32_t value);
uint64_t hal_time(void);

static inline void hal_relax(void)
{
}

#endif
