/*
 * From bits to struct insn (RISC-V Instruction Set Manual, Volume I, 20191213,
 * chapters 16 and 24 have the tables). Those of 16 bits are others in fewer
 * bits, and become the same.
 */
#include <stddef.h>
#include "isa.h"

#define PAUSE       0x0100000fu
#define EBREAK      0x00100073u
#define HALF_EBREAK 0x9002u

/* Bits `high` to `low` of `word`, at `to`. */
static uint32_t field(uint32_t word, unsigned high, unsigned low, unsigned to)
{
    return (word >> low & ((2u << (high - low)) - 1)) << to;
}

static int32_t signed_field(uint32_t word, unsigned high, unsigned low)
{
    return (int32_t)(word << (31 - high)) >> (31 - high + low);
}

/* ---- 16 bits (chapter 16, table 16.4 and on) ------------------------------
 */

/* Where bits 12 to 2 of an instruction go in an immediate; `no`: nowhere. */
enum { no = 31 };
static const uint8_t layout_6[] = {5, no, no, no, no, no, 4, 3, 2, 1, 0};
static const uint8_t layout_word[] = {5, 4, 3, no, no, no, 2, 6, no, no, no};
static const uint8_t layout_double[] = {5, 4, 3, no, no, no, 7, 6, no, no, no};
static const uint8_t layout_jump[] = {11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5};
static const uint8_t layout_branch[] = {8, 4, 3, no, no, no, 7, 6, 2, 1, 5};
static const uint8_t layout_4spn[] = {5, 4, 9, 8, 7, 6, 2, 3, no, no, no};
static const uint8_t layout_16sp[] = {9, no, no, no, no, no, 4, 6, 8, 7, 5};
static const uint8_t layout_lwsp[] = {5, no, no, no, no, no, 4, 3, 2, 7, 6};
static const uint8_t layout_ldsp[] = {5, no, no, no, no, no, 4, 3, 8, 7, 6};
static const uint8_t layout_swsp[] = {5, 4, 3, 2, 7, 6, no, no, no, no, no};
static const uint8_t layout_sdsp[] = {5, 4, 3, 8, 7, 6, no, no, no, no, no};

static uint32_t gather(uint32_t c, const uint8_t *layout)
{
    uint32_t imm = 0;
    for (unsigned i = 0; i < 11; i++)
        if (layout[i] != no)
            imm |= (c >> (12 - i) & 1) << layout[i];
    return imm;
}

/* What names a register: nothing, a number, or bits of the instruction. */
enum reg { X0, X1, X2, HIGH, LOW, HIGH_3, LOW_3 };

static uint8_t reg_of(uint32_t c, enum reg reg)
{
    switch (reg) {
    case HIGH:
        return c >> 7 & 31;
    case LOW:
        return c >> 2 & 31;
    case HIGH_3:
        return 8 + (c >> 7 & 7);
    case LOW_3:
        return 8 + (c >> 2 & 7);
    default:
        return (uint8_t)reg;
    }
}

/* The first that matches counts. A sign is the bit that bit 12 goes to. */
static const struct {
    uint16_t mask, match;
    uint8_t op, rd, rs1, rs2;
    const uint8_t *layout;
    bool is_signed;
} halves[] = {
    {0xffe3, 0x0000, OP_ILLEGAL, 0, 0, 0, NULL, false}, /* adds nothing to sp */
    {0xe003, 0x0000, OP_ADDI, LOW_3, X2, X0, layout_4spn, false},
    {0xe003, 0x2000, OP_FLD, LOW_3, HIGH_3, X0, layout_double, false},
    {0xe003, 0x4000, OP_LW, LOW_3, HIGH_3, X0, layout_word, false},
    {0xe003, 0x6000, OP_LD, LOW_3, HIGH_3, X0, layout_double, false},
    {0xe003, 0xa000, OP_FSD, X0, HIGH_3, LOW_3, layout_double, false},
    {0xe003, 0xc000, OP_SW, X0, HIGH_3, LOW_3, layout_word, false},
    {0xe003, 0xe000, OP_SD, X0, HIGH_3, LOW_3, layout_double, false},
    {0xe003, 0x0001, OP_ADDI, HIGH, HIGH, X0, layout_6, true},
    {0xef83, 0x2001, OP_ILLEGAL, 0, 0, 0, NULL, false}, /* addiw to x0 */
    {0xe003, 0x2001, OP_ADDIW, HIGH, HIGH, X0, layout_6, true},
    {0xe003, 0x4001, OP_ADDI, HIGH, X0, X0, layout_6, true},
    {0xf07f, 0x6001, OP_ILLEGAL, 0, 0, 0, NULL, false}, /* lui of zero */
    {0xef83, 0x6101, OP_ADDI, X2, X2, X0, layout_16sp, true},
    {0xe003, 0x6001, OP_LUI, HIGH, X0, X0, layout_6, true},
    {0xec03, 0x8001, OP_SRLI, HIGH_3, HIGH_3, X0, layout_6, false},
    {0xec03, 0x8401, OP_SRAI, HIGH_3, HIGH_3, X0, layout_6, false},
    {0xec03, 0x8801, OP_ANDI, HIGH_3, HIGH_3, X0, layout_6, true},
    {0xfc63, 0x8c01, OP_SUB, HIGH_3, HIGH_3, LOW_3, NULL, false},
    {0xfc63, 0x8c21, OP_XOR, HIGH_3, HIGH_3, LOW_3, NULL, false},
    {0xfc63, 0x8c41, OP_OR, HIGH_3, HIGH_3, LOW_3, NULL, false},
    {0xfc63, 0x8c61, OP_AND, HIGH_3, HIGH_3, LOW_3, NULL, false},
    {0xfc63, 0x9c01, OP_SUBW, HIGH_3, HIGH_3, LOW_3, NULL, false},
    {0xfc63, 0x9c21, OP_ADDW, HIGH_3, HIGH_3, LOW_3, NULL, false},
    {0xe003, 0xa001, OP_JAL, X0, X0, X0, layout_jump, true},
    {0xe003, 0xc001, OP_BEQ, X0, HIGH_3, X0, layout_branch, true},
    {0xe003, 0xe001, OP_BNE, X0, HIGH_3, X0, layout_branch, true},
    {0xe003, 0x0002, OP_SLLI, HIGH, HIGH, X0, layout_6, false},
    {0xe003, 0x2002, OP_FLD, HIGH, X2, X0, layout_ldsp, false},
    {0xcf83, 0x4002, OP_ILLEGAL, 0, 0, 0, NULL, false}, /* lw, ld to x0 */
    {0xe003, 0x4002, OP_LW, HIGH, X2, X0, layout_lwsp, false},
    {0xe003, 0x6002, OP_LD, HIGH, X2, X0, layout_ldsp, false},
    {0xffff, 0x8002, OP_ILLEGAL, 0, 0, 0, NULL, false}, /* jr of x0 */
    {0xf07f, 0x8002, OP_JALR, X0, HIGH, X0, NULL, false},
    {0xf003, 0x8002, OP_ADD, HIGH, X0, LOW, NULL, false},
    {0xf07f, 0x9002, OP_JALR, X1, HIGH, X0, NULL, false},
    {0xf003, 0x9002, OP_ADD, HIGH, HIGH, LOW, NULL, false},
    {0xe003, 0xa002, OP_FSD, X0, X2, LOW, layout_sdsp, false},
    {0xe003, 0xc002, OP_SW, X0, X2, LOW, layout_swsp, false},
    {0xe003, 0xe002, OP_SD, X0, X2, LOW, layout_sdsp, false},
};

static unsigned decode_half(struct insn *i, uint32_t c)
{
    unsigned n = 0, count = sizeof halves / sizeof *halves;
    while (n < count && (c & halves[n].mask) != halves[n].match)
        n++;
    if (n == count)
        return OP_ILLEGAL;
    i->rd = reg_of(c, halves[n].rd);
    i->rs1 = reg_of(c, halves[n].rs1);
    i->rs2 = reg_of(c, halves[n].rs2);
    if (halves[n].layout)
        i->imm = (int32_t)gather(c, halves[n].layout);
    if (halves[n].is_signed)
        i->imm = signed_field((uint32_t)i->imm, halves[n].layout[0], 0);
    return halves[n].op;
}

/* ---- 32 bits ------------------------------------------------------------- */

enum format { FORMAT_R, FORMAT_I, FORMAT_S, FORMAT_B, FORMAT_U, FORMAT_J };

static int32_t immediate(uint32_t bits, enum format format)
{
    switch (format) {
    case FORMAT_I:
        return signed_field(bits, 31, 20);
    case FORMAT_S:
        return signed_field(bits, 31, 25) * 32 + (int32_t)field(bits, 11, 7, 0);
    case FORMAT_B:
        return signed_field(bits, 31, 31) * 4096 +
               (int32_t)(field(bits, 7, 7, 11) | field(bits, 30, 25, 5) |
                         field(bits, 11, 8, 1));
    case FORMAT_U:
        return signed_field(bits, 31, 12);
    case FORMAT_J:
        return signed_field(bits, 31, 31) * (1 << 20) +
               (int32_t)(field(bits, 19, 12, 12) | field(bits, 20, 20, 11) |
                         field(bits, 30, 21, 1));
    default:
        return 0;
    }
}

/* By funct3; 0, which is OP_UNKNOWN, where there is none. */
static const uint8_t branches[8] = {OP_BEQ, OP_BNE, 0,       0,
                                    OP_BLT, OP_BGE, OP_BLTU, OP_BGEU};
static const uint8_t loads[8] = {OP_LB,  OP_LH,  OP_LW,  OP_LD,
                                 OP_LBU, OP_LHU, OP_LWU, 0};
static const uint8_t stores[8] = {OP_SB, OP_SH, OP_SW, OP_SD};
static const uint8_t fp_loads[8] = {0, 0, OP_FLW, OP_FLD};
static const uint8_t fp_stores[8] = {0, 0, OP_FSW, OP_FSD};
static const uint8_t fences[8] = {OP_FENCE, OP_FENCE_I};
static const uint8_t jumps[8] = {OP_JALR};
static const uint8_t immediates[8] = {OP_ADDI, OP_SLLI, OP_SLTI, OP_SLTIU,
                                      OP_XORI, OP_SRLI, OP_ORI,  OP_ANDI};
static const uint8_t registers[8] = {OP_ADD, OP_SLL, OP_SLT, OP_SLTU,
                                     OP_XOR, OP_SRL, OP_OR,  OP_AND};
static const uint8_t products[8] = {OP_MUL, OP_MULH, OP_MULHSU, OP_MULHU,
                                    OP_DIV, OP_DIVU, OP_REM,    OP_REMU};
static const uint8_t immediates_w[8] = {OP_ADDIW, OP_SLLIW, 0, 0,
                                        0,        OP_SRLIW, 0, 0};
static const uint8_t registers_w[8] = {OP_ADDW, OP_SLLW, 0, 0,
                                       0,       OP_SRLW, 0, 0};
static const uint8_t products_w[8] = {OP_MULW, 0,        0,       0,
                                      OP_DIVW, OP_DIVUW, OP_REMW, OP_REMUW};

static unsigned decode_immediate(struct insn *i, uint32_t bits)
{
    unsigned f3 = field(bits, 14, 12, 0), high = bits >> 26;
    if (f3 != 1 && f3 != 5)
        return immediates[f3];
    i->imm &= 63;
    if (f3 == 5 && high == 0x10)
        return OP_SRAI;
    return high ? OP_ILLEGAL : immediates[f3];
}

static unsigned decode_immediate_w(struct insn *i, uint32_t bits)
{
    unsigned f3 = field(bits, 14, 12, 0), high = bits >> 25;
    if (f3 == 0)
        return OP_ADDIW;
    i->imm &= 31;
    if (f3 == 5 && high == 0x20)
        return OP_SRAIW;
    return high ? OP_ILLEGAL : immediates_w[f3];
}

static unsigned decode_register(struct insn *i, uint32_t bits)
{
    unsigned f3 = field(bits, 14, 12, 0);
    bool word = bits & 8;
    (void)i;
    switch (bits >> 25) {
    case 0:
        return (word ? registers_w : registers)[f3];
    case 1:
        return (word ? products_w : products)[f3];
    case 0x20:
        if (f3 == 0)
            return word ? OP_SUBW : OP_SUB;
        return f3 == 5 ? (word ? OP_SRAW : OP_SRA) : OP_ILLEGAL;
    default:
        return OP_ILLEGAL;
    }
}

static unsigned decode_amo(struct insn *i, uint32_t bits)
{
    unsigned f3 = field(bits, 14, 12, 0), funct = bits >> 27;
    if (f3 != 2 && f3 != 3)
        return OP_ILLEGAL;
    if ((funct > AMO_XOR && funct % 4) || (funct == AMO_LR && i->rs2))
        return OP_ILLEGAL;
    i->imm = (int32_t)(funct | (f3 == 2 ? 4 : 8) << 5 | field(bits, 25, 25, 9));
    return OP_AMO;
}

/* SYSTEM: `rd` and `rs1` are looked at when it is executed. */
static unsigned decode_system(struct insn *i, uint32_t bits)
{
    unsigned f3 = field(bits, 14, 12, 0);
    i->imm = (int32_t)(bits >> 20);
    if (f3 == 4)
        return OP_ILLEGAL;
    if (f3) {
        i->rs2 = (uint8_t)f3;
        return OP_CSR;
    }
    if (field(bits, 11, 7, 0))
        return OP_ILLEGAL;
    return OP_SYSTEM;
}

/* The opcodes are those of FP_MADD and so on, then that of the others. */
static unsigned decode_fp(struct insn *i, uint32_t bits)
{
    unsigned kind = field(bits, 4, 2, 0) + 1;
    if (bits & 16)
        kind = FP_ARITHMETIC;
    i->imm = (int32_t)(kind | field(bits, 14, 12, 3) | bits >> 25 << 6 |
                       field(bits, 31, 27, 13));
    return OP_FP;
}

/* By opcode: the format, and the instruction by itself, by funct3, or by a
 * function. */
static const struct {
    enum format format;
    uint8_t op;
    const uint8_t *by_funct3;
    unsigned (*decode)(struct insn *i, uint32_t bits);
} opcodes[32] = {
    [0x03 >> 2] = {FORMAT_I, .by_funct3 = loads},
    [0x07 >> 2] = {FORMAT_I, .by_funct3 = fp_loads},
    [0x0f >> 2] = {FORMAT_I, .by_funct3 = fences},
    [0x13 >> 2] = {FORMAT_I, .decode = decode_immediate},
    [0x17 >> 2] = {FORMAT_U, .op = OP_AUIPC},
    [0x1b >> 2] = {FORMAT_I, .decode = decode_immediate_w},
    [0x23 >> 2] = {FORMAT_S, .by_funct3 = stores},
    [0x27 >> 2] = {FORMAT_S, .by_funct3 = fp_stores},
    [0x2f >> 2] = {FORMAT_R, .decode = decode_amo},
    [0x33 >> 2] = {FORMAT_R, .decode = decode_register},
    [0x37 >> 2] = {FORMAT_U, .op = OP_LUI},
    [0x3b >> 2] = {FORMAT_R, .decode = decode_register},
    [0x43 >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x47 >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x4b >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x4f >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x53 >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x63 >> 2] = {FORMAT_B, .by_funct3 = branches},
    [0x67 >> 2] = {FORMAT_I, .by_funct3 = jumps},
    [0x6f >> 2] = {FORMAT_J, .op = OP_JAL},
    [0x73 >> 2] = {FORMAT_R, .decode = decode_system},
};

static unsigned decode_op(struct insn *i, uint32_t bits)
{
    unsigned opcode = field(bits, 6, 2, 0);
    if (bits == PAUSE)
        return OP_PAUSE;
    i->imm = immediate(bits, opcodes[opcode].format);
    if (opcodes[opcode].decode)
        return opcodes[opcode].decode(i, bits);
    if (opcodes[opcode].by_funct3)
        return opcodes[opcode].by_funct3[field(bits, 14, 12, 0)];
    return opcodes[opcode].op;
}

struct insn decode(uint32_t bits)
{
    bool whole = (bits & 3) == 3;
    uint32_t word = bits == HALF_EBREAK ? EBREAK : bits;
    struct insn i = {
        .rd = (uint8_t)field(word, 11, 7, 0),
        .rs1 = (uint8_t)field(word, 19, 15, 0),
        .rs2 = (uint8_t)field(word, 24, 20, 0),
        .length = whole ? 4 : 2,
    };
    unsigned op = (word & 3) == 3 ? decode_op(&i, word) : decode_half(&i, word);
    i.op = (uint8_t)(op == OP_UNKNOWN ? OP_ILLEGAL : op);
    if (!i.rd && i.op != OP_FLW && i.op != OP_FLD && i.op != OP_FP)
        i.rd = X_NOWHERE;
    return i;
}
