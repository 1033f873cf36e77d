/*
 * The journal: what makes several changed blocks of metadata one change.
 *
 * A file system operation makes its changes between journal_begin and
 * journal_end. All operations between two commits form one transaction. A
 * commit keeps new operations waiting for as long as it takes to write what is
 * left of the files' contents and to copy the changed blocks, then writes the
 * copies to the log (JBD2's format), flushes, writes the commit block, flushes,
 * and writes the same copies to their places. So a block is in the log before
 * it is written to its place, and contents are on disk before a file has their
 * blocks (data=ordered).
 *
 * A file system without a log has a journal, too: the copies go to their places
 * at once, and a power cut may leave a part of a change.
 *
 * After an error in writing, the journal is dead: every begin gives -EROFS, and
 * nothing is written any more; what was committed is still in the log.
 */
#ifndef FS_JOURNAL_JOURNAL_H
#define FS_JOURNAL_JOURNAL_H

#include "cache/cache.h"
#include "lib/list.h"

struct journal;

/* What the journal needs of its file system. */
struct journal_owner {
    /* Write all dirty contents of files and wait: 0 or -EIO. Called by a
     * commit: first with operations running, again with none. */
    int (*write_contents)(struct journal_owner *owner);
    /* The journal is dead because of `error`: print that. Called once. */
    void (*died)(struct journal_owner *owner, int error);
};

/* Consecutive blocks of the log on the device. */
struct journal_run {
    uint32_t first, count; /* blocks */
};

/* Where the log lies; the runs are used only during journal_open. `metadata`
 * is the cache of the whole device, by disk address. */
struct journal_place {
    struct cache *metadata;
    uint32_t block_size;
    const struct journal_run *runs;
    unsigned run_count;  /* 0: no log */
    bool needs_recovery; /* what the file system's superblock says */
};

/* Start a journal: replay the committed transactions of its log, and mark the
 * log as in use. If the file system needs no recovery, nothing is replayed.
 * *replayed is the number of blocks that were written; if it is not 0, metadata
 * that was read through the cache before must be read again. `read_only`:
 * nothing is replayed or written, and no operation can begin. 0; -ENOMEM, -EIO;
 * -EUCLEAN: no valid log, or a committed transaction is damaged, and nothing
 * was replayed; -EOPNOTSUPP: an unknown feature (printed by name or bit);
 * -EROFS: read-only, and recovery is needed. */
int journal_open(const struct journal_place *place, struct journal_owner *owner,
                 bool read_only, struct journal **out, uint64_t *replayed);

/* Commit everything and mark the log as empty, then free the journal. No
 * operation is under way, and none begins. 0, or the error that left the log
 * as it was. */
int journal_close(struct journal *journal);

/* One operation's hold on the running transaction. */
struct journal_handle {
    struct journal *journal;
    uint32_t left; /* blocks it may still bring in, or revoke */
};

/* Begin an operation that changes or revokes at most `blocks` blocks of
 * metadata. Does not wait: -EAGAIN while a commit copies, and if the
 * transaction is full. A handle counts as a lock of rank LOCK_JOURNAL: the
 * caller has no other handle and takes no lock below that until journal_end.
 * write_contents is called with this rank held, too. 0; -EROFS when dead or
 * read-only. */
int journal_begin(struct journal *journal, uint32_t blocks,
                  struct journal_handle *handle);
void journal_end(struct journal_handle *handle);

/* After -EAGAIN: wait until an operation of so many blocks can begin; this may
 * commit. The caller holds no lock that others may wait for. 0; -EROFS, -EIO,
 * -ENOMEM; -EINTR: killed while another thread commits. */
int journal_await(struct journal *journal, uint32_t blocks);

/* How many blocks one operation may ask for at most. */
uint32_t journal_limit(const struct journal *journal);

/* The caller will change metadata block `block`: *bytes are its bytes in the
 * cache, pinned until the transaction is over. The block is not locked: the
 * caller keeps changes by different operations to one block apart. This must
 * come before the first byte is changed, and cannot be undone: so bring in all
 * blocks first, then change them by steps that cannot fail. 0; -EIO, -ENOMEM:
 * nothing has changed. */
int journal_change(struct journal_handle *handle, uint32_t block, void **bytes);

/* The same for a block that becomes metadata: it is zeroed. If there are other
 * blocks in its page, the page is read first. */
int journal_change_new(struct journal_handle *handle, uint32_t block,
                       void **bytes);

/* Metadata block `block` is freed by this operation: it is not written to the
 * log or to its place any more, and a revoke record keeps older copies in the
 * log from being replayed. The transaction need not have changed it. 0; -EIO;
 * -ENOMEM: nothing has changed. */
int journal_revoke(struct journal_handle *handle, uint32_t block);

/* The running transaction's number. A block that is freed now must not be used
 * again before that transaction is committed. */
uint32_t journal_running(const struct journal *journal);
/* The newest transaction that is safe on disk. */
uint32_t journal_committed(const struct journal *journal);

/* Make all operations that have ended safe on disk, and all contents that were
 * dirty, even if there is no operation. 0; -EIO, -EROFS; -ENOMEM from
 * write_contents: the journal goes on. Several threads may call this at once:
 * they share commits. Locks as for journal_begin. */
int journal_commit(struct journal *journal);

/* Whether a commit has anything to do. */
bool journal_is_dirty(const struct journal *journal);

#endif
