/*
 * Control and status registers, traps, and the instructions that deal with
 * privilege (Privileged Architecture 20211203, chapter 4; Sstc 1.0).
 *
 * There is no M mode: what firmware would do is done by the machine itself, an
 * ecall of S mode is a call to sbi.c, and no trap goes anywhere but to S mode.
 */
#include "private.h"

enum { CSR_FFLAGS = 0x001, CSR_FRM = 0x002, CSR_FCSR = 0x003 };
enum { CSR_SSTATUS = 0x100, CSR_SIE = 0x104, CSR_STVEC = 0x105 };
enum { CSR_SCOUNTEREN = 0x106, CSR_SENVCFG = 0x10a, CSR_SSCRATCH = 0x140 };
enum { CSR_SEPC = 0x141, CSR_SCAUSE = 0x142, CSR_STVAL = 0x143 };
enum { CSR_SIP = 0x144, CSR_STIMECMP = 0x14d, CSR_SATP = 0x180 };
enum { CSR_CYCLE = 0xc00, CSR_TIME = 0xc01, CSR_INSTRET = 0xc02 };
#define IP_ALL      (IP_SOFTWARE | IP_TIMER | IP_EXTERNAL)
#define ENVCFG_FIOM 1u

/* ---- Traps (section 4.1) ------------------------------------------------- */

void hart_set_view(struct hart *h)
{
    h->view = VIEW_KERNEL;
    if (h->user)
        h->view = VIEW_USER;
    else if (h->status & STATUS_SUM)
        h->view = VIEW_KERNEL_SUM;
}

void hart_trap(struct hart *h, uint64_t cause, uint64_t value)
{
    uint64_t status = h->status & ~(STATUS_SPIE | STATUS_SPP | STATUS_SIE);
    if (h->status & STATUS_SIE)
        status |= STATUS_SPIE;
    if (!h->user)
        status |= STATUS_SPP;
    h->status = status;
    h->user = false;
    h->epc = h->pc;
    h->cause = cause;
    h->tval = value;
    h->pc = h->tvec & ~3ull;
    if (h->tvec & 1 && cause & CAUSE_INTERRUPT)
        h->pc += 4 * (cause & ~CAUSE_INTERRUPT);
    hart_set_view(h);
}

static uint64_t pending(const struct machine *m, const struct hart *h)
{
    return (h->software ? IP_SOFTWARE : 0) |
           (machine_time(m) >= h->timer ? IP_TIMER : 0) |
           (plic_pending(&m->plic, h->number) ? IP_EXTERNAL : 0);
}

bool hart_wakes(const struct machine *m, const struct hart *h)
{
    return pending(m, h) & h->ie;
}

/* External, software, timer is the order (section 4.1.3). */
void hart_interrupt(struct machine *m, struct hart *h)
{
    uint64_t wanted = pending(m, h) & h->ie, first = TIMER;
    if (wanted & IP_EXTERNAL)
        first = EXTERNAL;
    else if (wanted & IP_SOFTWARE)
        first = SOFTWARE;
    if (wanted && (h->user || h->status & STATUS_SIE))
        hart_trap(h, CAUSE_INTERRUPT | first, 0);
}

bool hart_illegal(struct machine *m, struct hart *h)
{
    uint32_t bits = 0;
    if (asked(m, ADVERSARY_CODE)) /* it may not be what is in memory */
        return hart_fault(h, CAUSE_ILLEGAL, 0);
    return code_bits(m, h, &bits) && hart_fault(h, CAUSE_ILLEGAL, bits);
}

/* The length of the instruction, 4, will be added to the pc. */
static void sret(struct hart *h)
{
    uint64_t status = h->status & ~(STATUS_SIE | STATUS_SPP);
    if (h->status & STATUS_SPIE)
        status |= STATUS_SIE;
    h->user = !(h->status & STATUS_SPP);
    h->status = status | STATUS_SPIE;
    hart_set_view(h);
    h->pc = h->epc - 4;
}

static void sfence(struct machine *m, struct hart *h, struct insn i)
{
    stores_drain(m, h);
    adversary_fence(m, h, i.rs1 ? &h->x[i.rs1] : NULL,
                    i.rs2 ? &h->x[i.rs2] : NULL);
    if (i.rs1)
        mmu_fence_page(h, h->x[i.rs1]);
    else
        mmu_fence(h);
}

bool system_execute(struct machine *m, struct hart *h, struct insn i)
{
    unsigned which = (unsigned)i.imm & 0xfff;
    bool fence = which >> 5 == 9;
    if (!fence && i.rs1)
        return hart_illegal(m, h);
    if (which == 0 && h->user)
        return hart_fault(h, CAUSE_ECALL_USER, 0);
    if (which == 1)
        return hart_fault(h, CAUSE_BREAKPOINT, h->pc);
    if (h->user)
        return hart_illegal(m, h);
    h->look = true;
    if (which == 0)
        h->pc -= sbi_call(m, h) ? 0 : 4; /* or it is made anew */
    else if (fence)
        sfence(m, h, i);
    else if (which == 0x102)
        sret(h);
    else if (which == 0x105)
        h->state = HART_WAITS; /* wfi */
    else
        return hart_illegal(m, h);
    return true;
}

/* ---- Registers ----------------------------------------------------------- */

/* Those that are kept in a hart: where, from which bit on, and which bits are
 * there. */
static const struct kept {
    unsigned number, shift;
    size_t place;
    uint64_t mask;
} kept[] = {
    {CSR_FFLAGS, 0, offsetof(struct hart, fcsr), 31},
    {CSR_FRM, 5, offsetof(struct hart, fcsr), 7},
    {CSR_FCSR, 0, offsetof(struct hart, fcsr), 255},
    {CSR_SSTATUS, 0, offsetof(struct hart, status), STATUS_WRITABLE},
    {CSR_SIE, 0, offsetof(struct hart, ie), IP_ALL},
    {CSR_STVEC, 0, offsetof(struct hart, tvec), UINT64_MAX},
    {CSR_SCOUNTEREN, 0, offsetof(struct hart, counteren), UINT32_MAX},
    {CSR_SENVCFG, 0, offsetof(struct hart, envcfg), ENVCFG_FIOM},
    {CSR_SSCRATCH, 0, offsetof(struct hart, scratch), UINT64_MAX},
    {CSR_SEPC, 0, offsetof(struct hart, epc), ~1ull},
    {CSR_SCAUSE, 0, offsetof(struct hart, cause), UINT64_MAX},
    {CSR_STVAL, 0, offsetof(struct hart, tval), UINT64_MAX},
    {CSR_STIMECMP, 0, offsetof(struct hart, timer), UINT64_MAX},
    {CSR_SATP, 0, offsetof(struct hart, satp), UINT64_MAX},
};

static const struct kept *find(unsigned number)
{
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i].number == number)
            return &kept[i];
    return NULL;
}

/* False if there is no such register, or not now. */
bool csr_value(const struct machine *m, const struct hart *h, unsigned number,
               uint64_t *value)
{
    const uint64_t counters[] = {m->now, machine_time(m),
                                 h->retired + (m->now - h->began)};
    const struct kept *k = find(number);
    unsigned counter = number - CSR_CYCLE;
    if (counter < 3) {
        *value = counters[counter];
        return !h->user || h->counteren >> counter & 1;
    }
    if (number == CSR_SIP) {
        *value = pending(m, h);
        return true;
    }
    if (!k)
        return false;
    *value = *(uint64_t *)((uintptr_t)h + k->place) >> k->shift & k->mask;
    if (number == CSR_SSTATUS)
        *value |= STATUS_UXL_64 |
                  ((*value & STATUS_FS) == STATUS_FS_DIRTY ? STATUS_SD : 0);
    return number > CSR_FCSR || h->status & STATUS_FS;
}

/* A reserved mode in stvec, and one in satp that is not implemented, make the
 * write none (sections 4.1.2 and 4.1.11). */
static void csr_write(struct hart *h, unsigned number, uint64_t value)
{
    const struct kept *k = find(number);
    uint64_t mode = value & ~(SATP_ASID | SATP_PPN), old = h->status;
    if ((number == CSR_STVEC && value & 2) ||
        (number == CSR_SATP && mode && mode != SATP_SV39))
        return;
    if (k) {
        uint64_t *to = (uint64_t *)((uintptr_t)h + k->place);
        uint64_t bits = k->mask << k->shift;
        *to = (*to & ~bits) | (value << k->shift & bits);
    }
    if (number <= CSR_FCSR) {
        h->status |= STATUS_FS_DIRTY;
        return;
    }
    if (number == CSR_SIP)
        h->software = value & IP_SOFTWARE;
    if ((old ^ h->status) & STATUS_MXR)
        mmu_forget(h, ACCESS_LOAD);
    hart_set_view(h);
    if (number == CSR_SATP) {
        h->satp = mode ? value : 0;
        mmu_fence(h);
    }
    h->look = true; /* an interrupt may be on, or memory another */
}

bool csr_access(struct machine *m, struct hart *h, struct insn i)
{
    unsigned number = CSR_NUMBER(i.imm), funct3 = CSR_FUNCT(i.imm);
    bool writes = (funct3 & 3) == 1 || i.rs1;
    uint64_t operand = funct3 & 4 ? i.rs1 : h->x[i.rs1], old;
    if ((h->user && number >> 8 & 3) || (writes && number >> 10 == 3) ||
        !csr_value(m, h, number, &old))
        return hart_illegal(m, h);
    if (writes) {
        if ((funct3 & 3) > 1)
            operand = funct3 & 1 ? old & ~operand : old | operand;
        csr_write(h, number, operand);
    }
    h->x[i.rd] = old;
    return true;
}
