/*
 * What is an instruction and what is a register, of all that could be: by lists
 * from the specifications that know nothing of the machine's own.
 */
/* sources: tests/host/machine/rig.c */
#include "encodings.h"
#include "rig.h"

/* ---- Instructions -------------------------------------------------------- */

static struct insn taken_apart;

/* Illegal in S mode, with floating point on? What is done in a place of its own
 * says so when it is tried. */
static bool is_legal(uint32_t word)
{
    struct insn i = taken_apart = decode(word);
    bool done = true;
    if (i.op == OP_ILLEGAL)
        return false;
    h->status = STATUS_FS_DIRTY;
    h->user = false;
    h->trap_cause = 0;
    h->pc = CODE;       /* which sret changes */
    h->x[17] = 0x12345; /* no such call */
    put_words(CODE, &word, 1);
    if (i.op == OP_FP || i.op == OP_FUSED)
        done = fpu_execute(m, h, i);
    else if (i.op == OP_SYSTEM)
        done = system_execute(m, h, i);
    return done || h->trap_cause != CAUSE_ILLEGAL;
}

static void same(uint32_t word, bool expected)
{
    if (is_legal(word) != expected)
        fail_msg("%08x is %s (op %u, frm %u)", word,
                 expected ? "an instruction" : "none", taken_apart.op,
                 (unsigned)h->fcsr >> 5);
}

/* Every word but for rd and rs1, of which there are few. */
static void test_words(void **state)
{
    (void)state;
    for (uint32_t high = 0; high < 1 << 12; high++)
        for (uint32_t low = 3; low < 128; low += 4)
            for (uint32_t f3 = 0; f3 < 8; f3++) {
                uint32_t word = high << 20 | f3 << 12 | low;
                same(word, is_instruction(word, 0));
                word |= 5 << 7;
                same(word, is_instruction(word, 0));
                word |= 9 << 15;
                same(word, is_instruction(word, 0));
                word &= ~(31u << 7);
                same(word, is_instruction(word, 0));
            }
}

static void test_rounding_modes(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 8; mode++) {
        h->fcsr = mode << 5;
        for (uint32_t high = 0; high < 1 << 12; high++)
            for (uint32_t f3 = 0; f3 < 8; f3++) {
                uint32_t word = high << 20 | f3 << 12 | 0x53;
                same(word, is_instruction(word, mode));
                word ^= 0x53 ^ 0x4b;
                same(word, is_instruction(word, mode));
            }
    }
    h->fcsr = 0;
}

static void test_halves(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 1 << 16; half++)
        if ((half & 3) != 3)
            same(half, is_half((uint16_t)half));
}

/* ---- Registers ----------------------------------------------------------- */

enum { USER = 1, COUNTER = 2, FP = 4, READ_ONLY = 8 };
static const struct {
    unsigned number, kind;
} registers[] = {
    {0x001, USER | FP},
    {0x002, USER | FP},
    {0x003, USER | FP},
    {0x100, 0},
    {0x104, 0},
    {0x105, 0},
    {0x106, 0},
    {0x10a, 0},
    {0x140, 0},
    {0x141, 0},
    {0x142, 0},
    {0x143, 0},
    {0x144, 0},
    {0x14d, 0},
    {0x180, 0},
    {0xc00, USER | COUNTER | READ_ONLY},
    {0xc01, USER | COUNTER | READ_ONLY},
    {0xc02, USER | COUNTER | READ_ONLY},
};

static bool there(unsigned number, bool user, bool write, unsigned *kind)
{
    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++)
        if (registers[i].number == number) {
            *kind = registers[i].kind;
            return (*kind & USER || !user) && !(*kind & READ_ONLY && write);
        }
    return false;
}

/* Does it trap? */
static bool accesses(uint32_t word, bool user)
{
    h->user = user;
    h->satp = 0;
    h->ie = 0;
    h->tvec = HANDLER;
    hart_set_view(h);
    run_one(word);
    if (h->pc == CODE + 4)
        return true;
    assert_int_equal(h->cause, CAUSE_ILLEGAL);
    assert_int_equal(h->tval, word);
    return false;
}

static void try_register(unsigned number, bool user, unsigned f3, unsigned rs1)
{
    bool write = (f3 & 3) == 1 || rs1;
    unsigned kind = 0;
    uint32_t word = type_i(0x73, f3, 5, rs1, (int32_t)number);
    bool expected = there(number, user, write, &kind);
    h->x[6] = 0;
    h->counteren = 7;
    h->status = STATUS_FS_DIRTY;
    if (accesses(word, user) != expected)
        fail_msg("%03x by %08x: should%s be", number, word,
                 expected ? "" : " not");
    h->counteren = 0;
    h->status = STATUS_FS_DIRTY;
    assert_int_equal(accesses(word, user),
                     expected && !(user && kind & COUNTER));
    h->counteren = 7;
    h->status = 0;
    assert_int_equal(accesses(word, user), expected && !(kind & FP));
}

/* Every number, in both modes, by each instruction, with and without rs1. */
static void test_registers(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 4096; number++)
        for (unsigned f3 = 1; f3 < 8; f3 += f3 == 3 ? 2 : 1)
            for (unsigned more = 0; more < 4; more++)
                try_register(number, more & 1, f3, more & 2 ? 6 : 0);
}

/* The bits of each that can be written, where it says less than all. */
static void test_what_can_be_written(void **state)
{
    static const struct {
        unsigned number;
        uint64_t ones; /* read after all ones were written */
    } cases[] = {
        {0x001, 0x1f},
        {0x002, 0x7},
        {0x003, 0xff},
        {0x100, 0x80000002000c6122}, /* SD, UXL, MXR, SUM, FS, SPP, SPIE, SIE */
        {0x104, 0x222},
        {0x106, 0xffffffff},
        {0x10a, 1}, /* FIOM */
        {0x140, UINT64_MAX},
        {0x141, UINT64_MAX - 1},
        {0x142, UINT64_MAX},
        {0x143, UINT64_MAX},
        {0x144, 2}, /* SSIP */
        {0x14d, UINT64_MAX},
    };
    (void)state;
    h->status = STATUS_FS_DIRTY;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        h->x[10] = UINT64_MAX;
        run_one(CSRRW(0, (int32_t)cases[i].number, 10));
        h->ie = 0;
        if (cases[i].number == 0x104)
            h->ie = 0x222;
        h->status |= STATUS_FS_DIRTY;
        run_one(CSRRS(11, (int32_t)cases[i].number, 0));
        if (h->x[11] != cases[i].ones)
            fail_msg("%03x: %lx", cases[i].number, h->x[11]);
        h->ie = 0;
        h->software = false;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_words),
        BENCH(test_rounding_modes),
        BENCH(test_halves),
        BENCH(test_registers),
        BENCH(test_what_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
