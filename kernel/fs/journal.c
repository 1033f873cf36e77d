/*
 * Operations and what they change: who joins the running transaction, and with
 * which blocks. See journal.h; journal_commit.c has the rest of its life.
 */
#include "fs/journal.h"
#include "fs/journal_private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sched/lockrank.h"

/* An operation may ask for this part of them. */
#define LIMIT_PART 4

/* ---- A transaction's changes --------------------------------------------- */

void transaction_start(struct transaction *transaction, uint32_t sequence)
{
    memset(transaction, 0, sizeof(*transaction));
    transaction->sequence = sequence;
    transaction->last = &transaction->first;
    list_init(&transaction->frames);
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
    transaction->used++;
    transaction->reserved--;
    handle->left--;
}

/* Room for the copy of one more block, with a frame in *spare, should one be
 * needed. False: one is. Lock held. */
static bool give_copy(struct journal *journal, struct change *change,
                      struct page **spare)
{
    struct transaction *transaction = journal->running;
    if (change->copy)
        return true;
    if (!transaction->filling ||
        transaction->filled == blocks_per_page(journal)) {
        if (!*spare)
            return false;
        list_push_back(&transaction->frames, &(*spare)->link);
        transaction->filling = *spare;
        transaction->filled = 0;
        *spare = NULL;
    }
    change->copy = transaction->filling;
    change->offset = transaction->filled++ * journal->block_size;
    return true;
}

static void change_free(struct change *change)
{
    if (change->page)
        cache_unpin(change->page);
    slab_free(change);
}

void transaction_end(struct transaction *transaction)
{
    struct change *later;
    for (struct change *at = transaction->first; at; at = later) {
        later = at->later;
        change_free(at);
    }
    struct list *frame;
    while ((frame = list_pop_front(&transaction->frames)))
        page_put(list_entry(frame, struct page, link));
    transaction_start(transaction, transaction->sequence);
}

/* ---- Changing blocks ----------------------------------------------------- */

/* The block's page. Its other blocks must be right, too, so only one that is
 * all of a page is not read. */
static int pin(struct journal *journal, uint32_t block, bool new,
               struct page **page)
{
    uint64_t index = block / blocks_per_page(journal);
    return new &&blocks_per_page(journal) == 1
               ? cache_pin_new(journal->metadata, index, page)
               : cache_pin(journal->metadata, index, page);
}

/* What is needed to bring a block in; what is left over is given back. */
struct supplies {
    struct page *pinned;
    struct page *frame;
    struct change *change;
};

static void give_back(struct supplies *supplies)
{
    if (supplies->pinned)
        cache_unpin(supplies->pinned);
    if (supplies->frame)
        page_put(supplies->frame);
    slab_free(supplies->change);
}

/* Put it into the transaction, if it is not there yet. False: a frame is
 * needed first. Lock held. */
static bool put_in(struct journal_handle *handle, uint32_t block,
                   struct supplies *supplies)
{
    struct journal *journal = handle->journal;
    struct change *change = find(journal->running, block);
    bool known = change;
    if (!known)
        change = supplies->change;
    if (!give_copy(journal, change, &supplies->frame))
        return false;
    if (!known) {
        supplies->change = NULL;
        insert(handle, change);
    }
    if (!change->page) {
        change->page = supplies->pinned;
        supplies->pinned = NULL;
    }
    change->forgotten = false;
    return true;
}

static int supply(struct journal_handle *handle, uint32_t block, bool new,
                  struct supplies *supplies)
{
    ASSERT(handle->left);
    if (!handle->left)
        return -EIO;
    struct page *page;
    int error = pin(handle->journal, block, new, &page);
    if (error)
        return error;
    supplies->pinned = page;
    supplies->change = slab_alloc_zeroed(sizeof(*supplies->change));
    if (!supplies->change)
        return -ENOMEM;
    supplies->change->block = block;
    return 0;
}

static int bring_in(struct journal_handle *handle, uint32_t block, bool new)
{
    struct journal *journal = handle->journal;
    struct supplies supplies = {NULL, NULL, NULL};
    int error = supply(handle, block, new, &supplies);
    bool done = false;
    while (!error && !done) {
        spin_lock(&journal->lock);
        done = put_in(handle, block, &supplies);
        spin_unlock(&journal->lock);
        if (!done && !(supplies.frame = page_alloc(PAGE_KERNEL)))
            error = -ENOMEM;
    }
    give_back(&supplies);
    return error;
}

/* The block's change, if the transaction has its bytes; or NULL. */
static struct change *look_up(struct journal *journal, uint32_t block)
{
    spin_lock(&journal->lock);
    struct change *change = find(journal->running, block);
    if (change && change->forgotten)
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

/* The page that is not needed any more, or NULL. */
static struct page *mark_forgotten(struct change *change)
{
    struct page *page = change->page;
    change->page = NULL;
    change->forgotten = true;
    return page;
}

int journal_forget(struct journal_handle *handle, uint32_t block)
{
    struct journal *journal = handle->journal;
    struct change *change = look_up(journal, block), *fresh = NULL;
    struct page *page = NULL;
    if (block >= journal->blocks)
        return -EIO;
    if (!change && !journal->log.runs)
        return 0;
    if (!change) {
        ASSERT(handle->left);
        fresh = slab_alloc_zeroed(sizeof(*fresh));
        if (!fresh || !handle->left) {
            slab_free(fresh);
            return -ENOMEM;
        }
        fresh->block = block;
    }
    spin_lock(&journal->lock);
    change = find(journal->running, block);
    if (!change) {
        insert(handle, fresh);
        change = fresh;
        fresh = NULL;
    }
    page = mark_forgotten(change);
    spin_unlock(&journal->lock);
    slab_free(fresh);
    if (page)
        cache_unpin(page);
    return 0;
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

int journal_begin(struct journal *journal, uint32_t blocks,
                  struct journal_handle *handle)
{
    int error = journal->read_only ? -EROFS : 0;
    ASSERT(blocks <= journal_limit(journal));
    lockrank_acquire(LOCK_JOURNAL);
    lockrank_release(LOCK_JOURNAL);
    spin_lock(&journal->lock);
    while (!error) {
        if (journal->error)
            error = -EROFS;
        else if (journal->stopped)
            waitq_wait(&journal->changed, &journal->lock);
        else if (has_room(journal, blocks))
            break;
        else {
            spin_unlock(&journal->lock);
            error = journal_commit(journal);
            spin_lock(&journal->lock);
        }
    }
    if (!error) {
        journal->running->reserved += blocks;
        journal->running->handles++;
    }
    spin_unlock(&journal->lock);
    if (error)
        return error;
    *handle = (struct journal_handle){journal, blocks};
    lockrank_acquire(LOCK_JOURNAL);
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
