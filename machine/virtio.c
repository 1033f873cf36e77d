/*
 * Virtio over MMIO (Virtual I/O Device 1.1, sections 2.6 and 4.2): the
 * transport and the one split queue that each of our devices has. What the
 * driver offers is done before its notification returns.
 *
 * Everything that a driver writes may be nonsense. If a queue or a chain is,
 * the device asks to be reset and does nothing more.
 */
#include "private.h"

enum { MAGIC = 0x00, VERSION = 0x04, DEVICE_ID = 0x08, VENDOR = 0x0c };
enum { DEVICE_FEATURES = 0x10, DEVICE_FEATURES_SELECT = 0x14 };
enum { DRIVER_FEATURES = 0x20, DRIVER_FEATURES_SELECT = 0x24 };
enum { QUEUE_SELECT = 0x30, QUEUE_SIZE_MAX = 0x34, QUEUE_SIZE = 0x38 };
enum { QUEUE_READY = 0x44, QUEUE_NOTIFY = 0x50 };
enum { INTERRUPT_STATUS = 0x60, INTERRUPT_ACKNOWLEDGE = 0x64, STATUS = 0x70 };
enum { QUEUE_TABLE = 0x80, QUEUE_OFFERED = 0x90, QUEUE_USED = 0xa0 };
enum { STATUS_FEATURES_OK = 8, STATUS_DRIVER_OK = 4, STATUS_NEEDS_RESET = 64 };
enum { INTERRUPT_USED = 1, INTERRUPT_CONFIG = 2 };
enum { PIECE_CONTINUES = 1, PIECE_WRITTEN = 2, NO_INTERRUPT = 1 };

/* The device's side of a queue in RAM. */
struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct used_entry {
    uint32_t number, length;
};

/* ---- The queue ----------------------------------------------------------- */

static uint16_t get16(struct machine *m, uint64_t physical)
{
    uint16_t value = 0;
    const void *at = machine_ram(m, physical, sizeof value);
    if (at)
        memcpy(&value, at, sizeof value);
    return value;
}

/* The chain that begins at descriptor `at`; false if it is no good one. */
static bool take_chain(struct machine *m, const struct virtio *v, uint16_t at,
                       struct chain *chain)
{
    struct descriptor d = {.flags = PIECE_CONTINUES, .next = at};
    for (chain->count = 0; d.flags & PIECE_CONTINUES; chain->count++) {
        struct piece *piece = &chain->pieces[chain->count];
        const void *from =
            machine_ram(m, v->table + d.next * sizeof d, sizeof d);
        if (!from || d.next >= v->queue_size || chain->count == PIECES)
            return false;
        memcpy(&d, from, sizeof d);
        piece->data = machine_ram(m, d.address, d.length);
        piece->length = d.length;
        piece->written = d.flags & PIECE_WRITTEN;
        if (!piece->data)
            return false;
        if (piece->written)
            code_written(m, d.address - MACHINE_RAM_BASE, d.length);
    }
    return true;
}

static bool finish(struct machine *m, struct virtio *v, uint16_t number,
                   uint32_t length)
{
    struct used_entry e = {number, length};
    uint16_t position = get16(m, v->used + 2), next = position + 1u;
    uint64_t at = v->used + 4 + position % v->queue_size * sizeof e;
    return machine_write(m, at, (const uint8_t *)&e, sizeof e) &&
           machine_write(m, v->used + 2, (const uint8_t *)&next, sizeof next);
}

/* Takes what was offered. False if it is more than there can be. */
static bool take_requests(struct machine *m, struct virtio *v)
{
    uint16_t end = get16(m, v->offered + 2);
    for (; v->seen != end && v->count < v->queue_size; v->seen++)
        v->requests[v->count++] =
            get16(m, v->offered + 4 + v->seen % v->queue_size * 2ull);
    return v->seen == end;
}

/* Does request `i`. */
static bool do_request(struct machine *m, unsigned slot, unsigned i)
{
    struct virtio *v = &m->virtio[slot];
    struct chain chain;
    uint16_t number = v->requests[i];
    bool good = take_chain(m, v, number, &chain);
    for (v->count--; i < v->count; i++)
        v->requests[i] = v->requests[i + 1];
    return good && finish(m, v, number, device_request(m, slot, &chain));
}

static bool works(const struct virtio *v)
{
    return v->status & STATUS_DRIVER_OK && !(v->status & STATUS_NEEDS_RESET) &&
           v->ready;
}

static void update(struct machine *m, unsigned slot)
{
    plic_level(m, slot + 1, m->virtio[slot].interrupt != 0);
}

/* Does all that was offered, in order; or one of it, in any order, as devices
 * may (section 2.6: "used" is in no order). */
static void serve(struct machine *m, unsigned slot)
{
    struct virtio *v = &m->virtio[slot];
    v->late = false;
    if (!works(v))
        return;
    /* What a device writes ends reservations, as another hart's store does. */
    for (unsigned i = 0; i < m->config.harts; i++)
        m->harts[i].reservation_size = 0;
    bool good = v->looked || take_requests(m, v), any = good && v->count;
    bool late = asked(m, ADVERSARY_DEVICES);
    while (good && v->count && !v->late) {
        good = do_request(m, slot,
                          late ? (unsigned)(machine_random(m) % v->count) : 0);
        v->late = late && v->count;
    }
    if (!good) {
        v->status |= STATUS_NEEDS_RESET;
        v->interrupt |= INTERRUPT_CONFIG;
    } else if (any && !(get16(m, v->offered) & NO_INTERRUPT)) {
        v->interrupt |= INTERRUPT_USED;
    }
    update(m, slot);
}

static void notify(struct machine *m, unsigned slot)
{
    struct virtio *v = &m->virtio[slot];
    if (!asked(m, ADVERSARY_DEVICES)) {
        serve(m, slot);
        return;
    }
    v->late = true;
    v->looked = machine_random(m) & 1 && works(v) && take_requests(m, v);
}

bool virtio_late(struct machine *m, unsigned odds)
{
    bool any = false;
    for (unsigned slot = 0; slot < VIRTIO_SLOTS; slot++)
        if (m->virtio[slot].late && machine_random(m) % odds == 0) {
            any = true;
            serve(m, slot);
        }
    return any;
}

/* ---- Registers ----------------------------------------------------------- */

uint64_t virtio_load(struct machine *m, uint32_t at)
{
    unsigned slot = at / PAGE_SIZE, reg = at % PAGE_SIZE;
    const struct virtio *v = &m->virtio[slot];
    uint64_t features =
        device_features(m, slot) >> 32 * (v->feature_select & 1);
    bool is_queue = v->kind && !v->queue_select;
    const uint32_t values[VIRTIO_CONFIG / 4] = {
        [MAGIC / 4] = 0x74726976, /* "virt" */
        [VERSION / 4] = 2,
        [DEVICE_ID / 4] = v->kind,
        [VENDOR / 4] = 0x666c6143, /* "Calf" */
        [DEVICE_FEATURES / 4] = v->feature_select > 1 ? 0 : (uint32_t)features,
        [QUEUE_SIZE_MAX / 4] = is_queue ? PIECES : 0,
        [QUEUE_READY / 4] = is_queue && v->ready,
        [INTERRUPT_STATUS / 4] = v->interrupt,
        [STATUS / 4] = v->status,
    };
    return reg < VIRTIO_CONFIG ? values[reg / 4]
                               : device_config(m, slot, reg - VIRTIO_CONFIG);
}

static void set_half(uint64_t *to, bool high, uint64_t value)
{
    unsigned shift = high ? 32 : 0;
    *to = (*to & ~((uint64_t)UINT32_MAX << shift)) | value << shift;
}

/* The queue's own registers; there is only queue 0. */
static void store_queue(struct virtio *v, uint32_t at, uint32_t value)
{
    if (at == QUEUE_SIZE) {
        v->queue_size = value;
        v->ready = false;
    } else if (at == QUEUE_READY) {
        v->ready = (value & 1) && v->queue_size && v->queue_size <= PIECES;
        v->seen = 0;
        v->count = 0;
    } else if (at >= QUEUE_TABLE && at < QUEUE_USED + 8 && at % 16 < 8) {
        uint64_t *places[] = {&v->table, &v->offered, &v->used};
        set_half(places[(at - QUEUE_TABLE) / 16], at & 4, value);
    }
}

/* Features that were not offered make it refuse, and the driver must accept
 * the version (sections 2.2 and 3.1). */
static void store_status(struct machine *m, unsigned slot, uint32_t value)
{
    struct virtio *v = &m->virtio[slot];
    uint64_t offered = device_features(m, slot), wanted = v->driver_features;
    if (!value) {
        *v = (struct virtio){.kind = v->kind};
        return;
    }
    if (wanted & ~offered || !(wanted & VIRTIO_VERSION_1))
        value &= ~(uint32_t)STATUS_FEATURES_OK;
    v->status = value | (v->status & STATUS_NEEDS_RESET);
}

void virtio_store(struct machine *m, uint32_t place, uint64_t wide)
{
    unsigned slot = place / PAGE_SIZE, at = place % PAGE_SIZE;
    struct virtio *v = &m->virtio[slot];
    uint32_t value = (uint32_t)wide;
    if (!v->kind)
        return;
    if (at == DEVICE_FEATURES_SELECT)
        v->feature_select = value;
    else if (at == DRIVER_FEATURES_SELECT)
        v->driver_select = value;
    else if (at == DRIVER_FEATURES && v->driver_select < 2)
        set_half(&v->driver_features, v->driver_select, value);
    else if (at == QUEUE_SELECT)
        v->queue_select = value;
    else if (at == QUEUE_NOTIFY && value == 0)
        notify(m, slot);
    else if (at == INTERRUPT_ACKNOWLEDGE)
        v->interrupt &= ~value;
    else if (at == STATUS)
        store_status(m, slot, value);
    else if (!v->queue_select)
        store_queue(v, at, value);
    update(m, slot);
}
