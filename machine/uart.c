/*
 * The console: a 16550 (as in National Semiconductor's data sheet for the
 * PC16550D), and the firmware's, which shares its two queues. Sending takes no
 * time, so the transmitter is empty again at once; what is typed waits in the
 * queue, however long it is. There is no modem, and no speed.
 */
#include "private.h"

enum { DATA, INTERRUPT_ENABLE, INTERRUPT_ID, LINE_CONTROL }; /* registers */
enum { LINE_STATUS = 5, SCRATCH = 7 };
enum { IER_RECEIVED = 1, IER_SENT = 2 };
enum { IIR_NONE = 1, IIR_SENT = 2, IIR_RECEIVED = 4, IIR_FIFO = 0xc0 };
enum { LCR_DIVISOR = 0x80, LSR_RECEIVED = 0x01, LSR_EMPTY = 0x60 };

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

bool uart_load(struct machine *m, uint32_t at, unsigned size, uint64_t *value)
{
    struct uart *u = &m->uart;
    unsigned id = identify(u);
    (void)size;
    *value = 0;
    if (u->line_control & LCR_DIVISOR && at <= INTERRUPT_ENABLE)
        return true; /* the speed, which there is none of */
    if (at == DATA)
        *value = (uint8_t)uart_get(m);
    else if (at == INTERRUPT_ENABLE)
        *value = u->interrupts;
    else if (at == INTERRUPT_ID)
        *value = id | (u->fifo ? IIR_FIFO : 0);
    else if (at == LINE_CONTROL)
        *value = u->line_control;
    else if (at == LINE_STATUS)
        *value = (u->output_count < OUTPUT_SIZE ? LSR_EMPTY : 0) |
                 (u->input_count ? LSR_RECEIVED : 0);
    else if (at == SCRATCH)
        *value = u->scratch;
    if (at == INTERRUPT_ID && id == IIR_SENT)
        u->sent = false;
    update(m);
    return true;
}

bool uart_store(struct machine *m, uint32_t at, unsigned size, uint64_t wide)
{
    struct uart *u = &m->uart;
    uint8_t value = (uint8_t)wide;
    (void)size;
    if (u->line_control & LCR_DIVISOR && at <= INTERRUPT_ENABLE)
        return true;
    if (at == DATA) {
        uart_put(m, value);
        u->sent = true;
    } else if (at == INTERRUPT_ENABLE) {
        u->sent |= value & ~u->interrupts & IER_SENT;
        u->interrupts = value & 15;
    } else if (at == INTERRUPT_ID) {
        u->fifo = value & 1;
    } else if (at == LINE_CONTROL) {
        u->line_control = value;
    } else if (at == SCRATCH) {
        u->scratch = value;
    }
    update(m);
    return true;
}
