/*
 * The journal's own structures.
 *
 * There are two transactions: the one that is running, which operations join,
 * and the one that is being committed, which belongs to its committer alone.
 * A change holds a pin on the block's page from the first journal_change until
 * the block is in its place on disk, so that the old block is not read again.
 */
#ifndef FS_JOURNAL_PRIVATE_H
#define FS_JOURNAL_PRIVATE_H

#include "fs/journal/journal.h"
#include "fs/journal/format.h"
#include "fs/journal/io.h"
#include "sched/spinlock.h"
#include "sched/waitq.h"

#define CHANGE_BUCKETS 256

/* What a transaction does to a block. Letters: I immutable; s journal.lock, or
 * the committer alone when the transaction does not run any more. */
struct change {
    struct change *next;  /* s: in its bucket */
    struct change *later; /* s: in order of arrival */
    uint32_t block;       /* I */
    bool revoked;         /* s: freed, and not written */
    bool escaped;         /* s: the start of its copy is replaced for now */
    uint16_t offset;      /* I: of its copy in `copy` */
    struct page *page;    /* s: in the cache of metadata, pinned until the
                             transaction is over; NULL: only revoked */
    struct page *copy;    /* s: one of the transaction's pages; or NULL */
};

static inline bool is_kept(const struct change *change)
{
    return change->page && !change->revoked;
}

/* The page of a transaction that is being filled, or NULL, and how many objects
 * are in it. */
struct filling {
    struct page *page;
    uint32_t filled;
};

/* Changes and copies lie in pages of the transaction's own, so that all of them
 * become free when it is over. Letters: s as above. */
struct transaction {
    uint32_t sequence;                      /* s */
    uint32_t used;                          /* s: changes */
    uint32_t reserved;                      /* s: what handles may add */
    uint32_t handles;                       /* s */
    struct change *buckets[CHANGE_BUCKETS]; /* s */
    struct change *first, **last;           /* s: in order of arrival */
    struct list pages;                      /* s: pages of `changes` and
                                               `copies`, by page.link */
    struct filling changes, copies;         /* s */
};

/* Where the log lies, and what is in it. Blocks of the log count from its
 * superblock, number 0. Letters: I immutable; c by the committer, or while the
 * journal is opened or closed. */
struct log {
    struct journal_io io;     /* c */
    struct journal_run *runs; /* I: NULL: there is no log */
    unsigned run_count;       /* I */
    uint32_t length, first;   /* I: blocks first..length - 1 go round */
    uint32_t tail;            /* c: where replay would begin, as the disk
                                 says */
    uint32_t head;            /* c: the next block to be written */
    struct page *superblock;  /* c: a page with the log's superblock */
    struct page *scratch;     /* c: a page for one block */
};

/* Letters: I immutable; s lock; a atomic. */
struct journal {
    struct journal_owner *owner; /* I */
    struct cache *metadata;      /* I */
    uint32_t block_size;         /* I */
    uint32_t blocks;             /* I: of the device */
    bool read_only;              /* I */
    uint32_t capacity;           /* I: changes in a transaction */
    struct log log;

    struct spinlock lock;
    struct waitq changed;         /* one of the fields below has changed */
    _Atomic int error;            /* a: why it died, or 0 */
    bool stopped;                 /* s: no operation may begin */
    bool committing;              /* s: there is a committer */
    uint32_t round;               /* s: commits that stopped operations */
    uint32_t rounds_done;         /* s: the last of these that is over */
    int round_error;              /* s: of the last one */
    _Atomic uint32_t running_now; /* a: running->sequence */
    _Atomic uint32_t committed;   /* a */
    struct transaction *running;  /* s */
    struct transaction two[2];
};

static inline uint32_t blocks_per_page(const struct journal *journal)
{
    return HAL_PAGE_SIZE / journal->block_size;
}

/* The log's superblock in memory. */
static inline struct log_superblock *log_head(const struct log *log)
{
    return page_data(log->superblock);
}

/* Whether number `a` comes after `b`; they wrap. */
static inline bool sequence_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* ---- journal.c ----------------------------------------------------------- */

/* An empty transaction. */
void transaction_start(struct transaction *transaction, uint32_t sequence);

/* The transaction is over, or given up: free and unpin all that it holds. */
void transaction_end(struct transaction *transaction);

/* A change's bytes in the cache. */
static inline uint8_t *change_bytes(const struct journal *journal,
                                    const struct change *change)
{
    uint32_t piece = change->block % blocks_per_page(journal);
    return (uint8_t *)page_data(change->page) + piece * journal->block_size;
}

/* ---- head.c -------------------------------------------------------------- */

/* What the log's superblock says of the log's other blocks. */
struct log_features {
    bool sums, sums_2, sums_3; /* which checksums */
    bool wide;                 /* block numbers of 64 bits */
    uint32_t seed;             /* of checksums 2 and 3 */
};

/* Check the log's superblock, replay the log, and leave it empty and marked as
 * in use. The caller has set log->io, runs and pages. Results as of
 * journal_open. *sequence: the first transaction's number. */
int log_open(struct journal *journal, bool needs_recovery, uint32_t *sequence,
             uint64_t *replayed);

/* ---- replay.c ------------------------------------------------------------ */

/* Replay the log, whose superblock is right and which begins with transaction
 * *sequence; unless `needed`, only check it. *sequence becomes higher than the
 * number of any block in the log. */
int log_replay(struct journal *journal, const struct log_features *features,
               bool needed, uint32_t *sequence, uint64_t *replayed);

/* ---- log.c --------------------------------------------------------------- */

/* The block of the device that is block `index` < length of the log. */
uint32_t log_place(const struct log *log, uint32_t index);

/* Read or write one block of the log, from or to the start of `page`, and wait
 * for it. 0 or -EIO. */
int log_move(struct log *log, enum block_command command, uint32_t index,
             struct page *page);

/* Write the log's superblock: replay would begin at block `start` (0: nothing
 * to replay) with transaction `sequence`. Does not flush. */
int log_write_head(struct log *log, uint32_t start, uint32_t sequence);

/* Write the whole transaction to the log, its commit block last, and wait
 * until that is safe. 0 or -EIO. */
int log_write(struct journal *journal, struct transaction *transaction);

#endif
