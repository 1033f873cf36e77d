/*
 * The virtio driver against a model of the device: what it agrees to, that
 * requests arrive whole and may end in any order, and that a device that lies,
 * breaks or falls silent about an outcome costs an error and no more.
 */
/* sources: tests/host/mm/hal.c kernel/dev/block.c */
/* sources: kernel/dev/virtio.c kernel/dev/virtio_blk.c */
/* flags: -include tests/host/dev/fake_registers.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "dev/irq.h"
#include "dev/virtio.h"
#include "dev/virtio_blk.h"
#include "lib/errno.h"
#include "host/mm/hal.h"

#define BASE    0x1000u
#define SECTORS 2048u
#define QUEUE   VIRTIO_QUEUE_SIZE

/* ---- The device ---------------------------------------------------------- */

static struct {
    uint32_t magic, version, id, status, queue_max, queue_size, ready;
    uint32_t segments_max, feature_select, driver_select;
    uint64_t offers, accepted, places[3]; /* table, offered, used */
    uint16_t taken, used;
    bool refuses_features;
    pthread_mutex_t lock;
    uint8_t data[SECTORS * BLOCK_SECTOR];
    unsigned flushes, most_under_way;
} chip;

static void (*handler)(void *);
static void *handler_argument;

int irq_register(unsigned number, void (*function)(void *), void *argument)
{
    assert_int_equal(number, 7);
    handler = function;
    handler_argument = argument;
    return 0;
}

void hal_device_fence(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

static uint32_t config_word(unsigned offset)
{
    if (offset == 0)
        return SECTORS;
    return offset == 12 ? chip.segments_max : 0;
}

static uint32_t chip_read(unsigned reg)
{
    switch (reg) {
    case 0x000:
        return chip.magic;
    case 0x004:
        return chip.version;
    case 0x008:
        return chip.id;
    case 0x010:
        return (uint32_t)(chip.offers >> (chip.feature_select ? 32 : 0));
    case 0x034:
        return chip.queue_max;
    case 0x044:
        return chip.ready;
    case 0x070:
        return chip.status;
    default:
        return reg >= 0x100 ? config_word(reg - 0x100) : 0;
    }
}

static void set_half(uint64_t *value, bool high, uint32_t half)
{
    unsigned shift = high ? 32 : 0;
    *value = (*value & ~(0xffffffffull << shift)) | (uint64_t)half << shift;
}

static void chip_write(unsigned reg, uint32_t value)
{
    if (reg >= 0x080 && reg < 0x0b0) {
        set_half(&chip.places[(reg - 0x080) / 16], reg % 8, value);
        return;
    }
    switch (reg) {
    case 0x014:
        chip.feature_select = value;
        break;
    case 0x020:
        set_half(&chip.accepted, chip.driver_select, value);
        break;
    case 0x024:
        chip.driver_select = value;
        break;
    case 0x038:
        chip.queue_size = value;
        break;
    case 0x044:
        chip.ready = value;
        break;
    case 0x070:
        chip.status = value;
        if (chip.refuses_features)
            chip.status &= ~8u;
        break;
    }
}

uint32_t hal_read32(uintptr_t va)
{
    pthread_mutex_lock(&chip.lock);
    uint32_t value = chip_read((unsigned)(va - BASE));
    pthread_mutex_unlock(&chip.lock);
    return value;
}

void hal_write32(uintptr_t va, uint32_t value)
{
    pthread_mutex_lock(&chip.lock);
    chip_write((unsigned)(va - BASE), value);
    pthread_mutex_unlock(&chip.lock);
}

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

static struct descriptor *descriptor(uint16_t number)
{
    return (struct descriptor *)hal_phys_to_virt(chip.places[0]) + number;
}

static uint16_t *offered(unsigned index)
{
    return (uint16_t *)hal_phys_to_virt(chip.places[1]) + index;
}

/* Say that a buffer was used, whatever was offered. */
static void say_used(uint32_t number)
{
    uint16_t *head = hal_phys_to_virt(chip.places[2]);
    uint32_t *ring = (uint32_t *)(head + 2);
    ring[chip.used % QUEUE * 2] = number;
    __atomic_store_n(&head[1], ++chip.used, __ATOMIC_RELEASE);
}

/* The next chain offered, or -1. */
static int next_offer(void)
{
    if (!chip.ready ||
        __atomic_load_n(offered(1), __ATOMIC_ACQUIRE) == chip.taken)
        return -1;
    return *offered(2 + chip.taken++ % QUEUE);
}

static void move(struct descriptor *d, uint64_t *at, bool write)
{
    void *memory = hal_phys_to_virt(d->address);
    assert_true(*at + d->length <= sizeof chip.data);
    assert_int_equal(d->flags & 2, write ? 0 : 2);
    if (write)
        memcpy(chip.data + *at, memory, d->length);
    else
        memcpy(memory, chip.data + *at, d->length);
    *at += d->length;
}

/* Do what a chain says; its outcome is `outcome`, or none if negative. */
static void perform(int number, int outcome)
{
    struct descriptor *d = descriptor((uint16_t)number);
    const struct {
        uint32_t type, reserved;
        uint64_t sector;
    } *header = hal_phys_to_virt(d->address);
    uint64_t at = header->sector * BLOCK_SECTOR;
    assert_int_equal(d->length, 16);
    chip.flushes += header->type == 4;
    d = descriptor(d->next);
    for (; d->flags & 1; d = descriptor(d->next))
        move(d, &at, header->type == 1);
    assert_int_equal(d->length, 1);
    if (outcome >= 0)
        *(uint8_t *)hal_phys_to_virt(d->address) = (uint8_t)outcome;
}

static void interrupt(void)
{
    handler(handler_argument);
}

/* ---- A driver for it ----------------------------------------------------- */

#define VERSION_1 (1ull << 32)
#define ALL       (VERSION_1 | 1 << 2 | 1 << 9)

static void new_chip(void)
{
    memset(&chip, 0, sizeof chip);
    pthread_mutex_init(&chip.lock, NULL);
    chip.magic = 0x74726976;
    chip.version = 2;
    chip.id = 2;
    chip.queue_max = QUEUE;
    chip.segments_max = QUEUE - 2;
    chip.offers = ALL;
}

static struct block_device *disk;

static void new_disk(uint64_t offers)
{
    new_chip();
    chip.offers = offers;
    assert_int_equal(virtio_blk_start(BASE, 7), 0);
    disk = block_at(block_count() - 1);
    assert_int_equal(chip.status, 15);
    assert_int_equal(disk->sectors, SECTORS);
}

static unsigned ended;

static void count_end(struct block_request *request)
{
    (void)request;
    ended++;
}

static struct block_request request_of(enum block_command command,
                                       struct page *page, uint64_t sector)
{
    return (struct block_request){.command = command,
                                  .count = 1,
                                  .sector = sector,
                                  .segments = {{page, 0, HAL_PAGE_SIZE}},
                                  .done = count_end};
}

static void what_is_no_disk_is_left_alone(void **state)
{
    (void)state;
    new_chip();
    chip.magic = 0;
    assert_int_equal(virtio_blk_start(BASE, 7), -ENODEV);
    new_chip();
    chip.id = 0;
    assert_int_equal(virtio_blk_start(BASE, 7), -ENODEV);
    new_chip();
    chip.id = 1;
    assert_int_equal(virtio_blk_start(BASE, 7), -ENODEV);
    assert_int_equal(chip.status, 0);
    assert_int_equal(block_count(), 0);
}

static void a_disk_that_lacks_something_is_refused(void **state)
{
    (void)state;
    new_chip();
    chip.version = 1;
    assert_int_equal(virtio_blk_start(BASE, 7), -EOPNOTSUPP);
    new_chip();
    chip.offers = ALL & ~VERSION_1;
    assert_int_equal(virtio_blk_start(BASE, 7), -EOPNOTSUPP);
    assert_int_equal(chip.status, 128);
    new_chip();
    chip.refuses_features = true;
    assert_int_equal(virtio_blk_start(BASE, 7), -EOPNOTSUPP);
    new_chip();
    chip.queue_max = QUEUE / 2;
    assert_int_equal(virtio_blk_start(BASE, 7), -EOPNOTSUPP);
    new_chip();
    chip.segments_max = BLOCK_SEGMENTS - 1;
    assert_int_equal(virtio_blk_start(BASE, 7), -EOPNOTSUPP);
    assert_int_equal(block_count(), 0);
}

static void every_allocation_may_fail(void **state)
{
    uint64_t pages = page_unused_count();
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        new_chip();
        page_fail_after(i);
        assert_int_equal(virtio_blk_start(BASE, 7), -ENOMEM);
        page_fail_after(0);
        assert_true(pages - page_unused_count() <= 1); /* a slab's page */
    }
}

static void features_are_what_they_are(void **state)
{
    (void)state;
    new_disk(ALL);
    assert_true(disk->has_flush);
    assert_false(disk->read_only);
    assert_string_equal(disk->name, "vda");
    new_disk(VERSION_1 | 1 << 5 | 1 << 30);
    assert_false(disk->has_flush);
    assert_true(disk->read_only);
    assert_string_equal(disk->name, "vdb");
    assert_int_equal(chip.accepted, VERSION_1 | 1 << 5);
    /* A flush means nothing there, and a write is not passed on. */
    assert_int_equal(block_flush(disk), 0);
    struct block_request request = request_of(BLOCK_WRITE, page_at(0), 0);
    assert_int_equal(block_do(disk, &request), -EIO);
    assert_int_equal(next_offer(), -1);
}

static void requests_end_in_any_order(void **state)
{
    struct block_request requests[5];
    struct page *pages[5];
    int numbers[5];
    (void)state;
    new_disk(ALL);
    ended = 0;
    for (unsigned i = 0; i < 5; i++) {
        pages[i] = page_alloc(PAGE_KERNEL);
        memset(chip.data + i * HAL_PAGE_SIZE, 0x11 * (int)(i + 1),
               HAL_PAGE_SIZE);
        requests[i] = request_of(BLOCK_READ, pages[i], i * 8);
        block_submit(disk, &requests[i]);
        numbers[i] = next_offer();
        assert_true(numbers[i] >= 0);
    }
    for (unsigned i = 5; i-- > 0;) {
        perform(numbers[i], 0);
        say_used((uint32_t)numbers[i]);
        interrupt();
        assert_int_equal(ended, 5 - i);
        assert_int_equal(requests[i].result, 0);
        assert_int_equal(((uint8_t *)page_data(pages[i]))[77], 0x11 * (i + 1));
        page_put(pages[i]);
    }
}

static void errors_are_passed_up(void **state)
{
    struct page *page = page_alloc(PAGE_KERNEL);
    int outcomes[] = {1, 2, -1, 77};
    (void)state;
    new_disk(ALL);
    for (unsigned i = 0; i < 4; i++) {
        struct block_request request = request_of(BLOCK_WRITE, page, 8);
        block_submit(disk, &request);
        int number = next_offer();
        perform(number, outcomes[i]);
        say_used((uint32_t)number);
        interrupt();
        assert_int_equal(request.result, -EIO);
    }
    page_put(page);
}

static void a_device_that_lies_is_not_believed(void **state)
{
    struct page *page = page_alloc(PAGE_KERNEL);
    struct block_request request = request_of(BLOCK_READ, page, 0);
    (void)state;
    new_disk(ALL);
    ended = 0;
    block_submit(disk, &request);
    int number = next_offer();
    say_used(QUEUE);
    say_used(0xffffffff);
    say_used((uint32_t)number + 1); /* the middle of a chain */
    say_used(QUEUE - 1);            /* never offered */
    interrupt();
    assert_int_equal(ended, 0);
    perform(number, 0);
    say_used((uint32_t)number);
    say_used((uint32_t)number); /* twice */
    interrupt();
    assert_int_equal(ended, 1);
    assert_int_equal(request.result, 0);
    page_put(page);
}

static void a_device_that_breaks_ends_all_requests(void **state)
{
    struct page *page = page_alloc(PAGE_KERNEL);
    struct block_request requests[3];
    (void)state;
    new_disk(ALL);
    ended = 0;
    for (unsigned i = 0; i < 3; i++) {
        requests[i] = request_of(BLOCK_READ, page, 0);
        block_submit(disk, &requests[i]);
    }
    chip.status |= 64;
    interrupt();
    assert_int_equal(ended, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(requests[i].result, -EIO);
    assert_int_equal(chip.status, 128);
    assert_int_equal(block_do(disk, &requests[0]), -EIO);
    assert_int_equal(block_flush(disk), -EIO);
    page_put(page);
}

/* ---- More than there is room for ----------------------------------------- */

static _Atomic bool over;

/* Takes some, then is done with them, newest first. */
static void *device_thread(void *unused)
{
    int held[8], count = 0, number;
    (void)unused;
    mm_on_hart(MM_HARTS - 1);
    while (!atomic_load(&over)) {
        pthread_mutex_lock(&chip.lock);
        while (count < 8 && (number = next_offer()) >= 0)
            held[count++] = number;
        pthread_mutex_unlock(&chip.lock);
        while (count > 0) {
            perform(held[--count], 0);
            say_used((uint32_t)held[count]);
        }
        interrupt();
        sched_yield();
    }
    return NULL;
}

#define ROUNDS 300

/* Each thread has its part of the disk, and never reads what it did not
 * write there; requests of 1 to 16 pieces. */
static void *user_thread(void *argument)
{
    unsigned self = (unsigned)(uintptr_t)argument, seed = self;
    mm_on_hart(self);
    struct page *page = page_alloc(PAGE_KERNEL);
    uint32_t *words = page_data(page);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        struct block_request request = {.sector = self * 64};
        request.count = (uint16_t)(1 + rand_r(&seed) % 8);
        for (unsigned i = 0; i < request.count; i++)
            request.segments[i] =
                (struct block_segment){page, (uint16_t)(i * 512), 512};
        words[0] = round;
        words[request.count * 128 - 1] = round;
        request.command = BLOCK_WRITE;
        if (block_do(disk, &request))
            mm_fail("a write failed");
        memset(words, 0, HAL_PAGE_SIZE);
        request.command = BLOCK_READ;
        if (block_do(disk, &request) || words[0] != round ||
            words[request.count * 128 - 1] != round)
            mm_fail("round %u of %u read %u", round, self, words[0]);
        if (round % 50 == 0 && block_flush(disk))
            mm_fail("a flush failed");
    }
    page_put(page);
    return NULL;
}

static void many_share_a_queue(void **state)
{
    pthread_t users[MM_HARTS - 1], device;
    (void)state;
    new_disk(ALL);
    atomic_store(&over, false);
    pthread_create(&device, NULL, device_thread, NULL);
    for (uintptr_t i = 0; i < MM_HARTS - 1; i++) {
        mm_on_hart((unsigned)i);
        pthread_create(&users[i], NULL, user_thread, (void *)i);
    }
    mm_on_hart(0);
    for (unsigned i = 0; i < MM_HARTS - 1; i++)
        pthread_join(users[i], NULL);
    atomic_store(&over, true);
    pthread_join(device, NULL);
    assert_int_equal(chip.flushes, (MM_HARTS - 1) * ROUNDS / 50);
}

static struct block_request flood[QUEUE];

static void *flood_thread(void *argument)
{
    struct page *page = argument;
    mm_on_hart(1);
    for (unsigned i = 0; i < QUEUE; i++) {
        flood[i] = request_of(BLOCK_READ, page, 0);
        block_submit(disk, &flood[i]);
    }
    return NULL;
}

/* Three descriptors a request: a third of them fill the queue. */
static void who_finds_the_queue_full_waits(void **state)
{
    struct page *page = page_alloc(PAGE_KERNEL);
    pthread_t thread;
    int number;
    (void)state;
    new_disk(ALL);
    ended = 0;
    pthread_create(&thread, NULL, flood_thread, page);
    while (__atomic_load_n(offered(1), __ATOMIC_ACQUIRE) < QUEUE / 3)
        sched_yield();
    while (ended < QUEUE) {
        if ((number = next_offer()) < 0) {
            sched_yield();
            continue;
        }
        perform(number, 0);
        say_used((uint32_t)number);
        interrupt();
    }
    pthread_join(thread, NULL);
    page_put(page);
}

static int start(void **state)
{
    (void)state;
    mm_boot(4ul << 20);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_disk_is_left_alone),
        cmocka_unit_test(a_disk_that_lacks_something_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(features_are_what_they_are),
        cmocka_unit_test(requests_end_in_any_order),
        cmocka_unit_test(errors_are_passed_up),
        cmocka_unit_test(a_device_that_lies_is_not_believed),
        cmocka_unit_test(a_device_that_breaks_ends_all_requests),
        cmocka_unit_test(many_share_a_queue),
        cmocka_unit_test(who_finds_the_queue_full_waits),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
