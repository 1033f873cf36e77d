/*
 * Writing the log.
 *
 * A transaction lies in the log as revocation blocks, then descriptor blocks,
 * each followed by the blocks it describes, then, once all of that is safe,
 * its commit block. The log is a ring, whose start is in its superblock. The
 * flush before a commit block also makes safe what the transaction before has
 * written to its places. So the start is moved then, in the same write as the
 * commit block, and a commit takes two flushes. The log has two transactions at
 * most: the last one and the one that is being written.
 */
#include "fs/journal/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"

uint32_t log_place(const struct log *log, uint32_t index)
{
    const struct journal_run *run = log->runs;
    while (index >= run->count) {
        index -= run->count;
        run++;
    }
    return run->first + index;
}

int log_move(struct log *log, enum block_command command, uint32_t index,
             struct page *page)
{
    journal_io_add(&log->io, command, log_place(log, index), page, 0);
    return journal_io_wait(&log->io);
}

int log_write_head(struct log *log, uint32_t start, uint32_t sequence)
{
    struct log_superblock *head = log_head(log);
    head->start = be32(start);
    head->sequence = be32(sequence);
    return log_move(log, BLOCK_WRITE, 0, log->superblock);
}

/* ---- Room ---------------------------------------------------------------- */

static uint32_t tags_per_block(uint32_t block_size)
{
    /* The first tag has the UUID with it. */
    return (block_size - sizeof(struct log_header) - 16) / LOG_TAG_SHORT;
}

static uint32_t revokes_per_block(uint32_t block_size)
{
    return (block_size - sizeof(struct log_revoke)) / sizeof(be32_t);
}

/* Blocks of log that a transaction of so many changes takes at most. */
static uint32_t log_blocks(uint32_t block_size, uint32_t changes)
{
    /* A revocation takes less than a block and its part of a descriptor. */
    return changes + changes / tags_per_block(block_size) + 3;
}

static uint32_t log_free(const struct log *log)
{
    uint32_t size = log->length - log->first;
    uint32_t used = (log->head + size - log->tail) % size;
    return size - used - 1;
}

static uint32_t next_index(const struct log *log, uint32_t index)
{
    return index + 1 < log->length ? index + 1 : log->first;
}

/* Begin to write a block at the head. */
static void put(struct log *log, struct page *page, uint32_t offset)
{
    journal_io_add(&log->io, BLOCK_WRITE, log_place(log, log->head), page,
                   offset);
    log->head = next_index(log, log->head);
}

/* If the transaction does not fit, empty the log: the blocks of all
 * transactions before are in their places. */
static int make_room(struct journal *journal,
                     const struct transaction *transaction)
{
    struct log *log = &journal->log;
    if (log_blocks(journal->block_size, transaction->used) <= log_free(log))
        return 0;
    int error = block_flush(log->io.device);
    if (!error)
        error = log_write_head(log, log->head, transaction->sequence);
    if (!error)
        error = block_flush(log->io.device);
    log->tail = log->head;
    return error;
}

/* ---- Blocks of the log --------------------------------------------------- */

static struct log_header header_of(enum log_block_type type,
                                   const struct transaction *transaction)
{
    return (struct log_header){be32(LOG_MAGIC), be32(type),
                               be32(transaction->sequence)};
}

/* An empty block of that type in the scratch page. */
static void *compose(struct journal *journal, enum log_block_type type,
                     const struct transaction *transaction)
{
    struct log_header *header = page_data(journal->log.scratch);
    memset(header, 0, journal->block_size);
    *header = header_of(type, transaction);
    return header;
}

/* Put a revocation block for changes from `at` on. Returns the first change
 * that did not fit. */
static struct change *put_revokes(struct journal *journal,
                                  const struct transaction *transaction,
                                  struct change *at)
{
    struct log_revoke *revoke = compose(journal, LOG_REVOKE, transaction);
    be32_t *blocks = (be32_t *)(revoke + 1);
    uint32_t count = 0;
    for (; at && count < revokes_per_block(journal->block_size); at = at->later)
        if (at->revoked)
            blocks[count++] = be32(at->block);
    revoke->length = be32(sizeof(*revoke) + count * sizeof(be32_t));
    if (count)
        put(&journal->log, journal->log.scratch, 0);
    return at;
}

static uint8_t *copy_of(const struct change *change)
{
    return (uint8_t *)page_data(change->copy) + change->offset;
}

static bool looks_like_log(const struct change *change)
{
    return be32_get(*(be32_t *)copy_of(change)) == LOG_MAGIC;
}

/* A copy in the log must not begin like a block of the log's own. */
static void escape(struct change *at, be32_t with)
{
    memcpy(copy_of(at), &with, sizeof with);
}

/* Put the tag of `change` at `tag`. Returns the place of the next tag. */
static uint8_t *put_tag(const struct journal *journal, uint8_t *tag,
                        const struct change *change, bool first)
{
    struct log_tag out = {.block = be32(change->block)};
    uint16_t flags = first ? 0 : LOG_TAG_SAME_UUID;
    if (looks_like_log(change))
        flags |= LOG_TAG_ESCAPED;
    out.flags = be16(flags);
    memcpy(tag, &out, LOG_TAG_SHORT);
    tag += LOG_TAG_SHORT;
    if (first)
        memcpy(tag, log_head(&journal->log)->uuid, 16);
    return first ? tag + 16 : tag;
}

static void mark_last(uint8_t *tag)
{
    struct log_tag last;
    memcpy(&last, tag, LOG_TAG_SHORT);
    last.flags = be16(be16_get(last.flags) | LOG_TAG_LAST);
    memcpy(tag, &last, LOG_TAG_SHORT);
}

static struct change *next_copied(struct change *at)
{
    while (at && !is_kept(at))
        at = at->later;
    return at;
}

/* Put a descriptor block for changes from `from` on, and the blocks that it
 * describes. Returns the first change that did not fit. */
static struct change *put_blocks(struct journal *journal,
                                 const struct transaction *transaction,
                                 struct change *from)
{
    uint8_t *block = compose(journal, LOG_DESCRIPTOR, transaction);
    uint8_t *tag = block + sizeof(struct log_header), *last = tag;
    uint32_t count = 0, most = tags_per_block(journal->block_size);
    struct change *at;
    for (at = from; at && count < most; at = next_copied(at->later), count++) {
        last = tag;
        tag = put_tag(journal, tag, at, at == from);
    }
    mark_last(last);
    put(&journal->log, journal->log.scratch, 0);
    for (struct change *one = from; one != at; one = next_copied(one->later)) {
        if (looks_like_log(one)) {
            one->escaped = true;
            escape(one, be32(0));
        }
        put(&journal->log, one->copy, one->offset);
    }
    return at;
}

/* Write all but the commit block. The scratch page holds one block at a
 * time. */
static int write_body(struct journal *journal, struct transaction *transaction)
{
    struct log *log = &journal->log;
    struct change *at = transaction->first;
    int error = 0;
    while (at && !error) {
        at = put_revokes(journal, transaction, at);
        error = journal_io_wait(&log->io);
    }
    at = next_copied(transaction->first);
    while (at && !error) {
        at = put_blocks(journal, transaction, at);
        error = journal_io_wait(&log->io);
    }
    for (at = transaction->first; at; at = at->later)
        if (at->escaped)
            escape(at, be32(LOG_MAGIC));
    return error;
}

int log_write(struct journal *journal, struct transaction *transaction)
{
    struct log *log = &journal->log;
    int error = make_room(journal, transaction);
    if (error)
        return error;
    uint32_t start = log->head;
    error = write_body(journal, transaction);
    if (!error)
        error = block_flush(log->io.device);
    if (error)
        return error;
    /* Transactions before this one are safe in their places, so a replay may
     * begin here. If the superblock gets to the disk without the commit block,
     * there is nothing to replay. */
    compose(journal, LOG_COMMIT, transaction);
    put(log, log->scratch, 0);
    struct log_superblock *head = log_head(log);
    head->start = be32(start);
    head->sequence = be32(transaction->sequence);
    journal_io_add(&log->io, BLOCK_WRITE, log_place(log, 0), log->superblock,
                   0);
    error = journal_io_wait(&log->io);
    if (!error)
        error = block_flush(log->io.device);
    log->tail = start;
    return error;
}
