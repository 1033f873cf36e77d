/*
 * Memory as a hart sees it: Sv39 (Privileged Architecture 20211203, section
 * 4.4), and what of it is remembered.
 *
 * hart.c finds most translations in hart.tlb by itself and comes here for the
 * others. Forgetting a kind of access is counting its generation up, which is
 * part of every tag. The bits "accessed" and "dirty" are set by the walk, as
 * the specification lets a machine do (section 4.3.1). All of a hart's
 * translations are forgotten when satp changes, so no two address spaces meet.
 */
#include "private.h"

#define GENERATIONS (TAG_HIDDEN >> TAG_BITS)

/* ---- Remembering --------------------------------------------------------- */

void mmu_remember(const struct machine *m, struct hart *h, uint64_t va,
                  enum access access, uint64_t place)
{
    uint64_t tag = TAG(va, h->generation[access]) | hidden(m, h, va, access);
    *tlb_entry(h, va, access) = (struct translation){tag, place};
}

void mmu_forget(struct hart *h, enum access access)
{
    if (++h->generation[access] < GENERATIONS)
        return;
    h->generation[access] = 1; /* no tag is 0 */
    for (unsigned view = 0; view < VIEWS; view++)
        memset(h->tlb[view][access], 0, sizeof h->tlb[view][access]);
}

void mmu_fence(struct hart *h)
{
    for (unsigned access = 0; access < ACCESS_KINDS; access++)
        mmu_forget(h, (enum access)access);
    h->large = 0;
    h->look = true;
}

/* A fence by one address means the whole of a large page. `large` has a bit for
 * each gigabyte, modulo 64, of which a part of a large page is remembered. */
void mmu_fence_page(struct hart *h, uint64_t va)
{
    if (h->large >> (va >> 30) % 64 & 1) {
        mmu_fence(h);
        return;
    }
    for (unsigned view = 0; view < VIEWS; view++)
        for (unsigned access = 0; access < ACCESS_KINDS; access++)
            h->tlb[view][access][(va >> PAGE_SHIFT) % TLB_SIZE].tag = 0;
    h->look = true;
}

/* ---- The walk ------------------------------------------------------------ */

bool hart_fault(struct hart *h, uint64_t cause, uint64_t value)
{
    h->trap_cause = cause;
    h->trap_value = value;
    return false;
}

enum fault { FAULT_PAGE, FAULT_ACCESS, FAULT_MISALIGNED };

static bool fault(struct hart *h, enum fault fault, enum access access,
                  uint64_t va)
{
    static const uint8_t causes[][ACCESS_KINDS] = {
        {CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE},
        {CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS},
        {CAUSE_LOAD_MISALIGNED, CAUSE_STORE_MISALIGNED}};
    return hart_fault(h, causes[fault][access], va);
}

static bool may(const struct hart *h, uint64_t pte, enum access access)
{
    uint64_t bit[] = {PTE_R, PTE_W, PTE_X};
    bool lent = access != ACCESS_FETCH && h->status & STATUS_SUM;
    if (h->status & STATUS_MXR)
        bit[ACCESS_LOAD] |= PTE_X;
    return pte & bit[access] && (pte & PTE_U ? h->user || lent : !h->user);
}

/* Section 4.3.2; it may begin at an entry that was kept. */
bool mmu_walk(struct machine *m, struct hart *h, enum access access,
              struct leaf *leaf)
{
    uint64_t table = (h->satp & SATP_PPN) << PAGE_SHIFT, va = leaf->va, pte;
    if (VA_EXTENDED(va) != va)
        return fault(h, FAULT_PAGE, access, va);
    leaf->level = 2;
    bool kept = adversary_recall(m, h, PTE_MARKS(access), leaf);
    for (;; kept = false) {
        if (!kept) {
            uint64_t slot = va >> LEVEL_SHIFT(leaf->level) & (PTE_SLOTS - 1);
            if (!ram_offset(m, table + slot * 8, 8, &leaf->at))
                return fault(h, FAULT_ACCESS, access, va);
            memcpy(&leaf->pte, ram_of(m) + leaf->at, sizeof leaf->pte);
            adversary_keep(m, h, *leaf);
        }
        pte = leaf->pte;
        if (!(pte & PTE_V) || pte & PTE_RESERVED ||
            (pte & PTE_W && !(pte & PTE_R)))
            break;
        if (pte & (PTE_R | PTE_X))
            return true;
        if (pte & (PTE_U | PTE_A | PTE_D) || !leaf->level--)
            break;
        table = (pte >> 10) << PAGE_SHIFT;
    }
    return fault(h, FAULT_PAGE, access, va);
}

bool mmu_translate(struct machine *m, struct hart *h, uint64_t va,
                   enum access access, uint64_t *physical)
{
    struct leaf leaf = {.va = va};
    uint64_t marks = PTE_MARKS(access), base, inside;
    *physical = va;
    if (!h->satp)
        return true;
    if (!mmu_walk(m, h, access, &leaf))
        return false;
    inside = 1ull << LEVEL_SHIFT(leaf.level);
    base = (leaf.pte >> 10) << PAGE_SHIFT;
    if (!may(h, leaf.pte, access) || base % inside)
        return fault(h, FAULT_PAGE, access, va);
    if ((leaf.pte & marks) != marks) {
        leaf.pte |= marks;
        mmu_write(m, h, leaf.at, &leaf.pte, sizeof leaf.pte);
    }
    if (leaf.level)
        h->large |= 1ull << (va >> 30) % 64;
    *physical = base + va % inside;
    return true;
}

bool machine_translate(struct machine *m, unsigned hart, uint64_t va,
                       uint64_t *physical)
{
    struct hart *h = &m->harts[hart];
    struct leaf leaf = {.va = va, .pte = va >> PAGE_SHIFT << 10};
    uint32_t adversary = m->config.adversary;
    uint64_t cause = h->trap_cause, value = h->trap_value;
    m->config.adversary = 0; /* which would draw */
    bool good = !h->satp || mmu_walk(m, h, ACCESS_LOAD, &leaf);
    m->config.adversary = adversary;
    hart_fault(h, cause, value);
    if (good)
        *physical = ((leaf.pte >> 10) << PAGE_SHIFT) +
                    va % (1ull << LEVEL_SHIFT(leaf.level));
    return good;
}

/* ---- Loads and stores that hart.c does not do itself --------------------- */

/* Finds va in RAM and remembers it. 1: at `offset`; 0: it is no RAM, but at
 * `offset` of the bus; -1: an exception. Stores to pages of instructions are
 * not remembered: each must be seen. */
static int find(struct machine *m, struct hart *h, uint64_t va, unsigned size,
                enum access access, uint64_t *offset)
{
    const struct translation *t = tlb_entry(h, va, access);
    uint64_t physical;
    int found = 1;
    adversary_ahead(m, h);
    if ((t->tag & ~TAG_HIDDEN) == TAG(va, h->generation[access])) {
        *offset = t->place + va;
    } else if (!mmu_translate(m, h, va, access, &physical)) {
        return -1;
    } else if (!ram_offset(m, physical, 1, offset)) {
        *offset = physical;
        h->look = true;
        found = 0;
    } else if (access != ACCESS_STORE || !m->frames[*offset / PAGE_SIZE]) {
        mmu_remember(m, h, va, access, *offset - va);
    }
    watch_access(m, h, va, size, access);
    return found;
}

static bool crosses(uint64_t va, unsigned size)
{
    return va % PAGE_SIZE > PAGE_SIZE - size;
}

bool mmu_load(struct machine *m, struct hart *h, uint64_t va, unsigned size,
              uint64_t *value)
{
    uint64_t at, part;
    *value = 0;
    for (unsigned i = 0; crosses(va, size) && i < size; i++) {
        if (!mmu_load(m, h, va + i, 1, &part))
            return false;
        *value |= part << 8 * i;
    }
    if (crosses(va, size))
        return true;
    int found = find(m, h, va, size, ACCESS_LOAD, &at);
    if (found > 0) {
        memcpy(value, ram_of(m) + at, size);
        stores_forward(h, at, size, value);
    }
    return found ? found > 0
                 : bus_load(m, at, size, value) ||
                       fault(h, FAULT_ACCESS, ACCESS_LOAD, va);
}

void mmu_write(struct machine *m, const struct hart *h, uint64_t offset,
               const void *from, unsigned size)
{
    for (unsigned i = 0; i < m->config.harts; i++) {
        struct hart *o = &m->harts[i];
        if (o != h && o->reservation < offset + size &&
            offset < o->reservation + o->reservation_size)
            o->reservation_size = 0;
    }
    code_written(m, offset, size);
    memcpy(ram_of(m) + offset, from, size);
}

/* Nothing is stored on the first of two pages if the second refuses. */
bool mmu_store(struct machine *m, struct hart *h, uint64_t va, unsigned size,
               uint64_t value)
{
    uint64_t at, next = (va / PAGE_SIZE + 1) * PAGE_SIZE;
    if (crosses(va, size)) {
        if (find(m, h, va, 1, ACCESS_STORE, &at) < 0 ||
            find(m, h, next, 1, ACCESS_STORE, &at) < 0)
            return false;
        for (unsigned i = 0; i < size; i++)
            if (!mmu_store(m, h, va + i, 1, value >> 8 * i))
                return false;
        return true;
    }
    int found = find(m, h, va, size, ACCESS_STORE, &at);
    if (found > 0)
        stores_put(m, h, at, size, value);
    else if (found == 0)
        stores_device(m, h);
    return found ? found > 0
                 : bus_store(m, at, size, value) ||
                       fault(h, FAULT_ACCESS, ACCESS_STORE, va);
}

/* ---- Atomic operations (Volume I, chapter 8) ----------------------------- */

static uint64_t combine(unsigned funct, uint64_t a, uint64_t b)
{
    bool less = (int64_t)a < (int64_t)b;
    const uint64_t results[] = {
        [AMO_ADD] = a + b,         [AMO_SWAP] = b,
        [AMO_XOR] = a ^ b,         [AMO_OR] = a | b,
        [AMO_AND] = a & b,         [AMO_MIN] = less ? a : b,
        [AMO_MAX] = less ? b : a,  [AMO_MINU] = a < b ? a : b,
        [AMO_MAXU] = a < b ? b : a};
    return results[funct];
}

/* Devices have no atomic operations: an access fault. A hart's reservation ends
 * when another hart has its turn (machine.c); or, by chance, it is one of 64
 * bytes and ends when another hart stores there: as large as one likes (section
 * 8.2). */
bool mmu_amo(struct machine *m, struct hart *h, struct insn i)
{
    unsigned size = AMO_SIZE(i.imm), funct = AMO_FUNCT(i.imm);
    uint64_t va = h->x[i.rs1], operand = h->x[i.rs2], old = 0, offset;
    bool is_load = funct == AMO_LR;
    enum access access = is_load ? ACCESS_LOAD : ACCESS_STORE;
    if (va % size)
        return fault(h, FAULT_MISALIGNED, access, va);
    int found = find(m, h, va, size, access, &offset);
    if (found <= 0)
        return found == 0 && fault(h, FAULT_ACCESS, access, va);
    stores_atomic(m, h, i, offset);
    memcpy(&old, ram_of(m) + offset, size);
    if (size == 4) {
        old = (uint64_t)(int32_t)old;
        operand = (uint64_t)(int32_t)operand;
    }
    if (funct == AMO_SC) {
        old = offset < h->reservation ||
              offset + size > h->reservation + h->reservation_size ||
              adversary_fails(m, h, ADVERSARY_LRSC, 16);
        h->reservation_size = 0;
        if (!old)
            mmu_write(m, h, offset, &operand, size);
    } else if (is_load) {
        bool large = asked(m, ADVERSARY_LRSC) && machine_random(m) & 1;
        h->reservation_size = large ? 64 : size;
        h->reservation = offset & ~(h->reservation_size - 1);
        adversary_reserve(m, h);
    } else {
        operand = combine(funct, old, operand);
        mmu_write(m, h, offset, &operand, size);
    }
    h->x[i.rd] = old;
    return true;
}
