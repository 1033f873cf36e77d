/*
 * The firmware, call by call (RISC-V Supervisor Binary Interface 2.0): what it
 * does, and each error that it has.
 */
/* sources: tests/host/machine/rig.c */
#include <string.h>
#include "rig.h"

enum {
    PUTCHAR = 0x01,
    GETCHAR = 0x02,
    BASE = 0x10,
    TIME = 0x54494d45,
    IPI = 0x735049,
    RFENCE = 0x52464e43,
    HSM = 0x48534d,
    SRST = 0x53525354,
    DBCN = 0x4442434e,
    OK = 0,
    NOT_SUPPORTED = -2,
    INVALID_PARAM = -3,
    INVALID_ADDRESS = -5,
    ALREADY_AVAILABLE = -6,
};
#define BUFFER (DATA + 0x4000)
#define ALL    UINT64_MAX /* as the first hart of a mask */

/* a0 after the call; the value is h->x[11]. Or it is to be made again. */
static int64_t made(uint64_t extension, uint64_t function, uint64_t a0,
                    uint64_t a1, uint64_t a2, uint64_t a3)
{
    h->x[17] = extension;
    h->x[16] = function;
    h->x[10] = a0;
    h->x[11] = a1;
    h->x[12] = a2;
    h->x[13] = a3;
    run_one(ECALL);
    return (int64_t)h->x[10];
}

static int64_t call(uint64_t extension, uint64_t function, uint64_t a0,
                    uint64_t a1, uint64_t a2, uint64_t a3)
{
    int64_t error = made(extension, function, a0, a1, a2, a3);
    assert_int_equal(h->pc, CODE + 4);
    return error;
}

static void is(int64_t error, uint64_t extension, uint64_t function,
               uint64_t a0, uint64_t a1, uint64_t a2)
{
    int64_t was = call(extension, function, a0, a1, a2, 0);
    if (was != error)
        fail_msg("%lx %lu (%lx, %lx, %lx): %ld", extension, function, a0, a1,
                 a2, was);
}

static void test_base(void **state)
{
    static const unsigned there[] = {PUTCHAR, GETCHAR, BASE, TIME, IPI,
                                     RFENCE,  HSM,     SRST, DBCN};
    (void)state;
    is(OK, BASE, 0, 0, 0, 0);
    assert_int_equal(h->x[11], 2 << 24);
    for (unsigned i = 0; i < sizeof there / sizeof *there; i++) {
        is(OK, BASE, 3, there[i], 0, 0);
        assert_int_equal(h->x[11], 1);
    }
    is(OK, BASE, 3, 0x12345, 0, 0);
    assert_int_equal(h->x[11], 0);
    for (unsigned function = 4; function < 7; function++)
        is(OK, BASE, function, 0, 0, 0);
    is(NOT_SUPPORTED, BASE, 7, 0, 0, 0);
    is(NOT_SUPPORTED, 0x12345, 0, 0, 0, 0);
    is(NOT_SUPPORTED, 8, 0, 0, 77, 0);
    assert_int_equal(h->x[11], 77); /* legacy calls leave a1 alone */
}

/* Registers other than a0 and a1 are kept. */
static void test_registers_are_kept(void **state)
{
    uint64_t before[32];
    (void)state;
    for (unsigned i = 1; i < 32; i++)
        h->x[i] = i * 0x10001;
    h->x[17] = BASE;
    h->x[16] = 0;
    memcpy(before, h->x, sizeof before);
    run_one(ECALL);
    for (unsigned i = 0; i < 32; i++)
        if (i != 10 && i != 11)
            assert_int_equal(h->x[i], before[i]);
}

static void test_time(void **state)
{
    (void)state;
    h->ie = IP_TIMER;
    is(OK, TIME, 0, 12345, 0, 0);
    assert_int_equal(h->timer, 12345);
    is(NOT_SUPPORTED, TIME, 1, 0, 0, 0);
}

static void test_interrupts(void **state)
{
    struct hart *other = &m->harts[1];
    (void)state;
    is(OK, IPI, 0, 1, 1, 0);
    assert_true(other->software);
    assert_false(h->software);
    is(INVALID_PARAM, IPI, 0, 4, 0, 0);
    is(INVALID_PARAM, IPI, 0, 5, 0, 0); /* one of them is there */
    assert_false(h->software);
    is(INVALID_PARAM, IPI, 0, 1, 2, 0);
    is(INVALID_PARAM, IPI, 0, 1, 1ull << 40, 0);
    is(INVALID_PARAM, IPI, 0, 1ull << 63, 1, 0);
    is(OK, IPI, 0, 0, 0, 0); /* nobody */
    assert_false(h->software);
    is(OK, IPI, 0, 0, ALL, 0);
    assert_true(h->software);
    is(NOT_SUPPORTED, IPI, 1, 1, 0, 0);
}

/* Does the other hart remember something about `va` after the call? */
static bool remembers(uint64_t va, uint64_t function, uint64_t start,
                      uint64_t size)
{
    struct hart *other = &m->harts[1];
    const struct translation *t =
        &other->tlb[other->view][ACCESS_LOAD][va >> 12 & (TLB_SIZE - 1)];
    mmu_remember(m, other, va, ACCESS_LOAD, 0);
    assert_int_equal(call(RFENCE, function, 1, 1, start, size), OK);
    return t->tag == TAG(va, other->generation[ACCESS_LOAD]);
}

static void test_fence(void **state)
{
    (void)state;
    for (unsigned function = 1; function < 3; function++) {
        assert_false(remembers(DATA, function, DATA, 4096));
        assert_false(remembers(DATA, function, DATA - 1, 2));
        assert_false(remembers(DATA, function, DATA + 4095, 1));
        assert_true(remembers(DATA, function, DATA + 4096, 4096));
        assert_true(remembers(DATA, function, DATA - 4096, 4096));
        assert_false(remembers(DATA, function, 0, 0));
        assert_false(remembers(DATA, function, 0, UINT64_MAX));
        assert_false(remembers(DATA, function, DATA - (1 << 30), 2ull << 30));
        assert_false(remembers(DATA, function, 8, UINT64_MAX - 4));
        is(INVALID_PARAM, RFENCE, function, 4, 0, 0);
    }
    assert_true(remembers(DATA, 0, 0, 0));
    is(INVALID_PARAM, RFENCE, 0, 1, 2, 0);
    for (unsigned function = 3; function < 8; function++)
        is(NOT_SUPPORTED, RFENCE, function, 1, 0, 0);
}

static void test_start(void **state)
{
    struct hart *other = &m->harts[1];
    (void)state;
    is(ALREADY_AVAILABLE, HSM, 0, 1, CODE, 0);
    is(ALREADY_AVAILABLE, HSM, 0, 0, CODE, 0); /* itself */
    is(OK, HSM, 2, 1, 0, 0);
    assert_int_equal(h->x[11], 0);
    other->state = HART_STOPPED;
    is(OK, HSM, 2, 1, 0, 0);
    assert_int_equal(h->x[11], 1);
    is(INVALID_PARAM, HSM, 0, 2, CODE, 0);
    is(INVALID_PARAM, HSM, 0, UINT64_MAX, CODE, 0);
    is(INVALID_PARAM, HSM, 2, 2, 0, 0);
    is(INVALID_ADDRESS, HSM, 0, 1, 0x1000, 0);
    is(INVALID_ADDRESS, HSM, 0, 1, CODE + 1, 0);
    is(INVALID_ADDRESS, HSM, 0, 1, MACHINE_RAM_BASE + m->config.ram, 0);
    other->satp = 1;
    other->user = true;
    other->status = STATUS_SIE | STATUS_SUM;
    is(OK, HSM, 0, 1, CODE, 42);
    assert_int_equal(other->pc, CODE);
    assert_int_equal(other->x[10], 1);
    assert_int_equal(other->x[11], 42);
    assert_int_equal(other->satp, 0);
    assert_int_equal(other->status, 0);
    assert_int_equal(other->view, VIEW_KERNEL);
    is(NOT_SUPPORTED, HSM, 3, 0, 0, 0); /* no hart is suspended */
    is(NOT_SUPPORTED, HSM, 4, 0, 0, 0);
}

/* A hart that stops does not come back, by no interrupt; the others go on, and
 * if there is none, nothing will ever happen. */
static void test_stop(void **state)
{
    struct hart *other = &m->harts[1];
    (void)state;
    put_words(HANDLER, (const uint32_t[]){ECALL, LOOP}, 2);
    other->pc = HANDLER;
    other->x[17] = HSM;
    other->x[16] = 1;
    CODE_IS(LOOP);
    m->turn_end = 0;
    m->turn = 0;
    run(1); /* the other's turn */
    assert_int_equal(other->state, HART_STOPPED);
    other->software = true;
    other->ie = IP_SOFTWARE;
    run(5000);
    assert_int_equal(m->turn, 0);
    assert_int_equal(other->pc, HANDLER + 4);
    h->pc = HANDLER;
    h->x[17] = HSM;
    h->x[16] = 1;
    run(1);
    assert_int_equal(machine_run(m, UINT64_MAX), MACHINE_IDLE);
    assert_true(machine_next_event(m) == UINT64_MAX);
}

static void test_reset(void **state)
{
    (void)state;
    is(INVALID_PARAM, SRST, 0, 3, 0, 0);
    is(INVALID_PARAM, SRST, 0, 0xf0000000, 0, 0); /* the maker's */
    is(INVALID_PARAM, SRST, 0, 0, 2, 0);
    is(NOT_SUPPORTED, SRST, 1, 0, 0, 0);
    assert_int_equal(m->stop, MACHINE_LIMIT);
    is(OK, SRST, 0, 0, 1, 0);
    assert_int_equal(machine_run(m, UINT64_MAX), MACHINE_OFF);
    assert_int_equal(machine_run(m, UINT64_MAX), MACHINE_OFF);
}

static void test_restart(void **state)
{
    (void)state;
    is(OK, SRST, 0, 2, 0, 0);
    assert_int_equal(machine_run(m, UINT64_MAX), MACHINE_RESTART);
}

static void prints(const char *text, uint64_t count)
{
    uint8_t out[16] = {0};
    assert_int_equal(machine_output(m, out, sizeof out), count);
    assert_memory_equal(out, text, count);
}

static void test_console_output(void **state)
{
    uint64_t end = MACHINE_RAM_BASE + m->config.ram;
    (void)state;
    poke(BUFFER, 0x6f6c6c6568); /* hello */
    is(OK, DBCN, 0, 5, BUFFER, 0);
    assert_int_equal(h->x[11], 5);
    prints("hello", 5);
    is(OK, DBCN, 0, 0, BUFFER, 0);
    assert_int_equal(h->x[11], 0);
    is(INVALID_PARAM, DBCN, 0, 5, 0x1000, 0);
    is(INVALID_PARAM, DBCN, 0, 5, end - 4, 0);
    is(INVALID_PARAM, DBCN, 0, UINT64_MAX, BUFFER, 0);
    is(INVALID_PARAM, DBCN, 0, 5, BUFFER, 1);
    is(OK, DBCN, 2, 'b', 0, 0);
    is(OK, PUTCHAR, 0, 'c', 55, 0);
    assert_int_equal(h->x[11], 55);
    prints("bc", 2);
    is(NOT_SUPPORTED, DBCN, 3, 0, 0, 0);
}

static void test_console_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) { /* as much, whatever was there */
        is(OK, DBCN, 0, CONSOLE_SIZE, BUFFER, 0);
        assert_int_equal(h->x[11], CONSOLE_SIZE - OUTPUT_MUCH);
    }
    assert_int_equal(machine_run(m, UINT64_MAX), MACHINE_OUTPUT);
}

/* A hart that obeys sees what it stored before; a byte that is typed into
 * memory is a store of somebody else's. */
static void test_fences_and_reservations(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_STORES;
    for (unsigned i = 0; i < 2; i++) {
        stores_put(m, &m->harts[i], BUFFER - MACHINE_RAM_BASE, 8, i + 7);
        is(OK, RFENCE, 0, 1u << i, 0, 0);
        assert_int_equal(peek(BUFFER), i + 7);
    }
    h->reservation = BUFFER - MACHINE_RAM_BASE;
    h->reservation_size = 8;
    machine_input(m, (const uint8_t *)"z", 1);
    is(OK, DBCN, 1, 1, BUFFER, 0);
    assert_int_equal(h->reservation_size, 0);
}

static void test_console_input(void **state)
{
    (void)state;
    is(-1, GETCHAR, 0, 0, 0, 0);
    is(OK, DBCN, 1, 5, BUFFER, 0);
    assert_int_equal(h->x[11], 0);
    machine_input(m, (const uint8_t *)"kxyz", 4);
    is('k', GETCHAR, 0, 0, 0, 0);
    poke(BUFFER, 0);
    is(OK, DBCN, 1, 2, BUFFER, 0);
    assert_int_equal(h->x[11], 2);
    assert_int_equal(peek(BUFFER), 'x' | 'y' << 8);
    is(INVALID_PARAM, DBCN, 1, 2, 0x1000, 0);
    is(INVALID_PARAM, DBCN, 1, 2, BUFFER, 1);
    is(OK, DBCN, 1, 2, BUFFER, 0);
    assert_int_equal(h->x[11], 1); /* nothing was lost by the errors */
}

/* What is read may be an instruction. */
static void test_console_input_to_code(void **state)
{
    uint32_t word = ADDI(10, 0, 7);
    (void)state;
    put_words(BUFFER, (const uint32_t[]){LOOP}, 1);
    h->pc = BUFFER;
    run(1);
    machine_input(m, (const uint8_t *)&word, 4);
    is(OK, DBCN, 1, 4, BUFFER, 0);
    h->pc = BUFFER;
    run(1);
    assert_int_equal(h->x[10], 7);
}

static void test_not_for_users(void **state)
{
    (void)state;
    h->user = true;
    hart_set_view(h);
    h->x[17] = SRST;
    must_trap(ECALL, CAUSE_ECALL_USER, 0);
    assert_int_equal(m->stop, MACHINE_LIMIT);
}

static uint64_t finished(void)
{
    while (h->pc == CODE)
        run(1);
    return h->x[10];
}

/* It fails and is slow as it may be; what it said it had done is done. */
static void test_difficult_firmware(void **state)
{
    struct hart *other = &m->harts[1];
    unsigned failed = 0, slow = 0, late = 0;
    (void)state;
    m->config.adversary = ADVERSARY_SBI;
    put_words(HANDLER + 64, (const uint32_t[]){LOOP}, 1);
    for (unsigned i = 0; i < 200; i++) {
        other->state = HART_STOPPED;
        int64_t error = made(HSM, 0, 1, HANDLER + 64, 0, 4096);
        assert_true(error == 0 || error == -1);
        assert_int_equal(other->state == HART_STOPPED, error == -1);
        failed += error == -1;
        hart_start(other, HANDLER + 64, 0, 0);
        mmu_remember(m, other, DATA, ACCESS_LOAD, 0);
        const uint64_t *tag =
            &other->tlb[other->view][ACCESS_LOAD][DATA >> 12 & 255].tag;
        uint64_t before = *tag;
        m->turn = 0;
        made(RFENCE, 1, 2, 0, DATA, 4096);
        slow += h->pc == CODE; /* the call is still to be made */
        assert_int_equal(finished(), 0);
        assert_int_not_equal(*tag, before);
        other->software = false;
        made(IPI, 0, 2, 0, 0, 4096);
        assert_int_equal(finished(), 0);
        late += !other->software;
        run(500);
        m->turn_end = m->now;
        for (unsigned j = 0; j < 100 && !other->software; j++)
            run(1000);
        assert_true(other->software);
    }
    assert_in_range(failed, 5, 60);
    assert_in_range(slow, 50, 150);
    assert_in_range(late, 50, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_base),          BENCH(test_registers_are_kept),
        BENCH(test_time),          BENCH_TWO(test_interrupts),
        BENCH_TWO(test_fence),     BENCH_TWO(test_start),
        BENCH_TWO(test_stop),      BENCH(test_reset),
        BENCH(test_restart),       BENCH(test_console_output),
        BENCH(test_console_full),  BENCH_TWO(test_fences_and_reservations),
        BENCH(test_console_input), BENCH(test_console_input_to_code),
        BENCH(test_not_for_users), BENCH_TWO(test_difficult_firmware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
