/*
 * Binary floating point of IEEE 754, in integers: every result, every rounding
 * mode and every flag as RISC-V wants it (Instruction Set Manual, Volume I,
 * 20191213, chapters 11 and 12). Numbers are bits, a single in the low 32. A
 * NaN that comes out is always the canonical one; tininess is seen after
 * rounding.
 */
#ifndef MACHINE_FP_H
#define MACHINE_FP_H

#include <stdbool.h>
#include <stdint.h>

enum fp_format { FP_SINGLE, FP_DOUBLE };

/* Table 11.1. */
enum fp_round { ROUND_EVEN, ROUND_ZERO, ROUND_DOWN, ROUND_UP, ROUND_MAX };

/* How to round, and the flags (FP_NX and so on) that were raised. */
struct fp_env {
    enum fp_format format;
    enum fp_round round;
    unsigned flags;
};

uint64_t fp_add(struct fp_env *env, uint64_t a, uint64_t b);
uint64_t fp_multiply(struct fp_env *env, uint64_t a, uint64_t b);
uint64_t fp_divide(struct fp_env *env, uint64_t a, uint64_t b);
uint64_t fp_root(struct fp_env *env, uint64_t a);
/* a * b + c, rounded once. */
uint64_t fp_multiply_add(struct fp_env *env, uint64_t a, uint64_t b,
                         uint64_t c);
uint64_t fp_negate(enum fp_format format, uint64_t a);
/* The least or the greatest of two; a number rather than a NaN. */
uint64_t fp_choose(struct fp_env *env, uint64_t a, uint64_t b, bool least);

/* As in an instruction's funct3. A quiet NaN is only equal to nothing; the
 * other relations it makes invalid. */
enum fp_relation { FP_LESS_OR_EQUAL, FP_LESS, FP_EQUAL };
bool fp_compare(struct fp_env *env, uint64_t a, uint64_t b,
                enum fp_relation relation);

/* A bit for each of the ten classes (section 11.9). */
unsigned fp_class(enum fp_format format, uint64_t a);

/* To the format of `env`. */
uint64_t fp_from_format(struct fp_env *env, enum fp_format from, uint64_t a);
uint64_t fp_from_integer(struct fp_env *env, bool negative, uint64_t size);

/* To an integer of 32 or 64 bits. What does not fit becomes the nearest that
 * does, a NaN the greatest; one of 32 bits is extended by its sign, whether it
 * has one or not. */
uint64_t fp_to_integer(struct fp_env *env, uint64_t a, unsigned bits,
                       bool is_signed);

uint64_t fp_nan(enum fp_format format);
uint64_t fp_infinity(enum fp_format format);

#endif
