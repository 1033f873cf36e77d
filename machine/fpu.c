/*
 * The instructions of F and D (Volume I, chapters 11 and 12): registers, NaN
 * boxes and the rounding mode around the arithmetic of fp.c.
 */
#include "fp.h"
#include "private.h"

#define BOX    (0xffffffffull << 32)
#define IN_FRM 7u /* of rounding modes: that in frm */

/* funct7 without the format (table 24.2); and those with three operands. */
enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, SIGN, CHOOSE, FROM_FORMAT = 0x08 };
enum { ROOT = 0x0b, COMPARE = 0x14, TO_INTEGER = 0x18, FROM_INTEGER = 0x1a };
enum { TO_X = 0x1c, FROM_X = 0x1e, FUSED = 0x20 };

/* Of each: the greatest rs2 and the greatest funct3. If that is IN_FRM, funct3
 * is a rounding mode. */
static const struct {
    bool exists, gives_integer;
    uint8_t rs2, how;
} functs[] = {
    [ADD] = {true, false, 31, IN_FRM},
    [SUBTRACT] = {true, false, 31, IN_FRM},
    [MULTIPLY] = {true, false, 31, IN_FRM},
    [DIVIDE] = {true, false, 31, IN_FRM},
    [SIGN] = {true, false, 31, 2},
    [CHOOSE] = {true, false, 31, 1},
    [FROM_FORMAT] = {true, false, 1, IN_FRM},
    [ROOT] = {true, false, 0, IN_FRM},
    [COMPARE] = {true, true, 31, 2},
    [TO_INTEGER] = {true, true, 3, IN_FRM},
    [FROM_INTEGER] = {true, false, 3, IN_FRM},
    [TO_X] = {true, true, 0, 1},
    [FROM_X] = {true, false, 0, 0},
    [FUSED] = {true, false, 31, IN_FRM},
};

/* A single that is not boxed counts as NaN (section 12.2). */
static uint64_t get(const struct hart *h, enum fp_format format, unsigned n)
{
    uint64_t bits = h->f[n];
    if (format == FP_DOUBLE)
        return bits;
    return (bits & BOX) == BOX ? (uint32_t)bits : fp_nan(FP_SINGLE);
}

static void set(struct hart *h, enum fp_format format, unsigned n,
                uint64_t bits)
{
    h->f[n] = format == FP_DOUBLE ? bits : bits | BOX;
    h->status |= STATUS_FS_DIRTY;
}

static uint64_t multiply_add(const struct hart *h, struct insn i,
                             struct fp_env *env, uint64_t a, uint64_t b)
{
    uint64_t c = get(h, env->format, FP_RS3(i.imm));
    if (FP_KIND(i.imm) & FP_NEGATES_PRODUCT)
        a = fp_negate(env->format, a);
    if (FP_KIND(i.imm) & FP_NEGATES_SUMMAND)
        c = fp_negate(env->format, c);
    return fp_multiply_add(env, a, b, c);
}

/* rs2 of conversions from and to integers: bit 0: unsigned, bit 1: 64 bits. */
static uint64_t from_integer(struct fp_env *env, uint64_t value, unsigned kind)
{
    if (!(kind & 2))
        value = kind & 1 ? (uint32_t)value : (uint64_t)(int32_t)value;
    bool negative = !(kind & 1) && (int64_t)value < 0;
    return fp_from_integer(env, negative, negative ? 0 - value : value);
}

/* fsgnj, fsgnjn, fsgnjx. */
static uint64_t with_sign(enum fp_format format, uint64_t a, uint64_t b,
                          unsigned how)
{
    uint64_t bit = fp_negate(format, 0);
    if (how)
        b ^= how == 1 ? bit : a;
    return (a & ~bit) | (b & bit);
}

/* `how` is funct3, or the rounding mode, which is also in `env`. */
static uint64_t result(const struct hart *h, struct insn i, struct fp_env *env,
                       unsigned funct, unsigned how)
{
    enum fp_format format = env->format, other = format ^ FP_DOUBLE;
    uint64_t a = get(h, format, i.rs1), b = get(h, format, i.rs2);
    uint64_t x = h->x[i.rs1], f = h->f[i.rs1];
    switch (funct) {
    case ADD:
        return fp_add(env, a, b);
    case SUBTRACT:
        return fp_add(env, a, fp_negate(format, b));
    case MULTIPLY:
        return fp_multiply(env, a, b);
    case DIVIDE:
        return fp_divide(env, a, b);
    case ROOT:
        return fp_root(env, a);
    case SIGN:
        return with_sign(format, a, b, how);
    case CHOOSE:
        return fp_choose(env, a, b, !how);
    case COMPARE:
        return fp_compare(env, a, b, (enum fp_relation)how);
    case FROM_FORMAT:
        return fp_from_format(env, other, get(h, other, i.rs1));
    case TO_INTEGER:
        return fp_to_integer(env, a, i.rs2 & 2 ? 64 : 32, !(i.rs2 & 1));
    case FROM_INTEGER:
        return from_integer(env, x, i.rs2);
    case TO_X:
        if (how)
            return fp_class(format, a);
        return format == FP_SINGLE ? (uint64_t)(int32_t)f : f;
    case FROM_X:
        return x;
    default: /* FUSED */
        return multiply_add(h, i, env, a, b);
    }
}

/* What an instruction does; false if there is none. */
static bool compute(struct hart *h, struct insn i)
{
    unsigned format = FP_FUNCT(i.imm) & 3, how = FP_ROUND(i.imm);
    unsigned funct = i.op == OP_FUSED ? FUSED : FP_FUNCT(i.imm) >> 2;
    bool rounds = functs[funct].how == IN_FRM;
    if (rounds && how == IN_FRM)
        how = h->fcsr >> 5;
    if (!functs[funct].exists || format > FP_DOUBLE ||
        i.rs2 > functs[funct].rs2 ||
        (funct == FROM_FORMAT && i.rs2 == format) ||
        how > (rounds ? ROUND_MAX : functs[funct].how))
        return false;
    struct fp_env env = {(enum fp_format)format, (enum fp_round)how, 0};
    uint64_t value = result(h, i, &env, funct, how);
    if (functs[funct].gives_integer)
        h->x[i.rd ? i.rd : X_NOWHERE] = value;
    else
        set(h, env.format, i.rd, value);
    if (env.flags & ~h->fcsr)
        h->status |= STATUS_FS_DIRTY;
    h->fcsr |= env.flags;
    return true;
}

bool fpu_execute(struct machine *m, struct hart *h, struct insn i)
{
    uint64_t va = h->x[i.rs1] + (uint64_t)(int64_t)i.imm, value;
    enum fp_format format =
        i.op == OP_FLW || i.op == OP_FSW ? FP_SINGLE : FP_DOUBLE;
    unsigned size = format == FP_SINGLE ? 4 : 8;
    if (!(h->status & STATUS_FS))
        return hart_illegal(m, h);
    if (i.op == OP_FP || i.op == OP_FUSED)
        return compute(h, i) || hart_illegal(m, h);
    if (i.op == OP_FSW || i.op == OP_FSD)
        return mmu_store(m, h, va, size, h->f[i.rs2]);
    if (!mmu_load(m, h, va, size, &value))
        return false;
    set(h, format, i.rd, value);
    return true;
}
