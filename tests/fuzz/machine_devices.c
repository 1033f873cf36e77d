/*
 * Any bytes as what a kernel does with devices and firmware: registers of any
 * size in any order, queues whose rings, descriptors and indices are anything,
 * calls, keys typed. Nothing beside the block is touched, the machine's own
 * bookkeeping stays sound, and a driver that resets a device can use it.
 */
/* sources: tests/host/machine/block.c */
#include "own_machine.h"

#define WINDOW (DATA + 0x10000) /* where rings are, mostly */
#define STEPS  512u

static const uint64_t places[] = {
    UART_BASE,
    RTC_BASE,
    PLIC_BASE,
    PLIC_BASE + 0x1000,
    PLIC_BASE + 0x2000,
    PLIC_BASE + 0x200000,
    PLIC_BASE + 0x201000,
    VIRTIO_BASE,
    VIRTIO_BASE + 0x1000,
    VIRTIO_BASE + 0x2000,
    VIRTIO_BASE + VIRTIO_RNG * 0x1000u,
    MACHINE_RAM_BASE,
};

static uint64_t place(struct bytes *b)
{
    uint64_t where = take(b, 1);
    if (where == 255)
        return take(b, 8);
    return places[where % (sizeof places / sizeof *places)] + take(b, 2) % 4096;
}

/* Mostly in the window, else anywhere. */
static uint64_t physical(struct bytes *b)
{
    uint64_t raw = take(b, 3);
    return raw >> 20 == 15 ? take(b, 8) : WINDOW + (raw & 0xffff);
}

static void write_window(struct machine *m, struct bytes *b)
{
    uint64_t at = WINDOW + take(b, 2), value = take(b, 8);
    code_written(m, at - MACHINE_RAM_BASE, 8);
    memcpy(machine_ram(m, at, 8), &value, 8);
}

static void set(struct machine *m, uint64_t at, uint64_t value)
{
    MUST(bus_store(m, at, 4, value));
}

static uint64_t device(struct bytes *b)
{
    static const uint8_t slots[] = {0, 1, VIRTIO_RNG};
    return VIRTIO_BASE + slots[take(b, 1) % 3] * 0x1000u;
}

/* As a driver begins, with a queue anywhere. */
static void start(struct machine *m, struct bytes *b)
{
    uint64_t at = device(b), size = take(b, 1), where;
    set(m, at + 0x70, 0);
    set(m, at + 0x70, 3);
    set(m, at + 0x24, 1);
    set(m, at + 0x20, 1);
    set(m, at + 0x70, 11);
    set(m, at + 0x38, size);
    for (unsigned i = 0; i < 3; i++) {
        where = physical(b);
        set(m, at + 0x80 + 16 * i, where);
        set(m, at + 0x84 + 16 * i, where >> 32);
    }
    set(m, at + 0x44, 1);
    set(m, at + 0x70, 15);
}

/* A descriptor, and perhaps an entry and the index of what is offered. */
static void offer(struct machine *m, struct bytes *b)
{
    uint64_t at = device(b), slot = (at - VIRTIO_BASE) / 0x1000, how;
    const struct virtio *v = &m->virtio[slot];
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } d = {.address = physical(b)};
    how = take(b, 2);
    d.length = (uint32_t)take(b, how & 0x8000 ? 4 : 2);
    d.flags = how & 3;
    d.next = how >> 2 & 15;
    uint8_t *to = machine_ram(m, v->table + (how >> 6 & 15) * 16, sizeof d);
    if (to)
        memcpy(to, &d, sizeof d);
    to = machine_ram(m, v->offered, 32);
    if (!to || !(how & 0x400))
        return;
    to[2]++;
    to[4 + 2 * (how >> 11 & 7)] = how >> 6 & 15;
    set(m, at + 0x50, 0);
}

static void call(struct machine *m, struct bytes *b)
{
    static const uint64_t extensions[] = {1,          2,          0x10,
                                          0x54494d45, 0x735049,   0x52464e43,
                                          0x48534d,   0x53525354, 0x4442434e};
    struct hart *h = &m->harts[0];
    uint64_t which = take(b, 1);
    h->x[17] = which % 16 < 9 ? extensions[which % 16] : which;
    h->x[16] = which >> 4;
    for (unsigned i = 10; i < 15; i++)
        h->x[i] = take(b, 1) & 1 ? physical(b) : take(b, 2);
    sbi_call(m, h);
}

static void type_and_fetch(struct machine *m, struct bytes *b)
{
    uint8_t keys[256] = {0};
    size_t count = take(b, 1);
    machine_input(m, keys, count);
    machine_output(m, keys, sizeof keys - count);
}

/* What is written is told of once, and lies on the disk. */
static void collect(struct machine *m)
{
    for (unsigned disk = 0; disk < m->config.disks; disk++) {
        uint64_t at, size, end = 0;
        while (machine_disk_written(m, disk, &at, &size)) {
            MUST(at >= end && size && at + size <= m->disks[disk].size);
            end = at + size;
        }
    }
}

static void step(struct machine *m, struct bytes *b)
{
    uint64_t value, at, op = take(b, 1);
    unsigned size = 1u << (op >> 4 & 3);
    switch (op & 15) {
    case 0:
    case 1:
    case 2:
        at = place(b);
        bus_store(m, at, size, take(b, size));
        break;
    case 3:
        at = device(b) + take(b, 1) % 64 * 4;
        bus_store(m, at, 4, take(b, size));
        break;
    case 4:
        bus_load(m, place(b), size, &value);
        break;
    case 5:
    case 6:
        write_window(m, b);
        break;
    case 7:
        start(m, b);
        break;
    case 8:
        call(m, b);
        break;
    case 9:
        type_and_fetch(m, b);
        break;
    case 10:
        collect(m);
        break;
    default:
        offer(m, b);
    }
}

/* After all that: reset, a request for random bytes is done. */
static void use(struct machine *m)
{
    uint64_t at = VIRTIO_BASE + VIRTIO_RNG * 0x1000u, address = WINDOW + 0x4000;
    uint64_t rings[] = {WINDOW, WINDOW + 0x1000, WINDOW + 0x2000};
    uint32_t length_and_flags[] = {8, 2};
    uint8_t *ram = machine_ram(m, WINDOW, 0x5000);
    memset(ram, 0, 0x5000);
    memcpy(ram, &address, 8);
    memcpy(ram + 8, length_and_flags, 8);
    ram[0x1002] = 1;
    set(m, at + 0x70, 0);
    set(m, at + 0x24, 1);
    set(m, at + 0x20, 1);
    set(m, at + 0x70, 11);
    set(m, at + 0x38, 8);
    for (unsigned i = 0; i < 3; i++) {
        set(m, at + 0x80 + 16 * i, rings[i]);
        set(m, at + 0x84 + 16 * i, 0);
    }
    set(m, at + 0x44, 1);
    set(m, at + 0x70, 15);
    set(m, at + 0x50, 0);
    MUST(ram[0x2002] == 1 && m->virtio[VIRTIO_RNG].interrupt == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine_again();
    struct bytes b = {data, size};
    for (unsigned i = 0; i < STEPS && b.left; i++)
        step(m, &b);
    must_be_sound(m);
    use(m);
    collect(m);
    return 0;
}
