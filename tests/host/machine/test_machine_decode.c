/*
 * From bits to instructions (Instruction Set Manual, Volume I, 20191213,
 * chapters 16 and 24).
 */
/* flags: -Imachine */
/* sources: machine/decode.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "isa.h"

static const struct {
    uint16_t half;
    uint32_t word;
    const char *what;
} halves[] = {
    {0x0000, 0, "the illegal one"},
    {0x0048, 0x00410513, "c.addi4spn a0, sp, 4"},
    {0x1fe0, 0x3fc10413, "c.addi4spn s0, sp, 1020"},
    {0x0008, 0, "c.addi4spn a0, sp, 0"},
    {0x41c8, 0x0045a503, "c.lw a0, 4(a1)"},
    {0x6588, 0x0085b503, "c.ld a0, 8(a1)"},
    {0x2588, 0x0085b507, "c.fld fa0, 8(a1)"},
    {0xc1c8, 0x00a5a223, "c.sw a0, 4(a1)"},
    {0xe588, 0x00a5b423, "c.sd a0, 8(a1)"},
    {0xa588, 0x00a5b427, "c.fsd fa0, 8(a1)"},
    {0x8000, 0, "a reserved one"},
    {0x0001, 0x00000013, "c.nop"},
    {0x157d, 0xfff50513, "c.addi a0, -1"},
    {0x357d, 0xfff5051b, "c.addiw a0, -1"},
    {0x2005, 0, "c.addiw zero"},
    {0x557d, 0xfff00513, "c.li a0, -1"},
    {0x7139, 0xfc010113, "c.addi16sp -64"},
    {0x6101, 0, "c.addi16sp 0"},
    {0x757d, 0xfffff537, "c.lui a0, -1"},
    {0x6501, 0, "c.lui a0, 0"},
    {0x8105, 0x00155513, "c.srli a0, 1"},
    {0x957d, 0x43f55513, "c.srai a0, 63"},
    {0x997d, 0xfff57513, "c.andi a0, -1"},
    {0x8d0d, 0x40b50533, "c.sub a0, a1"},
    {0x8d2d, 0x00b54533, "c.xor a0, a1"},
    {0x8d4d, 0x00b56533, "c.or a0, a1"},
    {0x8d6d, 0x00b57533, "c.and a0, a1"},
    {0x9d0d, 0x40b5053b, "c.subw a0, a1"},
    {0x9d2d, 0x00b5053b, "c.addw a0, a1"},
    {0x9d4d, 0, "a reserved one"},
    {0xbffd, 0xfffff06f, "c.j -2"},
    {0xa001, 0x0000006f, "c.j 0"},
    {0xd17d, 0xfe0503e3, "c.beqz a0, -26"},
    {0xe509, 0x00051563, "c.bnez a0, 10"},
    {0x157e, 0x03f51513, "c.slli a0, 63"},
    {0x2532, 0x10813507, "c.fldsp fa0, 264(sp)"},
    {0x4512, 0x00412503, "c.lwsp a0, 4(sp)"},
    {0x4002, 0, "c.lwsp zero"},
    {0x6522, 0x00813503, "c.ldsp a0, 8(sp)"},
    {0x8502, 0x00050067, "c.jr a0"},
    {0x8002, 0, "c.jr zero"},
    {0x852e, 0x00b00533, "c.mv a0, a1"},
    {0x9002, 0x00100073, "c.ebreak"},
    {0x9502, 0x000500e7, "c.jalr a0"},
    {0x952e, 0x00b50533, "c.add a0, a1"},
    {0xa42a, 0x00a13427, "c.fsdsp fa0, 8(sp)"},
    {0xc22a, 0x00a12223, "c.swsp a0, 4(sp)"},
    {0xe42a, 0x00a13423, "c.sdsp a0, 8(sp)"},
};

static bool has_rs2(unsigned op)
{
    return (op >= OP_ADD && op <= OP_SRAW) || op == OP_FSD || op == OP_SW ||
           op == OP_SD || op == OP_BEQ || op == OP_BNE;
}

static bool has_rd(unsigned op)
{
    return op != OP_ILLEGAL && op != OP_BEQ && op != OP_BNE && op != OP_FSD &&
           op != OP_SW && op != OP_SD;
}

/* One of 16 bits is the same as the one that it stands for, but shorter. */
static void test_halves(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof halves / sizeof *halves; i++) {
        struct insn half = decode(halves[i].half);
        struct insn word = decode(halves[i].word);
        bool same = half.op == word.op && half.length == 2;
        if (half.op != OP_ILLEGAL)
            same = same && half.imm == word.imm;
        if (has_rd(half.op))
            same = same && half.rd == word.rd;
        if (half.op != OP_ILLEGAL && half.op != OP_LUI && half.op != OP_JAL)
            same = same && half.rs1 == word.rs1;
        if (has_rs2(half.op))
            same = same && half.rs2 == word.rs2;
        if (!same)
            fail_msg("%04x, %s: op %u rd %u rs1 %u rs2 %u imm %d",
                     halves[i].half, halves[i].what, half.op, half.rd, half.rs1,
                     half.rs2, half.imm);
    }
}

static void test_fields(void **state)
{
    (void)state;
    struct insn i = decode(0xfff50513); /* addi a0, a0, -1 */
    assert_int_equal(i.op, OP_ADDI);
    assert_int_equal(i.rd, 10);
    assert_int_equal(i.rs1, 10);
    assert_int_equal(i.imm, -1);
    assert_int_equal(i.length, 4);
    assert_int_equal(decode(0x157d).length, 2);
    assert_int_equal(decode(0x157d).op, OP_ADDI);
    assert_int_equal(decode(0x80000537).imm, -(1 << 19)); /* lui a0 */
    assert_int_equal(decode(0xfe051ee3).imm, -4);         /* bnez a0, -4 */
    assert_int_equal(decode(0xffdff06f).imm, -4);         /* j -4 */
    assert_int_equal(decode(0xfea5bc23).imm, -8);         /* sd a0, -8(a1) */
    assert_int_equal(decode(0x00000013).rd, X_NOWHERE);
    assert_int_equal(decode(0x00052007).rd, 0); /* flw ft0, 0(a0) */
}

static void test_illegal(void **state)
{
    static const uint32_t words[] = {
        0x00000000,           0xffffffff, 0x04051513, /* slli by 64 */
        0x0000007f,                                   /* longer than 32 bits */
        0x4005151b,           /* slliw with funct7 of srai */
        0x0205151b,           /* slliw by 32 */
        0x0200103b,           /* mulhw */
        0x00007003,           /* a load of 8 bytes, unsigned */
        0x00004023,           /* a store of 16 bytes */
        0x00002063,           /* a branch of no kind */
        0x00001067,           /* jalr with funct3 1 */
        0x1005252f | 1 << 20, /* lr.w with rs2 */
        0x2800002f | 2 << 12, /* amo 5 */
        0x00b5052f,           /* amo of a byte */
        0x00004073,           /* system with funct3 4 */
        0x00000573,           /* ecall with rd */
        0x80000033,           /* a funct7 of no kind */
        0x00001007,           /* flh */
    };
    (void)state;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (decode(words[i]).op != OP_ILLEGAL)
            fail_msg("%08x is taken for %u", words[i], decode(words[i]).op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_illegal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
