/*
 * The virtio transport and its queues. See virtio.h for where they are
 * specified.
 *
 * A queue is a table of descriptors and two rings: in one the driver says which
 * chains of descriptors it offers, in the other the device says which it has
 * used. Positions in both rings only grow, modulo 2^16. Which descriptors are
 * free, and how long a chain is, is kept where the device cannot write.
 */
#include "dev/virtio.h"
#include "arch/hal.h"
#include "lib/errno.h"
#include "mm/page.h"

/* Registers (section 4.2.2). */
enum reg {
    REG_MAGIC = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE_ID = 0x008,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_FEATURES_SELECT = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SELECT = 0x024,
    REG_QUEUE_SELECT = 0x030,
    REG_QUEUE_SIZE_MAX = 0x034,
    REG_QUEUE_SIZE = 0x038,
    REG_QUEUE_READY = 0x044,
    REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACKNOWLEDGE = 0x064,
    REG_STATUS = 0x070,
    REG_QUEUE_TABLE = 0x080,
    REG_QUEUE_OFFERED = 0x090,
    REG_QUEUE_USED = 0x0a0,
    REG_CONFIG_GENERATION = 0x0fc,
    REG_CONFIG = 0x100,
};

#define MAGIC          0x74726976u /* "virt" */
#define VERSION_LEGACY 1u
#define VERSION        2u

/* Device status (section 2.1). */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define STATUS_FAILED      128u

#define FEATURE_VERSION_1 (1ull << 32)

/* Descriptor flags (section 2.6.5). */
#define PIECE_CONTINUES 1u
#define PIECE_WRITTEN   2u

struct virtio_rings {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags;
        uint16_t next;
    } table[VIRTIO_QUEUE_SIZE];
    struct {
        uint16_t flags;
        uint16_t position;
        uint16_t ring[VIRTIO_QUEUE_SIZE];
        uint16_t event; /* unused: the feature is not agreed on */
    } offered;
    _Alignas(4) struct {
        uint16_t flags;
        uint16_t position;
        struct {
            uint32_t number;
            uint32_t length;
        } ring[VIRTIO_QUEUE_SIZE];
        uint16_t event;
    } used;
};

_Static_assert(sizeof(struct virtio_rings) <= HAL_PAGE_SIZE, "fits a page");

static uint32_t get(const struct virtio_device *device, unsigned reg)
{
    return hal_read32(device->base + reg);
}

static void set(const struct virtio_device *device, unsigned reg,
                uint32_t value)
{
    hal_write32(device->base + reg, value);
}

static void set64(const struct virtio_device *device, unsigned reg,
                  uint64_t value)
{
    set(device, reg, (uint32_t)value);
    set(device, reg + 4, (uint32_t)(value >> 32));
}

static void add_status(const struct virtio_device *device, uint32_t bits)
{
    set(device, REG_STATUS, get(device, REG_STATUS) | bits);
}

/* ---- Setting up ---------------------------------------------------------- */

int virtio_identify(uintptr_t base)
{
    struct virtio_device device = {.base = base};
    uint32_t id;
    if (get(&device, REG_MAGIC) != MAGIC)
        return -ENODEV;
    id = get(&device, REG_DEVICE_ID);
    if (!id || id > INT16_MAX)
        return -ENODEV;
    return get(&device, REG_VERSION) == VERSION ? (int)id : -EOPNOTSUPP;
}

static uint64_t offered_features(const struct virtio_device *device)
{
    set(device, REG_DEVICE_FEATURES_SELECT, 1);
    uint64_t high = get(device, REG_DEVICE_FEATURES);
    set(device, REG_DEVICE_FEATURES_SELECT, 0);
    return high << 32 | get(device, REG_DEVICE_FEATURES);
}

int virtio_begin(struct virtio_device *device, uintptr_t base, uint64_t wanted,
                 uint64_t needed)
{
    device->base = base;
    needed |= FEATURE_VERSION_1;
    set(device, REG_STATUS, 0);
    add_status(device, STATUS_ACKNOWLEDGE);
    add_status(device, STATUS_DRIVER);
    device->features = offered_features(device) & (wanted | needed);
    if ((device->features & needed) != needed)
        return -EOPNOTSUPP;
    set(device, REG_DRIVER_FEATURES_SELECT, 0);
    set(device, REG_DRIVER_FEATURES, (uint32_t)device->features);
    set(device, REG_DRIVER_FEATURES_SELECT, 1);
    set(device, REG_DRIVER_FEATURES, (uint32_t)(device->features >> 32));
    add_status(device, STATUS_FEATURES_OK);
    return get(device, REG_STATUS) & STATUS_FEATURES_OK ? 0 : -EOPNOTSUPP;
}

int virtio_queue_init(struct virtio_queue *queue, struct virtio_device *device,
                      uint16_t number)
{
    set(device, REG_QUEUE_SELECT, number);
    if (get(device, REG_QUEUE_SIZE_MAX) < VIRTIO_QUEUE_SIZE ||
        get(device, REG_QUEUE_READY))
        return -EOPNOTSUPP;
    struct page *page = page_alloc_zeroed(PAGE_KERNEL);
    if (!page)
        return -ENOMEM;
    uint64_t at = page_physical(page);
    *queue = (struct virtio_queue){.device = device,
                                   .number = number,
                                   .rings = page_data(page),
                                   .free_count = VIRTIO_QUEUE_SIZE};
    for (unsigned i = 0; i < VIRTIO_QUEUE_SIZE; i++)
        queue->next_free[i] = (uint16_t)(i + 1);
    set(device, REG_QUEUE_SIZE, VIRTIO_QUEUE_SIZE);
    set64(device, REG_QUEUE_TABLE, at);
    set64(device, REG_QUEUE_OFFERED,
          at + offsetof(struct virtio_rings, offered));
    set64(device, REG_QUEUE_USED, at + offsetof(struct virtio_rings, used));
    hal_device_fence();
    set(device, REG_QUEUE_READY, 1);
    return 0;
}

void virtio_go(struct virtio_device *device)
{
    add_status(device, STATUS_DRIVER_OK);
}

void virtio_give_up(struct virtio_device *device)
{
    set(device, REG_STATUS, 0);
    add_status(device, STATUS_FAILED);
}

uint32_t virtio_config32(const struct virtio_device *device, unsigned offset)
{
    return get(device, REG_CONFIG + offset);
}

/* Two reads show one value only if the configuration did not change between
 * them. If it changes all the time, the value may be wrong. */
uint64_t virtio_config64(const struct virtio_device *device, unsigned offset)
{
    uint64_t value = 0;
    for (unsigned tries = 0; tries < 100; tries++) {
        uint32_t generation = get(device, REG_CONFIG_GENERATION);
        value = virtio_config32(device, offset) |
                (uint64_t)virtio_config32(device, offset + 4) << 32;
        if (get(device, REG_CONFIG_GENERATION) == generation)
            break;
    }
    return value;
}

bool virtio_acknowledge(struct virtio_device *device)
{
    set(device, REG_INTERRUPT_ACKNOWLEDGE, get(device, REG_INTERRUPT_STATUS));
    return !(get(device, REG_STATUS) & STATUS_NEEDS_RESET);
}

/* ---- A queue at work ----------------------------------------------------- */

static uint16_t fill_table(struct virtio_queue *queue,
                           const struct virtio_piece *pieces, unsigned count)
{
    uint16_t at = queue->first_free, after = at;
    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = pieces[i].device_writes ? PIECE_WRITTEN : 0;
        after = queue->next_free[at];
        if (i + 1 < count)
            flags |= PIECE_CONTINUES;
        queue->rings->table[at].address = pieces[i].address;
        queue->rings->table[at].length = pieces[i].length;
        queue->rings->table[at].flags = flags;
        queue->rings->table[at].next = after;
        at = after;
    }
    return after;
}

int virtio_offer(struct virtio_queue *queue, const struct virtio_piece *pieces,
                 unsigned count)
{
    if (count > queue->free_count)
        return -EBUSY;
    uint16_t first = queue->first_free;
    queue->first_free = fill_table(queue, pieces, count);
    queue->free_count -= (uint16_t)count;
    queue->chain_length[first] = (uint16_t)count;
    uint16_t position = queue->rings->offered.position;
    queue->rings->offered.ring[position % VIRTIO_QUEUE_SIZE] = first;
    hal_device_fence();
    __atomic_store_n(&queue->rings->offered.position, position + 1,
                     __ATOMIC_RELAXED);
    return first;
}

void virtio_notify(struct virtio_queue *queue)
{
    hal_device_fence();
    set(queue->device, REG_QUEUE_NOTIFY, queue->number);
}

/* Free the descriptors of a chain. They are still linked as fill_table left
 * them. */
static void free_chain(struct virtio_queue *queue, uint16_t first)
{
    uint16_t last = first;
    for (uint16_t i = 1; i < queue->chain_length[first]; i++)
        last = queue->next_free[last];
    queue->next_free[last] = queue->first_free;
    queue->first_free = first;
    queue->free_count += queue->chain_length[first];
    queue->chain_length[first] = 0;
}

int virtio_take_used(struct virtio_queue *queue)
{
    while (__atomic_load_n(&queue->rings->used.position, __ATOMIC_RELAXED) !=
           queue->seen) {
        hal_device_fence();
        uint32_t number =
            queue->rings->used.ring[queue->seen++ % VIRTIO_QUEUE_SIZE].number;
        if (number >= VIRTIO_QUEUE_SIZE || !queue->chain_length[number])
            continue;
        free_chain(queue, (uint16_t)number);
        return (int)number;
    }
    return -ENOENT;
}
