/*
 * Any bytes as instructions, the same on two harts, in U or S mode. What is an
 * instruction is by the list of the specification; whatever they do, the same
 * is done when the run is stopped after every few instructions, and in another
 * block of memory.
 */
/* sources: tests/host/machine/block.c */
#include "host/machine/encodings.h"
#include "own_machine.h"

#define MOST 500 /* instructions */

static void start(struct machine *m, const uint8_t *data, size_t size)
{
    struct bytes b = {data, size};
    uint64_t how = take(&b, 2);
    uint64_t place = how & 1 ? CODE + PAGE_SIZE - 2 : CODE;
    for (unsigned i = 0; i < m->config.harts; i++) {
        struct hart *h = &m->harts[i];
        h->pc = place;
        h->user = how & 2;
        h->status = how & 4 ? 0 : STATUS_FS_DIRTY;
        h->tvec = how & 8 ? CODE : HANDLER;
        h->ie = how & 16 ? 0x222 : 0;
        h->timer = how & 32 ? how >> 8 & 63 : UINT64_MAX;
        if (how & 64)
            h->status |= STATUS_SIE;
        for (unsigned n = 1; n < 32; n++)
            h->x[n] = n % 2 ? DATA + n * 8 : how << n;
        hart_set_view(h);
    }
    m->config.seed = m->random = how >> 8;
    if (b.left > PAGE_SIZE)
        b.left = PAGE_SIZE;
    memcpy(machine_ram(m, place, b.left), b.at, b.left);
}

/* As far as it goes, `step` at once. What it prints is not fetched, since how
 * much room there is may be asked. */
static void go(struct machine *m, uint64_t step)
{
    while (m->now < MOST) {
        uint64_t limit = m->now + step;
        enum machine_stop why = machine_run(m, limit < MOST ? limit : MOST);
        if (why >= MACHINE_OUTPUT && why != MACHINE_FLUSH)
            return;
        if (why != MACHINE_IDLE)
            continue;
        if (machine_next_event(m) > MOST)
            return;
        machine_skip(m, machine_next_event(m));
    }
}

/* Is the first instruction what it is in the list? */
static void try_first(const uint8_t *data, size_t size)
{
    struct bytes b = {data, size};
    take(&b, 2);
    uint32_t word = (uint32_t)take(&b, 4);
    struct insn i = decode((word & 3) == 3 ? word : (uint16_t)word);
    bool expected =
        (word & 3) == 3 ? encoding_of(word) != NULL : is_half((uint16_t)word);
    MUST(i.length == ((word & 3) == 3 ? 4 : 2));
    MUST(i.rd <= X_NOWHERE && i.rs1 < 32 && i.rs2 < 32);
    if (i.op != OP_FP && i.op != OP_FUSED && i.op != OP_SYSTEM)
        MUST((i.op != OP_ILLEGAL) == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hart harts[2];
    struct machine *m = machine_again();
    uint64_t now;
    try_first(data, size);
    start(m, data, size);
    go(m, MOST);
    must_be_sound(m);
    now = m->now;
    memcpy(harts, m->harts, sizeof harts);
    m = machine_again();
    start(m, data, size);
    go(m, 1 + size % 7);
    must_be_sound(m);
    MUST(m->now == now);
    for (unsigned i = 0; i < 2; i++) {
        const struct hart *h = &m->harts[i];
        MUST(h->pc == harts[i].pc && !memcmp(h->x, harts[i].x, sizeof h->x));
        MUST(!memcmp(h->f, harts[i].f, sizeof h->f));
        MUST(h->status == harts[i].status && h->cause == harts[i].cause);
    }
    return 0;
}
