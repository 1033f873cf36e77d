/*
 * The firmware's services: timer, inter-processor interrupts, remote fences,
 * hart start, reset and a console (RISC-V SBI 1.0, chapters 3 to 10).
 */
#include "arch/hal.h"
#include "arch/riscv/internal.h"
#include "lib/panic.h"
#include "lib/printf.h"

enum {
    SBI_CONSOLE_PUT = 1,
    SBI_CONSOLE_GET = 2,
    SBI_TIME = 0x54494d45,
    SBI_IPI = 0x735049,
    SBI_RFENCE = 0x52464e43,
    SBI_HSM = 0x48534d,
    SBI_SRST = 0x53525354,
};

/* The firmware's error, or 0. Its second result is ignored. */
static int64_t call(uint64_t extension, uint64_t function, uint64_t p0,
                    uint64_t p1, uint64_t p2, uint64_t p3)
{
    register uint64_t a0 __asm__("a0") = p0;
    register uint64_t a1 __asm__("a1") = p1;
    register uint64_t a2 __asm__("a2") = p2;
    register uint64_t a3 __asm__("a3") = p3;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
                     : "memory");
    return (int64_t)a0;
}

/* If the firmware refuses, panic: after a missing fence, harts would still use
 * freed memory. During a panic go on, as some harts may be lost. */
static void demand(int64_t error, const char *what)
{
    if (error && !panic_in_progress())
        panic("the firmware refuses %s (SBI error %ld)", what, (long)error);
}

void sbi_set_timer(uint64_t ticks)
{
    demand(call(SBI_TIME, 0, ticks, 0, 0, 0), "to set the timer");
}

void sbi_ask_harts(enum sbi_request request, uint64_t hart_mask,
                   uint64_t hart_base, uint64_t start, uint64_t size)
{
    if (request == SBI_INTERRUPT)
        demand(call(SBI_IPI, 0, hart_mask, hart_base, 0, 0), "an interrupt");
    else
        demand(call(SBI_RFENCE, request, hart_mask, hart_base, start, size),
               "a fence");
}

int64_t sbi_hart_start(uint64_t hardware_id, uint64_t physical, uint64_t opaque)
{
    /* Several harts need interrupts and fences: test both, on no hart. */
    int64_t error = call(SBI_IPI, 0, 0, 0, 0, 0);
    if (!error)
        error = call(SBI_RFENCE, SBI_FENCE_I, 0, 0, 0, 0);
    if (error)
        kprintf("calf: the firmware does not interrupt and fence harts\n");
    return error ? error : call(SBI_HSM, 0, hardware_id, physical, opaque, 0);
}

void hal_firmware_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        call(SBI_CONSOLE_PUT, 0, (uint8_t)text[i], 0, 0, 0);
}

int hal_firmware_read(void)
{
    return (int)call(SBI_CONSOLE_GET, 0, 0, 0, 0, 0);
}

_Noreturn void hal_halt(void)
{
    hal_irq_disable();
    for (;;)
        hal_wait();
}

_Noreturn void hal_power_off(bool restart)
{
    call(SBI_SRST, 0, restart, 0, 0, 0);
    panic("the firmware cannot power off or restart");
}
