/*
 * Interrupts of devices.
 */
#ifndef DEV_IRQ_H
#define DEV_IRQ_H

/* Call `handler(argument)` for interrupt `number` of the machine's controller
 * from now on, with interrupts off; at boot. 0, or -EBUSY when the number is
 * taken or there are too many. */
int irq_register(unsigned number, void (*handler)(void *), void *argument);

#endif
