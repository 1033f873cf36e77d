/*
 * The console: a 16550 (as in National Semiconductor's data sheet for the
 * PC16550D), and the firmware's, which shares its two queues. Sending takes no
 * time, so the transmitter is empty again at once; what is typed waits in the
 * queue, however long it is. There is no modem, and no speed.
 */
#include "private.h"

enum reg {
    DATA = 0,
    INTERRUPT_ENABLE = 1,
    INTERRUPT_ID = 2, /* read; written: FIFO control */
    LINE_CONTROL = 3,
    LINE_STATUS = 5,
    SCRATCH = 7,
};
enum {
    IER_RECEIVED = 1,
    IER_SENT = 2,
    IIR_NONE = 1,
    IIR_SENT = 2,
    IIR_RECEIVED = 4,
    IIR_FIFO = 0xc0,
    LCR_DIVISOR = 0x80,
    LSR_RECEIVED = 0x01,
    LSR_EMPTY = 0x60, /* both: the register, and what shifts it out */
};

static unsigned identify(const struct uart *u)
{
    if (u->interrupts & IER_RECEIVED && u->input_count)
        return IIR_RECEIVED;
    return u->interrupts & IER_SENT && u->sent ? IIR_SENT : IIR_NONE;
}

static void update(struct machine *m)
{
    plic_level(m, UART_SOURCE, identify(&m->uart) != IIR_NONE);
}

void uart_init(struct machine *m)
{
    m->uart.sent = true;
}

bool uart_put(struct machine *m, uint8_t byte)
{
    struct uart *u = &m->uart;
    if (u->output_count == OUTPUT_SIZE)
        return false;
    u->output[(u->output_first + u->output_count++) % OUTPUT_SIZE] = byte;
    return true;
}

int uart_get(struct machine *m)
{
    struct uart *u = &m->uart;
    if (!u->input_count)
        return -1;
    uint8_t byte = u->input[u->input_first];
    u->input_first = (u->input_first + 1) % INPUT_SIZE;
    u->input_count--;
    update(m);
    return byte;
}

size_t machine_output(struct machine *m, uint8_t *to, size_t size)
{
    struct uart *u = &m->uart;
    size_t count = 0;
    while (count < size && u->output_count) {
        to[count++] = u->output[u->output_first];
        u->output_first = (u->output_first + 1) % OUTPUT_SIZE;
        u->output_count--;
    }
    return count;
}

size_t machine_input(struct machine *m, const uint8_t *from, size_t size)
{
    struct uart *u = &m->uart;
    size_t count = 0;
    for (; count < size && u->input_count < INPUT_SIZE; count++)
        u->input[(u->input_first + u->input_count++) % INPUT_SIZE] =
            from[count];
    update(m);
    return count;
}

uint8_t uart_load(struct machine *m, uint32_t at)
{
    struct uart *u = &m->uart;
    bool divisor = u->line_control & LCR_DIVISOR;
    unsigned id;
    switch (at) {
    case DATA:
        return divisor ? 0 : (uint8_t)uart_get(m);
    case INTERRUPT_ENABLE:
        return divisor ? 0 : u->interrupts;
    case INTERRUPT_ID:
        id = identify(u);
        if (id == IIR_SENT)
            u->sent = false;
        update(m);
        return (uint8_t)(id | (u->fifo ? IIR_FIFO : 0));
    case LINE_CONTROL:
        return u->line_control;
    case LINE_STATUS:
        return (u->output_count < OUTPUT_SIZE ? LSR_EMPTY : 0) |
               (u->input_count ? LSR_RECEIVED : 0);
    case SCRATCH:
        return u->scratch;
    default:
        return 0;
    }
}

void uart_store(struct machine *m, uint32_t at, uint8_t value)
{
    struct uart *u = &m->uart;
    if (u->line_control & LCR_DIVISOR && at <= INTERRUPT_ENABLE)
        return; /* the speed, which there is none of */
    switch (at) {
    case DATA:
        uart_put(m, value);
        u->sent = true;
        break;
    case INTERRUPT_ENABLE:
        if (value & ~u->interrupts & IER_SENT)
            u->sent = true;
        u->interrupts = value & 15;
        break;
    case INTERRUPT_ID:
        u->fifo = value & 1;
        break;
    case LINE_CONTROL:
        u->line_control = value;
        break;
    case SCRATCH:
        u->scratch = value;
        break;
    default:
        break;
    }
    update(m);
}
