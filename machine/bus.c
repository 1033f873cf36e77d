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

/* The clock on the wall: Goldfish's, nanoseconds since 1970 in two halves, of
 * which reading the low one keeps the other. It has no alarm. */
static bool clock_load(struct machine *m, uint32_t at, unsigned size,
                       uint64_t *value)
{
    uint64_t now = m->config.epoch * 1000000000 + machine_time(m) * 100;
    if (at == TIME_LOW)
        m->rtc_high = (uint32_t)(now >> 32);
    (void)size;
    *value = at == TIME_LOW ? (uint32_t)now : at == TIME_HIGH ? m->rtc_high : 0;
    return true;
}

static bool clock_store(struct machine *m, uint32_t at, unsigned size,
                        uint64_t value)
{
    (void)m, (void)at, (void)size, (void)value;
    return true;
}

static const struct {
    uint32_t base, size;
    unsigned widths; /* of an access: a sum */
    bool (*load)(struct machine *, uint32_t at, unsigned size, uint64_t *);
    bool (*store)(struct machine *, uint32_t at, unsigned size, uint64_t);
} devices[] = {
    {UART_BASE, UART_SIZE, 1, uart_load, uart_store},
    {PLIC_BASE, PLIC_SIZE, 4, plic_load, plic_store},
    {VIRTIO_BASE, VIRTIO_SLOTS *PAGE_SIZE, 15, virtio_load, virtio_store},
    {RTC_BASE, PAGE_SIZE, 4, clock_load, clock_store},
};
#define DEVICES (sizeof devices / sizeof *devices)

/* The device that is there; DEVICES if there is none. */
static unsigned find(uint64_t physical, unsigned size)
{
    unsigned i = 0;
    while (i < DEVICES && (physical < devices[i].base ||
                           physical - devices[i].base >= devices[i].size))
        i++;
    bool suits = i < DEVICES && devices[i].widths & size && !(physical % size);
    return suits ? i : DEVICES;
}

bool bus_load(struct machine *m, uint64_t physical, unsigned size,
              uint64_t *value)
{
    unsigned i = find(physical, size);
    return i < DEVICES &&
           devices[i].load(m, (uint32_t)physical - devices[i].base, size,
                           value);
}

bool bus_store(struct machine *m, uint64_t physical, unsigned size,
               uint64_t value)
{
    unsigned i = find(physical, size);
    return i < DEVICES &&
           devices[i].store(m, (uint32_t)physical - devices[i].base, size,
                            value);
}
