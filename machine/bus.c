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
static uint64_t clock_load(struct machine *m, uint32_t at)
{
    uint64_t now = m->config.epoch * 1000000000 + machine_time(m) * 100;
    if (at == TIME_LOW)
        m->rtc_high = (uint32_t)(now >> 32);
    return at == TIME_LOW ? (uint32_t)now : at == TIME_HIGH ? m->rtc_high : 0;
}

static const struct device {
    uint32_t base, size;
    unsigned widths;    /* of an access: a sum */
    uint32_t any_width; /* from here on in a page: any */
    uint64_t (*load)(struct machine *m, uint32_t at);
    void (*store)(struct machine *m, uint32_t at, uint64_t value);
} devices[] = {
    {UART_BASE, UART_SIZE, 1, PAGE_SIZE, uart_load, uart_store},
    {PLIC_BASE, PLIC_SIZE, 4, PAGE_SIZE, plic_load, plic_store},
    {VIRTIO_BASE, VIRTIO_SIZE, 4, VIRTIO_CONFIG, virtio_load, virtio_store},
    {RTC_BASE, PAGE_SIZE, 4, PAGE_SIZE, clock_load, NULL},
};

/* The device that is there and allows such an access, or NULL. */
static const struct device *find(uint64_t physical, unsigned size)
{
    const struct device *d = devices, *end = d + sizeof devices / sizeof *d;
    while (d < end && physical - d->base >= d->size)
        d++;
    bool suits = d < end && physical % size == 0 &&
                 (d->widths & size || physical % PAGE_SIZE >= d->any_width);
    return suits ? d : NULL;
}

bool bus_load(struct machine *m, uint64_t physical, unsigned size,
              uint64_t *value)
{
    const struct device *d = find(physical, size);
    if (d)
        *value = d->load(m, (uint32_t)physical - d->base) &
                 UINT64_MAX >> (64 - 8 * size);
    return d;
}

bool bus_store(struct machine *m, uint64_t physical, unsigned size,
               uint64_t value)
{
    const struct device *d = find(physical, size);
    if (d && d->store)
        d->store(m, (uint32_t)physical - d->base, value);
    return d;
}
