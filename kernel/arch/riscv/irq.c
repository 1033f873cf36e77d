/*
 * Device interrupts through a PLIC (RISC-V Platform-Level Interrupt
 * Controller Specification 1.0.0, memory map of chapter 3). All go to the boot
 * hart, which claims one after another until none is left.
 */
#include "arch/hal.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/internal.h"

static uintptr_t plic;
static unsigned context;

#define PLIC_PRIORITY(n) (plic + 4ul * (n))
#define PLIC_ENABLE(n)   (plic + 0x2000 + 0x80ul * context + (n) / 32 * 4)
#define PLIC_THRESHOLD   (plic + 0x200000 + 0x1000ul * context)
#define PLIC_CLAIM       (PLIC_THRESHOLD + 4)

void hal_interrupts_init(uint64_t base, unsigned boot_context)
{
    plic = (uintptr_t)hal_phys_to_virt(base);
    context = boot_context;
    hal_write32(PLIC_THRESHOLD, 0);
    csr_set(sie, SIE_EXTERNAL);
}

void hal_interrupt_enable(unsigned number)
{
    if (!plic)
        return;
    hal_write32(PLIC_PRIORITY(number), 1);
    uint32_t bits = hal_read32(PLIC_ENABLE(number));
    hal_write32(PLIC_ENABLE(number), bits | 1u << number % 32);
}

void irq_external(void)
{
    uint32_t number;
    while ((number = hal_read32(PLIC_CLAIM))) {
        hal_upcall_interrupt(number);
        hal_write32(PLIC_CLAIM, number);
    }
}
