/*
 * The host's own floating point, with its rounding modes and flags, as fp.h
 * has it: bits in, bits and flags out, a NaN always the canonical one.
 */
#ifndef TESTS_HOST_MACHINE_HOST_FP_H
#define TESTS_HOST_MACHINE_HOST_FP_H

#include "fp.h"

struct host_result {
    uint64_t bits;
    unsigned flags;
};

struct host_result host_add(enum fp_format format, enum fp_round round,
                            uint64_t a, uint64_t b);
struct host_result host_multiply(enum fp_format format, enum fp_round round,
                                 uint64_t a, uint64_t b);
struct host_result host_divide(enum fp_format format, enum fp_round round,
                               uint64_t a, uint64_t b);
struct host_result host_root(enum fp_format format, enum fp_round round,
                             uint64_t a);
struct host_result host_multiply_add(enum fp_format format, enum fp_round round,
                                     uint64_t a, uint64_t b, uint64_t c);
struct host_result host_from_format(enum fp_format format, enum fp_round round,
                                    enum fp_format from, uint64_t a);
struct host_result host_from_integer(enum fp_format format, enum fp_round round,
                                     uint64_t a, bool is_signed);
/* As RISC-V saturates; here all five modes are had. */
struct host_result host_to_integer(enum fp_format format, enum fp_round round,
                                   uint64_t a, unsigned bits, bool is_signed);
/* -1, 0, 1: less, equal, greater; 2: not ordered. No flags. */
int host_order(enum fp_format format, uint64_t a, uint64_t b);

#endif
