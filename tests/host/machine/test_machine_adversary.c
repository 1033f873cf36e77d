/*
 * The worst machine: what each option of the adversary does, and what it does
 * not. Litmus tests run a few thousand times; of each outcome that the memory
 * model forbids none may be seen, and some of those that make the option worth
 * having (RVWMO: Volume I, chapter 14).
 */
/* sources: tests/host/machine/rig.c */
#include <stdlib.h>
#include "rig.h"

enum { V = 1, R = 2, W = 4, X = 8, A = 64, D = 128 };
#define RWX   (V | R | W | X | A | D)
#define VA    0x40000000ull
#define TIMES 4000u

#define FENCE(from, to) type_i(0x0f, 0, 0, 0, (from) << 4 | (to))
#define FENCE_TSO       0x8330000fu
enum { TO_W = 1, TO_R = 2, TO_O = 4, TO_RW = 3 };
#define RELEASE          (1u << 25)
#define SWAP(rd, at, rs) AMO(AMO_SWAP, 8, rd, at, rs)
#define LR(rd)           AMO(AMO_LR, 8, rd, 10, 0)
#define SC(rd, rs)       AMO(AMO_SC, 8, rd, 10, rs)

/* ---- Litmus tests -------------------------------------------------------- */

#define WORDS 3

struct program {
    uint32_t words[WORDS];
};
#define DO(...) ((struct program){{__VA_ARGS__}})

/* A program on a hart, which loops at its end. x10 is X's address, x11 Y's, x12
 * is 1 and x15 is 2. */
static void give(unsigned hart, struct program program)
{
    struct hart *o = &m->harts[hart];
    uint64_t at = CODE + hart * 256;
    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t word = program.words[i] ? program.words[i] : NOP;
        put_words(at + 4 * i, &word, 1);
    }
    put_words(at + 4 * WORDS, (const uint32_t[]){LOOP}, 1);
    o->pc = at;
    o->x[10] = DATA;
    o->x[11] = DATA + 64;
    o->x[12] = 1;
    o->x[15] = 2;
    o->x[13] = o->x[14] = 0;
}

/* Runs two; what came of it is x13 and x14 of both, X, Y. Is it as `pattern`
 * says, a digit or `-` each? */
static bool gives(const char *pattern, struct program a, struct program b)
{
    uint64_t result[6];
    poke(DATA, 0);
    poke(DATA + 64, 0);
    give(0, a);
    give(1, b);
    run(60 + (unsigned)(machine_random(m) % 16));
    for (unsigned i = 0; i < 2; i++) {
        stores_drain(m, &m->harts[i]);
        result[2 * i] = m->harts[i].x[13];
        result[2 * i + 1] = m->harts[i].x[14];
    }
    result[4] = peek(DATA);
    result[5] = peek(DATA + 64);
    for (unsigned i = 0; i < 6; i++)
        if (pattern[i] != '-' && (uint64_t)(pattern[i] - '0') != result[i])
            return false;
    return true;
}

static unsigned seen(const char *pattern, struct program a, struct program b)
{
    unsigned count = 0;
    m->config.adversary = ADVERSARY_STORES | ADVERSARY_TURNS;
    m->config.quantum = 3;
    for (unsigned i = 0; i < TIMES; i++)
        count += gives(pattern, a, b);
    return count;
}

#define NEVER(pattern, ...) assert_int_equal(seen(pattern, __VA_ARGS__), 0)
#define SOMETIMES(pattern, ...)                                                \
    assert_in_range(seen(pattern, __VA_ARGS__), 1, TIMES - 1)

#define X_IS(rs)   SD(rs, 10, 0)
#define Y_IS(rs)   SD(rs, 11, 0)
#define GET_X(rd)  LD(rd, 10, 0)
#define GET_Y(rd)  LD(rd, 11, 0)
#define ONLY_W     FENCE(TO_W, TO_W)
#define FULL       FENCE(TO_RW, TO_RW)
#define READ_BOTH  DO(GET_Y(13), FENCE(TO_R, TO_R), GET_X(14))
#define TURNED(f)  DO(X_IS(12), f, GET_Y(13)), DO(Y_IS(12), f, GET_X(13))
#define CROSSED(f) DO(X_IS(12), f, Y_IS(15)), DO(Y_IS(12), f, X_IS(15))

/* Y was seen, but X, which was written first, not. */
static void test_message_passing(void **state)
{
    uint32_t swap = SWAP(0, 11, 12), loads_first = FENCE(TO_R, TO_RW);
    (void)state;
    SOMETIMES("--10--", DO(X_IS(12), Y_IS(12)), READ_BOTH);
    SOMETIMES("--10--", DO(X_IS(12), loads_first, Y_IS(12)), READ_BOTH);
    SOMETIMES("--10--", DO(X_IS(12), swap), READ_BOTH);
    NEVER("--10--", DO(X_IS(12), ONLY_W, Y_IS(12)), READ_BOTH);
    NEVER("--10--", DO(X_IS(12), FULL, Y_IS(12)), READ_BOTH);
    NEVER("--10--", DO(X_IS(12), FENCE_TSO, Y_IS(12)), READ_BOTH);
    NEVER("--10--", DO(X_IS(12), swap | RELEASE), READ_BOTH);
    NEVER("--10--", DO(X_IS(12), ONLY_W, swap), READ_BOTH);
}

/* Each wrote, then read of the other's nothing. */
static void test_store_buffering(void **state)
{
    uint32_t swap = SWAP(14, 10, 12);
    (void)state;
    SOMETIMES("0-0---", TURNED(NOP));
    SOMETIMES("0-0---", TURNED(ONLY_W));
    SOMETIMES("0-0---", TURNED(FENCE_TSO));
    NEVER("0-0---", TURNED(FULL));
    NEVER("0-0---", TURNED(FENCE(TO_W, TO_R)));
    NEVER("0-0---", DO(swap, GET_Y(13)), DO(Y_IS(12), FULL, GET_X(13)));
}

/* The first store of each is the one that stays. */
static void test_two_writers(void **state)
{
    (void)state;
    SOMETIMES("----11", CROSSED(NOP));
    NEVER("----11", CROSSED(ONLY_W));
    NEVER("----11", CROSSED(FULL));
}

/* Loads are performed as they are executed, so it is not seen; it might be. */
static void test_load_buffering(void **state)
{
    (void)state;
    NEVER("1-1---", DO(GET_X(13), Y_IS(12)), DO(GET_Y(13), X_IS(12)));
}

/* One place is always in order, for its own hart and for others. */
static void test_coherence(void **state)
{
    (void)state;
    NEVER("--21--", DO(X_IS(12), X_IS(15)), DO(GET_X(13), GET_X(14)));
    NEVER("----1-", DO(X_IS(12), STORE(2, 15, 10, 0)), DO(NOP));
    NEVER("----1-", DO(X_IS(12), SWAP(13, 10, 15)), DO(NOP));
    NEVER("0-----", DO(X_IS(12), SWAP(13, 10, 15)), DO(NOP));
    NEVER("0-----", DO(X_IS(12), LR(13), SC(14, 15)), DO(NOP));
    NEVER("0-----", DO(X_IS(12), GET_X(13)), DO(NOP));
}

/* Its own loads see all that it stored, of any size and place. */
static void test_own_loads(void **state)
{
    uint64_t x, y = 0;
    (void)state;
    m->config.adversary = ADVERSARY_STORES;
    h->x[10] = DATA;
    poke(DATA, 0);
    for (unsigned i = 0; i < TIMES; i++) {
        unsigned f3 = (unsigned)(machine_random(m) % 4), size = 1u << f3;
        unsigned at = (unsigned)(machine_random(m) % (9 - size));
        h->x[11] = x = machine_random(m);
        memcpy((uint8_t *)&y + at, &x, size);
        run_one(STORE(f3, 11, 10, (int32_t)at));
        run_one(LD(12, 10, 0));
        assert_int_equal(h->x[12], y);
    }
    stores_drain(m, h);
    assert_int_equal(peek(DATA), y);
}

static void test_stores_to_devices(void **state)
{
    uint32_t scratch[] = {SD(12, 10, 0), NOP, STORE(0, 12, 11, 7), LOOP};
    (void)state;
    m->config.adversary = ADVERSARY_STORES;
    for (unsigned i = 0; i < 2; i++) {
        scratch[1] = i ? FENCE(TO_W, TO_O) : FENCE(TO_W, TO_W);
        put_words(CODE, scratch, 4);
        h->pc = CODE;
        h->x[10] = DATA;
        h->x[11] = UART_BASE;
        h->x[12] = 7 + i;
        run(3);
        assert_int_equal(m->uart.registers[7], 7 + i);
        assert_int_equal(peek(DATA), i ? 8 : 0);
    }
}

/* No store waits for ever. */
static void test_stores_end(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_STORES;
    h->x[10] = DATA;
    h->x[12] = 1;
    CODE_IS(SD(12, 10, 0), LOOP);
    run(1);
    assert_int_equal(peek(DATA), 0);
    run(500000);
    assert_int_equal(peek(DATA), 1);
}

/* ---- Reservations -------------------------------------------------------- */

/* LR; then the other hart executes `other` with x10 at `at`; then SC at
 * `end`. How often does SC succeed? */
static unsigned successes(uint32_t other, uint64_t at, uint64_t end)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct hart *o = &m->harts[1];
        uint32_t sc = SC(13, 12);
        m->turn = 0;
        m->turn_end = m->now + 1;
        h->x[10] = DATA;
        run_one(LR(14));
        put_words(CODE + 256, &other, 1);
        o->pc = CODE + 256;
        o->x[10] = at;
        m->turn = 1;
        m->turn_end = m->now + 1;
        run(1);
        stores_drain(m, o);
        m->turn = 0;
        m->turn_end = m->now + 1;
        h->x[10] = end;
        run_one(sc);
        count += !h->x[13];
    }
    return count;
}

static void test_reservations(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_LRSC;
    assert_in_range(successes(NOP, DATA, DATA), 800, 990);
    assert_in_range(successes(LD(14, 10, 0), DATA, DATA), 800, 990);
    assert_int_equal(successes(STORE(0, 12, 10, 0), DATA + 7, DATA), 0);
    assert_int_equal(successes(SWAP(14, 10, 12), DATA, DATA), 0);
    /* Near it: as large as the reservation is. */
    assert_in_range(successes(SD(12, 10, 0), DATA + 8, DATA), 300, 600);
    assert_in_range(successes(NOP, DATA, DATA + 8), 300, 600);
    assert_in_range(successes(SD(12, 10, 0), DATA + 64, DATA), 800, 990);
    assert_int_equal(successes(NOP, DATA, DATA + 64), 0);
    m->config.adversary |= ADVERSARY_STORES;
    assert_int_equal(successes(SD(12, 10, 0), DATA, DATA), 0);
}

/* Eight bytes of which four were reserved: not even without an adversary. */
static void test_half_reserved(void **state)
{
    (void)state;
    for (uint64_t at = DATA; at <= DATA + 4; at += 4) {
        CODE_IS(AMO(AMO_LR, 4, 13, 11, 0), SC(14, 12));
        h->x[10] = DATA;
        h->x[11] = at;
        h->pc = CODE;
        run(2);
        assert_int_equal(h->x[14], 1);
    }
}

/* ---- Walks --------------------------------------------------------------- */

static uint64_t entry_of(unsigned level, uint64_t va)
{
    return TABLES + level * 4096ull + (va >> (12 + 9 * level) & 511) * 8;
}

static uint64_t pte(uint64_t physical, uint64_t bits)
{
    return physical >> 12 << 10 | bits;
}

static void fence(uint64_t va)
{
    h->x[14] = va;
    run_one(SFENCE(va ? 14 : 0, 0));
}

/* VA is a page at DATA with 1 in it; at DATA + 0x8000 is 2. The second half of
 * the level-1 table has another table, in which VA is the latter. */
static void turn_on(void)
{
    poke(entry_of(2, MACHINE_RAM_BASE), pte(MACHINE_RAM_BASE, RWX));
    poke(entry_of(2, VA), pte(TABLES + 4096, V));
    poke(entry_of(1, VA), pte(TABLES, V));
    poke(entry_of(0, VA), pte(DATA, RWX));
    poke(TABLES + 3 * 4096, pte(DATA + 0x8000, RWX));
    poke(DATA, 1);
    poke(DATA + 0x8000, 2);
    h->satp = SATP_SV39 | (TABLES + 2 * 4096) >> 12;
    fence(0);
}

/* Of many loads of `va`, how many find 1 and 2, and how many fault? */
static void loads(uint64_t va, unsigned counts[3])
{
    memset(counts, 0, 3 * sizeof *counts);
    for (unsigned i = 0; i < TIMES; i++) {
        h->x[10] = va;
        h->x[12] = 0;
        mmu_forget(h, ACCESS_LOAD);
        m->turn_end = m->now + 2;
        run_one(LD(12, 10, 0));
        assert_true(h->x[12] < 3);
        counts[h->x[12]]++;
    }
}

/* Both are found that are counted; `faults`: and there are faults. */
static void finds(uint64_t va, bool faults, bool one, bool two)
{
    unsigned counts[3];
    loads(va, counts);
    assert_int_equal(counts[0] != 0, faults);
    assert_int_equal(counts[1] != 0, one);
    assert_int_equal(counts[2] != 0, two);
}

static void test_nodes(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_NODES;
    turn_on();
    finds(VA, false, true, false);
    poke(entry_of(1, VA), pte(TABLES + 3 * 4096, V));
    finds(VA, false, true, true);
    fence(VA); /* means leaves */
    finds(VA, false, true, true);
    fence(0);
    finds(VA, false, false, true);
}

/* A page that nobody has touched is known, and only what was an entry. */
static void test_walks_ahead(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_WALKS;
    turn_on();
    poke(entry_of(0, VA + 4096), pte(DATA + 0x8000, RWX));
    finds(VA, false, true, false);
    poke(entry_of(0, VA + 4096), 0);
    finds(VA + 4096, true, false, true);
    fence(VA + 4096);
    finds(VA + 4096, true, false, false);
    poke(entry_of(0, VA + 4096), pte(DATA, RWX));
    finds(VA + 4096, false, true, false);
}

static void test_invalid_entries(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_INVALID;
    turn_on();
    poke(entry_of(0, VA), 0);
    finds(VA, true, false, false);
    poke(entry_of(0, VA), pte(DATA, RWX));
    finds(VA, true, true, false);
    fence(VA);
    finds(VA, false, true, false);
    m->config.adversary = (1u << ADVERSARY_KINDS) - 1 - ADVERSARY_INVALID;
    poke(entry_of(0, VA), 0);
    fence(0);
    finds(VA, true, false, false);
    poke(entry_of(0, VA), pte(DATA, RWX));
    finds(VA, false, true, false);
}

/* A walk sees what its own hart stored when it has fenced. */
static void test_stores_and_walks(void **state)
{
    (void)state;
    turn_on();
    m->config.adversary = ADVERSARY_STORES;
    for (unsigned i = 0; i < 2; i++) {
        h->x[10] = entry_of(0, VA);
        h->x[11] = pte(DATA + 0x8000, RWX);
        h->x[13] = VA;
        CODE_IS(SD(11, 10, 0), i ? SFENCE(13, 0) : NOP, LD(12, 13, 0));
        h->pc = CODE;
        m->turn_end = m->now + 10;
        run(3);
        assert_int_equal(h->x[12], i + 1);
        mmu_fence(h);
    }
}

/* ---- Instructions -------------------------------------------------------- */

/* Executes the one at DATA, which adds to x10. */
static uint64_t execute_on(unsigned hart)
{
    m->turn = hart;
    m->turn_end = m->now + 1;
    m->harts[hart].pc = DATA;
    m->harts[hart].x[10] = 0;
    run(1);
    return m->harts[hart].x[10];
}

static void execute(uint64_t first, uint64_t second)
{
    assert_int_equal(execute_on(0), first);
    assert_int_equal(execute_on(1), second);
}

static void fence_i(unsigned hart)
{
    put_words(HANDLER + 256, (const uint32_t[]){FENCE_I}, 1);
    m->turn = hart;
    m->turn_end = m->now + 1;
    m->harts[hart].pc = HANDLER + 256;
    run(1);
}

static void test_instructions(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_CODE;
    put_words(DATA, (const uint32_t[]){ADDI(10, 10, 1)}, 1);
    execute(1, 1);
    put_words(DATA, (const uint32_t[]){ADDI(10, 10, 2)}, 1);
    execute(1, 1);
    fence_i(0);
    execute(2, 1);
    fence_i(1);
    execute(2, 2);
    put_words(DATA, (const uint32_t[]){ADDI(10, 10, 3)}, 1);
    h->x[17] = 0x52464e43; /* remote fence.i, of hart 1 */
    h->x[16] = 0;
    h->x[10] = 2;
    h->x[11] = 0;
    m->turn = 0;
    m->turn_end = m->now + 1;
    run_one(ECALL);
    execute(2, 3);
    /* In the end it is seen without a fence, by lines. */
    while (h->x[10] == 2) {
        code_refresh(m, h);
        execute_on(0);
    }
    assert_int_equal(h->x[10], 3);
}

/* What a hart stored it fetches after its own fence.i. */
static void test_own_instructions(void **state)
{
    (void)state;
    put_words(DATA, (const uint32_t[]){ADDI(10, 10, 1)}, 1);
    m->config.adversary = ADVERSARY_STORES;
    give(0, DO(STORE(2, 14, 10, 0)));
    h->x[14] = ADDI(10, 10, 2);
    m->turn_end = m->now + 1;
    run(1);
    execute(1, 1);
    fence_i(1);
    execute(1, 1);
    fence_i(0);
    execute(2, 2);
}

/* ---- Turns and time ------------------------------------------------------ */

/* How many instructions hart 0 had executed when its turn ended. */
static unsigned turn_of(uint32_t first)
{
    unsigned count = 0;
    CODE_IS(first, ADDI(10, 10, 1), 0xffdff06f);
    h->pc = CODE;
    m->turn = 1;
    m->turn_end = m->now;
    while (m->turn == 1)
        run(1);
    for (; m->turn == 0; count++)
        run(1);
    return count;
}

static void test_turns(void **state)
{
    unsigned shortest = 9999;
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(turn_of(NOP), 1000);
    m->config.adversary = ADVERSARY_TURNS;
    for (unsigned i = 0; i < 200; i++) {
        unsigned length = turn_of(NOP);
        shortest = length < shortest ? length : shortest;
    }
    assert_in_range(shortest, 1, 2);
}

/* A timer of much later goes off, where interrupts may be taken. */
static void test_early_timers(void **state)
{
    (void)state;
    CODE_IS(CSRRS(0, 0x100, 14), CSRRC(0, 0x100, 14), 0xff9ff06f);
    h->x[14] = STATUS_SIE;
    h->ie = IP_TIMER;
    for (unsigned i = 0; i < 2; i++) {
        m->config.adversary = i ? ADVERSARY_TIME : 0;
        h->timer = m->now / 10 + 150000;
        h->pc = CODE;
        h->cause = 0;
        run(100000); /* a jump ends it */
        run(10);
        assert_int_equal(h->cause, i ? CAUSE_INTERRUPT | TIMER : 0);
    }
}

/* After an LR, too; the time that passed is no instruction. */
static void test_late_after_a_reservation(void **state)
{
    (void)state;
    CODE_IS(LR(13), ADDI(14, 14, 1), 0xff9ff06f);
    h->x[10] = DATA;
    m->config.adversary = ADVERSARY_TIME;
    h->ie = IP_TIMER;
    h->timer = m->now / 10 + 150000;
    run(9000);
    assert_true(m->now > 1000000);
    assert_in_range(h->retired, 10, 9000);
    assert_in_range(h->x[14] * 3, h->retired - 3, h->retired + 3);
}

/* What is done depends on no limit: a run may be stopped anywhere. */
static void test_stopped_anywhere(void **state)
{
    size_t size = machine_size(&m->config);
    uint8_t *start = malloc(size), *end = malloc(size);
    (void)state;
    assert_true(start && end);
    m->config.adversary = (1u << ADVERSARY_KINDS) - 1;
    put_words(HANDLER, (const uint32_t[]){ADDI(16, 16, 1), SRET}, 2);
    for (unsigned i = 0; i < 2; i++) {
        give(i, DO(LR(13), ADDI(14, 13, 1), SC(12, 14)));
        put_words(CODE + i * 256 + 12,
                  (const uint32_t[]){CSRRS(0, 0x100, 15), SD(14, 11, 0),
                                     CSRRC(0, 0x100, 15), 0xfe9ff06f},
                  4);
        m->harts[i].ie = IP_TIMER;
        m->harts[i].timer = 100000 + i;
    }
    memcpy(start, m, size);
    run(1100000); /* with a jump of about a million */
    memcpy(end, m, size);
    memcpy(m, start, size);
    const struct machine *other = (const struct machine *)(void *)end;
    while (m->now < other->now)
        run(1);
    assert_int_equal(m->now, other->now);
    assert_int_equal(m->random, other->random);
    for (unsigned i = 0; i < 2; i++)
        assert_memory_equal(m->harts[i].x, other->harts[i].x, 8 * 33);
    assert_memory_equal(m->decisions, other->decisions, sizeof m->decisions);
    assert_true(m->harts[0].x[16] + m->harts[1].x[16] > 2);
    free(start);
    free(end);
}

/* What it did last can be told; of many of one kind in a row, the last. */
static void test_decisions(void **state)
{
    struct machine_decision d;
    (void)state;
    assert_false(machine_decision(m, 0, &d));
    for (unsigned i = 0; i < 100; i++) {
        adversary_note(m, h, i & 1 ? ADVERSARY_TLB : ADVERSARY_CODE, 3 * i);
        adversary_note(m, h, i & 1 ? ADVERSARY_TLB : ADVERSARY_CODE, i);
    }
    for (unsigned i = 0; i < MACHINE_DECISIONS; i++) {
        assert_true(machine_decision(m, i, &d));
        assert_int_equal(d.address, 99 - i);
        assert_int_equal(d.what, i & 1 ? ADVERSARY_CODE : ADVERSARY_TLB);
    }
    assert_false(machine_decision(m, MACHINE_DECISIONS, &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TWO(test_message_passing),
        BENCH_TWO(test_store_buffering),
        BENCH_TWO(test_two_writers),
        BENCH_TWO(test_load_buffering),
        BENCH_TWO(test_coherence),
        BENCH(test_own_loads),
        BENCH(test_stores_to_devices),
        BENCH_TWO(test_stores_end),
        BENCH_TWO(test_reservations),
        BENCH(test_half_reserved),
        BENCH(test_nodes),
        BENCH(test_walks_ahead),
        BENCH(test_invalid_entries),
        BENCH(test_stores_and_walks),
        BENCH_TWO(test_instructions),
        BENCH_TWO(test_own_instructions),
        BENCH_TWO(test_turns),
        BENCH(test_early_timers),
        BENCH(test_late_after_a_reservation),
        BENCH_TWO(test_stopped_anywhere),
        BENCH(test_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
