/*
 * From bits to struct insn. A 16-bit instruction is first written as the
 * 32-bit one that it stands for, so that each has one decoder (RISC-V
 * Instruction Set Manual, Volume I, 20191213, chapter 24 has the tables).
 */
#include "isa.h"

#define PAUSE 0x0100000fu

/* Bits `high` to `low` of `word`, at `to`. */
static uint32_t field(uint32_t word, unsigned high, unsigned low, unsigned to)
{
    return (word >> low & ((2u << (high - low)) - 1)) << to;
}

static int32_t signed_field(uint32_t word, unsigned high, unsigned low)
{
    return (int32_t)(word << (31 - high)) >> (31 - high + low);
}

/* ---- The formats, put together (section 2.2) ----------------------------- */

static uint32_t type_i(uint32_t opcode, uint32_t f3, uint32_t rd, uint32_t rs1,
                       uint32_t imm)
{
    return imm << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static uint32_t type_r(uint32_t opcode, uint32_t f3, uint32_t f7, uint32_t rd,
                       uint32_t rs1, uint32_t rs2)
{
    return type_i(opcode, f3, rd, rs1, f7 << 5 | rs2);
}

static uint32_t type_s(uint32_t opcode, uint32_t f3, uint32_t rs1, uint32_t rs2,
                       uint32_t imm)
{
    return type_i(opcode, f3, imm & 31, rs1, imm >> 5 << 5 | rs2);
}

static uint32_t type_b(uint32_t f3, uint32_t rs1, uint32_t imm)
{
    uint32_t low = field(imm, 4, 1, 1) | field(imm, 11, 11, 0);
    uint32_t high = field(imm, 10, 5, 0) | field(imm, 12, 12, 6);
    return type_r(0x63, f3, high, low, rs1, 0);
}

static uint32_t type_j(uint32_t rd, uint32_t imm)
{
    return field(imm, 20, 20, 31) | field(imm, 10, 1, 21) |
           field(imm, 11, 11, 20) | field(imm, 19, 12, 12) | rd << 7 | 0x6f;
}

/* ---- 16 bits (sections 16.3 to 16.5) ------------------------------------- */

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

/* Its sign is the bit that bit 12 goes to. */
static uint32_t gather_signed(uint32_t c, const uint8_t *layout)
{
    return (uint32_t)signed_field(gather(c, layout), layout[0], 0);
}

static uint32_t expand_0(uint32_t c)
{
    uint32_t rd = 8 + field(c, 4, 2, 0), rs1 = 8 + field(c, 9, 7, 0);
    uint32_t imm;
    switch (c >> 13) {
    case 0: /* c.addi4spn */
        imm = gather(c, layout_4spn);
        return imm ? type_i(0x13, 0, rd, 2, imm) : 0;
    case 1: /* c.fld */
        return type_i(0x07, 3, rd, rs1, gather(c, layout_double));
    case 2: /* c.lw */
        return type_i(0x03, 2, rd, rs1, gather(c, layout_word));
    case 3: /* c.ld */
        return type_i(0x03, 3, rd, rs1, gather(c, layout_double));
    case 5: /* c.fsd */
        return type_s(0x27, 3, rs1, rd, gather(c, layout_double));
    case 6: /* c.sw */
        return type_s(0x23, 2, rs1, rd, gather(c, layout_word));
    case 7: /* c.sd */
        return type_s(0x23, 3, rs1, rd, gather(c, layout_double));
    default:
        return 0;
    }
}

/* c.srli and what shares its place. */
static uint32_t expand_arithmetic(uint32_t c)
{
    static const uint8_t functs[4] = {0, 4, 6, 7}; /* of sub, xor, or, and */
    uint32_t rd = 8 + field(c, 9, 7, 0), rs2 = 8 + field(c, 4, 2, 0);
    unsigned which = field(c, 6, 5, 0);
    switch (field(c, 11, 10, 0)) {
    case 0:
        return type_i(0x13, 5, rd, rd, gather_signed(c, layout_6) & 63);
    case 1:
        return type_i(0x13, 5, rd, rd,
                      0x400 | (gather_signed(c, layout_6) & 63));
    case 2:
        return type_i(0x13, 7, rd, rd, gather_signed(c, layout_6));
    default:
        if (c >> 12 & 1) /* c.subw, c.addw */
            return which < 2 ? type_r(0x3b, 0, which ? 0 : 0x20, rd, rd, rs2)
                             : 0;
        return type_r(0x33, functs[which], which ? 0 : 0x20, rd, rd, rs2);
    }
}

static uint32_t expand_1(uint32_t c)
{
    uint32_t rd = field(c, 11, 7, 0), imm = gather_signed(c, layout_6);
    switch (c >> 13) {
    case 0: /* c.addi */
        return type_i(0x13, 0, rd, rd, imm);
    case 1: /* c.addiw */
        return rd ? type_i(0x1b, 0, rd, rd, imm) : 0;
    case 2: /* c.li */
        return type_i(0x13, 0, rd, 0, imm);
    case 3:
        if (rd != 2) /* c.lui */
            return imm ? imm << 12 | rd << 7 | 0x37 : 0;
        imm = gather_signed(c, layout_16sp); /* c.addi16sp */
        return imm ? type_i(0x13, 0, 2, 2, imm) : 0;
    case 4:
        return expand_arithmetic(c);
    case 5: /* c.j */
        return type_j(0, gather_signed(c, layout_jump));
    default: /* c.beqz, c.bnez */
        return type_b(c >> 13 & 1, 8 + field(c, 9, 7, 0),
                      gather_signed(c, layout_branch));
    }
}

/* c.jr and what shares its place. */
static uint32_t expand_register(uint32_t c, uint32_t rd, uint32_t rs2)
{
    bool second = c >> 12 & 1;
    if (rs2)
        return type_r(0x33, 0, 0, rd, second ? rd : 0, rs2); /* c.add, c.mv */
    if (rd)
        return type_i(0x67, 0, second, rd, 0); /* c.jalr, c.jr */
    return second ? 0x00100073 : 0;            /* c.ebreak */
}

static uint32_t expand_2(uint32_t c)
{
    uint32_t rd = field(c, 11, 7, 0), rs2 = field(c, 6, 2, 0);
    switch (c >> 13) {
    case 0: /* c.slli */
        return type_i(0x13, 1, rd, rd, gather_signed(c, layout_6) & 63);
    case 1: /* c.fldsp */
        return type_i(0x07, 3, rd, 2, gather(c, layout_ldsp));
    case 2: /* c.lwsp */
        return rd ? type_i(0x03, 2, rd, 2, gather(c, layout_lwsp)) : 0;
    case 3: /* c.ldsp */
        return rd ? type_i(0x03, 3, rd, 2, gather(c, layout_ldsp)) : 0;
    case 4:
        return expand_register(c, rd, rs2);
    case 5: /* c.fsdsp */
        return type_s(0x27, 3, 2, rs2, gather(c, layout_sdsp));
    case 6: /* c.swsp */
        return type_s(0x23, 2, 2, rs2, gather(c, layout_swsp));
    default: /* c.sdsp */
        return type_s(0x23, 3, 2, rs2, gather(c, layout_sdsp));
    }
}

uint32_t expand(uint16_t half)
{
    switch (half & 3) {
    case 0:
        return expand_0(half);
    case 1:
        return expand_1(half);
    case 2:
        return expand_2(half);
    default:
        return 0;
    }
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
    i->imm = (int32_t)(funct | (f3 == 2 ? 4 : 8) << 5);
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
    [0x0f >> 2] = {FORMAT_R, .by_funct3 = fences},
    [0x13 >> 2] = {FORMAT_I, .decode = decode_immediate},
    [0x17 >> 2] = {FORMAT_U, OP_AUIPC},
    [0x1b >> 2] = {FORMAT_I, .decode = decode_immediate_w},
    [0x23 >> 2] = {FORMAT_S, .by_funct3 = stores},
    [0x27 >> 2] = {FORMAT_S, .by_funct3 = fp_stores},
    [0x2f >> 2] = {FORMAT_R, .decode = decode_amo},
    [0x33 >> 2] = {FORMAT_R, .decode = decode_register},
    [0x37 >> 2] = {FORMAT_U, OP_LUI},
    [0x3b >> 2] = {FORMAT_R, .decode = decode_register},
    [0x43 >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x47 >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x4b >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x4f >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x53 >> 2] = {FORMAT_R, .decode = decode_fp},
    [0x63 >> 2] = {FORMAT_B, .by_funct3 = branches},
    [0x67 >> 2] = {FORMAT_I, .by_funct3 = jumps},
    [0x6f >> 2] = {FORMAT_J, OP_JAL},
    [0x73 >> 2] = {FORMAT_R, .decode = decode_system},
};

static unsigned decode_op(struct insn *i, uint32_t bits)
{
    unsigned opcode = field(bits, 6, 2, 0);
    if ((bits & 3) != 3)
        return OP_ILLEGAL; /* expand's answer */
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
    uint32_t word = whole ? bits : expand((uint16_t)bits);
    struct insn i = {
        .rd = (uint8_t)field(word, 11, 7, 0),
        .rs1 = (uint8_t)field(word, 19, 15, 0),
        .rs2 = (uint8_t)field(word, 24, 20, 0),
        .length = whole ? 4 : 2,
    };
    unsigned op = decode_op(&i, word);
    i.op = (uint8_t)(op == OP_UNKNOWN ? OP_ILLEGAL : op);
    if (!i.rd && i.op != OP_FLW && i.op != OP_FLD && i.op != OP_FP)
        i.rd = X_NOWHERE;
    return i;
}
