/*
 * The worst machine that the specification allows, as far as asked for by
 * config.adversary. All that it does is drawn from the machine's seed. Weak
 * stores are in stores.c, old instructions in code.c, short turns in machine.c.
 *
 * Translations (Privileged Architecture 20211203, section 4.2.1: what a walk
 * reads may be kept in an incoherent cache of any size, and be used until a
 * fence; a walk may be made at any time, for any address): entries of page
 * tables are kept beside those of mmu.c until a fence kills them, whatever
 * happens to satp or to the tables, and used or not by chance. A fence by
 * address leaves those that are no leaves.
 */
#include "private.h"

#define NEARBY  8u
#define LONGEST 200000u /* ticks that an instruction may take: 20 ms */
#define ENTRIES                                                                \
    (ADVERSARY_TLB | ADVERSARY_WALKS | ADVERSARY_NODES | ADVERSARY_INVALID)

const char *const adversary_names[ADVERSARY_KINDS] = {
    "tlb",   "turns",   "time",  "code", "stores", "lrsc",
    "walks", "invalid", "nodes", "sbi",  "devices"};

/* ---- What it did --------------------------------------------------------- */

/* Of many in a row that are of one kind, the last is kept. */
void adversary_note(struct machine *m, const struct hart *h, unsigned what,
                    uint64_t address)
{
    const struct machine_decision *last =
        &m->decisions[m->decided % MACHINE_DECISIONS];
    if (last->hart != h->number || last->what != what)
        m->decided++;
    m->decisions[m->decided % MACHINE_DECISIONS] =
        (struct machine_decision){m->now, address, h->number, what};
}

bool machine_decision(const struct machine *m, unsigned back,
                      struct machine_decision *decision)
{
    if (back >= MACHINE_DECISIONS || back >= m->decided)
        return false;
    *decision = m->decisions[(m->decided - back) % MACHINE_DECISIONS];
    return true;
}

/* ---- Translations -------------------------------------------------------- */

static struct old *set_of(struct hart *h, uint64_t va, unsigned level)
{
    return h->old[((va >> LEVEL_SHIFT(level)) + 85 * level) % OLD_SETS];
}

static unsigned kind_of(uint64_t pte)
{
    if (!(pte & PTE_V))
        return ADVERSARY_INVALID;
    return pte & (PTE_R | PTE_X) ? ADVERSARY_TLB : ADVERSARY_NODES;
}

static bool is_global(const struct old *o)
{
    return (o->leaf.pte & (PTE_V | PTE_G)) == (PTE_V | PTE_G);
}

static bool has(const struct old *o, uint64_t va)
{
    return (o->leaf.va ^ va) >> LEVEL_SHIFT(o->leaf.level) == 0;
}

static bool is_for(const struct old *o, const struct hart *h,
                   const struct leaf *leaf)
{
    return o->used && o->leaf.level == leaf->level && has(o, leaf->va) &&
           (is_global(o) || o->asid == (h->satp & SATP_ASID));
}

static void insert(struct machine *m, struct hart *h, struct leaf leaf)
{
    struct old *set = set_of(h, leaf.va, leaf.level);
    unsigned way = machine_random(m) % OLD_WAYS;
    for (unsigned i = 0; i < OLD_WAYS; i++) {
        if (is_for(&set[i], h, &leaf) && set[i].leaf.pte == leaf.pte)
            return; /* one of each, so that older ones stay */
        if (!set[i].used)
            way = i;
    }
    set[way] = (struct old){h->satp & SATP_ASID, true, leaf};
}

void adversary_keep(struct machine *m, struct hart *h, struct leaf leaf)
{
    if (asked(m, kind_of(leaf.pte)))
        insert(m, h, leaf);
}

/* One of those kept for its address and level. A leaf must have some marks. */
static bool pick(struct machine *m, struct hart *h, uint64_t marks,
                 struct leaf *leaf)
{
    struct old *set = set_of(h, leaf->va, leaf->level);
    uint64_t first = machine_random(m);
    for (unsigned i = 0; i < OLD_WAYS; i++) {
        const struct old *o = &set[(i + first) % OLD_WAYS];
        unsigned kind = kind_of(o->leaf.pte);
        if (!is_for(o, h, leaf) ||
            (kind == ADVERSARY_TLB && (o->leaf.pte & marks) != marks))
            continue;
        leaf->pte = o->leaf.pte;
        leaf->at = o->leaf.at;
        adversary_note(m, h, asked(m, kind) ? kind : ADVERSARY_WALKS, leaf->va);
        return true;
    }
    return false;
}

/* Is a kept entry used? If not, leaf->level is the root's. */
bool adversary_recall(struct machine *m, struct hart *h, uint64_t marks,
                      struct leaf *leaf)
{
    if (!asked(m, ENTRIES))
        return false;
    uint64_t draw = machine_random(m);
    h->recent[draw >> 8 & (RECENT - 1)] = leaf->va;
    for (unsigned level = 0; level < 3; level++) {
        leaf->level = level;
        if (draw >> level & 1 && pick(m, h, marks, leaf))
            return true;
    }
    return false;
}

/* An address that the tables lead to, by chance. */
static uint64_t some_address(struct machine *m, const struct hart *h)
{
    uint64_t table = (h->satp & SATP_PPN) << PAGE_SHIFT, va = 0, pte = 0;
    for (unsigned level = 3; level-- > 0;) {
        uint64_t first = machine_random(m), slot = 0;
        const uint8_t *from = machine_ram(m, table, PAGE_SIZE);
        for (unsigned i = 0; from && i < PTE_SLOTS && !(pte & PTE_V); i++) {
            slot = (first + i) % PTE_SLOTS;
            memcpy(&pte, from + slot * sizeof pte, sizeof pte);
        }
        va |= slot << LEVEL_SHIFT(level);
        if (pte & (PTE_R | PTE_X) || !(pte & PTE_V))
            break;
        table = (pte >> 10) << PAGE_SHIFT;
        pte = 0;
    }
    return VA_EXTENDED(va);
}

/* Walks for an address that is not asked for: a neighbour, or any. */
void adversary_ahead(struct machine *m, struct hart *h)
{
    if (!h->satp || !draws(m, ADVERSARY_WALKS, 32))
        return;
    uint64_t draw = machine_random(m);
    struct leaf leaf = {.va =
                            h->recent[draw >> 8 & (RECENT - 1)] +
                            ((draw >> 1) % (2 * NEARBY) - NEARBY) * PAGE_SIZE};
    if (!(draw & 1))
        leaf.va = some_address(m, h);
    if (!mmu_walk(m, h, ACCESS_LOAD, &leaf))
        return;
    adversary_note(m, h, ADVERSARY_WALKS, leaf.va);
    insert(m, h, leaf);
}

/* sfence.vma (section 4.2.1): by address, entries that are no leaves stay; one
 * that is invalid is a leaf. A large page is one for each of its addresses. */
void adversary_fence(struct machine *m, struct hart *h, const uint64_t *va,
                     const uint64_t *asid)
{
    struct old *all = h->old[0];
    for (unsigned i = 0; asked(m, ENTRIES) && i < OLD_SETS * OLD_WAYS; i++) {
        struct old *o = &all[i];
        bool here =
            !va || (has(o, *va) && kind_of(o->leaf.pte) != ADVERSARY_NODES);
        bool ours =
            !asid || (!is_global(o) && o->asid == (*asid << 44 & SATP_ASID));
        o->used &= !(here && ours);
    }
}

/* ---- Turns and time ------------------------------------------------------ */

/* SBI 2.0, chapter 7: it was sent, not taken, when the call returns. */
bool adversary_arrive(struct machine *m, unsigned odds)
{
    bool some = virtio_late(m, odds);
    for (unsigned i = 0; i < m->config.harts; i++) {
        struct hart *h = &m->harts[i];
        if (!h->software_late || machine_random(m) % odds)
            continue;
        h->software_late = false;
        h->software = some = true;
    }
    return some;
}

/* Before a hart goes on. What it has at hand is forgotten, to be looked for. */
void adversary_turn(struct machine *m, struct hart *h)
{
    stores_turn(m);
    adversary_arrive(m, 4);
    code_refresh(m, h);
    adversary_ahead(m, h);
    if (draws(m, ENTRIES, 4))
        for (unsigned access = 0; access < ACCESS_KINDS; access++)
            mmu_forget(h, (enum access)access);
}

/* One time in `odds` the last instruction took so long that a timer goes off
 * now. */
bool adversary_time(struct machine *m, unsigned odds)
{
    uint64_t next;
    if (!draws(m, ADVERSARY_TIME, odds))
        return false;
    const struct hart *first = machine_timer(m, HART_RUNS, &next);
    if (next > m->now && next - m->now <= LONGEST * m->config.per_tick) {
        m->harts[m->turn].began += next - m->now; /* not so many retired */
        m->now = next;
        adversary_note(m, first, ADVERSARY_TIME, first->pc);
    }
    return true;
}

/* After LR: another hart has its turn, or a timer goes off. */
void adversary_reserve(struct machine *m, struct hart *h)
{
    if (!adversary_time(m, 512) && !draws(m, ADVERSARY_LRSC, 4))
        return;
    m->turn_end = m->now;
    h->look = true;
}

/* An instruction fails, as an SC may for no reason (Volume I, section 8.2). */
bool adversary_fails(struct machine *m, struct hart *h, unsigned what,
                     unsigned odds)
{
    bool fails = draws(m, what, odds);
    if (fails)
        adversary_note(m, h, what, h->pc);
    return fails;
}

/* A call that takes longer: others have their turns first. */
bool adversary_slow(struct machine *m, struct hart *h)
{
    bool slow = adversary_fails(m, h, ADVERSARY_SBI, 2);
    if (slow)
        m->turn_end = m->now;
    return slow;
}
