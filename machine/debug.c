/*
 * What a debugger asks: registers, memory as a hart sees it, and addresses at
 * which a run ends. Looking changes nothing, and neither do watched addresses:
 * with them, everything happens at the same instruction as without.
 *
 * A translation of a page in which something is watched has the bit TAG_HIDDEN
 * in its tag, so that hart.c does not find it and comes to mmu.c or to
 * watch_fetch.
 */
#include "private.h"

bool machine_register(const struct machine *m, unsigned hart, unsigned number,
                      uint64_t *value)
{
    const struct hart *h = &m->harts[hart];
    if (hart >= m->config.harts)
        return false;
    if (number >= MACHINE_CSR && number < MACHINE_MODE &&
        number != MACHINE_INSTRET)
        return csr_value(m, h, number - MACHINE_CSR, value);
    if (number < MACHINE_PC)
        *value = h->x[number];
    else if (number == MACHINE_PC)
        *value = h->pc;
    else if (number < MACHINE_CSR)
        *value = h->f[number - MACHINE_F];
    else
        *value = number == MACHINE_INSTRET ? h->retired : !h->user;
    return number <= MACHINE_MODE;
}

bool machine_set_register(struct machine *m, unsigned hart, unsigned number,
                          uint64_t value)
{
    struct hart *h = &m->harts[hart];
    if (hart >= m->config.harts || number >= MACHINE_CSR)
        return false;
    if (number == MACHINE_PC)
        h->pc = value & ~1ull;
    else if (number >= MACHINE_F)
        h->f[number - MACHINE_F] = value;
    else if (number)
        h->x[number] = value;
    return true;
}

bool machine_write(struct machine *m, uint64_t physical, const uint8_t *from,
                   uint64_t size)
{
    uint64_t offset;
    if (!ram_offset(m, physical, size, &offset))
        return false;
    mmu_write(m, NULL, offset, from, (unsigned)size);
    return true;
}

/* ---- Watched addresses --------------------------------------------------- */

static bool is_watched(const struct machine *m, const struct hart *h,
                       uint64_t va, uint64_t size, enum access access)
{
    for (unsigned i = 0; i < m->watches; i++) {
        const struct machine_watch *w = &m->watch[i];
        if (w->kinds >> access & w->harts >> h->number & 1 && va <= w->last &&
            va + size - 1 >= w->first)
            return true;
    }
    return false;
}

uint64_t hidden(const struct machine *m, const struct hart *h, uint64_t va,
                enum access access)
{
    uint64_t page = va & ~(uint64_t)(PAGE_SIZE - 1);
    bool all = access != ACCESS_FETCH && asked(m, ADVERSARY_HIDES);
    return all || is_watched(m, h, page, PAGE_SIZE, access) ? TAG_HIDDEN : 0;
}

static void mark_all(struct machine *m, struct hart *h)
{
    for (unsigned view = 0; view < VIEWS; view++)
        for (unsigned access = 0; access < ACCESS_KINDS; access++)
            for (unsigned i = 0; i < TLB_SIZE; i++) {
                uint64_t *tag = &h->tlb[view][access][i].tag;
                *tag &= ~TAG_HIDDEN;
                *tag |= hidden(m, h, *tag << PAGE_SHIFT, (enum access)access);
            }
}

void machine_watch(struct machine *m, const struct machine_watch *set,
                   unsigned count)
{
    m->watches = count < MACHINE_WATCHES ? count : MACHINE_WATCHES;
    m->passed = count ? m->passed : 0;
    for (unsigned i = 0; i < m->watches; i++)
        m->watch[i] = set[i];
    for (unsigned i = 0; i < m->config.harts; i++)
        mark_all(m, &m->harts[i]);
}

/* A load or store, which has been counted, is about to be done: the run ends
 * after it. */
void watch_access(struct machine *m, const struct hart *h, uint64_t va,
                  unsigned size, enum access access)
{
    if (is_watched(m, h, va, size, access))
        m->hit = (struct machine_hit){h->number, 1u << access, va, m->now - 1};
}

/* How many of the next `count` instructions the hart may do at once. None if
 * the first is watched; but the run goes on when it has ended there once. */
uint64_t watch_fetch(struct machine *m, struct hart *h, uint64_t count)
{
    if (!hidden(m, h, h->pc, ACCESS_FETCH))
        return count;
    if (m->passed == m->now + 1 || !is_watched(m, h, h->pc, 1, ACCESS_FETCH))
        return 1;
    m->passed = m->now + 1;
    m->hit = (struct machine_hit){h->number, WATCH_FETCH, h->pc, m->now};
    return 0;
}

const struct machine_hit *machine_hit(const struct machine *m)
{
    return &m->hit;
}
