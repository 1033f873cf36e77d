/*
 * From a device to a root, and back.
 */
#include "fs/ext2/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sched/thread.h"

/* The most pieces that a log may consist of. */
#define LOG_RUNS 512

/* Unused inodes kept: one for this many pages of memory, within bounds. */
#define PAGES_PER_UNUSED 64
#define UNUSED_LEAST     64u
#define UNUSED_MOST      4096u

/* ---- The device as a cache ----------------------------------------------- */

static int map_metadata(struct cache *cache, uint64_t index,
                        uint64_t sectors[CACHE_PIECES])
{
    struct ext2 *fs = container_of(cache, struct ext2, metadata);
    uint32_t pieces = HAL_PAGE_SIZE / fs->block_size;

    for (uint32_t i = 0; i < pieces; i++) {
        uint64_t block = index * pieces + i;

        sectors[i] = block < fs->blocks
                         ? block * (fs->block_size / BLOCK_SECTOR)
                         : CACHE_HOLE;
    }
    return 0;
}

static const struct cache_ops metadata_ops = {.map = map_metadata};

static void start_metadata(struct ext2 *fs)
{
    uint64_t bytes = (uint64_t)fs->blocks * fs->block_size;

    cache_init(&fs->metadata, &metadata_ops, fs->device, fs->block_size,
               align_up(bytes, HAL_PAGE_SIZE) / HAL_PAGE_SIZE);
    /* The next blocks on the disk may well be contents, not metadata. */
    fs->metadata.ahead_limit = 0;
}

/* ---- The journal --------------------------------------------------------- */

static int write_contents(struct journal_owner *owner)
{
    return ext2_write_contents(container_of(owner, struct ext2, owner));
}

static void died(struct journal_owner *owner, int error)
{
    struct ext2 *fs = container_of(owner, struct ext2, owner);

    if (!atomic_exchange(&fs->failed, true))
        ext2_say(fs, "could not be written (error %d): read-only from now on",
                 -error);
}

/* The runs of consecutive blocks that the log consists of. */
static int find_runs(struct ext2_inode *log, struct journal_run *runs,
                     unsigned *count)
{
    struct ext2 *fs = ext2_fs(&log->inode);
    uint64_t blocks = atomic_load(&log->inode.size) / fs->block_size;
    uint32_t block;

    *count = 0;
    for (uint64_t i = 0; i < blocks; i++) {
        struct journal_run *last = *count ? &runs[*count - 1] : NULL;
        int result = ext2_map_find(log, i, &block);

        if (!result && !block)
            result = ext2_corrupt(fs, "the log has a hole");
        if (result)
            return result;
        if (last && block == last->first + last->count) {
            last->count++;
        } else if (*count == LOG_RUNS) {
            ext2_say(fs, "the log lies in too many pieces");
            return -EOPNOTSUPP;
        } else {
            runs[(*count)++] = (struct journal_run){block, 1};
        }
    }
    return *count ? 0 : ext2_corrupt(fs, "the log is empty");
}

/* The runs, from the log's inode, which no lookup finds. */
static int read_log(struct ext2 *fs, struct journal_run *runs, unsigned *count)
{
    static const struct inode_shape shape = {.type = INODE_FILE};
    struct ext2_inode *log = ext2_inode_new(
        fs, EXT2_MODE_FILE, fs->journal_inode, &shape, (struct name){"", 0});
    const struct ext2_record *record;
    struct ext2_view view;
    int result = log ? 0 : -ENOMEM;

    if (!result)
        result = ext2_record_view(fs, fs->journal_inode, &view);
    if (!result) {
        record = view.bytes;
        if ((record->mode & EXT2_MODE_TYPE) != EXT2_MODE_FILE)
            result =
                ext2_corrupt(fs, "inode %u is not the log", fs->journal_inode);
        else
            result = ext2_record_load(log, record);
        ext2_unview(&view);
    }
    if (!result)
        result = find_runs(log, runs, count);
    ext2_inode_free(log);
    return result;
}

static int open_journal(struct ext2 *fs, bool recover, uint64_t *replayed)
{
    struct journal_place place = {.metadata = &fs->metadata,
                                  .block_size = fs->block_size,
                                  .needs_recovery = recover};
    struct journal_run *runs = NULL;
    int result = 0;

    if (fs->has_log) {
        runs = slab_alloc(LOG_RUNS * sizeof(*runs));
        result = runs ? read_log(fs, runs, &place.run_count) : -ENOMEM;
        place.runs = runs;
    }
    fs->owner.write_contents = write_contents;
    fs->owner.died = died;
    if (!result)
        result = journal_open(&place, &fs->owner, fs->read_only, &fs->journal,
                              replayed);
    slab_free(runs);
    return result;
}

/* ---- Mounting ------------------------------------------------------------ */

static const struct writeback_ops writeback_ops;

static void init_tables(struct ext2 *fs)
{
    uint64_t limit = page_total_count() / PAGES_PER_UNUSED;

    mutex_init(&fs->lock, LOCK_ALLOCATION);
    mutex_init(&fs->loading, LOCK_OBJECT);
    mutex_init(&fs->freeing, LOCK_ORPHANS);
    mutex_init(&fs->contents, LOCK_CONTENTS);
    spin_init(&fs->table, LOCK_INODE_STATE);
    list_init(&fs->orphans);
    list_init(&fs->unused);
    list_init(&fs->dead);
    list_init(&fs->dirty);
    list_init(&fs->timed);
    for (unsigned i = 0; i < EXT2_BUCKETS; i++)
        list_init(&fs->buckets[i]);
    fs->unused_limit = (uint32_t)MAX(MIN(limit, (uint64_t)UNUSED_MOST),
                                     (uint64_t)UNUSED_LEAST);
    fs->unused_bound = fs->unused_limit;
}

static void heed_errors(struct ext2 *fs, const struct ext2_super *super)
{
    if (fs->read_only || !(super->state & EXT2_STATE_ERRORS))
        return;
    ext2_say(fs, "is marked as damaged: read-only until e2fsck has run");
    fs->read_only = true;
}

/* Read again all that a replay may have changed. */
static int read_again(struct ext2 *fs, uint64_t replayed, uint32_t *orphan)
{
    struct ext2_view view;
    struct ext2_super *super;
    int result;

    if (replayed) {
        cache_drop(&fs->metadata, 0, true);
        ext2_say(fs, "%llu blocks replayed from the log",
                 (unsigned long long)replayed);
    }
    result = ext2_groups_load(fs);
    if (!result)
        result = ext2_super_view(fs, &view, &super);
    if (result)
        return result;
    *orphan = super->orphan;
    heed_errors(fs, super);
    if (!fs->has_log && !(super->state & EXT2_STATE_CLEAN))
        ext2_say(fs, "was not left in order: e2fsck should see it");
    ext2_unview(&view);
    return 0;
}

/* Open the log. The disk is marked as one whose log must be replayed before
 * anything is written to the log. */
static int start_journal(struct ext2 *fs, uint32_t *orphan)
{
    struct ext2_view view;
    struct ext2_super *super;
    uint64_t replayed = 0;
    bool recover;
    int result = ext2_super_view(fs, &view, &super);

    if (result)
        return result;
    recover = super->incompat & EXT2_INCOMPAT_RECOVER;
    if (!recover)
        heed_errors(fs, super);
    ext2_unview(&view);
    result = ext2_groups_load(fs);
    if (!result && fs->has_log && !fs->read_only && !recover)
        result = ext2_super_mark(fs, true);
    if (!result)
        result = open_journal(fs, recover, &replayed);
    if (result == -EROFS)
        ext2_say(fs, "its log must be replayed, and it cannot be written");
    if (result)
        return result;
    fs->marked = fs->has_log && !fs->read_only;
    return read_again(fs, replayed, orphan);
}

static int load_root(struct ext2 *fs)
{
    struct ext2_inode *root;
    int result =
        ext2_inode_get(fs, EXT2_ROOT, (struct name){"/", 1}, false, &root);

    if (result)
        return result;
    fs->superblock.root = &root->inode;
    if (root->inode.type != INODE_DIRECTORY)
        result = ext2_corrupt(fs, "the root is no directory");
    return result;
}

static int begin_writing(struct ext2 *fs, uint32_t orphan)
{
    int result;

    if (fs->read_only)
        return 0;
    if (journal_limit(fs->journal) < EXT2_TRUNCATE_BLOCKS) {
        ext2_say(fs, "its log is too short: read-only");
        fs->read_only = true;
        return 0;
    }
    result = fs->marked ? 0 : ext2_super_mark(fs, true);
    fs->marked = true;
    if (!result)
        result = ext2_orphans_load(fs, orphan);
    /* After damage the file system is read-only, and can be mounted so. */
    return result == -EUCLEAN ? 0 : result;
}

/* Close the journal, and mark the disk as clean. */
static int end_journal(struct ext2 *fs)
{
    int result = journal_close(fs->journal);

    fs->journal = NULL;
    if (!result && fs->marked)
        result = ext2_super_mark(fs, false);
    return result;
}

void ext2_destroy(struct ext2 *fs)
{
    struct list *link;

    inode_put(fs->superblock.root);
    while ((link = list_first(&fs->dead))) {
        struct ext2_inode *dead = list_entry(link, struct ext2_inode, queue);

        ext2_inode_forget(dead);
        ext2_inode_destroy(dead);
    }
    ext2_inode_evict(fs, 0, true);
    if (fs->groups)
        for (uint32_t i = 0; i < fs->group_count; i++)
            slab_free(fs->groups[i].held);
    slab_free(fs->groups);
    if (fs->block_size)
        cache_drop(&fs->metadata, 0, true);
    slab_free(fs);
}

static int mount(struct ext2 *fs)
{
    uint32_t orphan;
    int result = ext2_super_read(fs);

    if (result) {
        fs->block_size = 0; /* there is no cache */
        return result;
    }
    start_metadata(fs);
    result = start_journal(fs, &orphan);
    if (!result)
        result = load_root(fs);
    if (!result)
        result = begin_writing(fs, orphan);
    return result;
}

int ext2_mount(struct block_device *device, bool read_only,
               struct superblock **out)
{
    struct ext2 *fs = slab_alloc_zeroed(sizeof(*fs));
    int result;

    if (!fs)
        return -ENOMEM;
    fs->device = device;
    fs->read_only = read_only || device->read_only;
    superblock_init(&fs->superblock, "ext2");
    fs->superblock.writeback = &fs->writeback;
    fs->writeback.ops = &writeback_ops;
    init_tables(fs);
    result = mount(fs);
    if (result) {
        if (fs->journal)
            (void)end_journal(fs);
        ext2_destroy(fs);
        return result;
    }
    *out = &fs->superblock;
    return 0;
}

/* ---- Mounted ------------------------------------------------------------- */

static int sync(struct writeback *writeback)
{
    struct ext2 *fs = container_of(writeback, struct ext2, writeback);
    int freed, timed, result;

    if (fs->read_only)
        return 0;
    if (!ext2_enter(fs))
        return -EROFS;
    freed = ext2_orphans_free(fs);
    timed = ext2_write_times(fs);
    result = journal_commit(fs->journal);
    ext2_drop_held(fs);
    ext2_leave(fs);
    return result ? result : freed ? freed : timed;
}

static bool is_dirty(struct writeback *writeback)
{
    struct ext2 *fs = container_of(writeback, struct ext2, writeback);
    bool dirty;

    if (fs->read_only || !ext2_enter(fs))
        return false;
    spin_lock(&fs->table);
    dirty = !list_is_empty(&fs->dirty) || !list_is_empty(&fs->timed) ||
            (!list_is_empty(&fs->dead) && !atomic_load(&fs->failed));
    spin_unlock(&fs->table);
    dirty = dirty || journal_is_dirty(fs->journal);
    ext2_leave(fs);
    return dirty;
}

static bool shrink(struct writeback *writeback)
{
    struct ext2 *fs = container_of(writeback, struct ext2, writeback);
    bool any = ext2_inode_evict(fs, 0, false);

    if (ext2_enter(fs)) {
        ext2_drop_held(fs);
        ext2_leave(fs);
    }
    return any;
}

#define ORPHAN_TRIES 100
#define ORPHAN_PAUSE 10000000ul /* nanoseconds */

static int stop(struct writeback *writeback)
{
    struct ext2 *fs = container_of(writeback, struct ext2, writeback);
    int freed = ext2_truncate_all(fs), synced, closed;
    unsigned tries = 0;

    /* The writeback thread may still hold a file without a name: try again. */
    do
        synced = sync(writeback);
    while (!synced && ext2_has_orphans(fs) && ++tries < ORPHAN_TRIES &&
           !thread_sleep_until(hal_time() + ORPHAN_PAUSE));
    atomic_store(&fs->stopped, true);
    while (atomic_load(&fs->users))
        thread_yield();
    closed = end_journal(fs);
    return freed ? freed : synced ? synced : closed;
}

static const struct writeback_ops writeback_ops = {
    .sync = sync,
    .is_dirty = is_dirty,
    .shrink = shrink,
    .stop = stop,
};
