/*
 * Device interrupts, from the machine's upcall to the driver.
 */
#include "dev/irq.h"
#include "arch/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"

static struct {
    unsigned number;
    void (*handler)(void *);
    void *argument;
} lines[16]; /* I once boot is over */

int irq_register(unsigned number, void (*handler)(void *), void *argument)
{
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        if (lines[i].handler && lines[i].number == number)
            return -EBUSY;
        if (lines[i].handler)
            continue;
        lines[i].number = number;
        lines[i].argument = argument;
        lines[i].handler = handler;
        hal_interrupt_enable(number);
        return 0;
    }
    return -EBUSY;
}

void hal_upcall_interrupt(unsigned number)
{
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
        if (lines[i].handler && lines[i].number == number)
            lines[i].handler(lines[i].argument);
}
