/*
 * The console: a 16550 (as in National Semiconductor's data sheet for the
 * PC16550D), and the firmware's, which shares its two queues. Sending takes no
 * time, so the transmitter is empty again at once; what is typed waits in the
 * queue, however long it is. There is no modem, and no speed.
 */
#include "private.h"

enum { DATA, INTERRUPT_ENABLE, INTERRUPT_ID, LINE_CONTROL, LINE_STATUS = 5 };
enum { IER_RECEIVED = 1, IER_SENT = 2, IER_ALL = 15, FCR_ON = 1 };
enum { IIR_NONE = 1, IIR_SENT = 2, IIR_RECEIVED = 4, IIR_FIFO = 0xc0 };
enum { LCR_DIVISOR = 0x80, LSR_RECEIVED = 0x01, LSR_EMPTY = 0x60 };

/* ---- The queues ---------------------------------------------------------- */

static bool put(struct queue *q, uint8_t byte)
{
    if (q->count == CONSOLE_SIZE)
        return false;
    q->bytes[(q->first + q->count++) % CONSOLE_SIZE] = byte;
    return true;
}

/* -1: there is none. */
static int get(struct queue *q)
{
    if (!q->count)
        return -1;
    q->count--;
    return q->bytes[q->first++ % CONSOLE_SIZE];
}

static unsigned identify(const struct uart *u)
{
    unsigned wanted = u->registers[INTERRUPT_ENABLE];
    if (wanted & IER_RECEIVED && u->input.count)
        return IIR_RECEIVED;
    return wanted & IER_SENT && !u->told ? IIR_SENT : IIR_NONE;
}

static void update(struct machine *m)
{
    plic_level(m, UART_SOURCE, identify(&m->uart) != IIR_NONE);
}

bool uart_put(struct machine *m, uint8_t byte)
{
    return put(&m->uart.output, byte);
}

int uart_get(struct machine *m)
{
    int byte = get(&m->uart.input);
    update(m);
    return byte;
}

size_t machine_output(struct machine *m, uint8_t *to, size_t size)
{
    size_t count = 0;
    while (count < size && m->uart.output.count)
        to[count++] = (uint8_t)get(&m->uart.output);
    return count;
}

size_t machine_input(struct machine *m, const uint8_t *from, size_t size)
{
    size_t count = 0;
    while (count < size && put(&m->uart.input, from[count]))
        count++;
    update(m);
    return count;
}

/* ---- Registers: as on the chip, three bits of an address count ----------- */

/* Is it the speed, which there is none of, that is in the register now? */
static bool is_divisor(const struct uart *u, uint32_t at)
{
    return u->registers[LINE_CONTROL] & LCR_DIVISOR && at <= INTERRUPT_ENABLE;
}

uint64_t uart_load(struct machine *m, uint32_t at)
{
    struct uart *u = &m->uart;
    unsigned reg = at % 8, id = identify(u);
    uint64_t value = u->registers[reg];
    if (is_divisor(u, reg))
        return 0;
    if (reg == DATA) {
        value = (uint8_t)uart_get(m);
    } else if (reg == INTERRUPT_ID) {
        value = id | (value & FCR_ON ? IIR_FIFO : 0);
        u->told |= id == IIR_SENT;
    } else if (reg == LINE_STATUS) {
        value = (u->output.count < CONSOLE_SIZE ? LSR_EMPTY : 0) |
                (u->input.count ? LSR_RECEIVED : 0);
    }
    update(m);
    return value;
}

void uart_store(struct machine *m, uint32_t at, uint64_t value)
{
    struct uart *u = &m->uart;
    unsigned reg = at % 8;
    if (is_divisor(u, reg))
        return;
    if (reg == DATA) {
        uart_put(m, (uint8_t)value);
        u->told = false;
    } else if (reg == INTERRUPT_ENABLE) {
        value &= IER_ALL;
        if (value & ~u->registers[reg] & IER_SENT)
            u->told = false;
    }
    u->registers[reg] = (uint8_t)value;
    update(m);
}
