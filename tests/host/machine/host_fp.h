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
                                     uint64_t a);

#endif
