/*
 * What is where in physical memory: RAM, and devices at the addresses that they
 * have on QEMU's "virt", so that a kernel may rely on those it knows.
 */
#include "private.h"

enum { TIME_LOW = 0, TIME_HIGH = 4 };

bool ram_offset(const struct machine *m, uint64_t physical, uint64_t length,
                uint64_t *offset)
{
    uint64_t at = physical - MACHINE_RAM_BASE;
    *offset = at;
    return physical >= MACHINE_RAM_BASE && at < m->config.ram &&
           length <= m->config.ram - at;
}

static bool inside(uint64_t physical, uint64_t base, uint64_t size)
{
    return physical >= base && physical - base < size;
}

/* The clock on the wall: Goldfish's, nanoseconds since 1970 in two halves, of
 * which reading the low one keeps the other. It has no alarm. */
static uint32_t clock_load(struct machine *m, uint64_t at)
{
    uint64_t now = m->config.epoch * 1000000000 + machine_time(m) * 100;
    if (at == TIME_LOW)
        m->rtc_high = (uint32_t)(now >> 32);
    return at == TIME_LOW ? (uint32_t)now : at == TIME_HIGH ? m->rtc_high : 0;
}

/* The devices with registers of 32 bits; NULL if `value` is not one of them. */
static bool load_register(struct machine *m, uint64_t at, uint64_t *value)
{
    if (inside(at, PLIC_BASE, PLIC_SIZE))
        *value = plic_load(m, (uint32_t)(at - PLIC_BASE));
    else if (inside(at, RTC_BASE, PAGE_SIZE))
        *value = clock_load(m, at - RTC_BASE);
    else
        return false;
    return true;
}

bool bus_load(struct machine *m, uint64_t physical, unsigned size,
              uint64_t *value)
{
    if (physical % size)
        return false;
    if (inside(physical, UART_BASE, UART_SIZE)) {
        *value = uart_load(m, (uint32_t)(physical - UART_BASE));
        return size == 1;
    }
    if (inside(physical, VIRTIO_BASE, VIRTIO_SLOTS * PAGE_SIZE)) {
        uint32_t at = (uint32_t)(physical - VIRTIO_BASE);
        return virtio_load(m, at / PAGE_SIZE, at % PAGE_SIZE, size, value);
    }
    return size == 4 && load_register(m, physical, value);
}

bool bus_store(struct machine *m, uint64_t physical, unsigned size,
               uint64_t value)
{
    if (size == 1 && inside(physical, UART_BASE, UART_SIZE)) {
        uart_store(m, (uint32_t)(physical - UART_BASE), (uint8_t)value);
        return true;
    }
    if (size != 4 || physical % size)
        return false;
    if (inside(physical, VIRTIO_BASE, VIRTIO_SLOTS * PAGE_SIZE)) {
        uint32_t at = (uint32_t)(physical - VIRTIO_BASE);
        virtio_store(m, at / PAGE_SIZE, at % PAGE_SIZE, (uint32_t)value);
    } else if (inside(physical, PLIC_BASE, PLIC_SIZE)) {
        plic_store(m, (uint32_t)(physical - PLIC_BASE), (uint32_t)value);
    } else {
        return inside(physical, RTC_BASE, PAGE_SIZE); /* and does nothing */
    }
    return true;
}
