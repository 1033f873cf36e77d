/*
 * Committing, and the beginning and end of a journal.
 *
 * Commits come in rounds, one after another. A thread that finds no round under
 * way does one. The others wait for the round that has their changes: the next
 * one that stops operations. While operations are stopped there is no handle,
 * so no operation is half done, and the changed blocks are copied. Then
 * operations go on in the other transaction, and the copies are written. A
 * round without changes still writes contents and flushes.
 */
#include "fs/journal/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sched/lockrank.h"

/* A transaction may have as many changes as blocks fit in 1 / MEMORY_PART of
 * memory, within these bounds, and in 1 / LOG_PART of the log. */
#define MEMORY_PART    32
#define CAPACITY_LEAST 256u
#define CAPACITY_MOST  2048u
#define LOG_PART       4

static void die(struct journal *journal, int error)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&journal->error, &none, error))
        journal->owner->died(journal->owner, error);
}

/* From now on there is no handle, until operations_resume. */
static void operations_stop(struct journal *journal)
{
    spin_lock(&journal->lock);
    journal->stopped = true;
    while (journal->running->handles)
        waitq_sleep(&journal->changed, &journal->lock, SLEEP_UNINTERRUPTIBLE);
    spin_unlock(&journal->lock);
}

static void operations_resume(struct journal *journal)
{
    spin_lock(&journal->lock);
    journal->stopped = false;
    waitq_wake_all(&journal->changed);
    spin_unlock(&journal->lock);
}

static void round_end(struct journal *journal, int error)
{
    spin_lock(&journal->lock);
    journal->rounds_done = journal->round;
    journal->round_error = error;
    waitq_wake_all(&journal->changed);
    spin_unlock(&journal->lock);
}

/* Operations are stopped: their changes so far belong to this round. */
static struct transaction *take_running(struct journal *journal)
{
    spin_lock(&journal->lock);
    struct transaction *taken = journal->running;
    struct transaction *other = &journal->two[taken == &journal->two[0]];
    transaction_start(other, taken->sequence + (taken->used > 0));
    journal->running = other;
    journal->running_now = other->sequence;
    journal->round++;
    spin_unlock(&journal->lock);
    return taken;
}

static void copy_blocks(struct journal *journal,
                        struct transaction *transaction)
{
    for (struct change *at = transaction->first; at; at = at->later)
        if (is_kept(at))
            memcpy((uint8_t *)page_data(at->copy) + at->offset,
                   change_bytes(journal, at), journal->block_size);
}

static int write_home(struct journal *journal, struct transaction *transaction)
{
    struct journal_io *io = &journal->log.io;
    for (struct change *at = transaction->first; at; at = at->later)
        if (is_kept(at))
            journal_io_add(io, BLOCK_WRITE, at->block, at->copy, at->offset);
    return journal_io_wait(io);
}

/* Write the copies to the log and then to their places; without a log, to their
 * places. The round ends once they are safe. */
static int write_transaction(struct journal *journal,
                             struct transaction *transaction)
{
    struct block_device *device = journal->metadata->device;
    int error = 0;
    if (!transaction->used)
        error = block_flush(device);
    else if (journal->log.runs)
        error = log_write(journal, transaction);
    else if (!(error = write_home(journal, transaction)))
        error = block_flush(device);
    if (error)
        return error;
    if (transaction->used)
        journal->committed = transaction->sequence;
    round_end(journal, 0);
    return transaction->used && journal->log.runs
               ? write_home(journal, transaction)
               : 0;
}

/* Blocks that could not be written stay pinned: what the disk has in their
 * place must not be read. After -ENOMEM the journal goes on; after another
 * error it is dead. */
static void round_fail(struct journal *journal, int error)
{
    if (error != -ENOMEM)
        die(journal, error);
    spin_lock(&journal->lock);
    journal->round++;
    spin_unlock(&journal->lock);
    round_end(journal, error);
}

static void commit(struct journal *journal)
{
    struct journal_owner *owner = journal->owner;
    int error = owner->write_contents(owner);
    struct transaction *taken = NULL;
    operations_stop(journal);
    if (!error)
        error = owner->write_contents(owner);
    if (!error) {
        taken = take_running(journal);
        copy_blocks(journal, taken);
    }
    operations_resume(journal);
    if (taken)
        error = write_transaction(journal, taken);
    if (taken && !error)
        transaction_end(taken);
    if (error)
        round_fail(journal, error);
}

int journal_commit(struct journal *journal)
{
    if (journal->read_only)
        return 0;
    if (journal->error)
        return -EROFS;
    lockrank_acquire(LOCK_JOURNAL, false);
    spin_lock(&journal->lock);
    uint32_t wanted = journal->round + 1;
    while (sequence_after(wanted, journal->rounds_done) && !journal->error) {
        if (journal->committing) {
            waitq_sleep(&journal->changed, &journal->lock,
                        SLEEP_UNINTERRUPTIBLE);
            continue;
        }
        journal->committing = true;
        spin_unlock(&journal->lock);
        commit(journal);
        spin_lock(&journal->lock);
        journal->committing = false;
        waitq_wake_all(&journal->changed);
    }
    int error = journal->error ? journal->error : journal->round_error;
    spin_unlock(&journal->lock);
    lockrank_release(LOCK_JOURNAL);
    return error;
}

/* ---- Beginning and end --------------------------------------------------- */

static void put_log_page(struct page *page)
{
    if (page)
        page_put(page);
}

static void journal_free(struct journal *journal)
{
    put_log_page(journal->log.superblock);
    put_log_page(journal->log.scratch);
    slab_free(journal->log.runs);
    slab_free(journal);
}

/* The log's place and pages. */
static int log_prepare(struct log *log, const struct journal_place *place)
{
    size_t size = place->run_count * sizeof(*place->runs);
    if (!place->run_count)
        return 0;
    log->runs = slab_alloc(size);
    log->superblock = page_alloc_zeroed(PAGE_KERNEL);
    log->scratch = page_alloc_zeroed(PAGE_KERNEL);
    if (!log->runs || !log->superblock || !log->scratch)
        return -ENOMEM;
    memcpy(log->runs, place->runs, size);
    log->run_count = place->run_count;
    return 0;
}

static uint32_t capacity_of(const struct journal *journal)
{
    const struct log *log = &journal->log;
    uint64_t pages = page_total_count() / MEMORY_PART;
    uint32_t capacity =
        MIN(pages * blocks_per_page(journal), (uint64_t)CAPACITY_MOST);
    capacity = MAX(capacity, CAPACITY_LEAST);
    return log->runs ? MIN(capacity, (log->length - log->first) / LOG_PART)
                     : capacity;
}

static struct journal *journal_new(const struct journal_place *place,
                                   struct journal_owner *owner, bool read_only)
{
    struct block_device *device = place->metadata->device;
    struct journal *journal = slab_alloc_zeroed(sizeof(*journal));
    if (!journal)
        return NULL;
    uint64_t blocks = device->sectors / (place->block_size / BLOCK_SECTOR);
    journal->owner = owner;
    journal->metadata = place->metadata;
    journal->block_size = place->block_size;
    journal->blocks = MIN(blocks, (uint64_t)UINT32_MAX);
    journal->read_only = read_only || device->read_only;
    journal_io_init(&journal->log.io, device, place->block_size);
    spin_init(&journal->lock, LOCK_JOURNAL_STATE);
    waitq_init(&journal->changed);
    return journal;
}

int journal_open(const struct journal_place *place, struct journal_owner *owner,
                 bool read_only, struct journal **out, uint64_t *replayed)
{
    uint32_t sequence = 1;
    struct journal *journal = journal_new(place, owner, read_only);
    *replayed = 0;
    if (!journal)
        return -ENOMEM;
    int error = log_prepare(&journal->log, place);
    if (!error && place->run_count)
        error = log_open(journal, place->needs_recovery, &sequence, replayed);
    if (error) {
        journal_free(journal);
        return error;
    }
    journal->capacity = capacity_of(journal);
    journal->running = &journal->two[0];
    transaction_start(&journal->two[0], sequence);
    transaction_start(&journal->two[1], sequence);
    journal->running_now = sequence;
    journal->committed = sequence - 1;
    *out = journal;
    return 0;
}

/* All blocks are in their places: mark the log as empty. */
static int log_close(struct journal *journal)
{
    int error = block_flush(journal->metadata->device);
    if (!error)
        error = log_write_head(&journal->log, 0, journal->running->sequence);
    return error ? error : block_flush(journal->metadata->device);
}

int journal_close(struct journal *journal)
{
    int error = journal_commit(journal);
    if (!error && journal->log.runs && !journal->read_only)
        error = log_close(journal);
    transaction_end(&journal->two[0]);
    transaction_end(&journal->two[1]);
    journal_free(journal);
    return error;
}
