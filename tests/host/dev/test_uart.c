/*
 * The console's ring and the serial port's driver against a model of the chip:
 * order, shares, no lost wake-up, messages that are lost and told, a chip that
 * hangs or lies, and a panic with the lock held.
 */
/* sources: kernel/dev/uart.c kernel/dev/console.c kernel/lib/panic.c */
/* sources: kernel/lib/printf.c tests/host/lib/string.c */
/* flags: -include tests/host/dev/fake_mmio.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/console.h"
#include "dev/uart.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "sched/spinlock.h"
#include "host/lib/seed.h"

/* ---- The chip ----------------------------------------------------------- */

#define BASE 0x1000u
#define WIRE 32768

static struct {
    bool absent, stuck, babbling, has_fifo;
    bool crowded; /* others print at each look, so it is never idle */
    unsigned shift, width;
    uint8_t ier, lcr, dll, dlm;
    bool sent_pending; /* the transmitter's interrupt, until acknowledged */
    char fifo[16];
    unsigned fifo_used;
    char wire[WIRE]; /* what left the chip */
    size_t wire_used;
    const char *typed; /* what comes in */
} chip;

static void chip_transmit(void)
{
    if (!chip.fifo_used || chip.stuck)
        return;
    assert_true(chip.wire_used + chip.fifo_used < WIRE);
    memcpy(chip.wire + chip.wire_used, chip.fifo, chip.fifo_used);
    chip.wire_used += chip.fifo_used;
    chip.fifo_used = 0;
    chip.sent_pending = true;
}

static bool chip_interrupts(void)
{
    return (chip.ier & 1 && *chip.typed) || (chip.ier & 2 && chip.sent_pending);
}

static bool locked;

static uint8_t chip_read(unsigned reg)
{
    uint8_t iir = chip.has_fifo ? 0xc0 : 0;

    switch (reg) {
    case 0:
        return chip.babbling ? 'x' : *chip.typed ? (uint8_t)*chip.typed++ : 0;
    case 1:
        return chip.ier;
    case 2:
        if (chip.ier & 2 && chip.sent_pending) {
            chip.sent_pending = false;
            return iir | 2;
        }
        return iir | 1;
    case 5:
        /* Each look takes so long that bytes have left meanwhile. */
        if (rand() % 4 == 0)
            chip_transmit();
        if (chip.crowded && !locked)
            console_print("others", 6);
        return (*chip.typed || chip.babbling) | (chip.fifo_used ? 0 : 0x60);
    default:
        fail_msg("read of register %u", reg);
        return 0;
    }
}

static void chip_write(unsigned reg, uint8_t value)
{
    switch (reg) {
    case 0:
        if (chip.lcr & 0x80) {
            chip.dll = value;
            break;
        }
        assert_true(chip.fifo_used < (chip.has_fifo ? 16 : 1));
        chip.fifo[chip.fifo_used++] = (char)value;
        break;
    case 1:
        if (chip.lcr & 0x80) {
            chip.dlm = value;
            break;
        }
        if (value & ~chip.ier & 2 && !chip.fifo_used)
            chip.sent_pending = true;
        chip.ier = value;
        break;
    case 3:
        chip.lcr = value;
        break;
    case 2:
    case 4:
        break;
    default:
        fail_msg("write of register %u", reg);
    }
}

static unsigned reg_at(uintptr_t va, unsigned width)
{
    assert_int_equal(width, chip.width);
    assert_true(va >= BASE);
    assert_int_equal((va - BASE) % (1u << chip.shift), 0);
    return (unsigned)((va - BASE) >> chip.shift);
}

uint8_t hal_read8(uintptr_t va)
{
    return chip.absent ? 0xff : chip_read(reg_at(va, 1));
}

uint32_t hal_read32(uintptr_t va)
{
    return chip.absent ? UINT32_MAX : chip_read(reg_at(va, 4));
}

void hal_write8(uintptr_t va, uint8_t value)
{
    chip_write(reg_at(va, 1), value);
}

void hal_write32(uintptr_t va, uint32_t value)
{
    chip_write(reg_at(va, 4), value);
}

/* ---- The kernel --------------------------------------------------------- */

static char received[100];
static unsigned told;             /* how often there was room */
static uint64_t now, tick = 1000; /* nanoseconds that a look at it takes */

uint64_t hal_time(void)
{
    return now += tick;
}

void spin_lock(struct spinlock *lock)
{
    (void)lock;
    assert_false(locked);
    locked = true;
}

void spin_unlock(struct spinlock *lock)
{
    (void)lock;
    assert_true(locked);
    locked = false;
}

static void receive(uint8_t byte)
{
    size_t length = strlen(received);

    assert_false(locked);
    assert_true(length < sizeof(received) - 1);
    received[length] = (char)byte;
    received[length + 1] = '\0';
}

static void room(void)
{
    assert_false(locked);
    told++;
}

static int start(unsigned shift, unsigned width, bool has_fifo)
{
    memset(&chip, 0, sizeof(chip));
    chip.shift = shift;
    chip.width = width;
    chip.has_fifo = has_fifo;
    chip.typed = "";
    received[0] = '\0';
    told = 0;
    locked = false;
    uart_set_receiver(receive);
    console_start(&uart_port, room);
    return uart_init((struct uart_config){
        .base = BASE, .reg_shift = shift, .reg_width = width});
}

/* Lets the chip work until it has nothing to say. */
static void settle(void)
{
    for (int i = 0; i < 10000; i++) {
        chip_transmit();
        if (!chip_interrupts())
            return;
        uart_interrupt(NULL);
    }
    fail_msg("the interrupt never ends");
}

static void assert_wire(const char *text)
{
    chip.wire[chip.wire_used] = '\0';
    assert_string_equal(chip.wire, text);
}

/* ---- Tests -------------------------------------------------------------- */

/* Before anything else: what was never set up is harmless. */
static void test_not_ready(void **state)
{
    (void)state;
    console_flush();
    assert_int_equal(start(0, 2, true), -EINVAL);
    chip.width = 1;
    chip.absent = true;
    assert_int_equal(uart_init((struct uart_config){BASE, 0, 1, 0, 0}),
                     -ENODEV);
    assert_int_equal(chip.fifo_used + chip.wire_used, 0);
}

/* The firmware's last words are waited for, but not for ever. */
static void test_f8_setting_up_is_bounded(void **state)
{
    uint64_t began = now;

    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    chip.stuck = true;
    chip.fifo_used = 1;
    assert_int_equal(uart_init((struct uart_config){BASE, 0, 1, 0, 0}), 0);
    assert_in_range(now - began, 900000000, 1100000000);
    chip.fifo_used = 0;
}

static void test_shapes(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 4; shift++) {
        for (unsigned width = 1; width < 5; width += 3) {
            assert_int_equal(start(shift, width, shift % 2), 0);
            assert_int_equal(chip.lcr, 3);
            assert_int_equal(chip.ier, 1);
            console_print("hello, world, in one go\n", 24);
            settle();
            assert_wire("hello, world, in one go\n");
            assert_int_equal(chip.ier, 1);
        }
    }
}

static void test_speed(void **state)
{
    struct uart_config config = {BASE, 0, 1, 1843200, 9600};

    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    assert_int_equal(uart_init(config), 0);
    assert_int_equal(chip.dlm << 8 | chip.dll, 12);
    assert_int_equal(chip.lcr, 3);
    config.baud = 300;
    assert_int_equal(uart_init(config), 0);
    assert_int_equal(chip.dlm << 8 | chip.dll, 384);
    config.baud = 4000000;
    assert_int_equal(uart_init(config), -EINVAL);
    config.baud = 1;
    assert_int_equal(uart_init(config), -EINVAL);
}

/* Both ways of writing, mixed at random, come out in order. */
static void test_order(void **state)
{
    static char sent[WIRE];
    size_t length = 0;

    (void)state;
    for (int fifo = 0; fifo < 2; fifo++) {
        assert_int_equal(start(0, 1, fifo), 0);
        for (length = 0; length < 6000;) {
            size_t count = rand() % 50;

            for (size_t i = 0; i < count; i++)
                sent[length + i] = (char)('a' + rand() % 26);
            if (rand() % 4) {
                if (!console_write(sent + length, count))
                    continue;
            } else {
                console_print(sent + length, count);
            }
            length += count;
            if (rand() % 8 == 0)
                chip_transmit();
            if (rand() % 2 && chip_interrupts())
                uart_interrupt(NULL);
        }
        settle();
        sent[length] = '\0';
        assert_wire(sent);
        assert_int_equal(chip.ier, 1);
    }
}

/* Returns how many bytes were taken until no more were. */
static size_t fill(bool (*write)(const char *, size_t))
{
    char text[16];
    size_t total = 0;

    memset(text, 'p', sizeof(text));
    while (write(text, sizeof(text)))
        total += sizeof(text);
    return total;
}

/* Who was refused is told, also if the ring was flushed in between. */
static void test_room(void **state)
{
    static char text[256];

    (void)state;
    memset(text, 'z', sizeof(text));
    for (int mixed = 0; mixed < 2; mixed++) {
        assert_int_equal(start(0, 1, true), 0);
        chip.stuck = true;
        fill(console_write);
        chip.stuck = false;
        assert_int_equal(told, 0);
        if (mixed)
            console_flush();
        settle();
        assert_int_equal(told, 1);
        assert_true(console_write(text, 256));
        settle();
        assert_int_equal(told, 1);
    }
}

/* A text has room as a whole or not at all. */
static void test_f6_a_text_is_not_torn(void **state)
{
    static char text[256];

    (void)state;
    memset(text, 'z', sizeof(text));
    assert_int_equal(start(0, 1, true), 0);
    chip.stuck = true;
    assert_true(console_write("sixteen are sent", 16));
    for (int i = 0; i < 3; i++)
        assert_true(console_write(text, 256));
    assert_true(console_write(text, 200));
    assert_false(console_write(text, 57));
    console_print("message", 7);
    assert_true(console_write(text, 49));
    chip.stuck = false;
    settle();
    assert_int_equal(chip.wire_used, 16 + 1024);
}

/* Fills the ring of a stuck chip with numbered messages of 20 bytes; returns
 * how many were printed. */
static unsigned print_numbers(unsigned count)
{
    char text[32];

    chip.stuck = true;
    for (unsigned i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "message number %4u\n", i);
        console_print(text, 20);
    }
    return count;
}

static void test_f8_messages_never_wait(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    now = 0;
    print_numbers(2000);
    assert_int_equal(now, 0);
    chip.stuck = false;
    settle();
    assert_true(chip.wire_used > 8000);
}

/* Whole messages, in order; then in one line how many were lost, and from then
 * on none. */
static void test_f8_lost_messages_are_counted(void **state)
{
    unsigned number, next = 0, lost = 0, printed = 1500;
    char *line;

    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    print_numbers(printed);
    chip.stuck = false;
    settle();
    console_print("after\n", 6);
    settle();
    chip.wire[chip.wire_used] = '\0';
    for (line = strtok(chip.wire, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "message number %u", &number) == 1)
            assert_int_equal(number, next++);
        else if (sscanf(line, "calf: %u messages lost", &number) == 1)
            lost += number;
        else
            break;
    }
    assert_string_equal(line, "after");
    assert_true(next >= 400);
    assert_int_equal(next + lost, printed);
}

/* Neither what programs write nor echo takes the room of messages. */
static void test_f8_programs_keep_no_message_out(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    chip.stuck = true;
    /* The chip has some of it. */
    assert_in_range(fill(console_write), 1024, 1024 + 16);
    assert_in_range(fill(console_echo), 1024 - 16, 1024);
    console_print("message\n", 8);
    chip.stuck = false;
    settle();
    chip.wire[chip.wire_used] = '\0';
    assert_string_equal(strchr(chip.wire, 'm'), "message\n");
    assert_int_equal(told, 1);
}

static void test_f8_flush(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    chip.stuck = true;
    console_print("more than the sixteen bytes of a burst\n", 39);
    now = 0;
    console_flush();
    assert_in_range(now, 900000000, 1100000000);
    assert_int_equal(chip.wire_used, 0);
    chip.stuck = false;
    console_flush();
    /* The chip's own bytes as well: the power goes off now. */
    assert_int_equal(chip.fifo_used, 0);
    assert_wire("more than the sixteen bytes of a burst\n");
    settle();
}

/* A flush ends while others print, and what was there before is sent. */
static void test_f8_flush_while_others_print(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    console_print("more than the sixteen bytes of a burst\n", 39);
    now = 0;
    tick = 1000000;
    chip.crowded = true;
    console_flush();
    chip.crowded = false;
    tick = 1000;
    assert_in_range(now, 0, 1100000000);
    chip.wire[chip.wire_used] = '\0';
    assert_memory_equal(chip.wire, "more than the sixteen bytes of a burst\n",
                        39);
    settle();
}

/* ---- A device without an interrupt --------------------------------------- */

static size_t slow_send(const char *text, size_t length)
{
    assert_false(locked);
    memcpy(chip.wire + chip.wire_used, text, length);
    chip.wire_used += length;
    return length;
}

static void test_f8_polled(void **state)
{
    static const struct console_port slow = {.send = slow_send};

    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    console_start(&slow, room);
    console_print("four", 4);
    assert_int_equal(fill(console_write), 1008);
    assert_int_equal(chip.wire_used, 0);
    console_poll();
    assert_int_equal(chip.wire_used, 1012);
    assert_int_equal(told, 1);
    chip.wire_used = 0;
    for (int i = 0; i < 2000; i++)
        console_print("twenty bytes of text", 20);
    console_poll();
    console_print("after\n", 6);
    console_poll();
    chip.wire[chip.wire_used] = '\0';
    assert_non_null(strstr(chip.wire, "calf: 1591 messages lost\nafter\n"));
    told = 0;
}

static size_t send_and_flush(const char *text, size_t length)
{
    uint64_t began = now;

    console_flush();
    assert_in_range(now - began, 900000000, 1100000000);
    return slow_send(text, length);
}

/* A flush waits for the piece that is being sent and sends none before it. */
static void test_f8_flush_while_polled(void **state)
{
    static const struct console_port slow = {.send = send_and_flush};
    char text[151];

    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    console_start(&slow, room);
    for (int i = 0; i < 150; i++)
        text[i] = (char)('a' + i % 26);
    text[150] = '\0';
    console_print(text, 150);
    console_poll();
    assert_wire(text);
    now = 0;
    console_flush();
    assert_in_range(now, 0, 10000);
}

static void test_receive(void **state)
{
    (void)state;
    assert_int_equal(start(2, 4, true), 0);
    chip.typed = "ls | wc, and forty more characters than that, or so";
    settle();
    assert_string_equal(received, "ls | wc, and forty more characters than "
                                  "that, or so");
    chip.typed = "lost";
    uart_set_receiver(NULL);
    settle();
    assert_int_equal(strlen(received), 51);
}

/* Nor does a chip that never stops hold us up. */
static void test_bad_chip(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    chip.babbling = true;
    uart_set_receiver(NULL);
    uart_interrupt(NULL);
}

/* ---- A panic ------------------------------------------------------------- */

static jmp_buf out;

static void jump_out(void)
{
    longjmp(out, 1);
}

#define LAST_WORDS "a user's words; and more; calf: PANIC: lost\nlast words"

/* Last, since a panic is for ever: the lock is held, and the words come. */
static void test_panic(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    chip.stuck = true;
    assert_true(console_write("a user's words; ", 16));
    assert_true(console_write("and more; ", 10));
    chip.stuck = false;
    locked = true;
    panic_set_hook(jump_out);
    if (!setjmp(out))
        panic("lost");
    console_print("last words", 10);
    chip_transmit();
    assert_wire(LAST_WORDS);
    assert_true(console_write("x", 1));
    assert_true(console_echo("y", 1));
    uart_interrupt(NULL);
    chip_transmit();
    assert_wire(LAST_WORDS);
    assert_int_equal(chip.ier, 1);
}

/* Before the panic the ring is filled; so this is what remains of a panic. */
static void test_f8_panic_with_a_full_ring(void **state)
{
    char text[300];

    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    chip.stuck = true;
    now = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "%299d", i);
        console_print(text, 250);
    }
    console_print("calf: PANIC: it is told\n", 24);
    assert_true(now < 1200000000); /* bounded as a whole */
    /* A panic does not end, and goes on trying. */
    chip.stuck = false;
    for (int i = 0; i < 1000; i++)
        console_flush();
    chip.wire[chip.wire_used] = '\0';
    assert_in_range(chip.wire_used, 8192, 8192 + 16);
    assert_non_null(strstr(chip.wire, "calf: PANIC: it is told\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_ready),
        cmocka_unit_test(test_f8_setting_up_is_bounded),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_speed),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_f6_a_text_is_not_torn),
        cmocka_unit_test(test_f8_messages_never_wait),
        cmocka_unit_test(test_f8_lost_messages_are_counted),
        cmocka_unit_test(test_f8_programs_keep_no_message_out),
        cmocka_unit_test(test_f8_flush),
        cmocka_unit_test(test_f8_flush_while_others_print),
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_bad_chip),
        cmocka_unit_test(test_f8_polled),
        cmocka_unit_test(test_f8_flush_while_polled),
        cmocka_unit_test(test_panic),
        cmocka_unit_test(test_f8_panic_with_a_full_ring),
    };

    srand(test_seed(1));
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
