/*
 * All instructions of 32 bits that the machine has, as the tables of the
 * Instruction Set Manual, Volume I, 20191213, chapter 24, and Volume II,
 * 20211203, chapter 5, give them: which bits are fixed. It knows nothing of
 * decode.c.
 */
#ifndef TESTS_HOST_MACHINE_ENCODINGS_H
#define TESTS_HOST_MACHINE_ENCODINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encoding {
    uint32_t mask, match;
    bool rounds; /* bits 14 to 12 are a rounding mode */
};

/* Opcode alone; with funct3; with funct7 as well; a shift by 6 bits. */
#define E_U(op)                                                                \
    {                                                                          \
        0x7f, op, false                                                        \
    }
#define E_I(op, f3)                                                            \
    {                                                                          \
        0x707f, (f3) << 12 | (op), false                                       \
    }
#define E_R(op, f3, f7)                                                        \
    {                                                                          \
        0xfe00707f, (uint32_t)(f7) << 25 | (f3) << 12 | (op), false            \
    }
#define E_SHIFT(f3, f6)                                                        \
    {                                                                          \
        0xfc00707f, (f6) << 26 | (f3) << 12 | 0x13, false                      \
    }
/* funct5 of A, for both sizes; lr has no rs2. */
#define E_AMO(f5)                                                              \
    {0xf800707f, (uint32_t)(f5) << 27 | 0x202f, false},                        \
    {                                                                          \
        0xf800707f, (uint32_t)(f5) << 27 | 0x302f, false                       \
    }
#define E_LR(f3)                                                               \
    {                                                                          \
        0xf9f0707f, 2u << 27 | (f3) << 12 | 0x2f, false                        \
    }
/* Of F and D: both formats, by funct7 of F; with rounding; with funct3; with
 * rs2 as well, which is then a part of the name. */
#define E_F(f7)                                                                \
    {0xfe00007f, (uint32_t)(f7) << 25 | 0x53, true},                           \
    {                                                                          \
        0xfe00007f, (uint32_t)((f7) | 1) << 25 | 0x53, true                    \
    }
#define E_F3(f7, f3) E_R(0x53, f3, f7), E_R(0x53, f3, (f7) | 1)
#define E_ONE_F2(f7, rs2)                                                      \
    {                                                                          \
        0xfff0007f, (uint32_t)(f7) << 25 | (rs2) << 20 | 0x53, true            \
    }
#define E_F2(f7, rs2) E_ONE_F2(f7, rs2), E_ONE_F2((f7) | 1, rs2)
#define E_ONE_F23(f7, f3)                                                      \
    {                                                                          \
        0xfff0707f, (uint32_t)(f7) << 25 | (f3) << 12 | 0x53, false            \
    }
#define E_F23(f7, f3) E_ONE_F23(f7, f3), E_ONE_F23((f7) | 1, f3)
#define E_FUSED(op)                                                            \
    {0x600007f, op, true},                                                     \
    {                                                                          \
        0x600007f, 1 << 25 | (op), true                                        \
    }
#define E_WHOLE(word)                                                          \
    {                                                                          \
        UINT32_MAX, word, false                                                \
    }

static const struct encoding encodings[] = {
    /* RV64I */
    E_U(0x37),
    E_U(0x17),
    E_U(0x6f),
    E_I(0x67, 0),
    E_I(0x63, 0),
    E_I(0x63, 1),
    E_I(0x63, 4),
    E_I(0x63, 5),
    E_I(0x63, 6),
    E_I(0x63, 7),
    E_I(0x03, 0),
    E_I(0x03, 1),
    E_I(0x03, 2),
    E_I(0x03, 3),
    E_I(0x03, 4),
    E_I(0x03, 5),
    E_I(0x03, 6),
    E_I(0x23, 0),
    E_I(0x23, 1),
    E_I(0x23, 2),
    E_I(0x23, 3),
    E_I(0x13, 0),
    E_I(0x13, 2),
    E_I(0x13, 3),
    E_I(0x13, 4),
    E_I(0x13, 6),
    E_I(0x13, 7),
    E_SHIFT(1, 0),
    E_SHIFT(5, 0),
    E_SHIFT(5, 0x10),
    E_R(0x33, 0, 0),
    E_R(0x33, 0, 0x20),
    E_R(0x33, 1, 0),
    E_R(0x33, 2, 0),
    E_R(0x33, 3, 0),
    E_R(0x33, 4, 0),
    E_R(0x33, 5, 0),
    E_R(0x33, 5, 0x20),
    E_R(0x33, 6, 0),
    E_R(0x33, 7, 0),
    E_I(0x1b, 0),
    E_R(0x1b, 1, 0),
    E_R(0x1b, 5, 0),
    E_R(0x1b, 5, 0x20),
    E_R(0x3b, 0, 0),
    E_R(0x3b, 0, 0x20),
    E_R(0x3b, 1, 0),
    E_R(0x3b, 5, 0),
    E_R(0x3b, 5, 0x20),
    E_I(0x0f, 0),
    E_I(0x0f, 1),
    E_WHOLE(0x73),
    E_WHOLE(0x100073),
    /* M */
    E_R(0x33, 0, 1),
    E_R(0x33, 1, 1),
    E_R(0x33, 2, 1),
    E_R(0x33, 3, 1),
    E_R(0x33, 4, 1),
    E_R(0x33, 5, 1),
    E_R(0x33, 6, 1),
    E_R(0x33, 7, 1),
    E_R(0x3b, 0, 1),
    E_R(0x3b, 4, 1),
    E_R(0x3b, 5, 1),
    E_R(0x3b, 6, 1),
    E_R(0x3b, 7, 1),
    /* A */
    E_LR(2),
    E_LR(3),
    E_AMO(3),
    E_AMO(1),
    E_AMO(0),
    E_AMO(4),
    E_AMO(12),
    E_AMO(8),
    E_AMO(16),
    E_AMO(20),
    E_AMO(24),
    E_AMO(28),
    /* F and D */
    E_I(0x07, 2),
    E_I(0x07, 3),
    E_I(0x27, 2),
    E_I(0x27, 3),
    E_FUSED(0x43),
    E_FUSED(0x47),
    E_FUSED(0x4b),
    E_FUSED(0x4f),
    E_F(0x00),
    E_F(0x04),
    E_F(0x08),
    E_F(0x0c),
    E_F2(0x2c, 0),
    E_F3(0x10, 0),
    E_F3(0x10, 1),
    E_F3(0x10, 2),
    E_F3(0x14, 0),
    E_F3(0x14, 1),
    E_F3(0x50, 0),
    E_F3(0x50, 1),
    E_F3(0x50, 2),
    E_F2(0x60, 0),
    E_F2(0x60, 1),
    E_F2(0x60, 2),
    E_F2(0x60, 3),
    E_F2(0x68, 0),
    E_F2(0x68, 1),
    E_F2(0x68, 2),
    E_F2(0x68, 3),
    E_F23(0x70, 0),
    E_F23(0x70, 1),
    E_F23(0x78, 0),
    E_ONE_F2(0x20, 1),
    E_ONE_F2(0x21, 0),
    /* Zicsr: which registers there are is another question */
    E_I(0x73, 1),
    E_I(0x73, 2),
    E_I(0x73, 3),
    E_I(0x73, 5),
    E_I(0x73, 6),
    E_I(0x73, 7),
    /* Of supervisors */
    E_WHOLE(0x10200073),
    E_WHOLE(0x10500073),
    {0xfe007fff, 0x12000073, false},
};

/* NULL if there is none. */
static inline const struct encoding *encoding_of(uint32_t word)
{
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if ((word & encodings[i].mask) == encodings[i].match)
            return &encodings[i];
    return NULL;
}

/* Is it an instruction, with `frm` where it asks for that? */
static inline bool is_instruction(uint32_t word, unsigned frm)
{
    const struct encoding *e = encoding_of(word);
    unsigned mode = word >> 12 & 7;
    if (!e || !e->rounds)
        return e;
    return mode == 7 ? frm <= 4 : mode <= 4;
}

/* The same of 16 bits (chapter 16): what is reserved, in RV64DC. */
static inline bool is_half(uint16_t c)
{
    unsigned which = (c & 3u) << 3 | c >> 13, rd = c >> 7 & 31;
    switch (which) {
    case 0x00: /* c.addi4spn */
        return c & 0x1fe0;
    case 0x04:
        return false;
    case 0x09: /* c.addiw */
        return rd;
    case 0x0b: /* c.addi16sp, c.lui */
        return c & 0x107c;
    case 0x0c:
        return (c & 0x1c00) != 0x1c00 || !(c & 0x40);
    case 0x12: /* c.lwsp */
    case 0x13: /* c.ldsp */
        return rd;
    case 0x14: /* c.jr */
        return rd || c & 0x107c;
    default:
        return true;
    }
}

#endif
