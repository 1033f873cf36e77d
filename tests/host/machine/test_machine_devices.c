/*
 * Devices and firmware, as a kernel uses them; and the machine as one block
 * that can be copied.
 */
/* sources: tests/host/machine/rig.c kernel/dev/fdt.c kernel/dev/fdt_query.c */
#include <stdlib.h>
#include <string.h>
#include "dev/fdt.h"
#include "rig.h"

#define UART   (UART_BASE + 0ull)
#define DISK   (VIRTIO_BASE + 0ull)
#define RANDOM (VIRTIO_BASE + 7 * 0x1000ull)
#define RINGS  DATA
#define BUFFER (DATA + 0x4000)

static uint32_t get(uint64_t at, unsigned size)
{
    uint64_t value;
    assert_true(bus_load(m, at, size, &value));
    return (uint32_t)value;
}

static void set(uint64_t at, unsigned size, uint32_t value)
{
    assert_true(bus_store(m, at, size, value));
}

/* ---- Console ------------------------------------------------------------- */

static void test_console(void **state)
{
    uint8_t out[8];
    (void)state;
    assert_int_equal(get(UART + 5, 1) & 0x61, 0x60);
    set(UART, 1, 'a');
    set(UART, 1, 'b');
    assert_int_equal(machine_output(m, out, sizeof out), 2);
    assert_memory_equal(out, "ab", 2);
    set(UART + 1, 1, 1);
    assert_int_equal(get(UART + 2, 1) & 15, 1);
    assert_int_equal(machine_input(m, (const uint8_t *)"xy", 2), 2);
    assert_int_equal(m->plic.pending, 1u << UART_SOURCE);
    assert_int_equal(get(UART + 2, 1) & 15, 4);
    assert_int_equal(get(UART, 1), 'x');
    assert_int_equal(get(UART, 1), 'y');
    assert_int_equal(m->plic.pending, 0);
    assert_int_equal(get(UART + 5, 1) & 1, 0);
}

static void test_console_sent(void **state)
{
    (void)state;
    set(UART + 1, 1, 2); /* it is empty, so it says so at once */
    assert_int_equal(m->plic.pending, 1u << UART_SOURCE);
    assert_int_equal(get(UART + 2, 1) & 15, 2);
    assert_int_equal(get(UART + 2, 1) & 15, 1); /* and reading ended it */
    set(UART, 1, 'a');
    assert_int_equal(get(UART + 2, 1) & 15, 2);
}

static void test_console_divisor(void **state)
{
    (void)state;
    set(UART + 3, 1, 0x80);
    set(UART, 1, 7);
    set(UART + 1, 1, 1);
    set(UART + 3, 1, 3);
    assert_int_equal(m->uart.output_count, 0); /* it was the speed */
    assert_int_equal(get(UART + 1, 1), 0);
}

/* ---- Interrupt controller ------------------------------------------------ */

static void test_interrupts(void **state)
{
    uint64_t claim = PLIC_BASE + 0x201004ull; /* of context 1 */
    (void)state;
    set(PLIC_BASE + 4 * 3, 4, 1);
    set(PLIC_BASE + 4 * 5, 4, 2);
    set(PLIC_BASE + 0x2080, 4, 1 << 3 | 1 << 5);
    plic_level(m, 3, true);
    plic_level(m, 5, true);
    assert_true(plic_pending(&m->plic, 1));
    assert_false(plic_pending(&m->plic, 0));
    assert_int_equal(get(claim, 4), 5); /* the greater priority */
    assert_int_equal(get(claim, 4), 3);
    assert_int_equal(get(claim, 4), 0);
    plic_level(m, 5, false);
    set(claim, 4, 3);
    set(claim, 4, 5);
    assert_int_equal(get(claim, 4), 3); /* still high */
    set(claim, 4, 3);
    set(PLIC_BASE + 0x201000, 4, 1); /* a threshold */
    assert_false(plic_pending(&m->plic, 1));
}

/* ---- Virtio -------------------------------------------------------------- */

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

static void test_random_bytes(void **state)
{
    (void)state;
    start_device(RANDOM);
    assert_int_equal(get(RANDOM + 8, 4), 4);
    describe(0, BUFFER, 16, 2);
    offer(RANDOM, 1);
    assert_int_equal(peek(RINGS + 0x2000) >> 16 & 0xffff, 1);
    assert_true(peek(BUFFER) && peek(BUFFER) != peek(BUFFER + 8));
}

/* ---- Firmware ------------------------------------------------------------ */

static int64_t firmware(uint64_t extension, uint64_t function, uint64_t a0,
                        uint64_t a1, uint64_t a2)
{
    h->x[17] = extension;
    h->x[16] = function;
    h->x[10] = a0;
    h->x[11] = a1;
    h->x[12] = a2;
    h->x[13] = 4096;
    run_one(ECALL);
    return (int64_t)h->x[10];
}

static void test_firmware_base(void **state)
{
    (void)state;
    assert_int_equal(firmware(0x10, 0, 0, 0, 0), 0);
    assert_int_equal(h->x[11], 2 << 24);
    firmware(0x10, 3, 0x48534d, 0, 0);
    assert_int_equal(h->x[11], 1);
    firmware(0x10, 3, 0x12345, 0, 0);
    assert_int_equal(h->x[11], 0);
    assert_int_equal(firmware(0x12345, 0, 0, 0, 0), -2);
}

static void test_firmware_harts(void **state)
{
    struct hart *other = &m->harts[1];
    (void)state;
    assert_int_equal(firmware(0x48534d, 0, 1, CODE, 0), -6);
    other->state = HART_STOPPED;
    assert_int_equal(firmware(0x48534d, 2, 1, 0, 0), 0);
    assert_int_equal(h->x[11], 1);
    assert_int_equal(firmware(0x48534d, 0, 2, CODE, 0), -3);
    assert_int_equal(firmware(0x48534d, 0, 1, 0x1000, 0), -5);
    other->satp = 1;
    assert_int_equal(firmware(0x48534d, 0, 1, CODE, 42), 0);
    assert_int_equal(other->pc, CODE);
    assert_int_equal(other->x[10], 1);
    assert_int_equal(other->x[11], 42);
    assert_int_equal(other->satp, 0);
}

static void test_firmware_interrupts(void **state)
{
    (void)state;
    assert_int_equal(firmware(0x735049, 0, 1, 1, 0), 0);
    assert_true(m->harts[1].software);
    assert_false(h->software);
    assert_int_equal(firmware(0x735049, 0, 4, 0, 0), -3);
    assert_int_equal(firmware(0x735049, 0, 1, 1ull << 40, 0), -3);
    assert_int_equal(firmware(0x735049, 0, 0, UINT64_MAX, 0), 0);
    assert_true(h->software);
}

static void test_firmware_fence(void **state)
{
    struct hart *other = &m->harts[1];
    (void)state;
    mmu_remember(m, other, DATA, ACCESS_LOAD, 0);
    uint64_t before =
        other->tlb[other->view][ACCESS_LOAD][DATA >> 12 & 255].tag;
    assert_int_equal(firmware(0x52464e43, 1, 1, 1, DATA), 0);
    assert_int_not_equal(
        other->tlb[other->view][ACCESS_LOAD][DATA >> 12 & 255].tag, before);
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
        int64_t error = firmware(0x48534d, 0, 1, HANDLER + 64, 0);
        assert_true(error == 0 || error == -1);
        assert_int_equal(other->state == HART_STOPPED, error == -1);
        failed += error == -1;
        hart_start(other, HANDLER + 64, 0, 0);
        mmu_remember(m, other, DATA, ACCESS_LOAD, 0);
        const uint64_t *tag =
            &other->tlb[other->view][ACCESS_LOAD][DATA >> 12 & 255].tag;
        uint64_t before = *tag;
        m->turn = 0;
        firmware(0x52464e43, 1, 2, 0, DATA);
        slow += h->pc == CODE; /* the call is still to be made */
        assert_int_equal(finished(), 0);
        assert_int_not_equal(*tag, before);
        other->software = false;
        firmware(0x735049, 0, 2, 0, 0);
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

static void test_firmware_off(void **state)
{
    (void)state;
    assert_int_equal(firmware(0x53525354, 0, 5, 0, 0), -3);
    firmware(0x53525354, 0, 0, 0, 0);
    assert_int_equal(machine_run(m, 100), MACHINE_OFF);
}

static void test_firmware_console(void **state)
{
    uint8_t out[8];
    (void)state;
    poke(BUFFER, 0x6f6c6c6568); /* hello */
    assert_int_equal(firmware(0x4442434e, 0, 5, BUFFER, 0), 0);
    assert_int_equal(h->x[11], 5);
    assert_int_equal(machine_output(m, out, sizeof out), 5);
    assert_memory_equal(out, "hello", 5);
    assert_int_equal(firmware(0x4442434e, 0, 5, 0x1000, 0), -3);
    assert_int_equal(firmware(2, 0, 0, 0, 0), -1);
    machine_input(m, (const uint8_t *)"k", 1);
    assert_int_equal(firmware(2, 0, 0, 0, 0), 'k');
}

/* ---- The device tree, read by the kernel's reader ------------------------ */

static void test_device_tree(void **state)
{
    struct fdt fdt;
    uint64_t base, size;
    uint32_t value;
    (void)state;
    assert_true(machine_boot(m, DATA, 100, "a command"));
    assert_int_equal(fdt_open(&fdt, machine_ram(m, h->x[11], 65536), 65536), 0);
    int chosen = fdt_find_path(&fdt, "/chosen");
    assert_string_equal(fdt_string(&fdt, chosen, "bootargs"), "a command");
    assert_int_equal(fdt_u64(&fdt, chosen, "linux,initrd-end", &base), 0);
    assert_int_equal(base, DATA + 100);
    int serial = fdt_find_path(&fdt, fdt_string(&fdt, chosen, "stdout-path"));
    assert_int_equal(fdt_reg(&fdt, serial, 0, &base, &size), 0);
    assert_int_equal(base, UART_BASE);
    assert_int_equal(fdt_cell(&fdt, serial, "interrupts", 0, &value), 0);
    assert_int_equal(value, UART_SOURCE);
    assert_true(fdt_find_path(&fdt, "/cpus/cpu@1") >= 0);
    assert_true(fdt_find_path(&fdt, "/cpus/cpu@2") < 0);
    int ram = fdt_find_path(&fdt, "/memory@80000000");
    assert_int_equal(fdt_reg(&fdt, ram, 0, &base, &size), 0);
    assert_int_equal(size, 16 << 20);
}

static void test_tree_too_large(void **state)
{
    char *line = malloc(70000);
    (void)state;
    memset(line, 'x', 69999);
    line[69999] = 0;
    assert_false(machine_boot(m, 0, 0, line));
    free(line);
}

/* ---- As one block -------------------------------------------------------- */

static void test_copied(void **state)
{
    struct machine *first = m, *copy = NULL;
    (void)state;
    CODE_IS(ADDI(10, 10, 1), SD(10, 11, 0), 0xff9ff06f);
    h->x[11] = m->harts[1].x[11] = DATA;
    run(12345);
    assert_int_equal(posix_memalign((void **)&copy, 4096, m->size), 0);
    memcpy(copy, m, m->size);
    run(54321);
    memset(&m->config, 0, sizeof m->config);
    m = copy;
    machine_run(m, 30000); /* in other pieces */
    run(12345 + 54321 - 30000);
    assert_int_equal(m->now, first->now);
    assert_memory_equal(m->harts[0].x, first->harts[0].x, sizeof h->x);
    assert_memory_equal(m->harts[1].x, first->harts[1].x, sizeof h->x);
    assert_int_equal(m->turn, first->turn);
    free(copy);
    m = first;
}

static void test_turns_by_seed(void **state)
{
    uint64_t turns[2][100];
    (void)state;
    CODE_IS(LOOP);
    for (unsigned round = 0; round < 2; round++) {
        m->config.seed = m->random = 5;
        for (unsigned i = 0; i < 100; i++) {
            m->turn_end = m->now;
            run(1);
            turns[round][i] = m->turn_end - m->now;
        }
    }
    assert_memory_equal(turns[0], turns[1], sizeof turns[0]);
    assert_int_not_equal(turns[0][0], turns[0][1]);
}

static void test_configurations(void **state)
{
    struct machine_config good = {.harts = 8, .ram = 16 << 20}, bad = good;
    (void)state;
    assert_true(machine_size(&good) > 16 << 20);
    bad.harts = 9;
    assert_int_equal(machine_size(&bad), 0);
    bad = good;
    bad.ram = 4096;
    assert_int_equal(machine_size(&bad), 0);
    bad = good;
    bad.disks = 1;
    bad.disk_size[0] = 100;
    assert_int_equal(machine_size(&bad), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_console),
        BENCH(test_console_sent),
        BENCH(test_console_divisor),
        BENCH_TWO(test_interrupts),
        BENCH_DISK(test_disk),
        BENCH_DISK(test_disk_flush),
        BENCH_DISK(test_late_disk),
        BENCH_DISK(test_nonsense_in_a_queue),
        BENCH(test_random_bytes),
        BENCH(test_firmware_base),
        BENCH_TWO(test_firmware_harts),
        BENCH_TWO(test_firmware_interrupts),
        BENCH_TWO(test_firmware_fence),
        BENCH_TWO(test_difficult_firmware),
        BENCH(test_firmware_off),
        BENCH(test_firmware_console),
        BENCH_TWO(test_device_tree),
        BENCH(test_tree_too_large),
        BENCH_TWO(test_copied),
        BENCH_TWO(test_turns_by_seed),
        BENCH(test_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
