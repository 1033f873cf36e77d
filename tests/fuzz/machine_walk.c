/*
 * Any bytes as page tables, and accesses to any addresses: the same as by a
 * walk that is written from the specification (Privileged Architecture
 * 20211203, section 4.3.2) and remembers nothing. Accessed and dirty bits are
 * set where that says so, and no table is changed besides.
 *
 * The machine is not told to forget anything while it only loads and fetches,
 * so what it remembers must be right as well.
 */
/* sources: tests/host/machine/block.c */
#include "own_machine.h"

#define PAGES 8u /* of tables */
enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };

/* What the specification says of one access. */
struct verdict {
    uint64_t cause; /* 0: none */
    uint64_t physical;
    uint64_t entry_at, entry; /* the leaf and what it is then; 0: none */
};

static bool in_ram(const struct machine *m, uint64_t at, uint64_t size)
{
    return at >= MACHINE_RAM_BASE &&
           at - MACHINE_RAM_BASE <= m->config.ram - size;
}

static uint64_t word_at(struct machine *m, uint64_t physical)
{
    uint64_t word;
    memcpy(&word, machine_ram(m, physical, sizeof word), sizeof word);
    return word;
}

/* Steps 5 to 8. */
static void leaf(const struct hart *h, uint64_t va, enum access access,
                 unsigned level, struct verdict *v)
{
    static const unsigned wanted[] = {R, W, X};
    uint64_t pte = v->entry, low = 0;
    bool allowed = pte & wanted[access];
    if (access == ACCESS_LOAD && h->status & STATUS_MXR && pte & X)
        allowed = true;
    if (h->user)
        allowed = allowed && pte & U;
    else if (pte & U)
        allowed = allowed && access != ACCESS_FETCH && h->status & STATUS_SUM;
    for (unsigned i = 0; i < level; i++)
        low |= 511ull << 9 * i;
    if (!allowed || (pte >> 10 & low))
        return;
    v->cause = 0;
    v->entry |= A | (access == ACCESS_STORE ? D : 0);
    v->physical = ((pte >> 10 & ((1ull << 44) - 1)) | (va >> 12 & low)) << 12 |
                  (va & 4095);
}

static struct verdict walk(struct machine *m, const struct hart *h, uint64_t va,
                           enum access access)
{
    static const unsigned page[] = {13, 15, 12}, no_memory[] = {5, 7, 1};
    struct verdict v = {.cause = page[access]};
    uint64_t a = (h->satp & ((1ull << 44) - 1)) * 4096;
    int64_t top = (int64_t)va >> 38;
    if (top != 0 && top != -1)
        return v;
    for (int i = 2; i >= 0; i--) {
        uint64_t at = a + (va >> (12 + 9 * i) & 511) * 8;
        if (!in_ram(m, at, 8)) {
            v.cause = no_memory[access];
            return v;
        }
        uint64_t pte = word_at(m, at);
        if (!(pte & V) || (!(pte & R) && pte & W) || pte >> 54)
            return v;
        if (pte & (R | X)) {
            v.entry = pte;
            leaf(h, va, access, (unsigned)i, &v);
            v.entry_at = v.cause ? 0 : at;
            return v;
        }
        if (pte & (U | A | D))
            return v;
        a = (pte >> 10) * 4096;
    }
    return v;
}

static uint64_t *tables_of(struct machine *m)
{
    return machine_ram(m, TABLES, PAGES * PAGE_SIZE);
}

/* Entries, most of which are something: pointers to tables, pages of tables,
 * any bits. */
static uint64_t entry_of(uint64_t raw, unsigned page)
{
    uint64_t bits = raw & 0xff, n = raw >> 16 & 0xff;
    switch (raw >> 8 & 7) {
    case 0:
        return raw; /* whatever it is */
    case 1:
        return (MACHINE_RAM_BASE >> 12 | n << 9) << 10 | bits;
    case 2:
        return (MACHINE_RAM_BASE >> 12 | n << 18) << 10 | bits;
    case 3:
        return 1ull << (54 + n % 10) | (DATA >> 12) << 10 | bits;
    case 4:
        return (DATA / PAGE_SIZE + n) << 10 | bits;
    default: /* the next level, by far most often */
        return (TABLES / PAGE_SIZE + (page + n) % PAGES) << 10 | (bits & 0x20) |
               V;
    }
}

static void fill(struct machine *m, struct bytes *b)
{
    uint64_t *entries = tables_of(m);
    unsigned count = take(b, 1) % 64 + 1;
    for (unsigned i = 0; i < count; i++) {
        uint64_t where = take(b, 2), page = where >> 8 & 7;
        uint64_t at = page * 512 + (where & 4 ? 508 : 0) + (where & 3);
        entries[at] = entry_of(take(b, 8), (unsigned)page);
    }
}

/* Few of each level, and now and then none that could be. */
static uint64_t address(struct bytes *b)
{
    uint64_t raw = take(b, 4), va = raw & 4095;
    for (unsigned level = 0; level < 3; level++) {
        uint64_t n = raw >> (12 + 3 * level) & 7;
        va |= (n & 4 ? 508 + (n & 3) : n & 3) << (12 + 9 * level);
    }
    va = (uint64_t)((int64_t)(va << 25) >> 25);
    return raw >> 24 ? va : va ^ 1ull << (38 + raw % 26);
}

static void compare(struct machine *m, struct hart *h, uint64_t va,
                    enum access access)
{
    static uint64_t before[PAGES * 512];
    uint64_t physical = 0, value, again;
    struct verdict v = walk(m, h, va, access);
    memcpy(before, tables_of(m), sizeof before);
    bool good = mmu_translate(m, h, va, access, &physical);
    MUST(good == !v.cause);
    MUST(good ? physical == v.physical
              : h->trap_cause == v.cause && h->trap_value == va);
    if (v.entry_at >= TABLES && v.entry_at < TABLES + PAGES * PAGE_SIZE)
        before[(v.entry_at - TABLES) / 8] = v.entry;
    MUST(!memcmp(before, tables_of(m), sizeof before));
    if (access != ACCESS_LOAD || (good && !in_ram(m, physical, 8)))
        return;
    /* And as a load does it, which may know it already. */
    va &= ~7ull;
    MUST(mmu_load(m, h, va, 8, &value) == good);
    MUST(mmu_load(m, h, va, 8, &again) == good && value == again);
    MUST(!good || value == word_at(m, physical & ~7ull));
}

/* A store of the machine's, then everything is forgotten. */
static void store(struct machine *m, struct hart *h, uint64_t va)
{
    struct verdict v = walk(m, h, va, ACCESS_STORE);
    if (!v.cause && !in_ram(m, v.physical, 8))
        return;
    va &= ~7ull;
    MUST(mmu_store(m, h, va, 8, 0x1234) == !v.cause);
    MUST(v.cause || word_at(m, v.physical & ~7ull) == 0x1234);
    mmu_fence(h);
}

/* csrw sstatus, x5. */
static void change_mode(struct machine *m, struct hart *h, uint64_t what)
{
    struct insn write = {.op = OP_CSR, .imm = 0x100, .rs1 = 5, .rs2 = 1};
    write.rd = X_NOWHERE;
    h->user = false;
    h->x[5] = (what & 1 ? STATUS_SUM : 0) | (what & 2 ? STATUS_MXR : 0);
    MUST(csr_access(m, h, write));
    h->user = what & 4;
    hart_set_view(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine_again();
    struct hart *h = &m->harts[0];
    struct bytes b = {data, size};
    uint64_t va = 0;
    fill(m, &b);
    h->satp = SATP_SV39 | TABLES / PAGE_SIZE;
    if (take(&b, 1) == 0)
        h->satp = SATP_SV39 | (take(&b, 6) & SATP_PPN);
    mmu_fence(h);
    for (unsigned i = 0; i < 256 && b.left; i++) {
        uint64_t what = take(&b, 1);
        if (!(what & 128)) /* else where the last one was */
            va = address(&b);
        if (what % 8 < 6)
            compare(m, h, va, (enum access)(what % 3));
        else if (what % 8 == 6)
            store(m, h, va);
        else
            change_mode(m, h, what >> 3);
    }
    must_be_sound(m);
    return 0;
}
