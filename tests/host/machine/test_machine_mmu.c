/*
 * Sv39 (Privileged Architecture 20211203, section 4.4): permissions, large
 * pages, what is no entry, accessed and dirty, and what fences forget.
 */
/* sources: tests/host/machine/rig.c */
#include "rig.h"

enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };
#define RWX  (V | R | W | X | A | D)
#define VA   0x40000000ull
#define MEGA (1ull << 21)
#define GIGA (1ull << 30)

static uint64_t entry_of(unsigned level, uint64_t va)
{
    return TABLES + level * 4096ull + (va >> (12 + 9 * level) & 511) * 8;
}

static uint64_t pte(uint64_t physical, uint64_t bits)
{
    return physical >> 12 << 10 | bits;
}

/* Tables of one page a level, for VA and its neighbours; code and handler are
 * reached through a gigapage that is the identity. */
static void turn_on(uint64_t leaf)
{
    poke(entry_of(2, MACHINE_RAM_BASE), pte(MACHINE_RAM_BASE, RWX));
    poke(entry_of(2, VA), pte(TABLES + 4096, V));
    poke(entry_of(1, VA), pte(TABLES, V));
    poke(entry_of(0, VA), leaf);
    h->satp = SATP_SV39 | (TABLES + 2 * 4096) >> 12;
    mmu_fence(h);
    h->x[10] = VA;
    h->x[11] = 0x1234;
}

static bool loads(void)
{
    run_one(LD(12, 10, 0));
    return h->pc == CODE + 4;
}

static bool stores(void)
{
    run_one(SD(11, 10, 0));
    return h->pc == CODE + 4;
}

/* Jumps to VA; is the first instruction there executed? */
static bool fetches(void)
{
    put_words(DATA, (const uint32_t[]){ADDI(13, 0, 1)}, 1);
    h->x[13] = 0;
    h->pc = VA;
    run(1);
    return h->x[13];
}

/* What a translation allows: l, s and x. */
static void allows(uint64_t leaf, bool load, bool store, bool fetch)
{
    turn_on(leaf);
    assert_int_equal(loads(), load);
    if (!load)
        assert_int_equal(h->cause, CAUSE_LOAD_PAGE);
    assert_int_equal(stores(), store);
    if (!store)
        assert_int_equal(h->cause, CAUSE_STORE_PAGE);
    assert_int_equal(fetches(), fetch);
    if (!fetch)
        assert_int_equal(h->cause, CAUSE_FETCH_PAGE);
    if (!fetch)
        assert_int_equal(h->tval, VA);
}

static void test_permissions(void **state)
{
    (void)state;
    allows(pte(DATA, RWX), true, true, true);
    allows(pte(DATA, V | R | A | D), true, false, false);
    allows(pte(DATA, V | X | A | D), false, false, true);
    allows(pte(DATA, V | R | W | A | D), true, true, false);
    allows(pte(DATA, RWX & ~V), false, false, false);
    allows(pte(DATA, V | W | A | D), false, false, false);     /* reserved */
    allows(pte(DATA, V | W | X | A | D), false, false, false); /* reserved */
    allows(pte(DATA, RWX | U), false, false, false);
    allows(pte(DATA, RWX) | 1ull << 63, false, false, false);
    allows(pte(DATA, RWX) | 1ull << 54, false, false, false);
    allows(pte(DATA, RWX | 3 << 8), true, true, true); /* software's bits */
    allows(pte(TABLES, V), false, false, false);       /* a fourth level */
}

static void test_users(void **state)
{
    (void)state;
    /* The identity page is not the user's, so code must be at VA. */
    put_words(DATA, (const uint32_t[]){LD(12, 10, 8)}, 1);
    turn_on(pte(DATA, RWX | U));
    h->user = true;
    hart_set_view(h);
    h->pc = VA;
    run(1);
    assert_int_equal(h->pc, VA + 4);
    turn_on(pte(DATA, RWX));
    h->pc = VA;
    h->user = true;
    hart_set_view(h);
    run(1);
    assert_int_equal(h->cause, CAUSE_FETCH_PAGE);
}

static void test_sum(void **state)
{
    (void)state;
    turn_on(pte(DATA, RWX | U));
    assert_false(loads());
    h->x[14] = STATUS_SUM;
    run_one(CSRRS(0, 0x100, 14));
    assert_true(loads());
    assert_true(stores());
    assert_false(fetches()); /* never what is the user's */
    run_one(CSRRC(0, 0x100, 14));
    assert_false(loads()); /* though it could before */
}

static void test_mxr(void **state)
{
    (void)state;
    turn_on(pte(DATA, V | X | A | D));
    assert_false(loads());
    h->x[14] = STATUS_MXR;
    run_one(CSRRS(0, 0x100, 14));
    assert_true(loads());
    assert_false(stores());
    run_one(CSRRC(0, 0x100, 14));
    assert_false(loads());
}

static void test_large_pages(void **state)
{
    (void)state;
    turn_on(0);
    poke(DATA + 0x1000, 42);
    poke(entry_of(1, VA), pte(DATA & ~(MEGA - 1), RWX));
    h->x[10] = VA + (DATA & (MEGA - 1)) + 0x1000;
    mmu_fence(h);
    assert_true(loads());
    assert_int_equal(h->x[12], 42);
    poke(entry_of(1, VA), pte((DATA & ~(MEGA - 1)) + 4096, RWX));
    mmu_fence(h);
    assert_false(loads()); /* misaligned */
    assert_int_equal(h->cause, CAUSE_LOAD_PAGE);
    poke(entry_of(2, VA), pte(MACHINE_RAM_BASE, RWX));
    h->x[10] = VA + DATA + 0x1000 - MACHINE_RAM_BASE;
    mmu_fence(h);
    assert_true(loads());
    assert_int_equal(h->x[12], 42);
    poke(entry_of(2, VA), pte(MACHINE_RAM_BASE + MEGA, RWX));
    mmu_fence(h);
    assert_false(loads());
}

static void test_pointers_with_leaf_bits(void **state)
{
    static const unsigned bits[] = {A, D, U};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        turn_on(pte(DATA, RWX));
        poke(entry_of(1, VA), pte(TABLES, V | bits[i]));
        mmu_fence(h);
        assert_false(loads());
        assert_int_equal(h->cause, CAUSE_LOAD_PAGE);
    }
    turn_on(pte(DATA, RWX));
    poke(entry_of(1, VA), pte(TABLES, V | G));
    mmu_fence(h);
    assert_true(loads());
}

static void test_addresses_that_do_not_exist(void **state)
{
    (void)state;
    turn_on(pte(DATA, RWX));
    h->x[10] = VA | 1ull << 39;
    assert_false(loads());
    assert_int_equal(h->cause, CAUSE_LOAD_PAGE);
    h->x[10] = VA | 1ull << 38; /* bit 38 is to be that of 63 to 39 */
    assert_false(loads());
    poke(entry_of(0, VA), pte(0x40000000, RWX)); /* no memory there */
    mmu_fence(h);
    h->x[10] = VA;
    assert_false(loads());
    assert_int_equal(h->cause, CAUSE_LOAD_ACCESS);
    poke(entry_of(1, VA), pte(0x40000000, V)); /* nor a table */
    mmu_fence(h);
    assert_false(stores());
    assert_int_equal(h->cause, CAUSE_STORE_ACCESS);
}

static void test_accessed_and_dirty(void **state)
{
    (void)state;
    turn_on(pte(DATA, V | R | W));
    assert_true(loads());
    assert_int_equal(peek(entry_of(0, VA)), pte(DATA, V | R | W | A));
    assert_true(stores());
    assert_int_equal(peek(entry_of(0, VA)), pte(DATA, V | R | W | A | D));
    /* A store that is refused marks nothing. */
    turn_on(pte(DATA, V | R));
    assert_false(stores());
    assert_int_equal(peek(entry_of(0, VA)), pte(DATA, V | R));
}

/* A fence by address; without one, the old translation may be used (it is). */
static void test_fence(void **state)
{
    uint64_t other = DATA + 0x8000;
    (void)state;
    turn_on(pte(DATA, RWX));
    poke(DATA, 1);
    poke(other, 2);
    assert_true(loads());
    poke(entry_of(0, VA), pte(other, RWX));
    assert_true(loads());
    assert_int_equal(h->x[12], 1);
    h->x[14] = VA + 4096;
    run_one(SFENCE(14, 0));
    assert_true(loads());
    assert_int_equal(h->x[12], 1);
    h->x[14] = VA + 8;
    run_one(SFENCE(14, 0));
    assert_true(loads());
    assert_int_equal(h->x[12], 2);
    poke(entry_of(0, VA), pte(DATA, RWX));
    run_one(SFENCE(0, 0));
    assert_true(loads());
    assert_int_equal(h->x[12], 1);
}

/* A fence for an address in a large page is for all of it. */
static void test_fence_of_large_page(void **state)
{
    (void)state;
    turn_on(0);
    poke(entry_of(1, VA), pte(DATA & ~(MEGA - 1), RWX));
    mmu_fence(h);
    assert_true(loads());
    poke(entry_of(1, VA), 0);
    assert_true(loads());
    h->x[14] = VA + 0x5000;
    run_one(SFENCE(14, 0));
    assert_false(loads());
}

static void test_spaces(void **state)
{
    uint64_t root = TABLES + 8 * 4096;
    (void)state;
    turn_on(pte(DATA, RWX));
    assert_true(loads());
    poke(root + (MACHINE_RAM_BASE >> 30) * 8, pte(MACHINE_RAM_BASE, RWX));
    h->x[14] = SATP_SV39 | 1ull << 44 | root >> 12;
    run_one(CSRRW(15, 0x180, 14));
    assert_int_equal(h->satp, h->x[14]);
    assert_false(loads());
    run_one(CSRRW(0, 0x180, 15));
    assert_true(loads());
    run_one(CSRRW(0, 0x180, 0));
    assert_false(loads()); /* no translation, and no memory there */
    assert_int_equal(h->cause, CAUSE_LOAD_ACCESS);
}

static void test_across_pages(void **state)
{
    (void)state;
    turn_on(pte(DATA, RWX));
    poke(entry_of(0, VA + 4096), pte(DATA + 0x8000, RWX));
    poke(DATA + 4088, 0x1111222233334444);
    poke(DATA + 0x8000, 0x5555666677778888);
    h->x[10] = VA + 4092;
    assert_true(loads());
    assert_int_equal(h->x[12], 0x7777888811112222);
    h->x[11] = 0xaaaabbbbccccdddd;
    assert_true(stores());
    assert_int_equal(peek(DATA + 4088), 0xccccdddd33334444);
    assert_int_equal(peek(DATA + 0x8000), 0x55556666aaaabbbb);
    poke(entry_of(0, VA + 4096), 0);
    mmu_fence(h);
    h->x[11] = 0;
    assert_false(stores());
    assert_int_equal(h->tval, VA + 4096);
    /* Nothing of it was stored. */
    assert_int_equal(peek(DATA + 4088), 0xccccdddd33334444);
}

static void test_instruction_across_pages(void **state)
{
    (void)state;
    turn_on(pte(DATA, RWX));
    put_words(DATA + 4094, (const uint32_t[]){ADDI(13, 0, 9)}, 1);
    h->pc = VA + 4094;
    run(1);
    assert_int_equal(h->cause, CAUSE_FETCH_PAGE);
    assert_int_equal(h->epc, VA + 4094);
    assert_int_equal(h->tval, VA + 4096);
    poke(entry_of(0, VA + 4096), pte(DATA + 4096, RWX));
    h->pc = VA + 4094;
    run(1);
    assert_int_equal(h->x[13], 9);
}

/* Remembered translations of so many pages that they push each other out. */
static void test_many_pages(void **state)
{
    (void)state;
    turn_on(pte(DATA, RWX));
    for (unsigned i = 0; i < 512; i++)
        poke(entry_of(0, VA + i * 4096), pte(DATA + i % 16 * 4096, RWX));
    mmu_fence(h);
    for (unsigned i = 0; i < 2048; i++) {
        h->x[10] = VA + i * 7 % 512 * 4096 + i % 512 * 8;
        h->x[11] = i;
        assert_true(stores());
        assert_int_equal(peek(DATA + i * 7 % 512 % 16 * 4096 + i % 512 * 8), i);
    }
}

/* So many fences that generations are counted anew. */
static void test_many_fences(void **state)
{
    (void)state;
    turn_on(pte(DATA, RWX));
    assert_true(loads());
    poke(entry_of(0, VA), 0);
    for (unsigned i = 0; i < 3 * 4096; i++) {
        mmu_fence(h);
        uint64_t at = entry_of(0, VA);
        poke(at, i & 1 ? pte(DATA, RWX) : 0);
        assert_int_equal(loads(), i & 1);
    }
}

/* An atomic operation is a store, even one that only reads; LR is a load. */
static void test_atomic_operations(void **state)
{
    const uint32_t amo = AMO(AMO_OR, 8, 12, 10, 0);
    const uint32_t lr = AMO(AMO_LR, 8, 12, 10, 0);
    const uint32_t sc = AMO(AMO_SC, 8, 12, 10, 11);
    (void)state;
    turn_on(pte(DATA, V | R));
    must_trap(amo, CAUSE_STORE_PAGE, VA);
    must_trap(sc, CAUSE_STORE_PAGE, VA);
    assert_int_equal(peek(entry_of(0, VA)), pte(DATA, V | R));
    run_one(lr);
    assert_int_equal(h->pc, CODE + 4);
    assert_int_equal(peek(entry_of(0, VA)), pte(DATA, V | R | A));
    turn_on(pte(DATA, V | X));
    must_trap(lr, CAUSE_LOAD_PAGE, VA);
    turn_on(pte(DATA, V | R | W));
    run_one(amo);
    assert_int_equal(peek(entry_of(0, VA)), pte(DATA, V | R | W | A | D));
    h->x[10] = VA + 4;
    must_trap(amo, CAUSE_STORE_MISALIGNED, VA + 4);
    must_trap(lr, CAUSE_LOAD_MISALIGNED, VA + 4);
    turn_on(pte(UART_BASE, V | R | W));
    must_trap(amo, CAUSE_STORE_ACCESS, VA);
    must_trap(lr, CAUSE_LOAD_ACCESS, VA);
}

/* A reservation is of a place, whatever address it was reached by. */
static void test_reservation_by_another_address(void **state)
{
    (void)state;
    turn_on(pte(DATA, RWX));
    poke(entry_of(0, VA + 4096), pte(DATA, RWX));
    poke(entry_of(0, VA + 8192), pte(DATA + 4096, RWX));
    run_one(AMO(AMO_LR, 8, 12, 10, 0));
    h->x[10] = VA + 8192;
    run_one(AMO(AMO_SC, 8, 13, 10, 11));
    assert_int_equal(h->x[13], 1);
    h->x[10] = VA;
    run_one(AMO(AMO_LR, 8, 12, 10, 0));
    h->x[10] = VA + 4096;
    run_one(AMO(AMO_SC, 8, 13, 10, 11));
    assert_int_equal(h->x[13], 0);
}

/* Registers of devices: as they are, and no instructions. */
static void test_devices(void **state)
{
    (void)state;
    turn_on(pte(PLIC_BASE, RWX));
    run_one(LOAD(2, 12, 10, 4));
    assert_int_equal(h->pc, CODE + 4);
    must_trap(LOAD(2, 12, 10, 6), CAUSE_LOAD_ACCESS, VA + 6);
    must_trap(LOAD(0, 12, 10, 4), CAUSE_LOAD_ACCESS, VA + 4);
    must_trap(SD(11, 10, 8), CAUSE_STORE_ACCESS, VA + 8);
    h->pc = VA;
    run(1);
    assert_int_equal(h->cause, CAUSE_FETCH_ACCESS);
    assert_int_equal(h->tval, VA);
}

/* ---- The adversary ------------------------------------------------------- */

/* Of many loads of VA, how many find 2, the others 1? */
static unsigned loads_of_two(void)
{
    unsigned twos = 0;
    for (unsigned i = 0; i < 200; i++) {
        mmu_forget(h, ACCESS_LOAD);
        assert_true(loads());
        assert_true(h->x[12] == 1 || h->x[12] == 2);
        twos += h->x[12] == 2;
    }
    return twos;
}

static void fences(uint64_t va, uint64_t asid, bool by_va, bool by_asid)
{
    h->x[14] = va;
    h->x[15] = asid;
    run_one(SFENCE(by_va ? 14 : 0, by_asid ? 15 : 0));
}

static void give_two(void)
{
    turn_on(pte(DATA, RWX));
    fences(0, 0, false, false);
    poke(DATA, 1);
    poke(DATA + 0x8000, 2);
    assert_int_equal(loads_of_two(), 0);
    poke(entry_of(0, VA), pte(DATA + 0x8000, RWX));
}

static void test_old_translations(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_TLB;
    give_two();
    unsigned twos = loads_of_two();
    assert_in_range(twos, 1, 199); /* the old one and the new one */
    fences(VA + 4096, 0, true, false);
    fences(VA, 5, true, true); /* another space's */
    fences(0, 5, false, true);
    assert_in_range(loads_of_two(), 1, 199);
    fences(VA + 8, 0, true, true);
    assert_int_equal(loads_of_two(), 200);
    give_two();
    fences(0, 0, false, true);
    assert_int_equal(loads_of_two(), 200);
    give_two();
    fences(0, 0, false, false);
    assert_int_equal(loads_of_two(), 200);
}

/* One without a fence keeps being used when satp changes and comes back. */
static void test_old_translations_and_spaces(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_TLB;
    give_two();
    uint64_t satp = h->satp;
    h->x[14] = 0;
    run_one(CSRRW(0, 0x180, 14));
    h->x[14] = satp;
    run_one(CSRRW(0, 0x180, 14));
    assert_in_range(loads_of_two(), 1, 199);
    h->satp = satp | 1ull << 44; /* another space has its own */
    assert_int_equal(loads_of_two(), 200);
}

/* Global ones are of every space, and outlive a fence for one. */
static void test_old_global_translations(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_TLB;
    turn_on(pte(DATA, RWX | G));
    fences(0, 0, false, false);
    poke(DATA, 1);
    poke(DATA + 0x8000, 2);
    assert_int_equal(loads_of_two(), 0);
    poke(entry_of(0, VA), pte(DATA + 0x8000, RWX | G));
    fences(0, 0, false, true);
    fences(VA, 0, true, true);
    h->satp |= 1ull << 44;
    assert_in_range(loads_of_two(), 1, 199);
    fences(VA, 0, true, false);
    assert_int_equal(loads_of_two(), 200);
}

static void test_old_instructions(void **state)
{
    (void)state;
    m->config.adversary = ADVERSARY_CODE;
    CODE_IS(ADDI(10, 10, 1), 0xffdff06f);
    run(10);
    CODE_IS(ADDI(10, 10, 100));
    h->x[10] = 0;
    run(10);
    assert_int_equal(h->x[10], 5);
    put_words(HANDLER, (const uint32_t[]){FENCE_I, LOOP}, 2);
    h->pc = HANDLER;
    run(1);
    h->pc = CODE;
    h->x[10] = 0;
    run(10);
    assert_int_equal(h->x[10], 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_permissions),
        BENCH(test_users),
        BENCH(test_sum),
        BENCH(test_mxr),
        BENCH(test_large_pages),
        BENCH(test_pointers_with_leaf_bits),
        BENCH(test_addresses_that_do_not_exist),
        BENCH(test_accessed_and_dirty),
        BENCH(test_fence),
        BENCH(test_fence_of_large_page),
        BENCH(test_spaces),
        BENCH(test_across_pages),
        BENCH(test_instruction_across_pages),
        BENCH(test_many_pages),
        BENCH(test_many_fences),
        BENCH(test_atomic_operations),
        BENCH(test_reservation_by_another_address),
        BENCH(test_devices),
        BENCH(test_old_translations),
        BENCH(test_old_translations_and_spaces),
        BENCH(test_old_global_translations),
        BENCH(test_old_instructions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
