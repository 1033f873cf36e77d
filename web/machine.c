/*
 * The machine as WebAssembly: one of them in a memory of its own, and what C
 * wants of a library. Everything else that machine.h declares is exported as it
 * is (see the Makefile); web/machine.mjs calls it.
 */
#include "private.h"

#define EXPORT(name) __attribute__((export_name(#name))) name
#define WASM_PAGE    65536u

extern uint8_t __heap_base; /* the linker's: behind all data and the stack */

static struct machine_config config;

/* For what machine.h passes by address. */
static uint8_t scratch[WASM_PAGE];

uint8_t *EXPORT(wasm_scratch)(void)
{
    return scratch;
}

uint32_t EXPORT(wasm_scratch_size)(void)
{
    return sizeof scratch;
}

/* Before wasm_make: one more disk; false if there are too many. */
bool EXPORT(wasm_add_disk)(uint64_t size)
{
    if (config.disks == MACHINE_DISKS)
        return false;
    config.disk_size[config.disks++] = size;
    return true;
}

/* Once. NULL: there is no such machine, or no memory for it. */
struct machine *EXPORT(wasm_make)(uint32_t harts, uint64_t ram, uint64_t seed,
                                  uint32_t quantum, uint32_t per_tick,
                                  uint32_t adversary, uint64_t epoch)
{
    uintptr_t at = (uintptr_t)&__heap_base + PAGE_SIZE - 1;
    struct machine *m = (struct machine *)(at & ~(uintptr_t)(PAGE_SIZE - 1));
    config.harts = harts;
    config.ram = ram;
    config.seed = seed;
    config.quantum = quantum;
    config.per_tick = per_tick;
    config.adversary = adversary;
    config.epoch = epoch;
    uint64_t size = machine_size(&config);
    uint64_t pages = ((uintptr_t)m + size + WASM_PAGE - 1) / WASM_PAGE;
    uint64_t more = pages - __builtin_wasm_memory_size(0);
    if (!size || __builtin_wasm_memory_grow(0, (size_t)more) == SIZE_MAX)
        return NULL;
    machine_init(m, &config);
    return m;
}

/* Bytes from wasm_make's result on that are the machine, all of it. */
uint32_t EXPORT(wasm_size)(void)
{
    return machine_size(&config);
}

/* ---- What compilers and the machine call --------------------------------- */

void *memcpy(void *to, const void *from, size_t size)
{
    return __builtin_memcpy(to, from, size); /* an instruction */
}

void *memset(void *to, int byte, size_t size)
{
    return __builtin_memset(to, byte, size);
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;
    while (size && *x == *y)
        x++, y++, size--;
    return size ? *x - *y : 0;
}

/* The product of 128 bits, by which an overflow of 64 is noticed. */
unsigned __int128 __multi3(unsigned __int128 a, unsigned __int128 b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    uint64_t high =
        multiply_high(x, y) + x * (uint64_t)(b >> 64) + (uint64_t)(a >> 64) * y;
    return (unsigned __int128)high << 64 | x * y;
}
