/*
 * Time: the `time` counter, and a timer interrupt for each hart, set by the
 * hart's own compare register (Sstc) or through the firmware.
 */
#include "arch/hal.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/internal.h"

static uint64_t frequency = 10000000;
uint64_t timer_nanoseconds = 100;
static bool has_sstc;

void hal_time_init(uint64_t hertz, bool sstc)
{
    frequency = hertz;
    timer_nanoseconds = 1000000000 % hertz ? 0 : 1000000000 / hertz;
    has_sstc = sstc;
    timer_hart_setup();
}

uint64_t timer_convert(uint64_t count)
{
    return count / frequency * 1000000000 +
           count % frequency * 1000000000 / frequency;
}

static void set_compare(uint64_t count)
{
    if (has_sstc)
        csr_write(0x14d, count); /* stimecmp: assemblers lack the name */
    else
        sbi_set_timer(count);
}

void hal_timer_arm(uint64_t deadline)
{
    if (deadline == UINT64_MAX)
        set_compare(UINT64_MAX);
    else if (timer_nanoseconds)
        set_compare((deadline + timer_nanoseconds - 1) / timer_nanoseconds);
    else
        set_compare(deadline / 1000000000 * frequency +
                    deadline % 1000000000 * frequency / 1000000000 + 1);
}

void timer_hart_setup(void)
{
    hal_timer_arm(UINT64_MAX);
    csr_write(scounteren, SCOUNTEREN_TIME); /* programs may read the clock */
    csr_set(sie, SIE_TIMER);
}
