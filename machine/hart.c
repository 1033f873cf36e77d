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

static uint64_t multiply_high_signed(uint64_t a, uint64_t b, bool b_signed)
{
    uint64_t high = multiply_high(a, b);
    if ((int64_t)a < 0)
        high -= b;
    if (b_signed && (int64_t)b < 0)
        high -= a;
    return high;
}

/* Division by zero and overflow have results and do not trap. */
static uint64_t divide(int64_t a, int64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    return b == -1 ? 0 - (uint64_t)a : (uint64_t)(a / b);
}

static uint64_t modulo(int64_t a, int64_t b)
{
    if (b == 0)
        return (uint64_t)a;
    return b == -1 ? 0 : (uint64_t)(a % b);
}

static uint64_t divide_unsigned(uint64_t a, uint64_t b)
{
    return b ? a / b : UINT64_MAX;
}

static uint64_t modulo_unsigned(uint64_t a, uint64_t b)
{
    return b ? a % b : a;
}

/* ---- The loop ------------------------------------------------------------ */

#define RD      x[i->rd]
#define RS1     x[i->rs1]
#define RS2     x[i->rs2]
#define WORD(v) ((uint64_t)(int32_t)(v))
#define IMM     ((uint64_t)(int64_t)i->imm)
#define HERE    (page + (uint64_t)(at - slots) * 2)

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
        target = (uint64_t)(at - slots) * 2 + IMM;                             \
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

void hart_run(struct machine *m, struct hart *h, uint64_t count)
{
    uint64_t *x = h->x, end = m->now + count, left = count;
    uint8_t *ram = ram_of(m);
    const struct translation *loads, *stores, *fetch;
    struct code_page *code;
    struct insn split; /* of OP_SPLIT */
    const struct insn *at, *slots, *i;
    uint64_t page, target, number;
    uint32_t bits;

enter: /* at h->pc */
    if (!left)
        goto out;
    loads = h->tlb[h->view][ACCESS_LOAD];
    stores = h->tlb[h->view][ACCESS_STORE];
    fetch =
        &h->tlb[h->view][ACCESS_FETCH][h->pc >> PAGE_SHIFT & (TLB_SIZE - 1)];
    number = fetch->place;
    if (fetch->tag != TAG(h->pc, h->generation[ACCESS_FETCH])) {
        if (!code_find(m, h, &number)) {
            left--;
            goto trap;
        }
        m->now = end - left;
        left = watch_fetch(m, h, left);
        end = m->now + left;
        if (!left)
            goto out;
    }
    code = &m->code[number];
    slots = code->slots;
    page = h->pc & ~(uint64_t)(PAGE_SIZE - 1);
    at = &slots[(h->pc & (PAGE_SIZE - 1)) / 2];

    for (;;) {
        if (!left) {
            h->pc = HERE;
            goto out;
        }
        left--;
        i = at;
    again:
        switch (i->op) {
#include "ops.tbl"
        case OP_JAL:
            RD = HERE + i->length;
            target = (uint64_t)(at - slots) * 2 + IMM;
            goto jump;
        case OP_JALR:
            target = ((RS1 + IMM) & ~1ull) - page;
            RD = HERE + i->length;
            goto jump;
        case OP_UNKNOWN:
            code->slots[at - slots] =
                code_decode(m, code, (unsigned)(at - slots));
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
            h->pc = HERE;
            goto enter;
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
        if (target < PAGE_SIZE) {
            at = &slots[target / 2];
            continue;
        }
        h->pc = page + target;
        goto enter;

    look: /* the instruction is done and the state saved */
        if (!h->look)
            goto next;
        h->pc += i->length;
        return;
    }

trap: /* h->pc is the instruction's */
    hart_trap(h, h->trap_cause, h->trap_value);
    goto enter;
out:
    m->now = end - left;
}
