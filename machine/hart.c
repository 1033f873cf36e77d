/*
 * The interpreter: what a hart does from one look at its interrupts to the
 * next (Volume I, chapters 2 to 8).
 *
 * The instructions of a page are an array with two bytes a slot (code.c), so
 * the program counter is where `at` is in it. hart.pc and machine.now are up to
 * date only while something outside this file runs. A hart leaves early if
 * hart.look says that there may be an interrupt, or that its page is no longer
 * what it was.
 */
#include "private.h"

/* ---- Multiplying and dividing (chapter 7) -------------------------------- */

/* Of a signed and an unsigned number. */
static uint64_t multiply_high_signed(uint64_t a, uint64_t b)
{
    return multiply_high(a, b) - ((int64_t)a < 0 ? b : 0);
}

/* Division by zero and overflow have results and do not trap. */
static uint64_t divide(int64_t a, int64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    return b == -1 ? 0 - (uint64_t)a : (uint64_t)(a / b);
}

static uint64_t divide_unsigned(uint64_t a, uint64_t b)
{
    return b ? a / b : UINT64_MAX;
}

/* ---- The loop ------------------------------------------------------------ */

#define RD      x[i->rd]
#define RS1     x[i->rs1]
#define RS2     x[i->rs2]
#define WORD(v) ((uint64_t)(int32_t)(v))
#define IMM     ((uint64_t)(int64_t)i->imm)
#define SLOT    ((uint64_t)(at - slots) * 2) /* of the page */
#define HERE    (page + SLOT)

/* Before anything that is not in this file. */
#define SAVE() (h->pc = HERE, m->now = end - left)

/* An instruction whose result is an expression. */
#define SET(op, format, bits, value)                                           \
    case OP_##op:                                                              \
        RD = (value);                                                          \
        break;

#define BRANCH(op, bits, condition)                                            \
    case OP_##op:                                                              \
        if (!(condition))                                                      \
            break;                                                             \
        target = SLOT + IMM;                                                   \
        goto jump;

#define JUMP(op, format, bits, to)                                             \
    case OP_##op:                                                              \
        target = (to);                                                         \
        RD = HERE + i->length;                                                 \
        goto jump;

#define FOUND(table, kind, va, size)                                           \
    ((table)[(va) >> PAGE_SHIFT & (TLB_SIZE - 1)].tag ==                       \
         TAG(va, h->generation[kind]) &&                                       \
     ((va) & (PAGE_SIZE - 1)) <= PAGE_SIZE - (size))
#define PLACE(table, va)                                                       \
    (ram + (size_t)((table)[(va) >> PAGE_SHIFT & (TLB_SIZE - 1)].place + (va)))

#define LOAD(op, bits, type)                                                   \
    case OP_##op: {                                                            \
        uint64_t va = RS1 + IMM, wide;                                         \
        type value;                                                            \
        if (FOUND(loads, ACCESS_LOAD, va, sizeof value)) {                     \
            memcpy(&value, PLACE(loads, va), sizeof value);                    \
            RD = (uint64_t)value;                                              \
            break;                                                             \
        }                                                                      \
        SAVE();                                                                \
        if (!mmu_load(m, h, va, sizeof value, &wide))                          \
            goto trap;                                                         \
        value = (type)wide;                                                    \
        RD = (uint64_t)value;                                                  \
        goto look;                                                             \
    }

#define STORE(op, bits, type)                                                  \
    case OP_##op: {                                                            \
        uint64_t va = RS1 + IMM;                                               \
        type value = (type)RS2;                                                \
        if (FOUND(stores, ACCESS_STORE, va, sizeof value)) {                   \
            memcpy(PLACE(stores, va), &value, sizeof value);                   \
            break;                                                             \
        }                                                                      \
        SAVE();                                                                \
        if (!mmu_store(m, h, va, sizeof value, value))                         \
            goto trap;                                                         \
        goto look;                                                             \
    }

#define OTHER(op, format, bits) /* below, or in `elsewhere` */

/* What other files do. False: an exception. */
static bool elsewhere(struct machine *m, struct hart *h, struct insn i)
{
    switch (i.op) {
    case OP_FENCE:
        stores_fence(m, h, i.imm);
        return true;
    case OP_FENCE_I:
        stores_drain(m, h);
        code_fence(m, h);
        return true;
    case OP_PAUSE: /* the turn of another hart is more use */
        m->turn_end = m->now;
        h->look = true;
        return true;
    case OP_AMO:
        return mmu_amo(m, h, i);
    case OP_CSR:
        return csr_access(m, h, i);
    case OP_SYSTEM:
        return system_execute(m, h, i);
    case OP_ILLEGAL:
        return hart_illegal(m, h);
    default: /* chapters 11 and 12 */
        return fpu_execute(m, h, i);
    }
}

/* Runs until the hart leaves a page of instructions, and counts `left` down.
 * True: it also leaves hart_run, and all is saved. */
static bool run_page(struct machine *m, struct hart *h, struct code_page *code,
                     uint64_t end, uint64_t *rest)
{
    const struct translation *loads = h->tlb[h->view][ACCESS_LOAD];
    const struct translation *stores = h->tlb[h->view][ACCESS_STORE];
    const struct insn *slots = code->slots, *i;
    const struct insn *at = &slots[(h->pc & (PAGE_SIZE - 1)) / 2];
    uint64_t page = h->pc & ~(uint64_t)(PAGE_SIZE - 1), left = *rest, target;
    uint64_t *x = h->x;
    uint8_t *ram = ram_of(m);
    struct insn split;
    uint32_t bits;
    while (left) {
        left--;
        i = at;
    again:
        switch (i->op) {
#include "ops.tbl"
        case OP_UNKNOWN:
            code->slots[at - slots] = code_decode(m, code, SLOT / 2);
            goto again;
        case OP_SPLIT:
            SAVE();
            if (!code_bits(m, h, &bits))
                goto trap;
            split = decode(bits);
            i = &split;
            goto again;
        case OP_LEAVE:
            left++;
            target = SLOT;
            goto jump;
        default:
            SAVE();
            if (!elsewhere(m, h, *i))
                goto trap;
            goto look;
        }
    next:
        at += i->length >> 1;
        continue;
    jump: /* to `target`, counted from the page */
        at = &slots[target % PAGE_SIZE / 2];
        if (target < PAGE_SIZE)
            continue;
        h->pc = page + target;
        goto out;
    look: /* the instruction is done and the state saved */
        if (!h->look && !m->hit.kind)
            goto next;
        h->pc += i->length;
        return true;
    }
    h->pc = HERE;
    goto out;
trap: /* h->pc is the instruction's */
    hart_trap(h, h->trap_cause, h->trap_value);
out:
    *rest = left;
    return false;
}

bool hart_run(struct machine *m, struct hart *h, uint64_t count)
{
    uint64_t end = m->now + count, left = count;
    while (left) {
        const struct translation *t = tlb_entry(h, h->pc, ACCESS_FETCH);
        uint64_t number = t->place;
        if (t->tag != TAG(h->pc, h->generation[ACCESS_FETCH])) {
            if (!code_find(m, h, &number)) {
                left--;
                hart_trap(h, h->trap_cause, h->trap_value);
                continue;
            }
            m->now = end - left;
            left = watch_fetch(m, h, left);
            end = m->now + left;
        }
        h->look = false; /* what it was set for has been looked at */
        if (left && run_page(m, h, &m->code[number], end, &left))
            return h->look;
    }
    m->now = end;
    return false;
}
