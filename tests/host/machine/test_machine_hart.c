/*
 * What a hart does: arithmetic at its edges, traps, control registers,
 * interrupts, atomic operations, changed instructions (Instruction Set Manual,
 * Volumes I, 20191213, and II, 20211203).
 */
/* sources: tests/host/machine/rig.c */
#include "rig.h"

enum {
    FFLAGS = 0x001,
    FRM = 0x002,
    FCSR = 0x003,
    SSTATUS = 0x100,
    SIE = 0x104,
    STVEC = 0x105,
    SCOUNTEREN = 0x106,
    SSCRATCH = 0x140,
    SEPC = 0x141,
    SIP = 0x144,
    STIMECMP = 0x14d,
    SATP = 0x180,
    CYCLE = 0xc00,
    TIME = 0xc01,
    INSTRET = 0xc02,
    MSTATUS = 0x300,
};

/* ---- Arithmetic ---------------------------------------------------------- */

static uint64_t of_two(uint32_t f3, uint32_t f7, uint64_t a, uint64_t b)
{
    h->x[10] = a;
    h->x[11] = b;
    run_one(type_r(0x33, f3, f7, 12, 10, 11));
    return h->x[12];
}

static void test_divide(void **state)
{
    uint64_t least = 1ull << 63, minus = UINT64_MAX;
    (void)state;
    assert_int_equal(of_two(4, 1, 7, 0), minus);
    assert_int_equal(of_two(5, 1, 7, 0), minus);
    assert_int_equal(of_two(6, 1, 7, 0), 7);
    assert_int_equal(of_two(7, 1, 7, 0), 7);
    assert_int_equal(of_two(4, 1, least, minus), least);
    assert_int_equal(of_two(6, 1, least, minus), 0);
    assert_int_equal(of_two(4, 1, (uint64_t)-7, 2), (uint64_t)-3);
    assert_int_equal(of_two(6, 1, (uint64_t)-7, 2), minus);
}

static void test_multiply(void **state)
{
    uint64_t minus = UINT64_MAX;
    (void)state;
    assert_int_equal(of_two(3, 1, minus, minus), minus - 1); /* mulhu */
    assert_int_equal(of_two(1, 1, minus, minus), 0);         /* mulh */
    assert_int_equal(of_two(2, 1, minus, minus), minus);     /* mulhsu */
    assert_int_equal(of_two(2, 1, 2, minus), 1);
}

static void test_x0_stays_zero(void **state)
{
    (void)state;
    run_one(ADDI(0, 0, 5));
    run_one(ADDI(10, 0, 3));
    assert_int_equal(h->x[0], 0);
    assert_int_equal(h->x[10], 3);
}

/* ---- Traps --------------------------------------------------------------- */

static void test_exceptions(void **state)
{
    (void)state;
    must_trap(0xffffffff, CAUSE_ILLEGAL, 0xffffffff);
    must_trap(0, CAUSE_ILLEGAL, 0); /* of 16 bits */
    must_trap(EBREAK, CAUSE_BREAKPOINT, CODE);
    h->x[10] = 0x1000;
    must_trap(LD(11, 10, 0), CAUSE_LOAD_ACCESS, 0x1000);
    must_trap(SD(11, 10, 8), CAUSE_STORE_ACCESS, 0x1008);
    h->x[10] = DATA + 4;
    must_trap(AMO(AMO_ADD, 8, 11, 10, 12), CAUSE_STORE_MISALIGNED, DATA + 4);
    must_trap(AMO(AMO_LR, 8, 11, 10, 0), CAUSE_LOAD_MISALIGNED, DATA + 4);
}

static void test_trap_and_return(void **state)
{
    (void)state;
    h->user = true;
    h->status = STATUS_SIE;
    hart_set_view(h);
    must_trap(ECALL, CAUSE_ECALL_USER, 0);
    assert_false(h->user);
    assert_int_equal(h->status, STATUS_SPIE);
    h->epc = DATA;
    run_one(SRET);
    assert_int_equal(h->pc, DATA);
    assert_true(h->user);
    assert_int_equal(h->status, STATUS_SIE | STATUS_SPIE);
}

/* Out of a handler, and from an exception in one. */
static void test_trap_in_a_handler(void **state)
{
    (void)state;
    h->status = STATUS_SIE | STATUS_SUM | STATUS_MXR | STATUS_FS_DIRTY;
    must_trap(EBREAK, CAUSE_BREAKPOINT, CODE);
    assert_int_equal(h->status, STATUS_SPIE | STATUS_SPP | STATUS_SUM |
                                    STATUS_MXR | STATUS_FS_DIRTY);
    must_trap(EBREAK, CAUSE_BREAKPOINT, CODE);
    assert_int_equal(h->status,
                     STATUS_SPP | STATUS_SUM | STATUS_MXR | STATUS_FS_DIRTY);
    h->epc = DATA;
    run_one(SRET); /* to where interrupts were off */
    assert_int_equal(h->pc, DATA);
    assert_false(h->user);
    assert_int_equal(h->status,
                     STATUS_SPIE | STATUS_SUM | STATUS_MXR | STATUS_FS_DIRTY);
    run_one(SRET); /* and SPP is U now */
    assert_true(h->user);
}

/* No interrupt that is not enabled wakes a hart. */
static void test_wait_for_nothing(void **state)
{
    (void)state;
    CODE_IS(WFI, LOOP);
    h->software = true;
    h->ie = IP_TIMER | IP_EXTERNAL;
    assert_int_equal(machine_run(m, 100), MACHINE_IDLE);
    assert_true(machine_next_event(m) == UINT64_MAX);
    h->ie |= IP_SOFTWARE;
    assert_int_equal(machine_run(m, 100), MACHINE_LIMIT);
    assert_int_equal(h->pc, CODE + 4);
}

static void test_fetch_of_nothing(void **state)
{
    (void)state;
    h->pc = 0x2000;
    run(1);
    assert_int_equal(h->cause, CAUSE_FETCH_ACCESS);
    assert_int_equal(h->tval, 0x2000);
    assert_int_equal(h->epc, 0x2000);
}

static void test_of_supervisors_only(void **state)
{
    const uint32_t words[] = {SRET, WFI, SFENCE(0, 0), CSRRS(10, SSTATUS, 0),
                              CSRRW(0, SSCRATCH, 10)};
    (void)state;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        h->user = true;
        hart_set_view(h);
        must_trap(words[i], CAUSE_ILLEGAL, words[i]);
    }
}

/* ---- Registers ----------------------------------------------------------- */

static uint64_t written(unsigned csr, uint64_t value)
{
    h->x[10] = value;
    run_one(CSRRW(0, csr, 10));
    run_one(CSRRS(11, csr, 0));
    assert_int_equal(h->pc, CODE + 4);
    return h->x[11];
}

static void test_what_registers_hold(void **state)
{
    (void)state;
    assert_int_equal(written(SSTATUS, UINT64_MAX),
                     STATUS_WRITABLE | STATUS_UXL_64 | STATUS_SD);
    assert_int_equal(written(SSTATUS, 0), STATUS_UXL_64);
    assert_int_equal(written(SEPC, 3), 2);
    assert_int_equal(written(STVEC, HANDLER | 1), HANDLER | 1);
    assert_int_equal(written(STVEC, HANDLER | 2), HANDLER | 1);
    assert_int_equal(written(SIE, UINT64_MAX), 0x222);
    assert_int_equal(written(SIP, UINT64_MAX), 0x2);
    assert_int_equal(written(SSCRATCH, 1234), 1234);
    assert_int_equal(written(SATP, 9ull << 60), 0); /* Sv48: no write */
}

static void test_set_and_clear(void **state)
{
    (void)state;
    written(SSCRATCH, 0xf0);
    h->x[10] = 0x0f;
    run_one(CSRRS(11, SSCRATCH, 10));
    assert_int_equal(h->x[11], 0xf0);
    assert_int_equal(h->scratch, 0xff);
    run_one(CSRRC(11, SSCRATCH, 10));
    assert_int_equal(h->scratch, 0xf0);
    run_one(CSRRWI(11, SSCRATCH, 31));
    assert_int_equal(h->x[11], 0xf0);
    assert_int_equal(h->scratch, 31);
}

static void test_no_such_register(void **state)
{
    (void)state;
    must_trap(CSRRS(10, MSTATUS, 0), CAUSE_ILLEGAL, CSRRS(10, MSTATUS, 0));
    must_trap(CSRRS(10, 0x7c0, 0), CAUSE_ILLEGAL, CSRRS(10, 0x7c0, 0));
    /* Counters are not to be written, but may be read with x0 to be set. */
    must_trap(CSRRW(10, TIME, 0), CAUSE_ILLEGAL, CSRRW(10, TIME, 0));
    run_one(CSRRS(10, TIME, 0));
    assert_int_equal(h->pc, CODE + 4);
}

static void test_counters_of_users(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        h->user = true;
        h->counteren = 7u & ~(1u << i);
        hart_set_view(h);
        must_trap(CSRRS(10, CYCLE + i, 0), CAUSE_ILLEGAL,
                  CSRRS(10, CYCLE + i, 0));
        h->user = true;
        h->counteren = 1u << i;
        hart_set_view(h);
        run_one(CSRRS(10, CYCLE + i, 0));
        assert_int_equal(h->pc, CODE + 4);
    }
}

static void test_counters_count(void **state)
{
    (void)state;
    CODE_IS(CSRRS(10, INSTRET, 0), NOP, NOP, CSRRS(11, INSTRET, 0));
    run(4);
    assert_int_equal(h->x[11] - h->x[10], 3);
}

static void test_fp_off(void **state)
{
    uint32_t fadd = type_r(0x53, 0, 1, 0, 0, 0);
    (void)state;
    must_trap(fadd, CAUSE_ILLEGAL, fadd);
    must_trap(CSRRS(10, FCSR, 0), CAUSE_ILLEGAL, CSRRS(10, FCSR, 0));
    h->status = 1 << 13; /* initial */
    run_one(CSRRS(10, FCSR, 0));
    assert_int_equal(h->status & STATUS_FS, 1 << 13);
    assert_int_equal(written(FCSR, 0x1ff), 0xff);
    assert_int_equal(written(FRM, 2), 2);
    assert_int_equal(written(FFLAGS, 1), 1);
    assert_int_equal(written(FCSR, 0xe0), 0xe0);
    assert_int_equal(h->status & STATUS_FS, STATUS_FS_DIRTY);
    fadd |= 7 << 12; /* by frm, which is none */
    must_trap(fadd, CAUSE_ILLEGAL, fadd);
}

/* ---- Interrupts ---------------------------------------------------------- */

static void test_interrupt_order(void **state)
{
    (void)state;
    CODE_IS(LOOP);
    h->software = true;
    h->timer = 0;
    m->plic.priority[5] = 1;
    m->plic.enabled[0] = 1u << 5;
    plic_level(m, 5, true);
    h->ie = 0x222;
    for (unsigned i = 0; i < 3; i++) {
        static const unsigned expected[] = {EXTERNAL, SOFTWARE, TIMER};
        h->pc = CODE;
        h->status = STATUS_SIE;
        run(1);
        assert_int_equal(h->cause, CAUSE_INTERRUPT | expected[i]);
        assert_int_equal(h->epc, CODE);
        h->ie &= ~(1ull << expected[i]);
    }
    h->status = STATUS_SIE;
    h->pc = CODE;
    run(5);
    assert_int_equal(h->pc, CODE);
}

static void test_interrupts_off(void **state)
{
    (void)state;
    CODE_IS(LOOP);
    h->software = true;
    h->ie = IP_SOFTWARE;
    run(3);
    assert_int_equal(h->pc, CODE); /* SIE is off */
    h->user = true;                /* and does not count here */
    hart_set_view(h);
    run(1);
    assert_int_equal(h->cause, CAUSE_INTERRUPT | SOFTWARE);
}

static void test_vectored(void **state)
{
    (void)state;
    h->tvec = HANDLER | 1;
    put_words(HANDLER + 4 * SOFTWARE, (const uint32_t[]){LOOP}, 1);
    h->software = true;
    h->ie = IP_SOFTWARE;
    h->status = STATUS_SIE;
    run(1);
    assert_int_equal(h->pc, HANDLER + 4 * SOFTWARE);
    h->status = 0;
    must_trap(EBREAK, CAUSE_BREAKPOINT, CODE);
}

/* To the instruction: the clock reaches 3 at the 30th. */
static void test_timer_is_exact(void **state)
{
    (void)state;
    CODE_IS(ADDI(10, 10, 1), 0xffdff06f);
    h->timer = 3;
    h->ie = IP_TIMER;
    h->status = STATUS_SIE;
    run(30);
    assert_int_equal(h->x[10], 15);
    assert_int_equal(h->pc, CODE);
    run(1);
    assert_int_equal(h->pc, HANDLER);
    assert_int_equal(h->epc, CODE);
}

/* Writing the bit that lets an interrupt in is the last instruction before. */
static void test_enabling_lets_in(void **state)
{
    (void)state;
    CODE_IS(type_i(0x73, 6, 0, 2, SSTATUS), ADDI(10, 0, 1));
    h->software = true;
    h->ie = IP_SOFTWARE;
    run(5);
    assert_int_equal(h->epc, CODE + 4);
    assert_int_equal(h->x[10], 0);
}

static void test_wait(void **state)
{
    (void)state;
    CODE_IS(WFI, ADDI(10, 10, 1), LOOP);
    h->ie = IP_TIMER;
    h->timer = 100;
    assert_int_equal(machine_run(m, 50), MACHINE_IDLE);
    assert_int_equal(machine_next_event(m), 1000);
    machine_skip(m, 999);
    assert_int_equal(machine_run(m, 1001), MACHINE_IDLE);
    machine_skip(m, 1000);
    run(5); /* goes on, though SIE is off */
    assert_int_equal(h->x[10], 1);
    assert_int_equal(h->pc, CODE + 8);
}

/* ---- Atomic operations --------------------------------------------------- */

static void test_amo(void **state)
{
    static const struct {
        unsigned funct;
        uint64_t a, b, result;
    } cases[] = {
        {AMO_SWAP, 5, 7, 7},
        {AMO_ADD, 0xffffffff, 1, 0},
        {AMO_XOR, 6, 3, 5},
        {AMO_AND, 6, 3, 2},
        {AMO_OR, 6, 3, 7},
        {AMO_MIN, 0xffffffff, 1, 0xffffffff},
        {AMO_MAX, 0xffffffff, 1, 1},
        {AMO_MINU, 0xffffffff, 1, 1},
        {AMO_MAXU, 0xffffffff, 1, 0xffffffff},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        poke(DATA, 0xabcd00000000 | cases[i].a);
        h->x[10] = DATA;
        h->x[11] = cases[i].b | 1ull << 40; /* not looked at */
        run_one(AMO(cases[i].funct, 4, 12, 10, 11));
        assert_int_equal(peek(DATA), 0xabcd00000000 | cases[i].result);
        assert_int_equal(h->x[12], (uint64_t)(int32_t)cases[i].a);
    }
    /* One register for all. */
    h->x[10] = DATA;
    run_one(AMO(AMO_SWAP, 8, 10, 10, 10));
    assert_int_equal(peek(DATA), DATA);
}

static void test_reservation(void **state)
{
    uint32_t lr = AMO(AMO_LR, 8, 12, 10, 0), sc = AMO(AMO_SC, 8, 13, 10, 11);
    (void)state;
    h->x[10] = DATA;
    h->x[11] = 77;
    run_one(sc);
    assert_int_equal(h->x[13], 1);
    run_one(lr);
    run_one(sc);
    assert_int_equal(h->x[13], 0);
    assert_int_equal(peek(DATA), 77);
    run_one(sc); /* a reservation is good once */
    assert_int_equal(h->x[13], 1);
    run_one(lr);
    h->x[10] = DATA + 8;
    run_one(sc);
    assert_int_equal(h->x[13], 1);
    assert_int_equal(peek(DATA + 8), 0);
}

static void test_reservation_and_others(void **state)
{
    (void)state;
    CODE_IS(AMO(AMO_LR, 8, 12, 10, 0), LOOP);
    h->x[10] = m->harts[1].x[10] = DATA;
    run(1);
    assert_true(h->reservation_size);
    m->turn_end = m->now; /* the other hart's turn */
    run(1);
    assert_int_equal(m->turn, 1);
    assert_false(h->reservation_size);
}

/* ---- Instructions that change -------------------------------------------- */

static void test_changed_instruction(void **state)
{
    (void)state;
    CODE_IS(ADDI(10, 0, 1), STORE(2, 12, 11, 0), ADDI(10, 0, 2));
    h->x[11] = CODE + 8;
    h->x[12] = ADDI(10, 0, 3);
    run(3);
    assert_int_equal(h->x[10], 3);
}

static void test_across_pages(void **state)
{
    uint64_t end = CODE + 4096 - 2;
    uint32_t word = ADDI(10, 0, 55);
    (void)state;
    put_words(end, &word, 1);
    h->pc = end;
    run(1);
    assert_int_equal(h->x[10], 55);
    assert_int_equal(h->pc, end + 4);
    word = ADDI(10, 0, 66);
    put_words(end, &word, 1);
    h->pc = end;
    run(1);
    assert_int_equal(h->x[10], 66);
}

/* More pages of instructions than there is room for at once. */
static void test_many_pages(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < CODE_PAGES + 5; i++) {
            uint64_t at = DATA + i * 4096;
            uint32_t word = ADDI(10, 0, (int32_t)i);
            if (!round)
                put_words(at, &word, 1);
            h->pc = at;
            run(1);
            assert_int_equal(h->x[10], i);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_divide),
        BENCH(test_multiply),
        BENCH(test_x0_stays_zero),
        BENCH(test_exceptions),
        BENCH(test_trap_and_return),
        BENCH(test_trap_in_a_handler),
        BENCH(test_wait_for_nothing),
        BENCH(test_fetch_of_nothing),
        BENCH(test_of_supervisors_only),
        BENCH(test_what_registers_hold),
        BENCH(test_set_and_clear),
        BENCH(test_no_such_register),
        BENCH(test_counters_of_users),
        BENCH(test_counters_count),
        BENCH(test_fp_off),
        BENCH(test_interrupt_order),
        BENCH(test_interrupts_off),
        BENCH(test_vectored),
        BENCH(test_timer_is_exact),
        BENCH(test_enabling_lets_in),
        BENCH(test_wait),
        BENCH(test_amo),
        BENCH(test_reservation),
        BENCH_TWO(test_reservation_and_others),
        BENCH(test_changed_instruction),
        BENCH(test_across_pages),
        BENCH(test_many_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
