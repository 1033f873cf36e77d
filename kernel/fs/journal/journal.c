/*
 * Operations and their changes: when an operation may join the running
 * transaction, and with which blocks. See journal.h; commit.c has the rest of a
 * transaction's life.
 */
#include "fs/journal/journal.h"
#include "fs/journal/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "sched/lockrank.h"

/* An operation may ask for 1 / LIMIT_PART of a transaction's blocks. */
#define LIMIT_PART 4

/* ---- A transaction's changes --------------------------------------------- */

void transaction_start(struct transaction *transaction, uint32_t sequence)
{
    memset(transaction, 0, sizeof(*transaction));
    transaction->sequence = sequence;
    transaction->last = &transaction->first;
    list_init(&transaction->pages);
}

static struct change **bucket_of(struct transaction *transaction,
                                 uint32_t block)
{
    return &transaction->buckets[block % CHANGE_BUCKETS];
}

static struct change *find(struct transaction *transaction, uint32_t block)
{
    struct change *change = *bucket_of(transaction, block);
    while (change && change->block != block)
        change = change->next;
    return change;
}

/* Lock held. */
static void insert(struct journal_handle *handle, struct change *change)
{
    struct transaction *transaction = handle->journal->running;
    struct change **bucket = bucket_of(transaction, change->block);
    change->next = *bucket;
    *bucket = change;
    *transaction->last = change;
    transaction->last = &change->later;
    transaction->changes.filled++;
    transaction->used++;
    transaction->reserved--;
    handle->left--;
}

/* Make room for one more object, of which a page holds `most`. If the page is
 * full, *spare takes its place. False: it is full, and *spare is NULL. Lock
 * held. */
static bool has_room_in(struct transaction *transaction, struct filling *last,
                        uint32_t most, struct page **spare)
{
    if (last->page && last->filled < most)
        return true;
    if (!*spare)
        return false;
    list_push_back(&transaction->pages, &(*spare)->link);
    *last = (struct filling){*spare, 0};
    *spare = NULL;
    return true;
}

/* An empty change for `block`, not yet inserted; NULL: a page is needed. Lock
 * held. */
static struct change *new_change(struct transaction *transaction,
                                 uint32_t block, struct page **spare)
{
    struct filling *last = &transaction->changes;
    if (!has_room_in(transaction, last, HAL_PAGE_SIZE / sizeof(struct change),
                     spare))
        return NULL;
    struct change *change =
        (struct change *)page_data(last->page) + last->filled;
    *change = (struct change){.block = block};
    return change;
}

/* Room for the copy of the change's block. False: a page is needed. Lock
 * held. */
static bool give_copy(struct journal *journal, struct change *change,
                      struct page **spare)
{
    struct transaction *transaction = journal->running;
    struct filling *last = &transaction->copies;
    if (change->copy)
        return true;
    if (!has_room_in(transaction, last, blocks_per_page(journal), spare))
        return false;
    change->copy = last->page;
    change->offset = last->filled++ * journal->block_size;
    return true;
}

void transaction_end(struct transaction *transaction)
{
    for (struct change *at = transaction->first; at; at = at->later)
        if (at->page)
            cache_unpin(at->page);
    struct list *page;
    while ((page = list_pop_front(&transaction->pages)))
        page_put(list_entry(page, struct page, link));
    transaction_start(transaction, transaction->sequence);
}

/* ---- Changing blocks ----------------------------------------------------- */

/* The block's page, pinned. A new block need not be read if it fills a page;
 * otherwise the other blocks of the page must be. */
static int pin(struct journal *journal, uint32_t block, bool new,
               struct page **page)
{
    uint64_t index = block / blocks_per_page(journal);
    return cache_pin(journal->metadata, index,
                     blocks_per_page(journal) == 1 && new, page);
}

/* Put the block, whose page is *pinned, into the transaction, if it is not
 * there yet. *pinned and *spare become NULL if they were used. False: a page is
 * needed. Lock held. */
static bool put_in(struct journal_handle *handle, uint32_t block,
                   struct page **pinned, struct page **spare)
{
    struct journal *journal = handle->journal;
    struct change *known = find(journal->running, block);
    struct change *change =
        known ? known : new_change(journal->running, block, spare);
    if (!change || !give_copy(journal, change, spare))
        return false;
    if (!known)
        insert(handle, change);
    if (!change->page) {
        change->page = *pinned;
        *pinned = NULL;
    }
    change->revoked = false;
    return true;
}

static int bring_in(struct journal_handle *handle, uint32_t block, bool new)
{
    struct journal *journal = handle->journal;
    struct page *pinned, *spare = NULL;
    bool done = false;
    ASSERT(handle->left);
    if (!handle->left)
        return -EIO;
    int error = pin(journal, block, new, &pinned);
    if (error)
        return error;
    while (!error && !done) {
        spin_lock(&journal->lock);
        done = put_in(handle, block, &pinned, &spare);
        spin_unlock(&journal->lock);
        if (!done && !(spare = page_alloc(PAGE_KERNEL)))
            error = -ENOMEM;
    }
    if (pinned)
        cache_unpin(pinned);
    if (spare)
        page_put(spare);
    return error;
}

/* The block's change, if the transaction has its bytes; or NULL. */
static struct change *look_up(struct journal *journal, uint32_t block)
{
    spin_lock(&journal->lock);
    struct change *change = find(journal->running, block);
    if (change && change->revoked)
        change = NULL;
    spin_unlock(&journal->lock);
    return change;
}

static int change_block(struct journal_handle *handle, uint32_t block, bool new,
                        void **bytes)
{
    struct journal *journal = handle->journal;
    if (block >= journal->blocks)
        return -EIO;
    struct change *change = look_up(journal, block);
    if (!change) {
        int error = bring_in(handle, block, new);
        if (error)
            return error;
        change = look_up(journal, block);
    }
    *bytes = change_bytes(journal, change);
    if (new)
        memset(*bytes, 0, journal->block_size);
    return 0;
}

int journal_change(struct journal_handle *handle, uint32_t block, void **bytes)
{
    return change_block(handle, block, false, bytes);
}

int journal_change_new(struct journal_handle *handle, uint32_t block,
                       void **bytes)
{
    return change_block(handle, block, true, bytes);
}

/* Mark the block's change as revoked; it is made if there is none. False: a
 * page is needed. The block's page stays pinned, as operations may use its
 * bytes. Lock held. */
static bool mark_revoked(struct journal_handle *handle, uint32_t block,
                         struct page **spare)
{
    struct transaction *running = handle->journal->running;
    struct change *change = find(running, block);
    if (!change) {
        change = new_change(running, block, spare);
        if (!change)
            return false;
        insert(handle, change);
    }
    change->revoked = true;
    return true;
}

int journal_revoke(struct journal_handle *handle, uint32_t block)
{
    struct journal *journal = handle->journal;
    struct page *spare = NULL;
    bool done = false;
    int error = 0;
    if (block >= journal->blocks)
        return -EIO;
    bool known = look_up(journal, block);
    if (!known && !journal->log.runs)
        return 0;
    ASSERT(known || handle->left);
    if (!known && !handle->left)
        return -ENOMEM;
    while (!error && !done) {
        spin_lock(&journal->lock);
        done = mark_revoked(handle, block, &spare);
        spin_unlock(&journal->lock);
        if (!done && !(spare = page_alloc(PAGE_KERNEL)))
            error = -ENOMEM;
    }
    if (spare)
        page_put(spare);
    return error;
}

/* ---- Operations ---------------------------------------------------------- */

uint32_t journal_limit(const struct journal *journal)
{
    return journal->capacity / LIMIT_PART;
}

uint32_t journal_running(const struct journal *journal)
{
    return journal->running_now;
}

uint32_t journal_committed(const struct journal *journal)
{
    return journal->committed;
}

bool journal_is_dirty(const struct journal *journal)
{
    struct journal *own = (struct journal *)journal;
    spin_lock(&own->lock);
    bool dirty = own->running->used || own->running->handles;
    spin_unlock(&own->lock);
    return dirty;
}

static bool has_room(const struct journal *journal, uint32_t blocks)
{
    const struct transaction *running = journal->running;
    return running->used + running->reserved + blocks <= journal->capacity;
}

/* Lock held. */
static int may_begin(const struct journal *journal, uint32_t blocks)
{
    if (journal->read_only || journal->error)
        return -EROFS;
    return journal->stopped || !has_room(journal, blocks) ? -EAGAIN : 0;
}

int journal_await(struct journal *journal, uint32_t blocks)
{
    int error;
    spin_lock(&journal->lock);
    while ((error = may_begin(journal, blocks)) == -EAGAIN) {
        if (journal->stopped) {
            error =
                waitq_sleep(&journal->changed, &journal->lock, SLEEP_KILLABLE);
        } else {
            spin_unlock(&journal->lock);
            error = journal_commit(journal);
            spin_lock(&journal->lock);
        }
        if (error)
            break;
    }
    spin_unlock(&journal->lock);
    return error;
}

int journal_begin(struct journal *journal, uint32_t blocks,
                  struct journal_handle *handle)
{
    ASSERT(blocks <= journal_limit(journal));
    lockrank_acquire(LOCK_JOURNAL, false);
    lockrank_release(LOCK_JOURNAL);
    spin_lock(&journal->lock);
    int error = may_begin(journal, blocks);
    if (!error) {
        journal->running->reserved += blocks;
        journal->running->handles++;
    }
    spin_unlock(&journal->lock);
    if (error)
        return error;
    *handle = (struct journal_handle){journal, blocks};
    lockrank_acquire(LOCK_JOURNAL, false);
    return 0;
}

void journal_end(struct journal_handle *handle)
{
    struct journal *journal = handle->journal;
    spin_lock(&journal->lock);
    journal->running->reserved -= handle->left;
    if (--journal->running->handles == 0)
        waitq_wake_all(&journal->changed);
    spin_unlock(&journal->lock);
    lockrank_release(LOCK_JOURNAL);
}
