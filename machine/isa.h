/*
 * Instructions as the machine keeps them: taken apart once, executed often.
 * The numbers of the chapters are those of the RISC-V Instruction Set Manual,
 * Volume I, 20191213.
 */
#ifndef MACHINE_ISA_H
#define MACHINE_ISA_H

#include <stdbool.h>
#include <stdint.h>

/* Eight bytes. The destination of an integer instruction that names x0 is
 * X_NOWHERE, so that x0 stays zero without a test. */
struct insn {
    uint8_t op; /* enum op */
    uint8_t rd, rs1, rs2;
    int32_t imm : 24; /* LUI and AUIPC: without its low 12 bits */
    uint32_t length : 8;
};

#define X_NOWHERE 32

/* `imm` of OP_FP and OP_FUSED: what fpu.c needs to know. */
#define FP_KIND(imm)  ((unsigned)(imm)&3) /* of OP_FUSED: a sum of these */
#define FP_ROUND(imm) ((unsigned)(imm) >> 2 & 7)
#define FP_FUNCT(imm) ((unsigned)(imm) >> 5 & 127) /* funct7: with format */
#define FP_RS3(imm)   ((unsigned)(imm) >> 12 & 31)

enum { FP_NEGATES_SUMMAND = 1, FP_NEGATES_PRODUCT = 2 };

/* `imm` of OP_CSR. */
#define CSR_NUMBER(imm) ((unsigned)(imm)&0xfff)
#define CSR_FUNCT(imm)  ((unsigned)(imm) >> 12 & 7)

/* `imm` of OP_AMO: funct5, the size, 4 or 8, and .rl. */
#define AMO_FUNCT(imm)   ((unsigned)(imm)&31)
#define AMO_SIZE(imm)    ((unsigned)(imm)&32 ? 8u : 4u)
#define AMO_RELEASE(imm) ((unsigned)(imm) >> 6 & 1)

enum { AMO_ADD, AMO_SWAP, AMO_LR, AMO_SC, AMO_XOR, AMO_OR = 8, AMO_AND = 12 };
enum { AMO_MIN = 16, AMO_MAX = 20, AMO_MINU = 24, AMO_MAXU = 28 };

#define SET(op, format, bits, value) OP_##op,
#define BRANCH(op, bits, condition)  OP_##op,
#define JUMP(op, format, bits, to)   OP_##op,
#define LOAD(op, bits, type)         OP_##op,
#define STORE(op, bits, type)        OP_##op,
#define OTHER(op, format, bits)      OP_##op,

enum op {
    OP_UNKNOWN, /* in a page of instructions (code.c): not yet looked at */
    OP_SPLIT,   /* its second half is on the next page */
    OP_LEAVE,   /* after the last one */
    OP_ILLEGAL,
#include "ops.tbl"
};

#undef SET
#undef BRANCH
#undef JUMP
#undef LOAD
#undef STORE
#undef OTHER

/* Takes an instruction apart. `bits` is 16 bits long if its two lowest are not
 * 3. OP_ILLEGAL if there is no such instruction; what depends on the hart's
 * state, as which CSRs there are, is asked when it is executed. */
struct insn decode(uint32_t bits);

#endif
