/*
 * What a debugger asks of the machine: it sees all and changes nothing.
 */
/* sources: tests/host/machine/rig.c */
#include "rig.h"

static struct machine_watch watched(uint64_t at, uint32_t kinds)
{
    return (struct machine_watch){at, at + 7, kinds, 1};
}

/* Runs to a hit, and checks it. */
static void must_hit(uint32_t kind, uint64_t address, uint64_t at)
{
    assert_int_equal(machine_run(m, at + 100), MACHINE_HIT);
    assert_int_equal(machine_hit(m)->kind, kind);
    assert_int_equal(machine_hit(m)->hart, 0);
    assert_int_equal(machine_hit(m)->address, address);
    assert_int_equal(machine_hit(m)->at, at);
}

static void test_registers(void **state)
{
    uint64_t value;
    (void)state;
    for (unsigned i = 1; i < MACHINE_CSR; i++)
        assert_true(machine_set_register(m, 0, i, 0x8000000000001000 + 2 * i));
    assert_true(machine_set_register(m, 0, 0, 1));
    for (unsigned i = 1; i < MACHINE_CSR; i++) {
        assert_true(machine_register(m, 0, i, &value));
        assert_int_equal(value, 0x8000000000001000 + 2 * i);
    }
    assert_int_equal(h->x[0], 0);
    assert_int_equal(h->f[31], 0x8000000000001000 + 2 * 64);
    h->tval = 7;
    assert_true(machine_register(m, 0, MACHINE_CSR + 0x143, &value));
    assert_int_equal(value, 7);
    assert_true(machine_register(m, 0, MACHINE_MODE, &value));
    assert_int_equal(value, 1);
    assert_false(machine_register(m, 0, MACHINE_CSR + 0x300, &value));
    assert_false(machine_register(m, 0, MACHINE_MODE + 1, &value));
    assert_false(machine_register(m, 1, 0, &value));
    assert_false(machine_set_register(m, 1, 1, 0));
    assert_false(machine_set_register(m, 0, MACHINE_CSR + 0x143, 0));
}

static void test_instructions_are_counted(void **state)
{
    uint64_t value;
    (void)state;
    CODE_IS(NOP, NOP, NOP, NOP, NOP);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(machine_register(m, 0, MACHINE_INSTRET, &value));
        assert_int_equal(value, i);
        run(1);
    }
}

/* A page of the hart's is found without a mark on its entry. */
static void test_looking_leaves_no_mark(void **state)
{
    enum { V = 1, R = 2 };
    uint64_t va = 0x40000000, physical, leaf = DATA >> 12 << 10 | V | R;
    (void)state;
    poke(TABLES + 8192 + (va >> 30) * 8, (TABLES + 4096) >> 12 << 10 | V);
    poke(TABLES + 4096, TABLES >> 12 << 10 | V);
    poke(TABLES, leaf);
    h->satp = SATP_SV39 | (TABLES + 8192) >> 12;
    mmu_fence(h);
    struct hart before = *h;
    assert_true(machine_translate(m, 0, va + 9, &physical));
    assert_int_equal(physical, DATA + 9);
    assert_false(machine_translate(m, 0, va + 4096, &physical));
    assert_int_equal(peek(TABLES), leaf);
    assert_memory_equal(&before, h, sizeof before);
}

static void test_what_is_written_is_executed(void **state)
{
    uint32_t word = ADDI(5, 0, 9);
    (void)state;
    CODE_IS(ADDI(5, 0, 1));
    run(1);
    assert_true(machine_write(m, CODE, (const uint8_t *)&word, sizeof word));
    h->pc = CODE;
    run(1);
    assert_int_equal(h->x[5], 9);
    assert_false(machine_write(m, UART_BASE, (const uint8_t *)&word, 4));
    assert_false(machine_write(m, DATA, (const uint8_t *)&word, UINT64_MAX));
}

/* A store is done when it is told, an instruction to be fetched is not. */
static void test_watched_addresses(void **state)
{
    struct machine_watch set[] = {watched(DATA, WATCH_STORE),
                                  watched(CODE + 8, WATCH_FETCH)};
    (void)state;
    CODE_IS(LD(5, 10, 0), SD(11, 10, 4), ADDI(6, 0, 1), SD(11, 10, 8), NOP);
    h->x[10] = DATA;
    h->x[11] = ~0ull;
    machine_watch(m, set, 2);
    must_hit(WATCH_STORE, DATA + 4, 1);
    assert_int_equal(h->pc, CODE + 8);
    assert_int_equal(peek(DATA + 4), ~0ull);
    must_hit(WATCH_FETCH, CODE + 8, 2);
    assert_int_equal(h->x[6], 0);
    assert_int_equal(machine_run(m, 3), MACHINE_LIMIT); /* it goes on */
    assert_int_equal(h->x[6], 1);
    must_hit(WATCH_FETCH, CODE + 12, 3);
    machine_watch(m, NULL, 0);
    assert_int_equal(machine_run(m, 5), MACHINE_LIMIT);
}

/* Also one that is remembered; and no longer when it is not watched. */
static void test_watched_when_it_is_known(void **state)
{
    struct machine_watch load = watched(DATA, WATCH_LOAD);
    (void)state;
    CODE_IS(LD(5, 10, 0), LD(5, 10, 0), LD(5, 10, 0), LD(5, 10, 8));
    h->x[10] = DATA;
    run(1);
    machine_watch(m, &load, 1);
    must_hit(WATCH_LOAD, DATA, 1);
    machine_watch(m, NULL, 0);
    run(1);
    machine_watch(m, &load, 1);
    assert_int_equal(machine_run(m, 4), MACHINE_LIMIT);
}

static void test_watched_for_one_hart(void **state)
{
    struct machine_watch all = {0, UINT64_MAX, WATCH_FETCH, 2};
    (void)state;
    CODE_IS(NOP, NOP, NOP, NOP);
    machine_watch(m, &all, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(machine_run(m, 10000), MACHINE_HIT);
        assert_int_equal(machine_hit(m)->hart, 1);
        assert_int_equal(m->harts[1].pc, CODE + 4 * i);
    }
}

static void test_a_block_of_another_build(void **state)
{
    struct machine_config config;
    (void)state;
    assert_true(machine_is_ours(m, m->size, &config));
    assert_int_equal(config.ram, m->config.ram);
    assert_false(machine_is_ours(m, m->size + 1, &config));
    assert_false(machine_is_ours(m, 8, &config));
    m->layout++;
    assert_false(machine_is_ours(m, m->size, &config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_registers),
        BENCH(test_instructions_are_counted),
        BENCH(test_looking_leaves_no_mark),
        BENCH(test_what_is_written_is_executed),
        BENCH(test_watched_addresses),
        BENCH(test_watched_when_it_is_known),
        BENCH_TWO(test_watched_for_one_hart),
        BENCH(test_a_block_of_another_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
