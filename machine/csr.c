/*
 * Control and status registers, traps, and the instructions that deal with
 * privilege (Privileged Architecture 20211203, chapter 4; Sstc 1.0).
 *
 * There is no M mode: what firmware would do is done by the machine itself, an
 * ecall of S mode is a call to sbi.c, and no trap goes anywhere but to S mode.
 */
#include "private.h"

enum {
    CSR_FFLAGS = 0x001,
    CSR_FRM = 0x002,
    CSR_FCSR = 0x003,
    CSR_SSTATUS = 0x100,
    CSR_SIE = 0x104,
    CSR_STVEC = 0x105,
    CSR_SCOUNTEREN = 0x106,
    CSR_SENVCFG = 0x10a,
    CSR_SSCRATCH = 0x140,
    CSR_SEPC = 0x141,
    CSR_SCAUSE = 0x142,
    CSR_STVAL = 0x143,
    CSR_SIP = 0x144,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02,
};
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
    static const uint8_t order[] = {EXTERNAL, SOFTWARE, TIMER};
    uint64_t wanted = pending(m, h) & h->ie;
    if (!h->user && !(h->status & STATUS_SIE))
        return;
    for (unsigned i = 0; i < sizeof order; i++)
        if (wanted >> order[i] & 1) {
            hart_trap(h, CAUSE_INTERRUPT | order[i], 0);
            return;
        }
}

bool hart_illegal(struct machine *m, struct hart *h)
{
    uint32_t bits;
    if (!code_bits(m, h, &bits))
        return false;
    return hart_fault(h, CAUSE_ILLEGAL,
                      (bits & 3) == 3 ? bits : (uint16_t)bits);
}

static bool sret(struct hart *h, uint64_t *next)
{
    uint64_t status = h->status & ~(STATUS_SIE | STATUS_SPP);
    if (h->status & STATUS_SPIE)
        status |= STATUS_SIE;
    h->user = !(h->status & STATUS_SPP);
    h->status = status | STATUS_SPIE;
    hart_set_view(h);
    *next = h->epc;
    return true;
}

static bool ecall(struct machine *m, struct hart *h)
{
    if (h->user)
        return hart_fault(h, CAUSE_ECALL_USER, 0);
    sbi_call(m, h);
    return true;
}

static bool sfence(struct hart *h, struct insn i)
{
    if (i.rs1)
        mmu_fence_page(h, h->x[i.rs1]);
    else
        mmu_fence(h);
    return true;
}

bool system_execute(struct machine *m, struct hart *h, struct insn i,
                    uint64_t *next)
{
    unsigned which = (unsigned)i.imm & 0xfff;
    if (which >> 5 == 9 && !h->user)
        return sfence(h, i);
    if (i.rs1)
        return hart_illegal(m, h);
    if (which == 0)
        return ecall(m, h);
    if (which == 1)
        return hart_fault(h, CAUSE_BREAKPOINT, h->pc);
    if (which == 0x102 && !h->user)
        return sret(h, next);
    if (which != 0x105 || h->user)
        return hart_illegal(m, h);
    h->state = HART_WAITS; /* wfi */
    return true;
}

/* ---- Registers ----------------------------------------------------------- */

static uint64_t status_read(const struct hart *h)
{
    bool dirty = (h->status & STATUS_FS) == STATUS_FS_DIRTY;
    return h->status | STATUS_UXL_64 | (dirty ? STATUS_SD : 0);
}

static void status_write(struct hart *h, uint64_t value)
{
    if ((h->status ^ value) & STATUS_MXR)
        mmu_forget(h, ACCESS_LOAD);
    h->status = value & STATUS_WRITABLE;
    hart_set_view(h);
}

/* A mode that is not implemented makes the write no write (section 4.1.11). */
static void satp_write(struct hart *h, uint64_t value)
{
    uint64_t mode = value & ~(SATP_ASID | SATP_PPN);
    if (mode && mode != SATP_SV39)
        return;
    h->satp = mode ? value : 0;
    mmu_fence(h);
}

static bool fcsr_usable(const struct hart *h)
{
    return h->status & STATUS_FS;
}

static bool counter_usable(const struct hart *h, unsigned number)
{
    return !h->user || h->counteren >> (number - CSR_CYCLE) & 1;
}

/* False if there is no such register, or not now. */
static bool csr_read(const struct machine *m, const struct hart *h,
                     unsigned number, uint64_t *value)
{
    switch (number) {
    case CSR_FFLAGS:
        *value = h->flags;
        return fcsr_usable(h);
    case CSR_FRM:
        *value = h->rm;
        return fcsr_usable(h);
    case CSR_FCSR:
        *value = (uint64_t)h->rm << 5 | h->flags;
        return fcsr_usable(h);
    case CSR_SSTATUS:
        *value = status_read(h);
        return true;
    case CSR_SIE:
        *value = h->ie;
        return true;
    case CSR_SIP:
        *value = pending(m, h);
        return true;
    case CSR_CYCLE:
        *value = m->now;
        return counter_usable(h, number);
    case CSR_TIME:
        *value = machine_time(m);
        return counter_usable(h, number);
    case CSR_INSTRET:
        *value = h->retired + (m->now - h->began);
        return counter_usable(h, number);
    default:
        return false;
    }
}

/* The registers that are just stored: where, and which bits. */
static uint64_t *plain_csr(struct hart *h, unsigned number, uint64_t *mask)
{
    *mask = UINT64_MAX;
    switch (number) {
    case CSR_STVEC:
        return &h->tvec;
    case CSR_SCOUNTEREN:
        *mask = UINT32_MAX;
        return &h->counteren;
    case CSR_SENVCFG:
        *mask = ENVCFG_FIOM;
        return &h->envcfg;
    case CSR_SSCRATCH:
        return &h->scratch;
    case CSR_SEPC:
        *mask = ~1ull;
        return &h->epc;
    case CSR_SCAUSE:
        return &h->cause;
    case CSR_STVAL:
        return &h->tval;
    case CSR_STIMECMP:
        return &h->timer;
    case CSR_SATP:
        return &h->satp;
    default:
        return NULL;
    }
}

static void csr_write(struct hart *h, unsigned number, uint64_t value)
{
    uint64_t mask, *plain = plain_csr(h, number, &mask);
    switch (number) {
    case CSR_FFLAGS:
    case CSR_FCSR:
        h->flags = value & 31;
        if (number == CSR_FCSR)
            h->rm = value >> 5 & 7;
        h->status |= STATUS_FS_DIRTY;
        break;
    case CSR_FRM:
        h->rm = value & 7;
        h->status |= STATUS_FS_DIRTY;
        break;
    case CSR_SSTATUS:
        status_write(h, value);
        break;
    case CSR_SIE:
        h->ie = value & IP_ALL;
        break;
    case CSR_SIP:
        h->software = value & IP_SOFTWARE;
        break;
    case CSR_SATP:
        satp_write(h, value);
        break;
    case CSR_STVEC:
        if (value & 2)
            break; /* a reserved mode: no write */
        /* fallthrough */
    default:
        *plain = value & mask;
    }
}

/* What may turn an interrupt on, or change what memory is. */
static bool must_look(unsigned number)
{
    return number == CSR_SSTATUS || number == CSR_SIE || number == CSR_SIP ||
           number == CSR_STIMECMP || number == CSR_SATP;
}

static uint64_t changed(unsigned funct3, uint64_t old, uint64_t operand)
{
    switch (funct3 & 3) {
    case 1:
        return operand;
    case 2:
        return old | operand;
    default:
        return old & ~operand;
    }
}

bool csr_access(struct machine *m, struct hart *h, struct insn i)
{
    unsigned number = (unsigned)i.imm & 0xfff, funct3 = i.rs2;
    bool writes = (funct3 & 3) == 1 || i.rs1;
    uint64_t operand = funct3 & 4 ? i.rs1 : h->x[i.rs1], old, mask;
    const uint64_t *plain = plain_csr(h, number, &mask);
    if ((h->user && number >> 8 & 3) || (writes && number >> 10 == 3))
        return hart_illegal(m, h);
    if (plain)
        old = *plain;
    else if (!csr_read(m, h, number, &old))
        return hart_illegal(m, h);
    if (writes) {
        csr_write(h, number, changed(funct3, old, operand));
        h->look = h->look || must_look(number);
    }
    h->x[i.rd] = old;
    return true;
}
