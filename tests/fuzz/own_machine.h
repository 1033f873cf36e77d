/*
 * What the fuzz targets of the machine share: one machine, made anew for each
 * input, and the input as numbers.
 */
#ifndef TESTS_FUZZ_OWN_MACHINE_H
#define TESTS_FUZZ_OWN_MACHINE_H

#include <stdlib.h>
#include "fuzz.h"
#include "host/machine/block.h"

/* Two harts and two disks, of which one does not end where a chunk does. */
static inline struct machine *machine_again(void)
{
    static const struct machine_config config = {
        .harts = 2, .ram = 16 << 20, .disks = 2, .disk_size = {7680, 1 << 20}};
    static struct machine *m;
    if (m)
        block_renew(m);
    else
        m = block_new(&config);
    MUST(m);
    return m;
}

/* Bytes not yet used; zeros when there are none left. */
struct bytes {
    const uint8_t *at;
    size_t left;
};

static inline uint64_t take(struct bytes *b, size_t size)
{
    uint64_t value = 0;
    size_t count = size < b->left ? size : b->left;
    memcpy(&value, b->at, count);
    b->at += count;
    b->left -= count;
    return value;
}

/* The machine's own bookkeeping, after anything. */
static inline void must_be_sound(struct machine *m)
{
    const struct machine_config *c = &m->config;
    MUST(c->harts == 2 && c->ram == 16 << 20 && c->disks == 2);
    MUST(m->size == machine_size(c));
    MUST(m->uart.input.count <= CONSOLE_SIZE);
    MUST(m->uart.output.count <= CONSOLE_SIZE);
    MUST(!(m->plic.enabled[0] & 1) && !(m->plic.pending & 1));
    for (unsigned i = 0; i < VIRTIO_SLOTS; i++) {
        const struct virtio *v = &m->virtio[i];
        MUST(!v->ready || (v->queue_size && v->queue_size <= PIECES));
    }
    for (unsigned i = 0; i < c->harts; i++) {
        const struct hart *h = &m->harts[i];
        MUST(h->x[0] == 0 && !(h->pc & 1) && !(h->status & ~STATUS_WRITABLE));
        MUST(h->view == (h->user                  ? VIEW_USER
                         : h->status & STATUS_SUM ? VIEW_KERNEL_SUM
                                                  : VIEW_KERNEL));
        MUST(!(h->ie & ~0x222ull) && !(h->epc & 1) && !(h->tvec & 2));
    }
}

#endif
