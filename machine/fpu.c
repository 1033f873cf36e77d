/*
 * The instructions of F and D (Volume I, chapters 11 and 12): registers, NaN
 * boxes and the rounding mode around the arithmetic of fp.c.
 */
#include "fp.h"
#include "private.h"

#define BOX         (0xffffffffull << 32)
#define ROUND_GIVEN 7u /* in the instruction: the mode is in frm */

/* funct7 without the format (table 24.2). */
enum funct {
    ADD = 0x00,
    SUBTRACT = 0x01,
    MULTIPLY = 0x02,
    DIVIDE = 0x03,
    SIGN = 0x04,
    CHOOSE = 0x05,
    FROM_FORMAT = 0x08,
    ROOT = 0x0b,
    COMPARE = 0x14,
    TO_INTEGER = 0x18,
    FROM_INTEGER = 0x1a,
    TO_X = 0x1c,
    FROM_X = 0x1e
};

#define ROUNDING                                                               \
    (1u << ADD | 1u << SUBTRACT | 1u << MULTIPLY | 1u << DIVIDE |              \
     1u << FROM_FORMAT | 1u << ROOT | 1u << TO_INTEGER | 1u << FROM_INTEGER)
#define EXACT                                                                  \
    (1u << SIGN | 1u << CHOOSE | 1u << COMPARE | 1u << TO_X | 1u << FROM_X)
#define TO_INTEGERS (1u << COMPARE | 1u << TO_INTEGER | 1u << TO_X)

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
    unsigned kind = FP_KIND(i.imm);
    uint64_t c = get(h, env->format, FP_RS3(i.imm));
    if (kind == FP_NMSUB || kind == FP_NMADD)
        a = fp_negate(env->format, a);
    if (kind == FP_MSUB || kind == FP_NMADD)
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

/* Those that round. False: there is no such instruction. */
static bool rounding(struct hart *h, struct insn i, struct fp_env *env,
                     enum funct funct, uint64_t *result)
{
    enum fp_format other = env->format == FP_SINGLE ? FP_DOUBLE : FP_SINGLE;
    uint64_t a = get(h, env->format, i.rs1), b = get(h, env->format, i.rs2);
    if (i.op == OP_FUSED) {
        *result = multiply_add(h, i, env, a, b);
        return true;
    }
    switch (funct) {
    case ADD:
        *result = fp_add(env, a, b);
        return true;
    case SUBTRACT:
        *result = fp_add(env, a, fp_negate(env->format, b));
        return true;
    case MULTIPLY:
        *result = fp_multiply(env, a, b);
        return true;
    case DIVIDE:
        *result = fp_divide(env, a, b);
        return true;
    case ROOT:
        *result = fp_root(env, a);
        return !i.rs2;
    case FROM_FORMAT:
        *result = fp_from_format(env, other, get(h, other, i.rs1));
        return i.rs2 == other;
    case TO_INTEGER:
        *result = fp_to_integer(env, a, i.rs2 & 2 ? 64 : 32, !(i.rs2 & 1));
        return i.rs2 < 4;
    default: /* FROM_INTEGER */
        *result = from_integer(env, h->x[i.rs1], i.rs2);
        return i.rs2 < 4;
    }
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

/* Those that do not; `how` is where others have the rounding mode. */
static bool exact(struct hart *h, struct insn i, struct fp_env *env,
                  enum funct funct, uint64_t *result)
{
    unsigned how = FP_ROUND(i.imm);
    bool is_single = env->format == FP_SINGLE;
    uint64_t a = get(h, env->format, i.rs1), b = get(h, env->format, i.rs2);
    switch (funct) {
    case SIGN:
        *result = with_sign(env->format, a, b, how);
        return how < 3;
    case CHOOSE:
        *result = fp_choose(env, a, b, !how);
        return how < 2;
    case COMPARE:
        *result = fp_compare(env, a, b, (enum fp_relation)how);
        return how < 3;
    case TO_X:
        *result = h->f[i.rs1];
        if (is_single)
            *result = (uint64_t)(int32_t)*result;
        if (how)
            *result = fp_class(env->format, a);
        return !i.rs2 && how < 2;
    default: /* FROM_X */
        *result = is_single ? (uint32_t)h->x[i.rs1] : h->x[i.rs1];
        return !i.rs2 && !how;
    }
}

/* What an instruction does; false if there is none. */
static bool compute(struct hart *h, struct insn i)
{
    enum funct funct = (enum funct)(FP_FUNCT(i.imm) >> 2);
    bool fused = i.op == OP_FUSED, good = false;
    unsigned format = FP_FUNCT(i.imm) & 3, round = FP_ROUND(i.imm);
    unsigned which = fused ? 0 : 1u << funct;
    struct fp_env env = {.format = (enum fp_format)format};
    uint64_t result;
    if (format > FP_DOUBLE)
        return false;
    if (fused || which & ROUNDING) {
        round = round == ROUND_GIVEN ? h->rm : round;
        env.round = (enum fp_round)round;
        good = round <= ROUND_MAX && rounding(h, i, &env, funct, &result);
    } else if (which & EXACT) {
        good = exact(h, i, &env, funct, &result);
    }
    if (!good)
        return false;
    if (which & TO_INTEGERS)
        h->x[i.rd ? i.rd : X_NOWHERE] = result;
    else
        set(h, env.format, i.rd, result);
    if (env.flags & ~h->flags)
        h->status |= STATUS_FS_DIRTY;
    h->flags |= (uint8_t)env.flags;
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
