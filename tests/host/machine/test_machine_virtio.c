/*
 * Virtio over MMIO, as a driver uses it and as it must not (Virtual I/O Device
 * 1.1, sections 2, 4.2 and 5.2).
 */
/* sources: tests/host/machine/rig.c */
#include <string.h>
#include "rig.h"

#define DISK   (VIRTIO_BASE + 0ull)
#define RANDOM (VIRTIO_BASE + 7 * 0x1000ull)
#define EMPTY  (VIRTIO_BASE + 4 * 0x1000ull)
#define RINGS  DATA
#define BUFFER (DATA + 0x4000)

static void start_device(uint64_t base)
{
    static const uint32_t places[] = {RINGS - MACHINE_RAM_BASE, 0x1000, 0x2000};
    assert_int_equal(get(base, 4), 0x74726976);
    assert_int_equal(get(base + 4, 4), 2);
    set(base + 0x70, 4, 3);
    set(base + 0x24, 4, 1);
    set(base + 0x20, 4, 1); /* the version */
    set(base + 0x70, 4, 11);
    assert_int_equal(get(base + 0x70, 4), 11);
    set(base + 0x38, 4, 8);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t at = (uint32_t)RINGS + (i ? places[i] : 0);
        set(base + 0x80 + 0x10 * i, 4, at);
    }
    set(base + 0x44, 4, 1);
    set(base + 0x70, 4, 15);
}

static void describe(unsigned n, uint64_t at, uint32_t length, unsigned flags)
{
    poke(RINGS + n * 16, at);
    poke(RINGS + n * 16 + 8,
         length | (uint64_t)flags << 32 | (uint64_t)(n + 1) << 48);
}

/* Offers the chain that begins at descriptor 0, as the nth. */
static void offer(uint64_t base, unsigned n)
{
    poke(RINGS + 0x1000, (uint64_t)n << 16);
    set(base + 0x50, 4, 0);
}

/* One request of one sector, or of `length` bytes; its outcome. */
static unsigned disk_request(unsigned n, unsigned type, uint64_t sector,
                             uint32_t length)
{
    poke(BUFFER, type);
    poke(BUFFER + 8, sector);
    poke(BUFFER + 16, 0xff);
    describe(0, BUFFER, 16, 1);
    describe(1, BUFFER + 0x1000, length, type ? 1 : 3);
    describe(2, BUFFER + 16, 1, 2);
    offer(DISK, n);
    assert_int_equal(get(DISK + 0x60, 4), 1);
    set(DISK + 0x64, 4, 1);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, n);
    return (unsigned)peek(BUFFER + 16) & 0xff;
}

static void test_disk(void **state)
{
    uint64_t at, size;
    (void)state;
    start_device(DISK);
    assert_int_equal(get(DISK + 0x100, 4), 128);
    poke(BUFFER + 0x1000, 4711);
    assert_int_equal(disk_request(1, 1, 9, 512), 0);
    assert_int_equal(*((uint64_t *)machine_disk(m, 0) + 9 * 64), 4711);
    poke(BUFFER + 0x1000, 0);
    assert_int_equal(disk_request(2, 0, 9, 512), 0);
    assert_int_equal(peek(BUFFER + 0x1000), 4711);
    assert_int_equal(disk_request(3, 0, 128, 512), 1); /* outside */
    assert_int_equal(disk_request(4, 0, UINT64_MAX / 512, 512), 1);
    assert_int_equal(disk_request(5, 1, 0, 100), 1); /* no whole sectors */
    assert_int_equal(disk_request(6, 77, 0, 512), 2);
    assert_true(machine_disk_written(m, 0, &at, &size));
    assert_int_equal(at, 4096);
    assert_int_equal(size, 4096);
    assert_false(machine_disk_written(m, 0, &at, &size));
}

static void test_disk_flush(void **state)
{
    (void)state;
    CODE_IS(LOOP);
    start_device(DISK);
    assert_int_equal(disk_request(1, 1, 0, 512), 0);
    assert_int_equal(disk_request(2, 4, 0, 0), 0);
    assert_int_equal(machine_run(m, 10), MACHINE_FLUSH);
    assert_int_equal(machine_run(m, 10), MACHINE_LIMIT);
}

static void needs_reset(uint64_t base)
{
    assert_int_equal(get(base + 0x70, 4) & 64, 64);
    assert_int_equal(get(base + 0x60, 4) & 2, 2);
    set(base + 0x70, 4, 0);
    assert_int_equal(get(base + 0x70, 4), 0);
    start_device(base);
}

static void test_nonsense_in_a_queue(void **state)
{
    (void)state;
    start_device(DISK);
    describe(0, 0x1000, 16, 0); /* not in memory */
    offer(DISK, 1);
    needs_reset(DISK);
    describe(0, BUFFER, 16, 1);
    poke(RINGS + 8, 16 | 1ull << 32 | 0ull << 48); /* a circle */
    offer(DISK, 1);
    needs_reset(DISK);
    poke(RINGS + 8, 16 | 1ull << 32 | 99ull << 48); /* out of the table */
    offer(DISK, 1);
    needs_reset(DISK);
    describe(0, BUFFER, 16, 0); /* a chain with no place for an outcome */
    offer(DISK, 1);
    assert_int_equal(get(DISK + 0x70, 4), 15);
}

static void test_random_bytes(void **state)
{
    (void)state;
    start_device(RANDOM);
    assert_int_equal(get(RANDOM + 8, 4), 4);
    describe(0, BUFFER, 16, 2);
    offer(RANDOM, 1);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, 1);
    assert_true(peek(BUFFER) && peek(BUFFER) != peek(BUFFER + 8));
    describe(0, BUFFER, 1 << 20, 2); /* it gives what it likes */
    offer(RANDOM, 2);
    assert_in_range(peek(RINGS + 0x2000 + 12) >> 32, 1, 1 << 20);
}

/* ---- The transport ------------------------------------------------------- */

static void test_features(void **state)
{
    (void)state;
    set(DISK + 0x14, 4, 2);
    assert_int_equal(get(DISK + 0x10, 4), 0);
    set(DISK + 0x14, 4, 1);
    assert_int_equal(get(DISK + 0x10, 4), 1);
    set(DISK + 0x70, 4, 11); /* without the version */
    assert_int_equal(get(DISK + 0x70, 4), 3);
    set(DISK + 0x24, 4, 1);
    set(DISK + 0x20, 4, 3); /* and one that is not offered */
    set(DISK + 0x70, 4, 11);
    assert_int_equal(get(DISK + 0x70, 4), 3);
    set(DISK + 0x20, 4, 1);
    set(DISK + 0x70, 4, 11);
    assert_int_equal(get(DISK + 0x70, 4), 11);
}

static void test_registers(void **state)
{
    uint64_t value;
    (void)state;
    assert_int_equal(get(EMPTY, 4), 0x74726976);
    assert_int_equal(get(EMPTY + 8, 4), 0);
    set(EMPTY + 0x70, 4, 3);
    assert_int_equal(get(EMPTY + 0x70, 4), 0);
    assert_int_equal(get(DISK + 0x34, 4), PIECES);
    set(DISK + 0x30, 4, 1); /* queue 1: none */
    assert_int_equal(get(DISK + 0x34, 4), 0);
    set(DISK + 0x38, 4, 8);
    set(DISK + 0x44, 4, 1);
    assert_int_equal(get(DISK + 0x44, 4), 0);
    set(DISK + 0x30, 4, 0);
    assert_int_equal(get(DISK + 0x44, 4), 0);
    /* Registers are words; what a device has by itself is not. */
    assert_false(bus_load(m, DISK, 1, &value));
    assert_false(bus_load(m, DISK, 8, &value));
    assert_false(bus_load(m, DISK + 2, 4, &value));
    assert_false(bus_store(m, DISK + 0x70, 1, 1));
    assert_int_equal(get(DISK + 0x100, 1), 128);
    assert_int_equal(get(DISK + 0x101, 1), 0);
    assert_int_equal(get(DISK + 0x10c, 4), PIECES - 2);
}

static void test_queue_sizes(void **state)
{
    static const uint32_t bad[] = {0, PIECES + 1, UINT32_MAX};
    (void)state;
    start_device(DISK);
    for (unsigned i = 0; i < 3; i++) {
        set(DISK + 0x38, 4, bad[i]); /* of a queue that is in use, too */
        describe(0, BUFFER, 16, 0);
        offer(DISK, 1);
        assert_int_equal(peek(RINGS + 0x2000), 0);
        set(DISK + 0x44, 4, 1);
        assert_int_equal(get(DISK + 0x44, 4), 0);
    }
    set(DISK + 0x38, 4, PIECES);
    set(DISK + 0x44, 4, 1);
    assert_int_equal(get(DISK + 0x44, 4), 1);
}

static void test_reset(void **state)
{
    (void)state;
    start_device(DISK);
    assert_int_equal(disk_request(1, 1, 0, 512), 0);
    describe(0, BUFFER, 16, 0);
    offer(DISK, 2);
    assert_int_equal(get(DISK + 0x60, 4), 1);
    assert_int_equal(m->plic.levels, 1 << 1);
    set(DISK + 0x70, 4, 0);
    assert_int_equal(get(DISK + 0x60, 4), 0);
    assert_int_equal(get(DISK + 0x44, 4), 0);
    assert_int_equal(m->plic.levels, 0);
    memset(machine_ram(m, RINGS, 0x3000), 0, 0x3000);
    start_device(DISK); /* from the first entry of its rings */
    assert_int_equal(disk_request(1, 1, 0, 512), 0);
}

static void test_notified_too_early(void **state)
{
    (void)state;
    start_device(DISK);
    set(DISK + 0x70, 4, 11); /* the driver is not ready */
    describe(0, BUFFER, 16, 0);
    offer(DISK, 1);
    assert_int_equal(peek(RINGS + 0x2000), 0);
    set(DISK + 0x70, 4, 15);
    set(DISK + 0x50, 4, 1); /* another queue */
    assert_int_equal(peek(RINGS + 0x2000), 0);
    set(DISK + 0x50, 4, 0);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, 1);
}

/* Round and round: numbers of 16 bits in rings of 8. */
static void test_rings_wrap(void **state)
{
    (void)state;
    start_device(DISK);
    for (unsigned n = 1; n < 70000; n++) {
        describe(0, BUFFER, 16, 1);
        describe(1, BUFFER + 16, 1, 2);
        poke(BUFFER, 4);
        poke(RINGS + 0x1000, (uint64_t)(n & 0xffff) << 16);
        set(DISK + 0x50, 4, 0);
        assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, n & 0xffff);
    }
    assert_int_equal(get(DISK + 0x70, 4), 15);
}

static void test_no_interrupt(void **state)
{
    (void)state;
    start_device(DISK);
    describe(0, BUFFER, 16, 0);
    poke(RINGS + 0x1000, 1 | 1 << 16);
    set(DISK + 0x50, 4, 0);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, 1);
    assert_int_equal(get(DISK + 0x60, 4), 0);
}

/* ---- Chains -------------------------------------------------------------- */

/* The pieces of a chain may end anywhere. */
static void test_many_pieces(void **state)
{
    (void)state;
    start_device(DISK);
    poke(BUFFER, 0);
    poke(BUFFER + 8, 3);
    memset((uint8_t *)machine_disk(m, 0) + 3 * SECTOR, 0x5a, SECTOR);
    describe(0, BUFFER, 7, 1);
    describe(1, BUFFER + 7, 9, 1);
    describe(2, BUFFER + 0x1000, 0, 3);
    describe(3, BUFFER + 0x1000, 500, 3);
    describe(4, BUFFER + 0x2000, 13, 2); /* the outcome is the last */
    offer(DISK, 1);
    assert_int_equal(peek(BUFFER + 0x1000 + 492), 0x5a5a5a5a5a5a5a5a);
    assert_int_equal(peek(BUFFER + 0x2004), 0x5a5a5a5a5a5a5a5a);
    assert_int_equal(peek(BUFFER + 0x200c), 0);
    assert_int_equal(peek(RINGS + 0x2000 + 4) >> 32, 513);
}

static void test_longest_chain(void **state)
{
    (void)state;
    start_device(RANDOM);
    set(RANDOM + 0x38, 4, PIECES);
    set(RANDOM + 0x44, 4, 1);
    for (unsigned i = 0; i < PIECES; i++)
        describe(i, BUFFER + 8 * i, 8, i == PIECES - 1 ? 2 : 3);
    offer(RANDOM, 1);
    assert_int_equal(peek(RINGS + 0x2000 + 4) >> 32, 8 * PIECES);
    describe(PIECES - 1, BUFFER, 8, 3); /* and out of the table */
    offer(RANDOM, 2);
    needs_reset(RANDOM);
}

/* All at once of a ring of 8, but never more than it has. */
static void test_more_than_there_is_room_for(void **state)
{
    (void)state;
    start_device(DISK);
    describe(0, BUFFER, 16, 0);
    offer(DISK, 8);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, 8);
    offer(DISK, 17);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, 8);
    needs_reset(DISK);
}

static void test_rings_in_no_memory(void **state)
{
    (void)state;
    start_device(DISK);
    set(DISK + 0xa4, 4, 0x12345678); /* the used ring */
    describe(0, BUFFER, 16, 0);
    offer(DISK, 1);
    needs_reset(DISK);
    set(DISK + 0x84, 4, UINT32_MAX); /* the table */
    offer(DISK, 1);
    needs_reset(DISK);
    set(DISK + 0x94, 4, 1); /* what is offered: nothing, it seems */
    offer(DISK, 1);
    assert_int_equal(get(DISK + 0x70, 4), 15);
}

static void test_short_header(void **state)
{
    (void)state;
    start_device(DISK);
    describe(0, BUFFER, 15, 1);
    describe(1, BUFFER + 16, 1, 2);
    poke(BUFFER + 16, 0xff);
    offer(DISK, 1);
    assert_int_equal(peek(BUFFER + 16), 1);
}

/* A disk that is clean does not make another's flush forgotten. */
static void test_two_flushes(void **state)
{
    (void)state;
    CODE_IS(LOOP);
    start_device(DISK);
    assert_int_equal(disk_request(1, 1, 0, 512), 0);
    assert_int_equal(disk_request(2, 4, 0, 0), 0);
    m->disks[0].written = false;
    assert_int_equal(disk_request(3, 4, 0, 0), 0);
    assert_int_equal(machine_run(m, 10), MACHINE_FLUSH);
}

/* ---- What a device writes is seen ---------------------------------------- */

static void test_instructions_from_a_disk(void **state)
{
    uint32_t word = ADDI(10, 0, 7);
    (void)state;
    put_words(BUFFER + 0x1000, (const uint32_t[]){LOOP}, 1);
    h->pc = BUFFER + 0x1000;
    run(1);
    memcpy(machine_disk(m, 0), &word, sizeof word);
    start_device(DISK);
    assert_int_equal(disk_request(1, 0, 0, 512), 0);
    h->pc = BUFFER + 0x1000;
    run(1);
    assert_int_equal(h->x[10], 7);
}

static void test_reservation_ends(void **state)
{
    (void)state;
    start_device(DISK);
    h->x[10] = DATA + 0x8000;
    run_one(AMO(AMO_LR, 8, 12, 10, 0));
    assert_true(h->reservation_size);
    assert_int_equal(disk_request(1, 0, 0, 512), 0);
    run_one(AMO(AMO_SC, 8, 13, 10, 0));
    assert_int_equal(h->x[13], 1);
}

/* Two requests, each one sector, of one notification; which is used first? */
static unsigned first_of_two(unsigned n)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = BUFFER + i * 64;
        poke(at, 0);
        poke(at + 8, i);
        describe(3 * i, at, 16, 1);
        describe(3 * i + 1, BUFFER + 0x1000 * (i + 1), 512, 3);
        describe(3 * i + 2, at + 16, 1, 2);
    }
    /* The ring of 8 has 0, 3, 0, 3... */
    poke(RINGS + 0x1000, (2 * n + 2ull) << 16 | 3ull << 48);
    poke(RINGS + 0x1008, 3ull << 16 | 3ull << 48);
    poke(RINGS + 0x1010, 3ull << 16);
    set(DISK + 0x50, 4, 0);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, 2 * n);
    while ((peek(RINGS + 0x2000) >> 16 & 0xffff) < 2 * n + 2)
        run(100);
    assert_int_equal(get(DISK + 0x60, 4), 1);
    return *(uint32_t *)machine_ram(m, RINGS + 0x2004 + 2 * n % 8 * 8, 4);
}

static void test_late_disk(void **state)
{
    unsigned second = 0;
    (void)state;
    CODE_IS(LOOP);
    m->config.adversary = ADVERSARY_DEVICES;
    start_device(DISK);
    for (unsigned n = 0; n < 100; n++)
        second += first_of_two(n) == 3;
    assert_in_range(second, 10, 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_DISK(test_disk),
        BENCH_DISK(test_disk_flush),
        BENCH_DISK(test_nonsense_in_a_queue),
        BENCH(test_random_bytes),
        BENCH_DISK(test_features),
        BENCH_DISK(test_registers),
        BENCH_DISK(test_queue_sizes),
        BENCH_DISK(test_reset),
        BENCH_DISK(test_notified_too_early),
        BENCH_DISK(test_rings_wrap),
        BENCH_DISK(test_no_interrupt),
        BENCH_DISK(test_many_pieces),
        BENCH(test_longest_chain),
        BENCH_DISK(test_more_than_there_is_room_for),
        BENCH_DISK(test_rings_in_no_memory),
        BENCH_DISK(test_short_header),
        BENCH_DISK(test_two_flushes),
        BENCH_DISK(test_instructions_from_a_disk),
        BENCH_DISK(test_reservation_ends),
        BENCH_DISK(test_late_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
