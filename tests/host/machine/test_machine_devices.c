/*
 * Console and interrupt controller, the device tree; and the machine as one
 * block that can be copied.
 */
/* sources: tests/host/machine/rig.c kernel/dev/fdt.c kernel/dev/fdt_query.c */
#include <stdlib.h>
#include <string.h>
#include "dev/fdt.h"
#include "rig.h"

#define UART (UART_BASE + 0ull)

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
    assert_int_equal(m->plic.levels, 0);
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
    assert_int_equal(m->uart.output.count, 0); /* it was the speed */
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
    assert_int_equal(get(claim, 4), 3); /* which does not count here */
}

/* What was forwarded stays, though the device no longer means it. */
static void test_interrupts_that_end(void **state)
{
    uint64_t claim = PLIC_BASE + 0x200004ull;
    (void)state;
    set(PLIC_BASE + 4 * 3, 4, 1);
    set(PLIC_BASE + 0x2000, 4, 1 << 3);
    plic_level(m, 3, true);
    plic_level(m, 3, false);
    assert_int_equal(get(PLIC_BASE + 0x1000, 4), 1 << 3);
    assert_int_equal(get(claim, 4), 3);
    plic_level(m, 3, true); /* not again before it is completed */
    assert_int_equal(get(claim, 4), 0);
    plic_level(m, 3, false);
    set(claim, 4, 3);
    assert_int_equal(get(claim, 4), 0);
}

static void test_interrupts_by_number(void **state)
{
    uint64_t claim = PLIC_BASE + 0x200004ull;
    (void)state;
    set(PLIC_BASE + 0x2000, 4, UINT32_MAX);
    assert_int_equal(get(PLIC_BASE + 0x2000, 4), UINT32_MAX - 1);
    set(PLIC_BASE + 4 * 7, 4, 1);
    set(PLIC_BASE + 4 * 4, 4, 1);
    plic_level(m, 7, true);
    plic_level(m, 4, true);
    plic_level(m, 2, true); /* of priority 0: never */
    assert_int_equal(get(claim, 4), 4);
    assert_int_equal(get(claim, 4), 7);
    assert_int_equal(get(claim, 4), 0);
    set(PLIC_BASE + 0x2000, 4, 1 << 7);
    set(claim, 4, 4); /* not enabled: not completed */
    set(claim, 4, 0);
    set(claim, 4, 32);
    set(PLIC_BASE + 0x2000, 4, UINT32_MAX);
    assert_int_equal(get(claim, 4), 0);
    set(claim, 4, 4);
    assert_int_equal(get(claim, 4), 4);
}

/* Nothing is where no hart is, nor behind the last source. */
static void test_no_such_context(void **state)
{
    static const uint32_t places[] = {0, 0x80, 0x2080, 0x201000, 0x5ff000};
    (void)state;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        set(PLIC_BASE + places[i], 4, UINT32_MAX);
        assert_int_equal(get(PLIC_BASE + places[i], 4), 0);
    }
    set(PLIC_BASE + 4, 4, UINT32_MAX);
    assert_int_equal(get(PLIC_BASE + 4, 4), 7);
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
    bad.ram = UINT64_MAX - 4095;
    assert_int_equal(machine_size(&bad), 0);
    bad = good;
    bad.disks = 1;
    bad.disk_size[0] = 100;
    assert_int_equal(machine_size(&bad), 0);
    bad.disk_size[0] = UINT64_MAX - 511;
    assert_int_equal(machine_size(&bad), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(test_console),
        BENCH(test_console_sent),
        BENCH(test_console_divisor),
        BENCH_TWO(test_interrupts),
        BENCH(test_interrupts_that_end),
        BENCH(test_interrupts_by_number),
        BENCH(test_no_such_context),
        BENCH_TWO(test_device_tree),
        BENCH(test_tree_too_large),
        BENCH_TWO(test_copied),
        BENCH_TWO(test_turns_by_seed),
        BENCH(test_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
