/*
 * The interrupt controller (RISC-V Platform-Level Interrupt Controller
 * Specification 1.0.0). A hart has one context, its S mode, with the hart's
 * number. Sources are levels: one that is still high when it is completed is
 * pending again, and what is pending stays so if the level falls.
 */
#include "private.h"

enum {
    PRIORITY = 0x000000,
    PENDING = 0x001000,
    ENABLE = 0x002000,
    ENABLE_STRIDE = 0x80,
    THRESHOLD = 0x200000,
    CLAIM = 4, /* after a threshold */
    CONTEXT_STRIDE = 0x1000,
};
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

uint32_t plic_load(struct machine *m, uint32_t at)
{
    struct plic *p = &m->plic;
    unsigned context;
    if (at < 4 * PLIC_SOURCES)
        return p->priority[at / 4];
    if (at == PENDING)
        return p->pending;
    context = (at - ENABLE) / ENABLE_STRIDE;
    if (at >= ENABLE && at < THRESHOLD)
        return context < m->config.harts && at % ENABLE_STRIDE == 0
                   ? p->enabled[context]
                   : 0;
    context = (at - THRESHOLD) / CONTEXT_STRIDE;
    if (at < THRESHOLD || context >= m->config.harts)
        return 0;
    if (at % CONTEXT_STRIDE == CLAIM)
        return claim(p, context);
    return at % CONTEXT_STRIDE == 0 ? p->threshold[context] : 0;
}

void plic_store(struct machine *m, uint32_t at, uint32_t value)
{
    struct plic *p = &m->plic;
    unsigned context = (at - ENABLE) / ENABLE_STRIDE;
    if (at && at < 4 * PLIC_SOURCES) {
        p->priority[at / 4] = value & PRIORITIES;
    } else if (at >= ENABLE && at < THRESHOLD) {
        if (context < m->config.harts && at % ENABLE_STRIDE == 0)
            p->enabled[context] = value & ~1u;
    } else if (at >= THRESHOLD) {
        context = (at - THRESHOLD) / CONTEXT_STRIDE;
        if (context >= m->config.harts)
            return;
        if (at % CONTEXT_STRIDE == CLAIM)
            complete(p, context, value);
        else if (at % CONTEXT_STRIDE == 0)
            p->threshold[context] = value & PRIORITIES;
    }
}
