/*
 * Block devices: the checks before a driver gets a request, and waiting for the
 * end of one.
 */
#include "dev/block.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/spinlock.h"
#include "sched/waitq.h"

static struct spinlock lock = SPINLOCK(LOCK_BLOCK);

static struct block_device *devices[BLOCK_DEVICES]; /* I once boot is over */
static unsigned device_count;

/* A wait in block_do, on its stack. */
struct completion {
    struct waitq queue;
    bool done; /* lock */
};

/* ---- Disks --------------------------------------------------------------- */

struct block_device *block_at(unsigned index)
{
    return index < device_count ? devices[index] : NULL;
}

unsigned block_count(void)
{
    return device_count;
}

struct block_device *block_find(const char *name)
{
    for (unsigned i = 0; i < device_count; i++)
        if (strcmp(devices[i]->name, name) == 0)
            return devices[i];
    return NULL;
}

int block_add(struct block_device *device)
{
    if (device_count == BLOCK_DEVICES)
        return -ENOSPC;
    devices[device_count++] = device;
    return 0;
}

/* ---- Requests ------------------------------------------------------------ */

static uint64_t sectors_of(const struct block_request *request)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < request->count; i++)
        bytes += request->segments[i].length;
    return bytes / BLOCK_SECTOR;
}

static bool can_be_done(const struct block_device *device,
                        const struct block_request *request, uint64_t sectors)
{
    if (request->command == BLOCK_WRITE && device->read_only)
        return false;
    return request->sector <= device->sectors &&
           sectors <= device->sectors - request->sector;
}

/* Count the request, for reports. */
static void count(struct block_device *device,
                  const struct block_request *request, uint64_t sectors)
{
    atomic_fetch_add_explicit(&device->requests[request->command], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&device->moved[request->command], sectors,
                              memory_order_relaxed);
}

void block_submit(struct block_device *device, struct block_request *request)
{
    uint64_t sectors = sectors_of(request);
    bool pointless = request->command == BLOCK_FLUSH && !device->has_flush;
    lockrank_assert_may_sleep();
    if (pointless || !can_be_done(device, request, sectors)) {
        request->result = pointless ? 0 : -EIO;
        request->done(request);
        return;
    }
    count(device, request, sectors);
    device->ops->submit(device, request);
}

/* Once the waiter has seen `done` under the lock, the completion is gone. */
static void complete(struct block_request *request)
{
    struct completion *completion = request->private;
    spin_lock(&lock);
    completion->done = true;
    waitq_wake_all(&completion->queue);
    spin_unlock(&lock);
}

int block_do(struct block_device *device, struct block_request *request)
{
    struct completion completion = {.done = false};
    waitq_init(&completion.queue);
    request->done = complete;
    /* cppcheck-suppress autoVariables ; done with before this returns */
    request->private = &completion;
    block_submit(device, request);
    spin_lock(&lock);
    while (!completion.done)
        waitq_sleep(&completion.queue, &lock, SLEEP_UNINTERRUPTIBLE);
    spin_unlock(&lock);
    return request->result;
}

int block_flush(struct block_device *device)
{
    struct block_request request = {.command = BLOCK_FLUSH};
    return block_do(device, &request);
}
