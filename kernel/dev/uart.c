/*
 * The 16550 has eight registers. The data register takes a byte to send and
 * gives a received one; the line status says whether it can; the interrupt
 * enable register chooses the interrupts. With the FIFO on, a transmitter that
 * is empty takes 16 bytes at once. If the transmitter's interrupt is enabled
 * while it is idle, it is raised at once.
 *
 * There is no lock here: the console's lock guards sending (console.h), and one
 * hart at a time handles the interrupt.
 */
#include "dev/uart.h"
#include "arch/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"

#define FIFO_SIZE 16u
#define PATIENCE  1000000000u /* nanoseconds for the firmware's last output */

enum reg {
    REG_DATA = 0,        /* sent or received */
    REG_DIVISOR_LOW = 0, /* these two while LCR_DIVISOR is set */
    REG_DIVISOR_HIGH = 1,
    REG_INTERRUPT_ENABLE = 1,
    REG_INTERRUPT_ID = 2, /* read */
    REG_FIFO_CONTROL = 2, /* write */
    REG_LINE_CONTROL = 3,
    REG_MODEM_CONTROL = 4,
    REG_LINE_STATUS = 5,
};

#define IER_RECEIVED 0x01u
#define IER_SENT     0x02u
#define IIR_FIFO     0xc0u /* both: the FIFO is there and works */
#define FCR_ON       0x01u /* keeps bytes that were received before */
#define LCR_8N1      0x03u
#define LCR_DIVISOR  0x80u
#define MCR_ON       0x0bu /* ready, and the interrupt line connected */
#define LSR_RECEIVED 0x01u
#define LSR_CAN_SEND 0x20u
#define LSR_ALL_SENT 0x40u
#define LSR_NOBODY   0xffu /* what a bus reads where there is no device */

/* I: set by uart_init or before interrupts. */
static struct {
    struct uart_config config;      /* I */
    unsigned burst;                 /* I: bytes it takes when it can send */
    void (*receiver)(uint8_t byte); /* I */
    uint8_t interrupts;             /* what REG_INTERRUPT_ENABLE holds */
} uart;

static uint8_t reg_read(enum reg reg)
{
    uintptr_t at = uart.config.base + ((uintptr_t)reg << uart.config.reg_shift);

    return uart.config.reg_width == 4 ? (uint8_t)hal_read32(at) : hal_read8(at);
}

static void reg_write(enum reg reg, uint8_t value)
{
    uintptr_t at = uart.config.base + ((uintptr_t)reg << uart.config.reg_shift);

    if (uart.config.reg_width == 4)
        hal_write32(at, value);
    else
        hal_write8(at, value);
}

static bool status_shows(uint8_t wanted)
{
    return reg_read(REG_LINE_STATUS) & wanted;
}

static void choose_interrupts(uint8_t wanted)
{
    if (wanted != uart.interrupts)
        reg_write(REG_INTERRUPT_ENABLE, wanted);
    uart.interrupts = wanted;
}

/* ---- Setting up --------------------------------------------------------- */

/* The divisor for the wanted speed; 0: leave the speed; -EINVAL. */
static int divisor_for(const struct uart_config *config)
{
    uint64_t unit = (uint64_t)config->baud * 16, divisor;

    if (!config->clock || !config->baud)
        return 0;
    divisor = (config->clock + unit / 2) / unit;
    return divisor && divisor <= UINT16_MAX ? (int)divisor : -EINVAL;
}

int uart_init(struct uart_config config)
{
    int divisor = divisor_for(&config);

    if (divisor < 0 || config.reg_shift > 8 ||
        (config.reg_width != 1 && config.reg_width != 4))
        return -EINVAL;
    uart.config = config;
    if (reg_read(REG_LINE_STATUS) == LSR_NOBODY)
        return -ENODEV;
    uint64_t limit = hal_time() + PATIENCE;
    while (!status_shows(LSR_ALL_SENT) && hal_time() < limit)
        continue;
    reg_write(REG_INTERRUPT_ENABLE, 0);
    if (divisor) {
        reg_write(REG_LINE_CONTROL, LCR_DIVISOR | LCR_8N1);
        reg_write(REG_DIVISOR_LOW, (uint8_t)divisor);
        reg_write(REG_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
    }
    reg_write(REG_LINE_CONTROL, LCR_8N1);
    reg_write(REG_FIFO_CONTROL, FCR_ON);
    reg_write(REG_MODEM_CONTROL, MCR_ON);
    uart.burst = 1;
    if ((reg_read(REG_INTERRUPT_ID) & IIR_FIFO) == IIR_FIFO)
        uart.burst = FIFO_SIZE;
    uart.interrupts = 0;
    choose_interrupts(IER_RECEIVED);
    return 0;
}

void uart_set_receiver(void (*receiver)(uint8_t byte))
{
    uart.receiver = receiver;
}

/* ---- Sending, and the interrupt ----------------------------------------- */

static size_t send(const char *text, size_t length)
{
    size_t count = MIN(length, (size_t)uart.burst);

    if (!status_shows(LSR_CAN_SEND))
        return 0;
    for (size_t i = 0; i < count; i++)
        reg_write(REG_DATA, (uint8_t)text[i]);
    return count;
}

static void want_room(bool wanted)
{
    choose_interrupts(wanted ? IER_RECEIVED | IER_SENT : IER_RECEIVED);
}

static bool idle(void)
{
    return status_shows(LSR_ALL_SENT);
}

const struct console_port uart_port = {send, want_room, idle};

/* Reads at most `most` received bytes; returns how many. */
static size_t receive(uint8_t *received, size_t most)
{
    size_t count = 0;

    while (count < most && status_shows(LSR_RECEIVED))
        received[count++] = reg_read(REG_DATA);
    return count;
}

void uart_interrupt(void *)
{
    uint8_t received[2 * FIFO_SIZE];
    size_t count = sizeof(received);

    /* Bounded, as the device may be broken. An interrupt that is still due
     * comes again. */
    for (unsigned round = 0; round < 8 && count == sizeof(received); round++) {
        /* This acknowledges the transmitter's interrupt, so it comes before the
         * check whether the transmitter can send. */
        reg_read(REG_INTERRUPT_ID);
        count = receive(received, sizeof(received));
        for (size_t i = 0; i < count && uart.receiver; i++)
            uart.receiver(received[i]);
        console_room();
    }
}
