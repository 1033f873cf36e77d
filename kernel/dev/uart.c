/*
 * The 16550. Eight registers: the data register takes a byte to send and gives
 * one received; the line status says whether it will; the interrupt enable
 * register chooses what to be told about. With its FIFO on, a transmitter that
 * says it is empty takes 16 bytes at once.
 *
 * The transmitter's interrupt is wanted only while there is something to do
 * when it comes: bytes in the ring, or a writer to tell that there is room.
 * Turning it on while the transmitter is idle raises it at once.
 *
 * In a panic the lock is not taken, for whoever holds it may never let go.
 * The ring's positions are masked at each use, so that even a torn state does
 * no worse than print the wrong bytes.
 */
#include "dev/uart.h"
#include "arch/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "sched/spinlock.h"

#define RING_SIZE  1024u /* a power of two */
#define FIFO_SIZE  16u
#define SPIN_LIMIT 1000000u /* looks at the line status before giving up */

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
#define FCR_ON       0x01u /* what has come in already stays */
#define LCR_8N1      0x03u
#define LCR_DIVISOR  0x80u
#define MCR_ON       0x0bu /* ready, and the interrupt line connected */
#define LSR_RECEIVED 0x01u
#define LSR_CAN_SEND 0x20u
#define LSR_ALL_SENT 0x40u
#define LSR_NOBODY   0xffu /* what a bus reads where nothing answers */

/* I: set by uart_init or before interrupts; the rest is the lock's. */
static struct {
    struct spinlock lock;
    struct uart_config config;      /* I */
    unsigned burst;                 /* I: bytes it takes when it can send */
    void (*receiver)(uint8_t byte); /* I */
    void (*tx_room)(void);          /* I */
    bool ready;                     /* I */
    bool refused;                   /* somebody waits for tx_room */
    uint8_t interrupts;             /* what REG_INTERRUPT_ENABLE holds */
    uint32_t head, tail;            /* of the ring, never masked */
    char ring[RING_SIZE];
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

/* Waits until the line status shows `wanted`; false if it never does. */
static bool wait_for(uint8_t wanted)
{
    for (unsigned i = 0; i < SPIN_LIMIT; i++) {
        if (reg_read(REG_LINE_STATUS) & wanted)
            return true;
    }
    return false;
}

static uint32_t ring_used(void)
{
    return MIN(uart.tail - uart.head, RING_SIZE);
}

/* Moves a burst from the ring to the chip, which can take one. */
static void send_burst(void)
{
    uint32_t count = MIN(ring_used(), uart.burst);

    while (count--)
        reg_write(REG_DATA, (uint8_t)uart.ring[uart.head++ % RING_SIZE]);
}

static void choose_interrupts(void)
{
    uint8_t wanted = IER_RECEIVED;

    if (ring_used() || uart.refused)
        wanted |= IER_SENT;
    if (wanted != uart.interrupts)
        reg_write(REG_INTERRUPT_ENABLE, wanted);
    uart.interrupts = wanted;
}

/* ---- Setting up --------------------------------------------------------- */

/* The divisor for the wanted speed; 0 to leave it, negative if impossible. */
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
    spin_init(&uart.lock, LOCK_UART);
    uart.config = config;
    if (reg_read(REG_LINE_STATUS) == LSR_NOBODY)
        return -ENODEV;
    /* The firmware's last words may still be on their way out. */
    wait_for(LSR_ALL_SENT);
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
    choose_interrupts();
    uart.ready = true;
    return 0;
}

void uart_set_receiver(void (*receiver)(uint8_t byte))
{
    uart.receiver = receiver;
}

void uart_set_tx_room(void (*tx_room)(void))
{
    uart.tx_room = tx_room;
}

/* ---- Sending ------------------------------------------------------------ */

void uart_write_sync(const char *text, size_t length)
{
    bool locked = !panic_in_progress();

    if (!uart.ready)
        return;
    if (locked)
        spin_lock(&uart.lock);
    while (ring_used() && wait_for(LSR_CAN_SEND))
        send_burst();
    while (length && wait_for(LSR_CAN_SEND)) {
        size_t count = MIN(length, (size_t)uart.burst);

        length -= count;
        while (count--)
            reg_write(REG_DATA, (uint8_t)*text++);
    }
    choose_interrupts();
    if (locked)
        spin_unlock(&uart.lock);
}

size_t uart_write(const char *text, size_t length)
{
    size_t taken;

    if (!uart.ready)
        return length;
    spin_lock(&uart.lock);
    taken = MIN(length, (size_t)(RING_SIZE - ring_used()));
    for (size_t i = 0; i < taken; i++)
        uart.ring[uart.tail++ % RING_SIZE] = text[i];
    if (taken < length)
        uart.refused = true;
    if (reg_read(REG_LINE_STATUS) & LSR_CAN_SEND)
        send_burst();
    choose_interrupts();
    spin_unlock(&uart.lock);
    return taken;
}

/* ---- The interrupt ------------------------------------------------------ */

/*
 * One round: takes at most `room` received bytes, sends what can be sent.
 * Returns how many were received; `*tell` if tx_room is to be called.
 */
static size_t serve(uint8_t *received, size_t room, bool *tell)
{
    size_t count = 0;

    spin_lock(&uart.lock);
    /* Reading what the interrupt was for acknowledges a transmitter's. */
    reg_read(REG_INTERRUPT_ID);
    while (count < room && reg_read(REG_LINE_STATUS) & LSR_RECEIVED)
        received[count++] = reg_read(REG_DATA);
    if (reg_read(REG_LINE_STATUS) & LSR_CAN_SEND)
        send_burst();
    /* Half the ring, so that a writer is not woken for every burst. */
    *tell = uart.refused && ring_used() <= RING_SIZE / 2;
    if (*tell)
        uart.refused = false;
    choose_interrupts();
    spin_unlock(&uart.lock);
    return count;
}

void uart_interrupt(void)
{
    uint8_t received[2 * FIFO_SIZE];
    size_t count;
    bool tell;

    if (!uart.ready)
        return;
    /* Bounded, in case the chip is out of its mind: an interrupt that is
     * still due comes again. */
    for (unsigned round = 0; round < 8; round++) {
        count = serve(received, sizeof(received), &tell);
        for (size_t i = 0; i < count && uart.receiver; i++)
            uart.receiver(received[i]);
        if (tell && uart.tx_room)
            uart.tx_room();
        if (count < sizeof(received))
            return;
    }
}
