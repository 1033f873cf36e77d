/*
 * The journal's requests. See io.h.
 */
#include "fs/journal/io.h"
#include "lib/bits.h"

static void ended(struct block_request *request)
{
    struct journal_io *io = request->private;
    uint32_t number = (uint32_t)(request - io->requests);
    spin_lock(&io->lock);
    io->busy &= ~(1u << number);
    if (request->result && !io->error)
        io->error = request->result;
    /* With the lock held: without it `io` may be freed. */
    waitq_wake_all(&io->ended);
    spin_unlock(&io->lock);
}

void journal_io_init(struct journal_io *io, struct block_device *device,
                     uint32_t block_size)
{
    io->device = device;
    io->block_size = block_size;
    io->filling = NULL;
    io->busy = 0;
    io->error = 0;
    spin_init(&io->lock, LOCK_BLOCK);
    waitq_init(&io->ended);
}

/* A free request; if there is none, wait until one ends. */
static struct block_request *take(struct journal_io *io)
{
    const uint32_t all = (1u << JOURNAL_REQUESTS) - 1;
    spin_lock(&io->lock);
    while (io->busy == all)
        waitq_sleep(&io->ended, &io->lock, SLEEP_UNINTERRUPTIBLE);
    unsigned number = bit_lowest(~io->busy);
    io->busy |= 1u << number;
    spin_unlock(&io->lock);
    return &io->requests[number];
}

static void submit(struct journal_io *io)
{
    struct block_request *request = io->filling;
    io->filling = NULL;
    if (request)
        block_submit(io->device, request);
}

static bool goes_on(const struct journal_io *io, enum block_command command,
                    uint64_t sector)
{
    const struct block_request *request = io->filling;
    return request && request->command == command &&
           request->count < BLOCK_SEGMENTS &&
           request->sector + request->count * (io->block_size / BLOCK_SECTOR) ==
               sector;
}

void journal_io_add(struct journal_io *io, enum block_command command,
                    uint64_t block, struct page *page, uint32_t offset)
{
    uint64_t sector = block * (io->block_size / BLOCK_SECTOR);
    if (!goes_on(io, command, sector)) {
        submit(io);
        struct block_request *request = take(io);
        request->command = command;
        request->count = 0;
        request->sector = sector;
        request->done = ended;
        request->private = io;
        io->filling = request;
    }
    io->filling->segments[io->filling->count++] =
        (struct block_segment){page, offset, io->block_size};
}

int journal_io_wait(struct journal_io *io)
{
    submit(io);
    spin_lock(&io->lock);
    while (io->busy)
        waitq_sleep(&io->ended, &io->lock, SLEEP_UNINTERRUPTIBLE);
    int error = io->error;
    io->error = 0;
    spin_unlock(&io->lock);
    return error;
}
