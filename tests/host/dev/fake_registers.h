/*
 * For tests of drivers on the host's machine (tests/host/mm/hal.h): device
 * registers are the test's.
 */
#ifndef TESTS_FAKE_REGISTERS_H
#define TESTS_FAKE_REGISTERS_H

#include <stdint.h>

uint32_t hal_read32(uintptr_t va);
void hal_write32(uintptr_t va, uint32_t value);
void hal_device_fence(void);

#endif
