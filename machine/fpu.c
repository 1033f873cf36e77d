/*
 * The instructions of F and D (Volume I, chapters 11 and 12): registers, NaN
 * boxes and the rounding mode around the arithmetic of fp.c.
 */
#include "fp.h"
#include "private.h"

#define BOX         (0xffffffffull << 32)
#define ROUND_GIVEN 7u /* in the instruction: the one in frm */

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
    FROM_X = 0x1e,
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

static void set_x(struct hart *h, unsigned n, uint64_t value)
{
    h->x[n ? n : X_NOWHERE] = value;
}

/* ---- What each does ------------------------------------------------------ */

static bool multiply_add(struct hart *h, struct insn i, struct fp_env *env)
{
    unsigned kind = FP_KIND(i.imm);
    uint64_t a = get(h, env->format, i.rs1), b = get(h, env->format, i.rs2);
    uint64_t c = get(h, env->format, FP_RS3(i.imm));
    if (kind == FP_NMSUB || kind == FP_NMADD)
        a = fp_negate(env->format, a);
    if (kind == FP_MSUB || kind == FP_NMADD)
        c = fp_negate(env->format, c);
    set(h, env->format, i.rd, fp_multiply_add(env, a, b, c));
    return true;
}

static bool arithmetic(struct hart *h, struct insn i, struct fp_env *env,
                       enum funct funct)
{
    uint64_t a = get(h, env->format, i.rs1), b = get(h, env->format, i.rs2);
    switch (funct) {
    case ADD:
        a = fp_add(env, a, b);
        break;
    case SUBTRACT:
        a = fp_add(env, a, fp_negate(env->format, b));
        break;
    case MULTIPLY:
        a = fp_multiply(env, a, b);
        break;
    case DIVIDE:
        a = fp_divide(env, a, b);
        break;
    default:
        if (i.rs2)
            return false;
        a = fp_root(env, a);
    }
    set(h, env->format, i.rd, a);
    return true;
}

/* `how` is the place of the rounding mode. */
static bool sign(struct hart *h, struct insn i, const struct fp_env *env,
                 unsigned how)
{
    uint64_t a = get(h, env->format, i.rs1), b = get(h, env->format, i.rs2);
    uint64_t bit = fp_negate(env->format, 0);
    if (how > 2)
        return false;
    if (how == 1)
        b ^= bit;
    if (how == 2)
        b ^= a;
    set(h, env->format, i.rd, (a & ~bit) | (b & bit));
    return true;
}

static bool choose(struct hart *h, struct insn i, struct fp_env *env,
                   unsigned how)
{
    uint64_t a = get(h, env->format, i.rs1), b = get(h, env->format, i.rs2);
    if (how > 1)
        return false;
    set(h, env->format, i.rd,
        how ? fp_greatest(env, a, b) : fp_least(env, a, b));
    return true;
}

static bool compare(struct hart *h, struct insn i, struct fp_env *env,
                    unsigned how)
{
    uint64_t a = get(h, env->format, i.rs1), b = get(h, env->format, i.rs2);
    if (how > 2)
        return false;
    if (how == 0)
        set_x(h, i.rd, fp_less_or_equal(env, a, b));
    else
        set_x(h, i.rd, how == 1 ? fp_less(env, a, b) : fp_equal(env, a, b));
    return true;
}

static bool from_format(struct hart *h, struct insn i, struct fp_env *env)
{
    enum fp_format from = env->format == FP_SINGLE ? FP_DOUBLE : FP_SINGLE;
    if (i.rs2 != from)
        return false;
    set(h, env->format, i.rd, fp_from_format(env, from, get(h, from, i.rs1)));
    return true;
}

/* rs2 of both: bit 0: unsigned, bit 1: 64 bits. */
static bool to_integer(struct hart *h, struct insn i, struct fp_env *env)
{
    if (i.rs2 > 3)
        return false;
    set_x(h, i.rd,
          fp_to_integer(env, get(h, env->format, i.rs1), i.rs2 & 2 ? 64 : 32,
                        !(i.rs2 & 1)));
    return true;
}

static bool from_integer(struct hart *h, struct insn i, struct fp_env *env)
{
    uint64_t value = h->x[i.rs1];
    if (i.rs2 > 3)
        return false;
    if (!(i.rs2 & 2))
        value = i.rs2 & 1 ? (uint32_t)value : (uint64_t)(int32_t)value;
    bool negative = !(i.rs2 & 1) && (int64_t)value < 0;
    set(h, env->format, i.rd,
        fp_from_integer(env, negative, negative ? 0 - value : value));
    return true;
}

/* Bits to an integer register, or their class. */
static bool to_x(struct hart *h, struct insn i, const struct fp_env *env,
                 unsigned how)
{
    uint64_t bits = h->f[i.rs1];
    if (i.rs2 || how > 1)
        return false;
    if (how)
        bits = fp_class(env->format, get(h, env->format, i.rs1));
    else if (env->format == FP_SINGLE)
        bits = (uint64_t)(int32_t)bits;
    set_x(h, i.rd, bits);
    return true;
}

static bool from_x(struct hart *h, struct insn i, const struct fp_env *env,
                   unsigned how)
{
    uint64_t bits = h->x[i.rs1];
    if (i.rs2 || how)
        return false;
    set(h, env->format, i.rd, env->format == FP_SINGLE ? (uint32_t)bits : bits);
    return true;
}

/* ---- Which it is --------------------------------------------------------- */

/* Those that do not round have other uses for the rounding mode's place. */
static bool execute_exact(struct hart *h, struct insn i, struct fp_env *env,
                          enum funct funct)
{
    unsigned how = FP_ROUND(i.imm);
    switch (funct) {
    case SIGN:
        return sign(h, i, env, how);
    case CHOOSE:
        return choose(h, i, env, how);
    case COMPARE:
        return compare(h, i, env, how);
    case TO_X:
        return to_x(h, i, env, how);
    case FROM_X:
        return from_x(h, i, env, how);
    default:
        return false;
    }
}

static bool execute_rounding(struct hart *h, struct insn i, struct fp_env *env,
                             enum funct funct)
{
    if (FP_KIND(i.imm) != FP_ARITHMETIC)
        return multiply_add(h, i, env);
    switch (funct) {
    case ADD:
    case SUBTRACT:
    case MULTIPLY:
    case DIVIDE:
    case ROOT:
        return arithmetic(h, i, env, funct);
    case FROM_FORMAT:
        return from_format(h, i, env);
    case TO_INTEGER:
        return to_integer(h, i, env);
    case FROM_INTEGER:
        return from_integer(h, i, env);
    default:
        return false;
    }
}

static bool rounds(unsigned kind, enum funct funct)
{
    return kind != FP_ARITHMETIC ||
           (funct != SIGN && funct != CHOOSE && funct != COMPARE &&
            funct != TO_X && funct != FROM_X);
}

static bool compute(struct hart *h, struct insn i)
{
    unsigned format = FP_FUNCT(i.imm) & 3, round = FP_ROUND(i.imm);
    enum funct funct = (enum funct)(FP_FUNCT(i.imm) >> 2);
    struct fp_env env = {.format = (enum fp_format)format};
    if (format > FP_DOUBLE)
        return false;
    if (!rounds(FP_KIND(i.imm), funct)) {
        if (!execute_exact(h, i, &env, funct))
            return false;
    } else {
        round = round == ROUND_GIVEN ? h->rm : round;
        env.round = (enum fp_round)round;
        if (round > ROUND_MAX || !execute_rounding(h, i, &env, funct))
            return false;
    }
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
    switch (i.op) {
    case OP_FLW:
    case OP_FLD:
        if (!mmu_load(m, h, va, size, &value))
            return false;
        set(h, format, i.rd, value);
        return true;
    case OP_FSW:
    case OP_FSD:
        return mmu_store(m, h, va, size, h->f[i.rs2]);
    default:
        return compute(h, i) || hart_illegal(m, h);
    }
}
