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

/* `imm` of OP_FP: what fpu.c needs to know. */
#define FP_KIND(imm)  ((unsigned)(imm)&7) /* enum fp_kind */
#define FP_ROUND(imm) ((unsigned)(imm) >> 3 & 7)
#define FP_FUNCT(imm) ((unsigned)(imm) >> 6 & 127) /* funct7: with format */
#define FP_RS3(imm)   ((unsigned)(imm) >> 13 & 31)

enum fp_kind { FP_ARITHMETIC, FP_MADD, FP_MSUB, FP_NMSUB, FP_NMADD };

/* `imm` of OP_AMO: funct5, the size, 4 or 8, and .rl. */
#define AMO_FUNCT(imm)   ((unsigned)(imm)&31)
#define AMO_SIZE(imm)    ((unsigned)(imm) >> 5 & 15)
#define AMO_RELEASE(imm) ((unsigned)(imm) >> 9)

enum amo {
    AMO_ADD = 0,
    AMO_SWAP = 1,
    AMO_LR = 2,
    AMO_SC = 3,
    AMO_XOR = 4,
    AMO_OR = 8,
    AMO_AND = 12,
    AMO_MIN = 16,
    AMO_MAX = 20,
    AMO_MINU = 24,
    AMO_MAXU = 28
};

/* The numbers of those in ops.tbl. */
#define SET(op, value)        OP_##op,
#define BRANCH(op, condition) OP_##op,
#define LOAD(op, type)        OP_##op,
#define STORE(op, type)       OP_##op,

enum op {
    /* What stands in a page of instructions besides them (code.c). */
    OP_UNKNOWN, /* not yet looked at */
    OP_SPLIT,   /* its second half is on the next page */
    OP_LEAVE,   /* after the last one */
    OP_ILLEGAL,
#include "ops.tbl"
    /* Chapters 2 and 5. */
    OP_JAL,
    OP_JALR,
    OP_FENCE,
    OP_PAUSE,
    OP_FENCE_I,
    OP_SYSTEM, /* imm: the upper 12 bits: ecall, sret, ... */
    OP_CSR,    /* imm: the register; rs2: funct3; rs1: register or number */
    /* Chapter 7. */
    /* Chapter 8. */
    OP_AMO,
    /* Chapters 11 and 12. */
    OP_FLW,
    OP_FLD,
    OP_FSW,
    OP_FSD,
    OP_FP
};

#undef SET
#undef BRANCH
#undef LOAD
#undef STORE

/* Takes an instruction apart. `bits` is 16 bits long if its two lowest are not
 * 3. OP_ILLEGAL if there is no such instruction; what depends on the hart's
 * state, as which CSRs there are, is asked when it is executed. */
struct insn decode(uint32_t bits);

#endif
