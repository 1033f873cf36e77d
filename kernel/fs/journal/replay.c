/*
 * Replay: checking a log, and writing again what was committed.
 *
 * There are three walks over the log. The first finds the last transaction that
 * has a commit block, and checks all it can; the second gathers revocations;
 * the third writes the blocks to their places. So nothing is written before the
 * whole log has been checked. The log ends where a block does not have the next
 * sequence number: after a power cut that is normal. But an error in a
 * transaction that has a commit block is damage, and then nothing is replayed.
 *
 * All logs that Linux writes are read, with any kind of checksums. Calf's log
 * has none: with two flushes for each commit none are needed.
 */
#include "fs/journal/crc.h"
#include "fs/journal/private.h"
#include "fs/journal/radix.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/slab.h"

/* Pages for replaying many blocks at once, as a power of two. */
#define BUFFER_ORDER  4
#define BUFFER_BLOCKS 64u

enum pass { SCAN, REVOCATIONS, REPLAY };

/* One block of a transaction. */
struct tag {
    uint64_t block;
    uint32_t flags;
    uint32_t checksum;
};

struct replay {
    struct journal *journal;
    struct log *log;
    struct log_features has;

    uint32_t index;     /* next block of the log */
    uint32_t left;      /* blocks until the walk would be at its start again */
    uint32_t sequence;  /* of the transaction that is walked */
    uint32_t end;       /* the first that is not to be replayed */
    uint32_t sum;       /* over this transaction's blocks */
    const char *damage; /* in this transaction, if it was committed */
    struct radix revoked; /* by block: number of the last revocation, plus 1 */

    struct page *buffer;
    uint32_t room; /* blocks in it */
    struct tag waiting[BUFFER_BLOCKS];
    uint32_t places[BUFFER_BLOCKS]; /* where in the log */
    uint32_t waiting_count;
    uint64_t written;
};

/* ---- Blocks of the log --------------------------------------------------- */

static void advance(struct replay *r)
{
    r->index = r->index + 1 < r->log->length ? r->index + 1 : r->log->first;
    r->left--;
}

/* Whether the sum at `sum` is that of the `size` bytes at `data`. It lies among
 * these bytes, and counts as 0 there. */
static bool sum_is_right(const struct replay *r, void *data, uint32_t size,
                         be32_t *sum)
{
    be32_t found = *sum;
    *sum = be32(0);
    uint32_t right = crc32c(r->has.seed, data, size);
    *sum = found;
    return be32_get(found) == right;
}

static bool has_sums(const struct replay *r)
{
    return r->has.sums_2 || r->has.sums_3;
}

/* Bytes of the block in the scratch page that are not its checksum. */
static uint32_t usable(const struct replay *r)
{
    return r->journal->block_size - (has_sums(r) ? LOG_TAIL : 0);
}

static bool tail_is_right(const struct replay *r)
{
    uint8_t *block = page_data(r->log->scratch);
    return !has_sums(r) || sum_is_right(r, block, r->journal->block_size,
                                        (be32_t *)(block + usable(r)));
}

static uint32_t tag_size(const struct replay *r)
{
    if (r->has.sums_3)
        return sizeof(struct log_tag_3);
    uint32_t size = r->has.wide ? sizeof(struct log_tag) : LOG_TAG_SHORT;
    /* The format has two unused bytes here. */
    return r->has.sums_2 ? size + 2 : size;
}

/* Get the tag at *at, and move *at to the next; false: there is none. */
static bool next_tag(const struct replay *r, uint32_t *at, struct tag *tag)
{
    const uint8_t *block = page_data(r->log->scratch);
    uint32_t size = tag_size(r);
    struct log_tag_3 wide = {0};
    struct log_tag narrow = {0};
    if (*at + size > usable(r))
        return false;
    if (r->has.sums_3) {
        memcpy(&wide, block + *at, sizeof wide);
        tag->flags = be32_get(wide.flags);
        tag->checksum = be32_get(wide.checksum);
    } else {
        memcpy(&narrow, block + *at,
               r->has.wide ? sizeof narrow : LOG_TAG_SHORT);
        wide.block = narrow.block;
        wide.block_high = narrow.block_high;
        tag->flags = be16_get(narrow.flags);
        tag->checksum = be16_get(narrow.checksum);
    }
    tag->block = be32_get(wide.block);
    if (r->has.wide)
        tag->block |= (uint64_t)be32_get(wide.block_high) << 32;
    *at += size + (tag->flags & LOG_TAG_SAME_UUID ? 0 : 16);
    if (tag->flags & LOG_TAG_LAST)
        *at = r->journal->block_size;
    return true;
}

/* ---- First walk: what is there ------------------------------------------- */

static bool is_in_log(const struct log *log, uint64_t block)
{
    for (unsigned i = 0; i < log->run_count; i++)
        if (block >= log->runs[i].first &&
            block - log->runs[i].first < log->runs[i].count)
            return true;
    return false;
}

static bool data_is_right(const struct replay *r, const struct tag *tag,
                          const void *data)
{
    be32_t sequence = be32(r->sequence);
    uint32_t sum = crc32c(r->has.seed, &sequence, sizeof sequence);
    sum = crc32c(sum, data, r->journal->block_size);
    return r->has.sums_3 ? sum == tag->checksum
                         : (sum & 0xffff) == tag->checksum;
}

static int scan_data(struct replay *r, const struct tag *tag)
{
    if (tag->block >= r->journal->blocks || is_in_log(r->log, tag->block))
        r->damage = "a block number that cannot be";
    if (!r->has.sums && !has_sums(r))
        return 0;
    int error = log_move(r->log, BLOCK_READ, r->index, r->buffer);
    if (error)
        return error;
    const void *data = page_data(r->buffer);
    if (r->has.sums)
        r->sum = crc32_be(r->sum, data, r->journal->block_size);
    if (has_sums(r) && !data_is_right(r, tag, data))
        r->damage = "a block whose checksum is wrong";
    return 0;
}

/* ---- Third walk: blocks to their places ---------------------------------- */

static struct page *buffer_page(const struct replay *r, uint32_t slot,
                                uint32_t *offset)
{
    uint32_t at = slot * r->journal->block_size;
    *offset = at % HAL_PAGE_SIZE;
    return r->buffer + at / HAL_PAGE_SIZE;
}

static int move_waiting(struct replay *r, enum block_command command)
{
    uint32_t offset;
    for (uint32_t i = 0; i < r->waiting_count; i++) {
        struct page *page = buffer_page(r, i, &offset);
        uint64_t block = command == BLOCK_READ ? log_place(r->log, r->places[i])
                                               : r->waiting[i].block;
        journal_io_add(&r->log->io, command, block, page, offset);
    }
    return journal_io_wait(&r->log->io);
}

static int write_waiting(struct replay *r)
{
    uint32_t offset;
    int error = move_waiting(r, BLOCK_READ);
    for (uint32_t i = 0; i < r->waiting_count; i++) {
        struct page *page = buffer_page(r, i, &offset);
        be32_t magic = be32(LOG_MAGIC);
        if (r->waiting[i].flags & LOG_TAG_ESCAPED)
            memcpy((uint8_t *)page_data(page) + offset, &magic, sizeof magic);
    }
    if (!error)
        error = move_waiting(r, BLOCK_WRITE);
    r->written += r->waiting_count;
    r->waiting_count = 0;
    return error;
}

/* Whether this transaction or a later one has revoked the block. */
static bool is_revoked(const struct replay *r, uint64_t block)
{
    uintptr_t found = (uintptr_t)radix_get(&r->revoked, block);
    return found && !sequence_after(r->sequence, (uint32_t)(found - 1));
}

static int replay_data(struct replay *r, const struct tag *tag)
{
    if (is_revoked(r, tag->block) || tag->block >= r->journal->blocks)
        return 0;
    r->places[r->waiting_count] = r->index;
    r->waiting[r->waiting_count++] = *tag;
    return r->waiting_count == r->room ? write_waiting(r) : 0;
}

/* ---- A walk -------------------------------------------------------------- */

/* Walk a descriptor and the blocks that it describes. 1: go on; 0: the log ends
 * here; or an error. */
static int walk_descriptor(struct replay *r, enum pass pass)
{
    uint32_t at = sizeof(struct log_header);
    struct tag tag;
    int error = 0;
    if (!tail_is_right(r))
        return 0;
    if (pass == SCAN && r->has.sums)
        r->sum = crc32_be(r->sum, page_data(r->log->scratch),
                          r->journal->block_size);
    while (!error && next_tag(r, &at, &tag)) {
        if (!r->left)
            return 0;
        if (pass == SCAN)
            error = scan_data(r, &tag);
        else if (pass == REPLAY)
            error = replay_data(r, &tag);
        advance(r);
    }
    if (!error && pass == REPLAY)
        error = write_waiting(r);
    return error ? error : 1;
}

static int note_revocation(struct replay *r, const uint8_t *at)
{
    be32_t high = be32(0), low;
    if (r->has.wide)
        memcpy(&high, at, sizeof high);
    memcpy(&low, at + (r->has.wide ? sizeof high : 0), sizeof low);
    uint64_t block = (uint64_t)be32_get(high) << 32 | be32_get(low);
    if (block >= r->journal->blocks)
        return 0;
    return radix_set(&r->revoked, block, (void *)((uintptr_t)r->sequence + 1));
}

static int walk_revocations(struct replay *r, enum pass pass)
{
    const struct log_revoke *revoke = page_data(r->log->scratch);
    uint32_t length = be32_get(revoke->length);
    uint32_t size = (r->has.wide ? 2 : 1) * sizeof(be32_t);
    int error = 0;
    if (!tail_is_right(r))
        return 0;
    if (length < sizeof(*revoke) || length > usable(r)) {
        r->damage = "a revocation of a length that cannot be";
        return 1;
    }
    if (pass == REVOCATIONS)
        for (uint32_t at = sizeof(*revoke); !error && at + size <= length;
             at += size)
            error = note_revocation(r, (const uint8_t *)revoke + at);
    return error ? error : 1;
}

static bool commit_is_right(struct replay *r)
{
    struct log_commit *commit = page_data(r->log->scratch);
    if (has_sums(r))
        return sum_is_right(r, commit, r->journal->block_size,
                            &commit->checksums[0]);
    if (!r->has.sums || (!commit->checksum_type && !commit->checksum_size))
        return true;
    return commit->checksum_type == LOG_CHECKSUM_CRC32 &&
           commit->checksum_size == sizeof(be32_t) &&
           be32_get(commit->checksums[0]) == r->sum;
}

static int walk_commit(struct replay *r, enum pass pass)
{
    if (pass == SCAN && !commit_is_right(r))
        return 0;
    if (pass == SCAN && r->damage) {
        kprintf("calf: %s: journal: transaction %u is damaged: %s\n",
                r->journal->metadata->device->name, r->sequence, r->damage);
        return -EUCLEAN;
    }
    r->sequence++;
    r->sum = ~0u;
    if (pass == SCAN)
        r->end = r->sequence;
    return 1;
}

static int walk_block(struct replay *r, enum pass pass)
{
    const struct log_header *header = page_data(r->log->scratch);
    int error = log_move(r->log, BLOCK_READ, r->index, r->log->scratch);
    if (error)
        return error;
    if (be32_get(header->magic) != LOG_MAGIC ||
        be32_get(header->sequence) != r->sequence)
        return 0;
    advance(r);
    switch (be32_get(header->type)) {
    case LOG_DESCRIPTOR:
        return walk_descriptor(r, pass);
    case LOG_REVOKE:
        return walk_revocations(r, pass);
    case LOG_COMMIT:
        return walk_commit(r, pass);
    default:
        return 0;
    }
}

static int walk(struct replay *r, enum pass pass)
{
    const struct log_superblock *head = log_head(r->log);
    int result = 1;
    r->index = be32_get(head->start);
    r->sequence = be32_get(head->sequence);
    r->left = r->log->length - r->log->first;
    r->sum = ~0u;
    r->damage = NULL;
    if (pass == SCAN)
        r->end = r->sequence;
    while (result > 0 && r->left && (pass == SCAN || r->sequence != r->end))
        result = walk_block(r, pass);
    return result < 0 ? result : 0;
}

/* ---- The whole ----------------------------------------------------------- */

static bool buffer_make(struct replay *r)
{
    unsigned order = BUFFER_ORDER;
    r->buffer = page_alloc_block(PAGE_KERNEL, order);
    if (!r->buffer) {
        order = 0;
        r->buffer = page_alloc(PAGE_KERNEL);
    }
    r->room = MIN(blocks_per_page(r->journal) << order, BUFFER_BLOCKS);
    return r->buffer;
}

static int walks(struct replay *r, bool needed)
{
    int error = buffer_make(r) ? walk(r, SCAN) : -ENOMEM;
    if (!error && needed)
        error = walk(r, REVOCATIONS);
    if (!error && needed)
        error = walk(r, REPLAY);
    if (!error && needed)
        error = block_flush(r->log->io.device);
    radix_clear(&r->revoked);
    if (r->buffer)
        page_put(r->buffer);
    return error;
}

int log_replay(struct journal *journal, const struct log_features *features,
               bool needed, uint32_t *sequence, uint64_t *replayed)
{
    const char *device = journal->metadata->device->name;
    struct replay *r = slab_alloc_zeroed(sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->journal = journal;
    r->log = &journal->log;
    r->has = *features;
    radix_init(&r->revoked);
    int error = walks(r, needed);
    if (error == -EIO)
        kprintf("calf: %s: journal: input or output error in replay\n", device);
    if (!error && r->written)
        kprintf("calf: %s: journal: replayed %u transactions, %lu blocks\n",
                device, r->end - *sequence, (unsigned long)r->written);
    *replayed = r->written;
    /* The log may have blocks of a transaction without a commit block. */
    *sequence = r->end + r->log->length;
    slab_free(r);
    return error;
}
