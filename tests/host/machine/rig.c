/*
 * The bench of rig.h.
 */
/* flags: -Imachine */
/* sources: machine/adversary.c machine/bus.c */
/* sources: machine/code.c machine/csr.c machine/decode.c */
/* sources: machine/fdt.c machine/fp.c machine/fp_compare.c machine/fpu.c */
/* sources: machine/hart.c machine/machine.c machine/mmu.c machine/plic.c */
/* sources: machine/sbi.c machine/stores.c machine/uart.c machine/virtio.c */
/* sources: machine/virtio_devices.c */
#include <stdlib.h>
#include "rig.h"

struct machine *m;
struct hart *h;

static int setup(struct machine_config config)
{
    size_t size = machine_size(&config);
    if (!size || posix_memalign((void **)&m, 4096, size))
        return -1;
    memset(m, 0, size);
    machine_init(m, &config);
    h = &m->harts[0];
    m->turn_end = 1000;
    for (unsigned i = 0; i < config.harts; i++) {
        hart_start(&m->harts[i], CODE, i, 0);
        m->harts[i].tvec = HANDLER;
    }
    put_words(HANDLER, (const uint32_t[]){LOOP}, 1);
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
