/*
 * From bits to struct insn. A 16-bit instruction is first written as the
 * 32-bit one that it stands for, so that each has one decoder (RISC-V
 * Instruction Set Manual, Volume I, 20191213, chapter 24 has the tables).
 */
#include "isa.h"

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

/* The immediates of the formats; signed ones as they are used. */
static uint32_t imm_6(uint32_t c)
{
    return (uint32_t)signed_field(field(c, 12, 12, 5) | field(c, 6, 2, 0), 5,
                                  0);
}

static uint32_t imm_word(uint32_t c)
{
    return field(c, 12, 10, 3) | field(c, 6, 6, 2) | field(c, 5, 5, 6);
}

static uint32_t imm_double(uint32_t c)
{
    return field(c, 12, 10, 3) | field(c, 6, 5, 6);
}

static uint32_t imm_jump(uint32_t c)
{
    uint32_t imm = field(c, 12, 12, 11) | field(c, 11, 11, 4) |
                   field(c, 10, 9, 8) | field(c, 8, 8, 10) | field(c, 7, 7, 6) |
                   field(c, 6, 6, 7) | field(c, 5, 3, 1) | field(c, 2, 2, 5);
    return (uint32_t)signed_field(imm, 11, 0);
}

static uint32_t imm_branch(uint32_t c)
{
    uint32_t imm = field(c, 12, 12, 8) | field(c, 11, 10, 3) |
                   field(c, 6, 5, 6) | field(c, 4, 3, 1) | field(c, 2, 2, 5);
    return (uint32_t)signed_field(imm, 8, 0);
}

static uint32_t expand_0(uint32_t c)
{
    uint32_t rd = 8 + field(c, 4, 2, 0), rs1 = 8 + field(c, 9, 7, 0);
    uint32_t imm;
    switch (c >> 13) {
    case 0: /* c.addi4spn */
        imm = field(c, 12, 11, 4) | field(c, 10, 7, 6) | field(c, 6, 6, 2) |
              field(c, 5, 5, 3);
        return imm ? type_i(0x13, 0, rd, 2, imm) : 0;
    case 1: /* c.fld */
        return type_i(0x07, 3, rd, rs1, imm_double(c));
    case 2: /* c.lw */
        return type_i(0x03, 2, rd, rs1, imm_word(c));
    case 3: /* c.ld */
        return type_i(0x03, 3, rd, rs1, imm_double(c));
    case 5: /* c.fsd */
        return type_s(0x27, 3, rs1, rd, imm_double(c));
    case 6: /* c.sw */
        return type_s(0x23, 2, rs1, rd, imm_word(c));
    case 7: /* c.sd */
        return type_s(0x23, 3, rs1, rd, imm_double(c));
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
        return type_i(0x13, 5, rd, rd, imm_6(c) & 63);
    case 1:
        return type_i(0x13, 5, rd, rd, 0x400 | (imm_6(c) & 63));
    case 2:
        return type_i(0x13, 7, rd, rd, imm_6(c));
    default:
        if (c >> 12 & 1) /* c.subw, c.addw */
            return which < 2 ? type_r(0x3b, 0, which ? 0 : 0x20, rd, rd, rs2)
                             : 0;
        return type_r(0x33, functs[which], which ? 0 : 0x20, rd, rd, rs2);
    }
}

static uint32_t expand_1(uint32_t c)
{
    uint32_t rd = field(c, 11, 7, 0), imm = imm_6(c);
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
        imm = field(c, 12, 12, 9) | field(c, 6, 6, 4) | field(c, 5, 5, 6) |
              field(c, 4, 3, 7) | field(c, 2, 2, 5); /* c.addi16sp */
        imm = (uint32_t)signed_field(imm, 9, 0);
        return imm ? type_i(0x13, 0, 2, 2, imm) : 0;
    case 4:
        return expand_arithmetic(c);
    case 5: /* c.j */
        return type_j(0, imm_jump(c));
    default: /* c.beqz, c.bnez */
        return type_b(c >> 13 & 1, 8 + field(c, 9, 7, 0), imm_branch(c));
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
    uint32_t word = field(c, 12, 12, 5) | field(c, 6, 4, 2) | field(c, 3, 2, 6);
    uint32_t both = field(c, 12, 12, 5) | field(c, 6, 5, 3) | field(c, 4, 2, 6);
    uint32_t to_double = field(c, 12, 10, 3) | field(c, 9, 7, 6);
    uint32_t to_word = field(c, 12, 9, 2) | field(c, 8, 7, 6);
    switch (c >> 13) {
    case 0: /* c.slli */
        return type_i(0x13, 1, rd, rd, imm_6(c) & 63);
    case 1: /* c.fldsp */
        return type_i(0x07, 3, rd, 2, both);
    case 2: /* c.lwsp */
        return rd ? type_i(0x03, 2, rd, 2, word) : 0;
    case 3: /* c.ldsp */
        return rd ? type_i(0x03, 3, rd, 2, both) : 0;
    case 4:
        return expand_register(c, rd, rs2);
    case 5: /* c.fsdsp */
        return type_s(0x27, 3, 2, rs2, to_double);
    case 6: /* c.swsp */
        return type_s(0x23, 2, 2, rs2, to_word);
    default: /* c.sdsp */
        return type_s(0x23, 3, 2, rs2, to_double);
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

static int32_t imm_i(uint32_t bits)
{
    return signed_field(bits, 31, 20);
}

static int32_t imm_s(uint32_t bits)
{
    return signed_field(bits, 31, 25) * 32 + (int32_t)field(bits, 11, 7, 0);
}

static int32_t imm_b(uint32_t bits)
{
    return signed_field(bits, 31, 31) * 4096 +
           (int32_t)(field(bits, 7, 7, 11) | field(bits, 30, 25, 5) |
                     field(bits, 11, 8, 1));
}

static int32_t imm_j(uint32_t bits)
{
    return signed_field(bits, 31, 31) * (1 << 20) +
           (int32_t)(field(bits, 19, 12, 12) | field(bits, 20, 20, 11) |
                     field(bits, 30, 21, 1));
}

/* By funct3; 0, which is OP_UNKNOWN, where there is none. */
static const uint8_t branches[8] = {OP_BEQ, OP_BNE, 0,       0,
                                    OP_BLT, OP_BGE, OP_BLTU, OP_BGEU};
static const uint8_t loads[8] = {OP_LB,  OP_LH,  OP_LW,  OP_LD,
                                 OP_LBU, OP_LHU, OP_LWU, 0};
static const uint8_t stores[8] = {OP_SB, OP_SH, OP_SW, OP_SD};
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
    i->imm = imm_i(bits);
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
    i->imm = imm_i(bits);
    if (f3 == 0)
        return OP_ADDIW;
    i->imm &= 31;
    if (f3 == 5 && high == 0x20)
        return OP_SRAIW;
    return high ? OP_ILLEGAL : immediates_w[f3];
}

static unsigned decode_register(uint32_t bits, bool word)
{
    unsigned f3 = field(bits, 14, 12, 0);
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

static unsigned decode_fence(uint32_t bits)
{
    switch (field(bits, 14, 12, 0)) {
    case 0:
        return bits == 0x0100000f ? OP_PAUSE : OP_FENCE;
    case 1:
        return OP_FENCE_I;
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

static unsigned decode_fp(struct insn *i, uint32_t bits, enum fp_kind kind)
{
    unsigned funct = bits >> 25;
    i->imm = (int32_t)(kind | field(bits, 14, 12, 3) | funct << 6 |
                       field(bits, 31, 27, 13));
    return OP_FP;
}

static unsigned decode_fp_memory(uint32_t bits, bool store)
{
    switch (field(bits, 14, 12, 0)) {
    case 2:
        return store ? OP_FSW : OP_FLW;
    case 3:
        return store ? OP_FSD : OP_FLD;
    default:
        return OP_ILLEGAL;
    }
}

static bool writes_fp(unsigned op)
{
    return op == OP_FLW || op == OP_FLD || op == OP_FP;
}

static unsigned decode_op(struct insn *i, uint32_t bits)
{
    unsigned f3 = field(bits, 14, 12, 0);
    switch (bits & 127) {
    case 0x03:
        i->imm = imm_i(bits);
        return loads[f3];
    case 0x07:
        i->imm = imm_i(bits);
        return decode_fp_memory(bits, false);
    case 0x0f:
        return decode_fence(bits);
    case 0x13:
        return decode_immediate(i, bits);
    case 0x17:
        i->imm = signed_field(bits, 31, 12);
        return OP_AUIPC;
    case 0x1b:
        return decode_immediate_w(i, bits);
    case 0x23:
        i->imm = imm_s(bits);
        return stores[f3];
    case 0x27:
        i->imm = imm_s(bits);
        return decode_fp_memory(bits, true);
    case 0x2f:
        return decode_amo(i, bits);
    case 0x33:
        return decode_register(bits, false);
    case 0x37:
        i->imm = signed_field(bits, 31, 12);
        return OP_LUI;
    case 0x3b:
        return decode_register(bits, true);
    case 0x43:
        return decode_fp(i, bits, FP_MADD);
    case 0x47:
        return decode_fp(i, bits, FP_MSUB);
    case 0x4b:
        return decode_fp(i, bits, FP_NMSUB);
    case 0x4f:
        return decode_fp(i, bits, FP_NMADD);
    case 0x53:
        return decode_fp(i, bits, FP_ARITHMETIC);
    case 0x63:
        i->imm = imm_b(bits);
        return branches[f3];
    case 0x67:
        i->imm = imm_i(bits);
        return f3 ? OP_ILLEGAL : OP_JALR;
    case 0x6f:
        i->imm = imm_j(bits);
        return OP_JAL;
    case 0x73:
        return decode_system(i, bits);
    default:
        return OP_ILLEGAL;
    }
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
    if (!i.rd && !writes_fp(i.op))
        i.rd = X_NOWHERE;
    return i;
}
