/*
 * The bench of rig.h.
 */
/* sources: tests/host/machine/block.c */
#include <stdlib.h>
#include "rig.h"

struct machine *m;
struct hart *h;

static int setup(struct machine_config config)
{
    m = block_new(&config);
    if (!m)
        return -1;
    h = &m->harts[0];
    return 0;
}

int rig_setup(void **state)
{
    (void)state;
    return setup((struct machine_config){.harts = 1, .ram = 16 << 20});
}

int rig_setup_two(void **state)
{
    (void)state;
    return setup((struct machine_config){.harts = 2, .ram = 16 << 20});
}

int rig_setup_disk(void **state)
{
    (void)state;
    return setup((struct machine_config){
        .harts = 1, .ram = 16 << 20, .disks = 1, .disk_size = {64 << 10}});
}

int rig_teardown(void **state)
{
    (void)state;
    free(m);
    return 0;
}

void put_words(uint64_t physical, const uint32_t *words, unsigned count)
{
    void *at = machine_ram(m, physical, count * sizeof *words);
    assert_non_null(at);
    code_written(m, physical - MACHINE_RAM_BASE, count * sizeof *words);
    memcpy(at, words, count * sizeof *words);
}

uint64_t peek(uint64_t physical)
{
    uint64_t value;
    memcpy(&value, machine_ram(m, physical, sizeof value), sizeof value);
    return value;
}

void poke(uint64_t physical, uint64_t value)
{
    memcpy(machine_ram(m, physical, sizeof value), &value, sizeof value);
}

void run(unsigned count)
{
    machine_run(m, machine_now(m) + count);
}

void run_one(uint32_t word)
{
    put_words(CODE, &word, 1);
    h->pc = CODE;
    run(1);
}

void must_trap(uint32_t word, uint64_t cause, uint64_t value)
{
    h->cause = h->tval = h->epc = 99;
    run_one(word);
    assert_int_equal(h->pc, HANDLER);
    assert_int_equal(h->cause, cause);
    assert_int_equal(h->tval, value);
    assert_int_equal(h->epc, CODE);
}

uint32_t get(uint64_t at, unsigned size)
{
    uint64_t value;
    assert_true(bus_load(m, at, size, &value));
    return (uint32_t)value;
}

void set(uint64_t at, unsigned size, uint32_t value)
{
    assert_true(bus_store(m, at, size, value));
}
