/*
 * The journal: what makes several changed blocks of metadata one change.
 *
 * A file system operation brackets its changes by journal_begin and
 * journal_end. All operations between two commits form one transaction. A
 * commit keeps new operations waiting for as long as it takes to write what
 * is left of the files' contents and to copy the changed blocks, then writes
 * the copies to the log (JBD2's format), flushes, writes the commit block,
 * flushes, and writes the same copies to their places. So a block's place on
 * disk never has what is not in the log, and a file never has blocks whose
 * contents were not written (data=ordered).
 *
 * A file system without a log has a journal, too: its copies go to their places
 * at once, and only the promise about power cuts is missing.
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
    /* The journal died (error: why), once: say so, to people, too. */
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

/* Start a journal: replay what a log has (every transaction whose commit block
 * is whole), or nothing. Metadata must not have been read through the cache
 * before, but for the superblock and what led to the log; *replayed tells how
 * many blocks were written, and that these must be read again. The log is
 * marked as in use. 0; -ENOMEM, -EIO; -EUCLEAN: no valid log; -EOPNOTSUPP: an
 * unknown feature (told on the console, by name or bit); -EUCLEAN, too, when a
 * committed transaction is damaged, and then nothing was replayed. What is in a
 * log whose file system needs no recovery is not replayed. `read_only`: replays
 * nothing, writes nothing, begins nothing; -EROFS when recovery was needed. */
int journal_open(const struct journal_place *place, struct journal_owner *owner,
                 bool read_only, struct journal **out, uint64_t *replayed);

/* Commit everything and mark the log as empty, then free the journal. No
 * operation is under way or comes. 0 or the error that kept it from that. */
int journal_close(struct journal *journal);

/* One operation's hold on the running transaction. */
struct journal_handle {
    struct journal *journal;
    uint32_t left; /* blocks it may still bring in, or revoke */
};

/* Begin an operation that changes or revokes at most `blocks` blocks of
 * metadata. Does not wait: -EAGAIN while a commit copies, and when the
 * transaction is full. A handle counts as a lock of rank LOCK_JOURNAL: the
 * caller has no other and takes no lock below that until journal_end.
 * write_contents is called with this rank held, too. 0; -EROFS when dead or
 * read-only. */
int journal_begin(struct journal *journal, uint32_t blocks,
                  struct journal_handle *handle);
void journal_end(struct journal_handle *handle);

/* After -EAGAIN: wait until so many blocks may be begun with, and commit if
 * need be. No lock is held that others could want. 0; -EROFS, -EIO, -ENOMEM;
 * -EINTR: killed while another commits. */
int journal_await(struct journal *journal, uint32_t blocks);

/* How many blocks one operation may ask for at most. */
uint32_t journal_limit(const struct journal *journal);

/* The caller will change metadata block `block`: its bytes in the cache, pinned
 * until the transaction is over. Changes by different operations to one block
 * are the caller's to keep apart (the block is shared by the transaction, not
 * locked). Must come before the first byte is changed, and cannot be undone:
 * ask for all blocks first, then change what cannot fail. 0, -EIO, -ENOMEM
 * and nothing has changed. */
int journal_change(struct journal_handle *handle, uint32_t block, void **bytes);

/* The same for a block new to metadata: zeroed. (What else is in its page is
 * read if need be.) */
int journal_change_new(struct journal_handle *handle, uint32_t block,
                       void **bytes);

/* Metadata block `block` is freed by this operation: it is not logged or
 * written in place any more, and a revoke record keeps older copies in the log
 * from being replayed. It may be one that this transaction never changed.
 * -ENOMEM and nothing has changed. */
int journal_revoke(struct journal_handle *handle, uint32_t block);

/* The running transaction's number, for data of the owner that lives as long
 * (blocks freed by it must not be used again before it is committed). */
uint32_t journal_running(const struct journal *journal);
/* The newest transaction that is safe on disk. */
uint32_t journal_committed(const struct journal *journal);

/* Make all operations that have ended safe on disk, and all contents that were
 * dirty, even if there is no operation: 0, or -EIO, -EROFS, or -ENOMEM from
 * write_contents (and then the journal lives). May be called by many at once;
 * they share commits. Locks as for journal_begin. */
int journal_commit(struct journal *journal);

/* Whether a commit would have anything to do. */
bool journal_is_dirty(const struct journal *journal);

#endif
