/*
 * The log's superblock: checking it, and starting an empty log.
 */
#include "fs/journal/crc.h"
#include "fs/journal/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"

/* A log of fewer blocks has no room for an operation. */
#define LOG_LEAST 128u

static int complain(const struct journal *journal, int error, const char *what)
{
    kprintf("calf: %s: journal: %s\n", journal->metadata->device->name, what);
    return error;
}

static uint32_t run_total(const struct log *log)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < log->run_count; i++)
        total += log->runs[i].count;
    return MIN(total, (uint64_t)UINT32_MAX);
}

static bool runs_fit(const struct journal *journal)
{
    const struct log *log = &journal->log;
    for (unsigned i = 0; i < log->run_count; i++) {
        const struct journal_run *run = &log->runs[i];
        if (run->count > journal->blocks ||
            run->first > journal->blocks - run->count)
            return false;
    }
    return run_total(log) > 0;
}

static int check_features(const struct journal *journal,
                          const struct log_superblock *head)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{LOG_INCOMPAT_ASYNC, "async_commit"},
                 {LOG_INCOMPAT_FAST_COMMIT, "fast_commit"}};
    uint32_t unknown = be32_get(head->incompat) &
                       ~(LOG_INCOMPAT_REVOKE | LOG_INCOMPAT_64BIT |
                         LOG_INCOMPAT_CHECKSUM_2 | LOG_INCOMPAT_CHECKSUM_3);
    const char *device = journal->metadata->device->name;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (unknown & names[i].bit) {
            kprintf("calf: %s: journal: feature not supported: %s\n", device,
                    names[i].name);
            return -EOPNOTSUPP;
        }
    if (unknown || be32_get(head->ro_compat)) {
        kprintf("calf: %s: journal: features not supported: incompatible 0x%x, "
                "for writing 0x%x\n",
                device, unknown, be32_get(head->ro_compat));
        return -EOPNOTSUPP;
    }
    return 0;
}

/* Sums 2 and 3 cover the superblock, too. */
static bool head_sum_is_right(const struct log_superblock *head)
{
    static const be32_t none; /* as it was when the sum was made */
    const uint32_t before = offsetof(struct log_superblock, checksum);
    const uint32_t after = before + sizeof none;
    uint32_t sum = crc32c(~0u, head, before);
    sum = crc32c(sum, &none, sizeof none);
    sum = crc32c(sum, (const uint8_t *)head + after, sizeof(*head) - after);
    return sum == be32_get(head->checksum);
}

static int check_sums(const struct journal *journal,
                      const struct log_superblock *head,
                      struct log_features *has)
{
    uint32_t incompat = be32_get(head->incompat);
    has->wide = incompat & LOG_INCOMPAT_64BIT;
    has->sums = be32_get(head->compat) & LOG_COMPAT_CHECKSUM;
    has->sums_2 = incompat & LOG_INCOMPAT_CHECKSUM_2;
    has->sums_3 = incompat & LOG_INCOMPAT_CHECKSUM_3;
    if (!has->sums_2 && !has->sums_3)
        return 0;
    if ((has->sums_2 && has->sums_3) ||
        head->checksum_type != LOG_CHECKSUM_CRC32C)
        return complain(journal, -EOPNOTSUPP, "kind of checksum not supported");
    if (!head_sum_is_right(head))
        return complain(journal, -EUCLEAN,
                        "the superblock's checksum is wrong");
    has->seed = crc32c(~0u, head->uuid, sizeof head->uuid);
    return 0;
}

/* Read the superblock and check it. */
static int check_head(struct journal *journal, struct log_features *has)
{
    struct log *log = &journal->log;
    const struct log_superblock *head = log_head(log);
    if (!runs_fit(journal))
        return complain(journal, -EUCLEAN, "lies outside the device");
    if (log_move(log, BLOCK_READ, 0, log->superblock))
        return complain(journal, -EIO, "cannot be read");
    if (be32_get(head->header.magic) != LOG_MAGIC)
        return complain(journal, -EUCLEAN, "no superblock");
    if (be32_get(head->header.type) == LOG_SUPERBLOCK_1)
        return complain(journal, -EOPNOTSUPP, "version 1 is not supported");
    if (be32_get(head->header.type) != LOG_SUPERBLOCK_2)
        return complain(journal, -EUCLEAN, "no superblock");
    int error = check_features(journal, head);
    if (!error)
        error = check_sums(journal, head, has);
    if (error)
        return error;
    log->length = be32_get(head->length);
    log->first = be32_get(head->first);
    if (be32_get(head->block_size) != journal->block_size ||
        log->length > run_total(log) || log->first == 0 ||
        log->first >= log->length || log->length - log->first < LOG_LEAST)
        return complain(journal, -EUCLEAN, "bad size in the superblock");
    uint32_t start = be32_get(head->start);
    if (start && (start < log->first || start >= log->length))
        return complain(journal, -EUCLEAN, "bad start in the superblock");
    return 0;
}

/* Make it the superblock of an empty log in use, with no feature that Calf does
 * not need. */
static int take_over(struct journal *journal, uint32_t sequence)
{
    struct log *log = &journal->log;
    struct log_superblock *head = log_head(log);
    head->compat = be32(be32_get(head->compat) & ~LOG_COMPAT_CHECKSUM);
    head->incompat = be32(LOG_INCOMPAT_REVOKE);
    head->checksum_type = 0;
    head->checksum = be32(0);
    log->head = log->tail = log->first;
    int error = log_write_head(log, log->first, sequence);
    if (!error)
        error = block_flush(log->io.device);
    return error ? complain(journal, error, "cannot be written") : 0;
}

int log_open(struct journal *journal, bool needs_recovery, uint32_t *sequence,
             uint64_t *replayed)
{
    const struct log_superblock *head = log_head(&journal->log);
    struct log_features has = {0};
    int error = check_head(journal, &has);
    if (error)
        return error;
    bool full = be32_get(head->start) != 0;
    *sequence = be32_get(head->sequence);
    if (journal->read_only)
        return full && needs_recovery ? -EROFS : 0;
    if (full)
        error = log_replay(journal, &has, needs_recovery, sequence, replayed);
    return error ? error : take_over(journal, *sequence);
}
