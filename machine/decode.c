/*
 * From bits to struct insn (RISC-V Instruction Set Manual, Volume I, 20191213,
 * chapters 16 and 24 have the tables). Those of 16 bits are others in fewer
 * bits, and become the same.
 */
#include "isa.h"

/* `count` bits of `word`, from `from` on, at `to`. */
static uint32_t field(uint32_t word, unsigned from, unsigned count, unsigned to)
{
    return (word >> from & ((1u << count) - 1)) << to;
}

/* ---- Immediates ---------------------------------------------------------- */

/* Formats of 32 bits, and of 16. */
enum { NONE, U, J, I, S, B, R, SHIFT, SHIFTW, WHOLE, NO_RD, CSR, AMO, FP };
enum { FUSED = FP + 1, C6, C6S, CW, CD, CJ, CB, C4SPN, C16SP, CLWSP, CLDSP };
enum { CSWSP = CLDSP + 1, CSDSP, CEBREAK };

/* Where the parts of an immediate are and go, and how many bits there are if
 * the highest is a sign. */
#define PARTS 8
static const struct format {
    uint32_t mask; /* of 32 bits: those by which an instruction is known */
    unsigned sign;
    struct {
        uint8_t from, count, to;
    } parts[PARTS];
} formats[] = {
    [U] = {0x7f, 20, {{12, 20, 0}}},
    [J] = {0x7f, 21, {{21, 10, 1}, {20, 1, 11}, {12, 8, 12}, {31, 1, 20}}},
    [I] = {0x707f, 12, {{20, 12, 0}}},
    [S] = {0x707f, 12, {{7, 5, 0}, {25, 7, 5}}},
    [B] = {0x707f, 13, {{8, 4, 1}, {25, 6, 5}, {7, 1, 11}, {31, 1, 12}}},
    [R] = {0xfe00707f, 0, {{0}}},
    [SHIFT] = {0xfc00707f, 0, {{20, 6, 0}}},
    [SHIFTW] = {0xfe00707f, 0, {{20, 5, 0}}},
    [WHOLE] = {0xffffffff, 0, {{0}}},
    [NO_RD] = {0x7fff, 0, {{20, 12, 0}}},
    [CSR] = {0x7f, 0, {{20, 12, 0}, {12, 3, 12}}},
    [AMO] = {0x607f, 0, {{27, 5, 0}, {12, 1, 5}, {25, 1, 6}}},
    [FP] = {0x7f, 0, {{12, 3, 2}, {25, 7, 5}, {27, 5, 12}}},
    [FUSED] = {0x73, 0, {{2, 2, 0}, {12, 3, 2}, {25, 7, 5}, {27, 5, 12}}},
    [C6] = {0, 0, {{2, 5, 0}, {12, 1, 5}}},
    [C6S] = {0, 6, {{2, 5, 0}, {12, 1, 5}}},
    [CW] = {0, 0, {{10, 3, 3}, {6, 1, 2}, {5, 1, 6}}},
    [CD] = {0, 0, {{10, 3, 3}, {5, 2, 6}}},
    [CJ] = {0,
            12,
            {{3, 3, 1},
             {11, 1, 4},
             {2, 1, 5},
             {7, 1, 6},
             {6, 1, 7},
             {9, 2, 8},
             {8, 1, 10},
             {12, 1, 11}}},
    [CB] = {0, 9, {{3, 2, 1}, {10, 2, 3}, {2, 1, 5}, {5, 2, 6}, {12, 1, 8}}},
    [C4SPN] = {0, 0, {{6, 1, 2}, {5, 1, 3}, {11, 2, 4}, {7, 4, 6}}},
    [C16SP] = {0, 10, {{6, 1, 4}, {2, 1, 5}, {5, 1, 6}, {3, 2, 7}, {12, 1, 9}}},
    [CLWSP] = {0, 0, {{4, 3, 2}, {12, 1, 5}, {2, 2, 6}}},
    [CLDSP] = {0, 0, {{5, 2, 3}, {12, 1, 5}, {2, 3, 6}}},
    [CSWSP] = {0, 0, {{9, 4, 2}, {7, 2, 6}}},
    [CSDSP] = {0, 0, {{10, 3, 3}, {7, 3, 6}}},
    [CEBREAK] = {0, 0, {{12, 1, 0}}},
};

static int32_t immediate(uint32_t bits, unsigned format)
{
    const struct format *f = &formats[format];
    uint32_t imm = 0;
    unsigned rest = f->sign ? 32 - f->sign : 0;
    for (unsigned i = 0; i < PARTS; i++)
        imm |= field(bits, f->parts[i].from, f->parts[i].count, f->parts[i].to);
    return (int32_t)(imm << rest) >> rest;
}

/* ---- 16 bits (chapter 16, table 16.4 and on) ----------------------------- */

/* What names a register: nothing, a number, or bits of the instruction. */
enum reg { X0, X1, X2, HIGH, LOW, HIGH_3, LOW_3 };

static uint8_t reg_of(uint32_t c, enum reg reg)
{
    uint32_t bits = reg == HIGH || reg == HIGH_3 ? c >> 7 : c >> 2;
    if (reg < HIGH)
        return (uint8_t)reg;
    return reg <= LOW ? bits & 31 : 8 + (bits & 7);
}

/* The first that matches counts. */
static const struct {
    uint16_t mask, match;
    uint8_t format, op, rd, rs1, rs2;
} halves[] = {
    {0xffe3, 0x0000, NONE, OP_ILLEGAL, X0, X0, X0}, /* adds nothing to sp */
    {0xe003, 0x0000, C4SPN, OP_ADDI, LOW_3, X2, X0},
    {0xe003, 0x2000, CD, OP_FLD, LOW_3, HIGH_3, X0},
    {0xe003, 0x4000, CW, OP_LW, LOW_3, HIGH_3, X0},
    {0xe003, 0x6000, CD, OP_LD, LOW_3, HIGH_3, X0},
    {0xe003, 0xa000, CD, OP_FSD, X0, HIGH_3, LOW_3},
    {0xe003, 0xc000, CW, OP_SW, X0, HIGH_3, LOW_3},
    {0xe003, 0xe000, CD, OP_SD, X0, HIGH_3, LOW_3},
    {0xe003, 0x0001, C6S, OP_ADDI, HIGH, HIGH, X0},
    {0xef83, 0x2001, NONE, OP_ILLEGAL, X0, X0, X0}, /* addiw to x0 */
    {0xe003, 0x2001, C6S, OP_ADDIW, HIGH, HIGH, X0},
    {0xe003, 0x4001, C6S, OP_ADDI, HIGH, X0, X0},
    {0xf07f, 0x6001, NONE, OP_ILLEGAL, X0, X0, X0}, /* lui of zero */
    {0xef83, 0x6101, C16SP, OP_ADDI, X2, X2, X0},
    {0xe003, 0x6001, C6S, OP_LUI, HIGH, X0, X0},
    {0xec03, 0x8001, C6, OP_SRLI, HIGH_3, HIGH_3, X0},
    {0xec03, 0x8401, C6, OP_SRAI, HIGH_3, HIGH_3, X0},
    {0xec03, 0x8801, C6S, OP_ANDI, HIGH_3, HIGH_3, X0},
    {0xfc63, 0x8c01, NONE, OP_SUB, HIGH_3, HIGH_3, LOW_3},
    {0xfc63, 0x8c21, NONE, OP_XOR, HIGH_3, HIGH_3, LOW_3},
    {0xfc63, 0x8c41, NONE, OP_OR, HIGH_3, HIGH_3, LOW_3},
    {0xfc63, 0x8c61, NONE, OP_AND, HIGH_3, HIGH_3, LOW_3},
    {0xfc63, 0x9c01, NONE, OP_SUBW, HIGH_3, HIGH_3, LOW_3},
    {0xfc63, 0x9c21, NONE, OP_ADDW, HIGH_3, HIGH_3, LOW_3},
    {0xe003, 0xa001, CJ, OP_JAL, X0, X0, X0},
    {0xe003, 0xc001, CB, OP_BEQ, X0, HIGH_3, X0},
    {0xe003, 0xe001, CB, OP_BNE, X0, HIGH_3, X0},
    {0xe003, 0x0002, C6, OP_SLLI, HIGH, HIGH, X0},
    {0xe003, 0x2002, CLDSP, OP_FLD, HIGH, X2, X0},
    {0xcf83, 0x4002, NONE, OP_ILLEGAL, X0, X0, X0}, /* lw, ld to x0 */
    {0xe003, 0x4002, CLWSP, OP_LW, HIGH, X2, X0},
    {0xe003, 0x6002, CLDSP, OP_LD, HIGH, X2, X0},
    {0xffff, 0x8002, NONE, OP_ILLEGAL, X0, X0, X0}, /* jr of x0 */
    {0xf07f, 0x8002, NONE, OP_JALR, X0, HIGH, X0},
    {0xf003, 0x8002, NONE, OP_ADD, HIGH, X0, LOW},
    {0xffff, 0x9002, CEBREAK, OP_SYSTEM, X0, X0, X0},
    {0xf07f, 0x9002, NONE, OP_JALR, X1, HIGH, X0},
    {0xf003, 0x9002, NONE, OP_ADD, HIGH, HIGH, LOW},
    {0xe003, 0xa002, CSDSP, OP_FSD, X0, X2, LOW},
    {0xe003, 0xc002, CSWSP, OP_SW, X0, X2, LOW},
    {0xe003, 0xe002, CSDSP, OP_SD, X0, X2, LOW},
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
    i->imm = immediate(c, halves[n].format);
    return halves[n].op;
}

/* ---- 32 bits ------------------------------------------------------------- */

#define SET(op, format, bits, value) {bits, format, OP_##op},
#define BRANCH(op, bits, condition)  {bits, B, OP_##op},
#define JUMP(op, format, bits, to)   {bits, format, OP_##op},
#define LOAD(op, bits, type)         {bits, I, OP_##op},
#define STORE(op, bits, type)        {bits, S, OP_##op},
#define OTHER(op, format, bits)      {bits, format, OP_##op},

static const struct {
    uint32_t bits;
    uint8_t format, op;
} words[] = {
#include "ops.tbl"
};

/* Of those that are no longer known by a mask: is there such a one? */
static bool is_known(const struct insn *i)
{
    unsigned funct = AMO_FUNCT(i->imm);
    if (i->op == OP_CSR)
        return CSR_FUNCT(i->imm) & 3;
    if (i->op != OP_AMO)
        return true;
    return funct == AMO_LR ? !i->rs2 : funct <= AMO_XOR || funct % 4 == 0;
}

static unsigned decode_word(struct insn *i, uint32_t bits)
{
    unsigned n = 0, count = sizeof words / sizeof *words;
    while (n < count && (bits & formats[words[n].format].mask) != words[n].bits)
        n++;
    if (n == count)
        return OP_ILLEGAL;
    i->imm = immediate(bits, words[n].format);
    i->op = words[n].op;
    return is_known(i) ? i->op : OP_ILLEGAL;
}

struct insn decode(uint32_t bits)
{
    struct insn i = {
        .rd = (uint8_t)field(bits, 7, 5, 0),
        .rs1 = (uint8_t)field(bits, 15, 5, 0),
        .rs2 = (uint8_t)field(bits, 20, 5, 0),
        .length = (bits & 3) == 3 ? 4 : 2,
    };
    i.op = (uint8_t)(i.length == 4 ? decode_word(&i, bits)
                                   : decode_half(&i, bits));
    if (!i.rd && i.op != OP_FLW && i.op != OP_FLD && i.op != OP_FP &&
        i.op != OP_FUSED)
        i.rd = X_NOWHERE;
    return i;
}
