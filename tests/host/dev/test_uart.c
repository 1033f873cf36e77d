/*
 * The serial port's driver against a model of the chip: order, room, no lost
 * wake-up, a chip that hangs or lies, and a panic with the lock held.
 */
/* sources: kernel/dev/uart.c kernel/lib/panic.c kernel/lib/printf.c */
/* sources: kernel/lib/string.c */
/* flags: -include tests/host/dev/fake_mmio.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/uart.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "sched/spinlock.h"
#include "host/lib/seed.h"

/* ---- The chip ----------------------------------------------------------- */

#define BASE 0x1000u
#define WIRE 8192

static struct {
    bool absent, stuck, babbling, has_fifo;
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

static bool locked;
static char received[100];
static unsigned told; /* how often there was room */

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
    uart_set_tx_room(room);
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
        uart_interrupt();
    }
    fail_msg("the interrupt never ends");
}

static void assert_wire(const char *text)
{
    chip.wire[chip.wire_used] = '\0';
    assert_string_equal(chip.wire, text);
}

/* ---- Tests -------------------------------------------------------------- */

/* Before anything else: a port that was never set up is harmless. */
static void test_not_ready(void **state)
{
    (void)state;
    uart_write_sync("lost", 4);
    assert_int_equal(uart_write("lost", 4), 4);
    uart_interrupt();
    assert_int_equal(start(0, 2, true), -EINVAL);
    chip.width = 1;
    chip.absent = true;
    assert_int_equal(uart_init((struct uart_config){BASE, 0, 1, 0, 0}),
                     -ENODEV);
    uart_write_sync("lost", 4);
    assert_int_equal(chip.fifo_used + chip.wire_used, 0);
}

static void test_shapes(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 4; shift++) {
        for (unsigned width = 1; width < 5; width += 3) {
            assert_int_equal(start(shift, width, shift % 2), 0);
            assert_int_equal(chip.lcr, 3);
            assert_int_equal(chip.ier, 1);
            uart_write_sync("hello, world, in one go\n", 24);
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
                count = uart_write(sent + length, count);
            } else {
                uart_write_sync(sent + length, count);
            }
            length += count;
            if (rand() % 8 == 0)
                chip_transmit();
            if (rand() % 2 && chip_interrupts())
                uart_interrupt();
        }
        settle();
        sent[length] = '\0';
        assert_wire(sent);
        assert_int_equal(chip.ier, 1);
    }
}

/* Who was refused is told, also if a message of the kernel's emptied the
 * ring in between. */
static void test_room(void **state)
{
    static char text[2000];
    size_t taken;

    (void)state;
    memset(text, 'z', sizeof(text));
    for (int mixed = 0; mixed < 2; mixed++) {
        assert_int_equal(start(0, 1, true), 0);
        taken = uart_write(text, sizeof(text));
        assert_true(taken >= 1024 && taken < sizeof(text));
        assert_int_equal(uart_write(text, 900) + taken < sizeof(text), true);
        assert_int_equal(told, 0);
        if (mixed)
            uart_write_sync("!", 1);
        settle();
        assert_int_equal(told, 1);
        assert_int_equal(uart_write(text, 1000), 1000);
        settle();
        assert_int_equal(told, 1);
    }
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

/* Neither a chip that takes nothing nor one that never stops holds us up. */
static void test_bad_chip(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    chip.stuck = true;
    uart_write_sync("sixteen bytes go and no more", 28);
    assert_int_equal(chip.fifo_used, 16);
    assert_int_equal(uart_write("abc", 3), 3);
    chip.stuck = false;
    settle();
    assert_wire("sixteen bytes goabc");
    chip.babbling = true;
    uart_set_receiver(NULL);
    uart_interrupt();
}

static jmp_buf out;

static void jump_out(void)
{
    longjmp(out, 1);
}

/* Last, since a panic is for ever: the lock is held, and the words come. */
static void test_panic(void **state)
{
    (void)state;
    assert_int_equal(start(0, 1, true), 0);
    assert_int_equal(uart_write("a user's words; ", 16), 16);
    locked = true;
    panic_set_hook(jump_out);
    if (!setjmp(out))
        panic("lost");
    uart_write_sync("last words", 10);
    chip_transmit();
    assert_wire("a user's words; last words");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_ready), cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_speed),     cmocka_unit_test(test_order),
        cmocka_unit_test(test_room),      cmocka_unit_test(test_receive),
        cmocka_unit_test(test_bad_chip),  cmocka_unit_test(test_panic),
    };

    srand(test_seed(1));
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
