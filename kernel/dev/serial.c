/*
 * The console's device. See serial.h.
 */
#include "dev/serial.h"
#include "dev/irq.h"
#include "sched/thread.h"

#define POLL_EVERY 20000000 /* nanoseconds */

static void (*receiver)(uint8_t byte); /* of what the firmware has */

static size_t firmware_send(const char *text, size_t length)
{
    hal_firmware_write(text, length);
    return length;
}

void serial_poll(void *)
{
    for (;;) {
        int byte;
        console_poll();
        while ((byte = hal_firmware_read()) >= 0)
            receiver(byte);
        thread_sleep_until(hal_time() + POLL_EVERY);
    }
}

static bool start_uart(const struct board *board)
{
    struct uart_config config = {
        .base = (uintptr_t)hal_phys_to_virt(board->uart.start),
        .reg_shift = board->uart_shift,
        .reg_width = board->uart_width};
    return board->plic.end && board->uart_interrupt && !uart_init(config);
}

bool serial_start(const struct board *board, void (*receive)(uint8_t byte),
                  void (*room)(void))
{
    static const struct console_port firmware = {.send = firmware_send};
    if (start_uart(board)) {
        console_start(&uart_port, room);
        uart_set_receiver(receive);
        irq_register(board->uart_interrupt, uart_interrupt, NULL);
        return true;
    }
    receiver = receive;
    console_start(&firmware, room);
    return false;
}
