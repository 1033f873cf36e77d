/*
 * Weak stores (ADVERSARY_STORES): a hart's stores to RAM wait in a list that
 * only its own loads look at. They are performed in any order that the memory
 * model allows (RVWMO: Volume I, chapter 14; the numbers of rules are those of
 * section 14.1.3), so other harts, devices, fetches and every walk of page
 * tables see them late. Loads are performed as they are executed.
 *
 * Rule 1: stores that overlap are performed in order. Rule 4: a fence between
 * two stores begins an epoch, and one before loads performs all. Rule 6: so
 * does .rl. Atomic operations and stores to devices are performed at once.
 * Section 14.1.5: nothing waits for ever, as some are performed at each turn.
 */
#include "private.h"

enum { FENCE_W = 1, FENCE_R = 2, FENCE_O = 4, FENCE_I = 8 };
#define FENCE_TSO   ((int32_t)0xfffff833) /* section 2.7: not W before R */
#define ENVCFG_FIOM 1u

static bool overlaps(const struct store *s, uint64_t offset, unsigned size)
{
    return s->offset < offset + size && offset < s->offset + s->size;
}

/* Performs store `i`, or the first of those that must be before it. */
static void perform(struct machine *m, struct hart *h, unsigned i)
{
    struct stores *l = &h->stores;
    struct store s = l->list[i];
    for (unsigned j = i; j-- > 0;)
        if (l->list[j].epoch < s.epoch ||
            overlaps(&l->list[j], s.offset, s.size)) {
            i = j;
            s = l->list[i];
        }
    if (i)
        adversary_note(m, h, ADVERSARY_STORES, s.offset + MACHINE_RAM_BASE);
    l->count--;
    for (; i < l->count; i++)
        l->list[i] = l->list[i + 1];
    mmu_write(m, h, s.offset, &s.value, s.size);
}

/* All before an epoch. */
static void drain(struct machine *m, struct hart *h, uint64_t epoch)
{
    const struct stores *l = &h->stores;
    while (l->count && l->list[0].epoch < epoch) {
        unsigned before = 1;
        while (before < l->count && l->list[before].epoch < epoch)
            before++;
        perform(m, h, (unsigned)(machine_random(m) % before));
    }
}

void stores_drain(struct machine *m, struct hart *h)
{
    drain(m, h, UINT64_MAX);
}

/* The last store that overlaps; `count` if none does. */
static unsigned last_over(const struct stores *l, uint64_t offset,
                          unsigned size)
{
    for (unsigned i = l->count; i-- > 0;)
        if (overlaps(&l->list[i], offset, size))
            return i;
    return l->count;
}

/* One of the same bytes without a fence between may take the place of the last:
 * they are performed one right after the other. */
void stores_put(struct machine *m, struct hart *h, uint64_t offset,
                unsigned size, uint64_t value)
{
    struct stores *l = &h->stores;
    struct store *last = &l->list[last_over(l, offset, size)];
    if (!asked(m, ADVERSARY_STORES)) {
        mmu_write(m, h, offset, &value, size);
        return;
    }
    if (last < &l->list[l->count] && last->offset == offset &&
        last->size == size && last->epoch == l->epoch) {
        last->value = value;
        return;
    }
    if (l->count == STORES)
        perform(m, h, (unsigned)(machine_random(m) % STORES));
    l->list[l->count++] = (struct store){offset, value, l->epoch, size};
}

/* Load value axiom (section 14.1.4): each byte is that of the last store. */
void stores_forward(const struct hart *h, uint64_t offset, unsigned size,
                    void *value)
{
    const struct stores *l = &h->stores;
    uint8_t *to = value;
    for (unsigned i = 0; i < l->count; i++) {
        const struct store *s = &l->list[i];
        const uint8_t *from = (const uint8_t *)&s->value;
        for (unsigned j = 0; overlaps(s, offset, size) && j < s->size; j++)
            if (s->offset + j - offset < size)
                to[s->offset + j - offset] = from[j];
    }
}

/* `imm`: fm, predecessors, successors. Loads and what is read of devices is
 * never late, so it matters only if stores to RAM are before it. */
void stores_fence(struct machine *m, struct hart *h, int32_t imm)
{
    struct stores *l = &h->stores;
    unsigned sets = (unsigned)imm & 0xff;
    if (h->user && h->envcfg & ENVCFG_FIOM) /* section 4.1.10 (privileged) */
        sets |= sets >> 2 & 0x33;
    if (imm == FENCE_TSO)
        sets &= ~(unsigned)FENCE_R;
    if (!(sets >> 4 & FENCE_W))
        return;
    if (sets & (FENCE_R | FENCE_I))
        stores_drain(m, h);
    l->epoch++;
    if (sets & FENCE_O)
        l->device = l->epoch;
}

/* Before an atomic operation: what it reads is in RAM then. */
void stores_atomic(struct machine *m, struct hart *h, struct insn i,
                   uint64_t offset)
{
    struct stores *l = &h->stores;
    unsigned size = AMO_SIZE(i.imm), last;
    drain(m, h, AMO_RELEASE(i.imm) ? UINT64_MAX : l->epoch);
    while ((last = last_over(l, offset, size)) < l->count)
        perform(m, h, last);
}

/* Before a store to a device, or a call that acts like one. */
void stores_device(struct machine *m, struct hart *h)
{
    drain(m, h, h->stores.device);
}

/* Some of all harts' stores, at each turn. */
void stores_turn(struct machine *m)
{
    if (!asked(m, ADVERSARY_STORES))
        return;
    for (unsigned i = 0; i < m->config.harts; i++) {
        uint64_t draw = machine_random(m);
        const struct stores *l = &m->harts[i].stores;
        for (unsigned n = draw % 8; l->count && n >= 4; n--)
            perform(m, &m->harts[i], (unsigned)(draw >> 8) % l->count);
    }
}
