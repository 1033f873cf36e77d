/*
 * Disks behind virtio.
 *
 * A request is a chain of descriptors: a header that says what to do, parts of
 * the caller's pages, and a byte for the outcome. Headers and outcomes lie in a
 * page of the driver, one of each for every chain there can be, so a request
 * needs no memory. Many are under way at once; when the queue is full, submit
 * sleeps until some are done.
 */
#include "dev/virtio_blk.h"
#include "arch/hal.h"
#include "dev/irq.h"
#include "dev/virtio.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/slab.h"
#include "sched/waitq.h"

/* Features (section 5.2.3) and fields of the configuration (5.2.4). */
#define FEATURE_SEGMENTS_MAX (1ull << 2)
#define FEATURE_READ_ONLY    (1ull << 5)
#define FEATURE_FLUSH        (1ull << 9)
#define CONFIG_CAPACITY      0u
#define CONFIG_SEGMENTS_MAX  12u

/* Types of request and their outcome (section 5.2.6). */
#define TYPE_READ  0u
#define TYPE_WRITE 1u
#define TYPE_FLUSH 4u
#define OUTCOME_OK 0u
/* No device answers this: so an outcome that was not written is an error. */
#define OUTCOME_NONE 0xffu

struct header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* What the device reads and writes besides the caller's pages. */
struct exchange {
    struct header headers[VIRTIO_QUEUE_SIZE];
    uint8_t outcomes[VIRTIO_QUEUE_SIZE];
};

_Static_assert(sizeof(struct exchange) <= HAL_PAGE_SIZE, "fits a page");

struct disk {
    struct block_device block;
    struct virtio_device device;
    char name[8];              /* I */
    struct exchange *exchange; /* I */
    struct spinlock lock;
    struct virtio_queue queue;                          /* lock */
    struct block_request *under_way[VIRTIO_QUEUE_SIZE]; /* lock: by number */
    bool broken;       /* lock: the device has failed */
    struct waitq room; /* woken when requests are done */
};

static struct disk *disk_of(struct block_device *block)
{
    return container_of(block, struct disk, block);
}

/* ---- Requests ------------------------------------------------------------ */

static uint32_t type_of(const struct block_request *request)
{
    switch (request->command) {
    case BLOCK_READ:
        return TYPE_READ;
    case BLOCK_WRITE:
        return TYPE_WRITE;
    default:
        return TYPE_FLUSH;
    }
}

static struct virtio_piece own_piece(const void *data, uint32_t length,
                                     bool device_writes)
{
    return (struct virtio_piece){hal_virt_to_phys(data), length, device_writes};
}

/* The chain will have the number of the first free descriptor, so its header
 * and outcome are filled in before it is offered. Lock held. */
static int offer(struct disk *disk, struct block_request *request)
{
    struct virtio_piece pieces[BLOCK_SEGMENTS + 2];
    uint16_t number = disk->queue.first_free;
    unsigned count = 0;
    if (request->count + 2u > disk->queue.free_count)
        return -EBUSY;
    struct header *header = &disk->exchange->headers[number];
    *header = (struct header){type_of(request), 0, request->sector};
    disk->exchange->outcomes[number] = OUTCOME_NONE;
    pieces[count++] = own_piece(header, sizeof *header, false);
    for (unsigned i = 0; i < request->count; i++) {
        const struct block_segment *s = &request->segments[i];
        pieces[count++] =
            (struct virtio_piece){page_physical(s->page) + s->offset, s->length,
                                  request->command == BLOCK_READ};
    }
    pieces[count++] = own_piece(&disk->exchange->outcomes[number], 1, true);
    disk->under_way[number] = request;
    return virtio_offer(&disk->queue, pieces, count);
}

static void submit(struct block_device *block, struct block_request *request)
{
    struct disk *disk = disk_of(block);
    spin_lock(&disk->lock);
    while (!disk->broken && offer(disk, request) == -EBUSY)
        waitq_sleep(&disk->room, &disk->lock, SLEEP_UNINTERRUPTIBLE);
    bool broken = disk->broken;
    if (!broken)
        virtio_notify(&disk->queue);
    spin_unlock(&disk->lock);
    if (broken) {
        request->result = -EIO;
        request->done(request);
    }
}

static const struct block_ops block_ops = {.submit = submit};

/* ---- The interrupt ------------------------------------------------------- */

static void finish(struct disk *disk, int number, struct list *done)
{
    struct block_request *request = disk->under_way[number];
    uint8_t outcome = disk->exchange->outcomes[number];
    disk->under_way[number] = NULL;
    request->result = outcome == OUTCOME_OK && !disk->broken ? 0 : -EIO;
    list_push_back(done, &request->link);
}

/* Collect the requests that are done or, if the device has failed, all. Lock
 * held. */
static void collect(struct disk *disk, struct list *done)
{
    int number;
    while ((number = virtio_take_used(&disk->queue)) >= 0)
        finish(disk, number, done);
    for (number = 0; disk->broken && number < VIRTIO_QUEUE_SIZE; number++)
        if (disk->under_way[number])
            finish(disk, number, done);
}

static void interrupt(void *argument)
{
    struct disk *disk = argument;
    struct list done, *link;
    list_init(&done);
    spin_lock(&disk->lock);
    if (!virtio_acknowledge(&disk->device) && !disk->broken) {
        disk->broken = true;
        virtio_give_up(&disk->device);
    }
    collect(disk, &done);
    if (!list_is_empty(&done))
        waitq_wake_all(&disk->room);
    spin_unlock(&disk->lock);
    while ((link = list_pop_front(&done))) {
        struct block_request *request =
            list_entry(link, struct block_request, link);
        request->done(request);
    }
}

/* ---- Start --------------------------------------------------------------- */

/* Agree with the device, and fill in all of disk->block but the name. */
static int negotiate(struct disk *disk, uintptr_t base)
{
    struct virtio_device *device = &disk->device;
    uint64_t wanted = FEATURE_SEGMENTS_MAX | FEATURE_READ_ONLY | FEATURE_FLUSH;
    int error = virtio_begin(device, base, wanted, 0);
    if (!error && (device->features & FEATURE_SEGMENTS_MAX) &&
        virtio_config32(device, CONFIG_SEGMENTS_MAX) < BLOCK_SEGMENTS)
        error = -EOPNOTSUPP;
    if (!error)
        error = virtio_queue_init(&disk->queue, device, 0);
    disk->block.ops = &block_ops;
    disk->block.sectors = virtio_config64(device, CONFIG_CAPACITY);
    disk->block.read_only = device->features & FEATURE_READ_ONLY;
    disk->block.has_flush = device->features & FEATURE_FLUSH;
    return error;
}

static int start_disk(struct disk *disk, uintptr_t base,
                      unsigned interrupt_line)
{
    struct page *page = page_alloc_zeroed(PAGE_KERNEL);
    if (!page)
        return -ENOMEM;
    disk->exchange = page_data(page);
    spin_init(&disk->lock, LOCK_BLOCK);
    waitq_init(&disk->room);
    int error = negotiate(disk, base);
    if (!error)
        error = irq_register(interrupt_line, interrupt, disk);
    if (error) {
        virtio_give_up(&disk->device);
        page_put(page);
        return error;
    }
    virtio_go(&disk->device);
    ksnprintf(disk->name, sizeof disk->name, "vd%c", 'a' + block_count());
    disk->block.name = disk->name;
    return block_add(&disk->block);
}

int virtio_blk_start(uintptr_t base, unsigned interrupt_line)
{
    int id = virtio_identify(base);
    if (id < 0)
        return id;
    if (id != VIRTIO_ID_BLOCK || block_count() == BLOCK_DEVICES)
        return -ENODEV;
    struct disk *disk = slab_alloc_zeroed(sizeof *disk);
    if (!disk)
        return -ENOMEM;
    int error = start_disk(disk, base, interrupt_line);
    if (error)
        slab_free(disk);
    return error;
}
