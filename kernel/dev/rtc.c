/*
 * The goldfish clock: 64 bits of nanoseconds in two registers. Reading the low
 * half keeps the high half of the same moment for the next read.
 */
#include "dev/rtc.h"
#include "arch/hal.h"

#define REG_LOW  0u
#define REG_HIGH 4u

int64_t rtc_read(uintptr_t base)
{
    uint64_t low = hal_read32(base + REG_LOW);

    return (int64_t)((uint64_t)hal_read32(base + REG_HIGH) << 32 | low);
}
