/*
 * The interrupt controller (RISC-V Platform-Level Interrupt Controller
 * Specification 1.0.0). A hart has one context, its S mode, with the hart's
 * number. Sources are levels: one that is still high when it is completed is
 * pending again, and what is pending stays so if the level falls.
 */
#include "private.h"

enum { PENDING = 0x1000, ENABLE = 0x2000, ENABLE_STRIDE = 0x80 };
enum { THRESHOLD = 0x200000, CLAIM = 0x200004, CONTEXT_STRIDE = 0x1000 };
#define PRIORITIES 7u

/* The source above `limit` that a context would get; 0 for none. */
static unsigned best(const struct plic *p, unsigned context, uint32_t limit)
{
    uint32_t set = p->pending & p->enabled[context];
    unsigned source = 0;
    for (unsigned i = 1; set && i < PLIC_SOURCES; i++)
        if (set >> i & 1 && p->priority[i] > limit) {
            source = i;
            limit = p->priority[i];
        }
    return source;
}

bool plic_pending(const struct plic *p, unsigned hart)
{
    return p->pending && best(p, hart, p->threshold[hart]);
}

void plic_level(struct machine *m, unsigned source, bool level)
{
    struct plic *p = &m->plic;
    uint32_t bit = 1u << source;
    p->levels = level ? p->levels | bit : p->levels & ~bit;
    if (level && !(p->claimed & bit))
        p->pending |= bit;
}

/* A threshold does not count here (chapter 8). */
static uint32_t claim(struct plic *p, unsigned context)
{
    unsigned source = best(p, context, 0);
    p->pending &= ~(1u << source);
    p->claimed |= source ? 1u << source : 0;
    return source;
}

static void complete(struct plic *p, unsigned context, uint32_t source)
{
    if (source == 0 || source >= PLIC_SOURCES ||
        !(p->enabled[context] >> source & 1))
        return;
    p->claimed &= ~(1u << source);
    p->pending |= p->levels & 1u << source;
}

/* A register that is just kept, and which bits of it can be written; NULL if
 * `at` is none. */
static uint32_t *plain(struct machine *m, uint32_t at, uint32_t *bits)
{
    struct plic *p = &m->plic;
    bool is_enable = at < THRESHOLD;
    uint32_t start = is_enable ? ENABLE : THRESHOLD;
    uint32_t stride = is_enable ? ENABLE_STRIDE : CONTEXT_STRIDE;
    uint32_t context = (at - start) / stride;
    *bits = is_enable && at >= ENABLE ? ~1u : PRIORITIES;
    if (at && at < 4 * PLIC_SOURCES)
        return &p->priority[at / 4];
    if (at < start || (at - start) % stride || context >= m->config.harts)
        return NULL;
    return is_enable ? &p->enabled[context] : &p->threshold[context];
}

/* The context whose claim register is at `at`; MACHINE_HARTS: none has. */
static unsigned claimer(uint32_t at)
{
    uint32_t from = at - CLAIM;
    return from % CONTEXT_STRIDE ? MACHINE_HARTS : from / CONTEXT_STRIDE;
}

uint64_t plic_load(struct machine *m, uint32_t at)
{
    uint32_t bits, *reg = plain(m, at, &bits);
    if (claimer(at) < m->config.harts)
        return claim(&m->plic, claimer(at));
    if (at == PENDING)
        return m->plic.pending;
    return reg ? *reg : 0;
}

void plic_store(struct machine *m, uint32_t at, uint64_t value)
{
    uint32_t bits, *reg = plain(m, at, &bits);
    if (claimer(at) < m->config.harts)
        complete(&m->plic, claimer(at), (uint32_t)value);
    else if (reg)
        *reg = (uint32_t)value & bits;
}
