/*
 * The worst machine that the specification allows, as far as asked for by
 * config.adversary. All that it does is drawn from the machine's seed.
 *
 * Translations are kept beside those of mmu.c until a fence kills them,
 * whatever happens to satp or to the tables (Privileged Architecture 20211203,
 * section 4.2.1); a hart that looks for one takes an old one or walks anew, by
 * chance.
 */
#include "private.h"

#define PTE_G (1u << 5)
#define PTE_A (1u << 6)
#define PTE_D (1u << 7)

static bool asked(const struct machine *m, unsigned what)
{
    return m->config.adversary & what;
}

static unsigned asid_of(const struct hart *h)
{
    return h->satp >> 44 & 0xffff;
}

static struct old *set_of(struct machine *m, const struct hart *h, uint64_t va)
{
    return m->old[h->number][(va >> PAGE_SHIFT) % OLD_SETS];
}

static bool is_for(const struct old *o, const struct hart *h, uint64_t va)
{
    return o->leaf.pte && o->page == va >> PAGE_SHIFT &&
           (o->leaf.pte & PTE_G || o->asid == asid_of(h));
}

void adversary_keep(struct machine *m, struct hart *h, uint64_t va,
                    struct leaf leaf)
{
    struct old *set = set_of(m, h, va);
    if (!asked(m, ADVERSARY_TLB))
        return;
    unsigned way = machine_random(m) % OLD_WAYS;
    for (unsigned i = 0; i < OLD_WAYS; i++) {
        if (is_for(&set[i], h, va) && set[i].leaf.pte == leaf.pte)
            return; /* one of each, so that older ones stay */
        if (!set[i].leaf.pte)
            way = i;
    }
    set[way] = (struct old){va >> PAGE_SHIFT, asid_of(h), leaf};
}

/* Does it use an old one? One without the marks that are wanted it may not. */
bool adversary_recall(struct machine *m, struct hart *h, uint64_t va,
                      enum access access, struct leaf *leaf)
{
    uint64_t marks = PTE_A | (access == ACCESS_STORE ? PTE_D : 0), draw;
    if (!asked(m, ADVERSARY_TLB) || (draw = machine_random(m)) & 1)
        return false;
    for (unsigned i = 0; i < OLD_WAYS; i++) {
        struct old *o = &set_of(m, h, va)[(i + (draw >> 8)) % OLD_WAYS];
        if (!is_for(o, h, va) || (o->leaf.pte & marks) != marks)
            continue;
        *leaf = o->leaf;
        return true;
    }
    return false;
}

/* sfence.vma; a large page is one for each of its addresses. */
void adversary_fence(struct machine *m, struct hart *h, const uint64_t *va,
                     const uint64_t *asid)
{
    struct old *all = m->old[h->number][0];
    if (!asked(m, ADVERSARY_TLB))
        return;
    for (unsigned i = 0; i < OLD_SETS * OLD_WAYS; i++) {
        unsigned shift = 9 * all[i].leaf.level;
        if (va && *va >> PAGE_SHIFT >> shift != all[i].page >> shift)
            continue;
        if (asid && (all[i].leaf.pte & PTE_G || all[i].asid != *asid % 65536))
            continue;
        all[i].leaf.pte = 0;
    }
}

/* Before a hart goes on: what is at hand is forgotten, and is looked for. */
void adversary_turn(struct machine *m, struct hart *h)
{
    if (!asked(m, ADVERSARY_TLB) || machine_random(m) % 4)
        return;
    for (unsigned access = 0; access < ACCESS_KINDS; access++)
        mmu_forget(h, (enum access)access);
}

/* Harts are switched after any instruction. */
uint64_t adversary_length(struct machine *m, uint64_t usual)
{
    if (!asked(m, ADVERSARY_TURNS) || machine_random(m) & 1)
        return usual;
    return 1 + machine_random(m) % 16;
}

/* The last instruction took so long that a timer goes off now. */
void adversary_time(struct machine *m)
{
    uint64_t next = UINT64_MAX;
    if (!asked(m, ADVERSARY_TIME) || machine_random(m) % 1024)
        return;
    for (unsigned i = 0; i < m->config.harts; i++) {
        const struct hart *h = &m->harts[i];
        uint64_t ticks = h->timer;
        if (h->state == HART_RUNS && h->ie & IP_TIMER &&
            ticks < UINT64_MAX / m->config.per_tick &&
            ticks * m->config.per_tick < next)
            next = ticks * m->config.per_tick;
    }
    if (next != UINT64_MAX && next > m->now)
        m->now = next;
}
