/*
 * A machine on a bench: instructions are put into its memory, some are run,
 * and then its harts are looked at.
 */
#ifndef TESTS_HOST_MACHINE_RIG_H
#define TESTS_HOST_MACHINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "host/machine/block.h"

extern struct machine *m;
extern struct hart *h; /* hart 0 */

/* A new machine with all harts at CODE, in S mode; setup and teardown of a
 * cmocka test. rig_setup has one hart, rig_setup_two two. */
int rig_setup(void **state);
int rig_setup_two(void **state);
int rig_setup_disk(void **state);
int rig_teardown(void **state);

/* Puts instructions at the pc, as 32-bit words, and forgets nothing. */
void put_words(uint64_t physical, const uint32_t *words, unsigned count);
#define CODE_IS(...)                                                           \
    put_words(CODE, (const uint32_t[]){__VA_ARGS__},                           \
              sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

uint64_t peek(uint64_t physical);
void poke(uint64_t physical, uint64_t value);

/* Runs so many instructions; the first of one at `pc`, which is put there. */
void run(unsigned count);
void run_one(uint32_t word);
/* The same, and it must trap so. */
void must_trap(uint32_t word, uint64_t cause, uint64_t value);

/* Registers of devices, which must be there. */
uint32_t get(uint64_t at, unsigned size);
void set(uint64_t at, unsigned size, uint32_t value);

/* ---- An assembler of sorts ----------------------------------------------- */

static inline uint32_t type_i(uint32_t opcode, uint32_t f3, uint32_t rd,
                              uint32_t rs1, int32_t imm)
{
    return (uint32_t)imm << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

static inline uint32_t type_r(uint32_t opcode, uint32_t f3, uint32_t f7,
                              uint32_t rd, uint32_t rs1, uint32_t rs2)
{
    return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}

#define ADDI(rd, rs1, imm)     type_i(0x13, 0, rd, rs1, imm)
#define LOAD(f3, rd, rs1, imm) type_i(0x03, f3, rd, rs1, imm)
#define LD(rd, rs1, imm)       LOAD(3, rd, rs1, imm)
#define STORE(f3, rs2, rs1, imm)                                               \
    type_r(0x23, f3, (uint32_t)(imm) >> 5 & 127, (imm)&31, rs1, rs2)
#define SD(rs2, rs1, imm)   STORE(3, rs2, rs1, imm)
#define CSRRW(rd, csr, rs1) type_i(0x73, 1, rd, rs1, csr)
#define CSRRS(rd, csr, rs1) type_i(0x73, 2, rd, rs1, csr)
#define CSRRC(rd, csr, rs1) type_i(0x73, 3, rd, rs1, csr)
#define CSRRWI(rd, csr, n)  type_i(0x73, 5, rd, n, csr)
#define AMO(f5, size, rd, rs1, rs2)                                            \
    type_r(0x2f, (size) == 4 ? 2 : 3, (f5) << 2, rd, rs1, rs2)
#define SFENCE(rs1, rs2) type_r(0x73, 0, 9, 0, rs1, rs2)
#define NOP              ADDI(0, 0, 0)
#define ECALL            0x00000073u
#define EBREAK           0x00100073u
#define SRET             0x10200073u
#define WFI              0x10500073u
#define FENCE_I          0x0000100fu

#define BENCH(test)                                                            \
    cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
#define BENCH_TWO(test)                                                        \
    cmocka_unit_test_setup_teardown(test, rig_setup_two, rig_teardown)
#define BENCH_DISK(test)                                                       \
    cmocka_unit_test_setup_teardown(test, rig_setup_disk, rig_teardown)

#endif
