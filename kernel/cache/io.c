/*
 * Moving cached pages from and to their devices.
 *
 * Pages that follow each other on the device are moved by one request. Writing
 * dirty pages makes memory free, so it must not need any: requests come from a
 * small pool, and if that is empty, the thread moves a piece alone and waits
 * for it. One page is reserved for reading the blocks that say where pages lie:
 * such a block can be reclaimed once it has been looked at. A page that lies on
 * the device in several places takes part in several requests, and is done when
 * the last of them is.
 */
#include "cache/private.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "sched/hurry.h"

#define POOL 32

/* A request that pieces are being added to. */
struct builder {
    struct block_device *device;
    enum block_command command;
    struct block_request *request; /* of the pool; NULL: none yet */
    uint64_t next;                 /* sector after its last piece */
};

#define ALL (BIT(POOL) - 1)

/* A hurried thread reads ahead only while all requests but these are free: the
 * device's queue then has room. */
#define HURRIED (BIT(4) - 1)

static struct block_request pool[POOL];
static uint64_t pool_free = ALL; /* cache_lock: a bit for each; lowest first */
static struct page *reserve;     /* cache_lock */
static const struct thread *writer; /* cache_lock: may take `reserve` */

/* ---- The state of a page on its way: cache_lock held --------------------- */

void cache_begin(struct page *page, uint8_t way)
{
    page->state |= way;
    page->state &= (uint8_t)~CACHE_FAILED;
    page->transfers = 1;
    if (way == CACHE_WRITING) {
        cache_clear_dirty(page);
        page->cached.cache->writing++;
    }
}

static void end_read(struct page *page)
{
    struct cache *cache = page->cached.cache;
    if (cache->ops->clear_tail)
        cache->ops->clear_tail(cache, page->cached.index, page_data(page));
    page->state &= (uint8_t)~CACHE_READING;
    if (!(page->state & CACHE_FAILED))
        page->state |= CACHE_VALID;
    cache_wake(page);
    /* Reading ahead failed: a thread that needs the page reads it again. */
    if (!(page->state & CACHE_VALID) && !page->pins)
        cache_remove(page);
}

static void end_write(struct page *page)
{
    struct cache *cache = page->cached.cache;
    page->state &= (uint8_t)~CACHE_WRITING;
    cache->writing--;
    if (page->state & CACHE_FAILED) {
        cache->failed++;
        cache_set_dirty(page);
    }
    cache_wake(page);
    cache_wake(cache);
}

/* One transfer of the page is over; after the last, so is the read or write. */
static void end_piece(struct page *page, bool failed)
{
    if (failed)
        page->state |= CACHE_FAILED;
    ASSERT(page->transfers > 0);
    if (--page->transfers)
        return;
    if (page->state & CACHE_READING)
        end_read(page);
    else
        end_write(page);
}

/* ---- Requests ------------------------------------------------------------ */

static void request_done(struct block_request *request)
{
    spin_lock(&cache_lock);
    for (unsigned i = 0; i < request->count; i++)
        end_piece(request->segments[i].page, request->result);
    pool_free |= BIT(request - pool);
    spin_unlock(&cache_lock);
}

static void submit(struct builder *b)
{
    struct block_request *request = b->request;
    b->request = NULL;
    if (request)
        block_submit(b->device, request);
}

/* Take a request from the pool. False: it is empty. */
static bool take_request(struct builder *b, uint64_t sector)
{
    spin_lock(&cache_lock);
    bool any = pool_free;
    if (any) {
        b->request = &pool[bit_lowest(pool_free)];
        pool_free &= pool_free - 1;
    }
    spin_unlock(&cache_lock);
    if (any)
        *b->request = (struct block_request){
            .command = b->command, .sector = sector, .done = request_done};
    return any;
}

static void move_alone(struct builder *b, struct block_segment piece,
                       uint64_t sector)
{
    struct block_request request = {.command = b->command,
                                    .count = 1,
                                    .sector = sector,
                                    .segments = {piece}};
    int error = block_do(b->device, &request);
    spin_lock(&cache_lock);
    end_piece(piece.page, error);
    spin_unlock(&cache_lock);
}

/* If the piece follows the request's last one in memory, too, join the two. */
static bool extend_last(struct block_request *request,
                        const struct block_segment *piece)
{
    struct block_segment *last = &request->segments[request->count - 1];
    if (last->page != piece->page ||
        last->offset + last->length != piece->offset)
        return false;
    last->length += piece->length;
    return true;
}

static void add(struct builder *b, struct block_segment piece, uint64_t sector)
{
    if (b->request &&
        (sector != b->next || b->request->count == BLOCK_SEGMENTS))
        submit(b);
    if (b->request && extend_last(b->request, &piece)) {
        b->next += piece.length / BLOCK_SECTOR;
        return;
    }
    spin_lock(&cache_lock);
    piece.page->transfers++;
    spin_unlock(&cache_lock);
    if (!b->request && !take_request(b, sector)) {
        move_alone(b, piece, sector);
        return;
    }
    b->request->segments[b->request->count++] = piece;
    b->next = sector + piece.length / BLOCK_SECTOR;
}

/* Add all pieces of a page after cache_begin. 0, or the error of `map`. */
static int add_page(struct builder *b, struct page *page)
{
    uint64_t sectors[CACHE_PIECES];
    struct cache *cache = page->cached.cache;
    uint32_t size = cache->piece_size;
    int error = cache->ops->map(cache, page->cached.index, sectors);
    for (uint32_t i = 0; !error && i < HAL_PAGE_SIZE / size; i++) {
        struct block_segment piece = {page, (uint16_t)(i * size),
                                      (uint16_t)size};
        if (sectors[i] != CACHE_HOLE)
            add(b, piece, sectors[i]);
        else if (b->command == BLOCK_READ)
            memset((char *)page_data(page) + piece.offset, 0, size);
    }
    spin_lock(&cache_lock);
    end_piece(page, error);
    spin_unlock(&cache_lock);
    return error;
}

/* ---- Reading ------------------------------------------------------------- */

static bool is_cached(struct cache *cache, uint64_t index)
{
    spin_lock(&cache_lock);
    bool is = cache_find(cache, index);
    spin_unlock(&cache_lock);
    return is;
}

int cache_read(struct cache *cache, struct page *page,
               struct cache_window ahead)
{
    struct builder b = {.device = cache->device, .command = BLOCK_READ};
    int error = page ? add_page(&b, page) : 0;
    for (uint64_t index = ahead.from; index < ahead.to; index++) {
        if (is_cached(cache, index))
            continue;
        struct page *fresh = page_alloc(PAGE_KERNEL);
        if (!fresh)
            break;
        spin_lock(&cache_lock);
        bool added = cache_add(cache, index, false, fresh);
        if (added)
            cache_begin(fresh, CACHE_READING);
        spin_unlock(&cache_lock);
        if (added && add_page(&b, fresh))
            break;
    }
    submit(&b);
    return error;
}

void cache_read_around(struct cache *cache, uint64_t index)
{
    uint64_t from = align_down(index, CACHE_AROUND);
    uint64_t to = MIN(from + CACHE_AROUND, atomic_load(&cache->end));
    spin_lock(&cache_lock);
    bool room = !hurried() || (pool_free | HURRIED) == ALL;
    spin_unlock(&cache_lock);
    if (room && !is_cached(cache, index))
        (void)cache_read(cache, NULL, (struct cache_window){from, to});
}

/* ---- Writing ------------------------------------------------------------- */

/* Begin to write the page if it is dirty. One thread at a time writes the dirty
 * pages of a cache, so a page that is still being written was submitted before:
 * the wait for it ends. */
static struct page *begin_dirty(struct cache *cache, uint64_t index)
{
    struct page *page;
    spin_lock(&cache_lock);
    while ((page = cache_find(cache, index)) && (page->state & CACHE_DIRTY) &&
           (page->state & CACHE_WRITING))
        cache_wait(page, SLEEP_UNINTERRUPTIBLE);
    bool begins = page && page->state & CACHE_DIRTY;
    if (begins)
        cache_begin(page, CACHE_WRITING);
    spin_unlock(&cache_lock);
    return begins ? page : NULL;
}

struct page *cache_take_reserve(void)
{
    struct page *page = writer == thread_current() ? reserve : NULL;
    if (page)
        reserve = NULL;
    return page;
}

/* If the writer is `from`, make it `to`. Fill the reserve if it is empty. */
static void set_writer(const struct thread *from, const struct thread *to)
{
    struct page *page = page_alloc(PAGE_KERNEL);
    spin_lock(&cache_lock);
    if (writer == from)
        writer = to;
    if (!reserve) {
        reserve = page;
        page = NULL;
    }
    spin_unlock(&cache_lock);
    if (page)
        page_put(page);
}

/* Begin to write all dirty pages of [low, high]. True: for some, there was no
 * memory to find out where they lie. */
static bool write_range(struct cache *cache, uint64_t low, uint64_t high)
{
    struct builder b = {.device = cache->device, .command = BLOCK_WRITE};
    bool starved = false;
    set_writer(NULL, thread_current());
    for (uint64_t index, at = 0; cache_next(cache, low, high, &at, &index);) {
        struct page *page = begin_dirty(cache, index);
        starved |= page && add_page(&b, page) == -ENOMEM;
    }
    submit(&b);
    set_writer(thread_current(), NULL);
    return starved;
}

int cache_write(struct cache *cache)
{
    spin_lock(&cache_lock);
    while (cache->walked)
        cache_wait(cache, SLEEP_UNINTERRUPTIBLE);
    cache->walked = true;
    uint32_t failed = cache->failed;
    uint64_t low = cache->dirty_low, high = cache->dirty_high;
    cache->dirty_low = UINT64_MAX;
    cache->dirty_high = 0;
    spin_unlock(&cache_lock);
    bool starved = high >= low && write_range(cache, low, high);
    spin_lock(&cache_lock);
    cache->walked = false;
    cache_wake(cache);
    while (cache->writing)
        cache_wait(cache, SLEEP_UNINTERRUPTIBLE);
    failed = cache->failed - failed;
    spin_unlock(&cache_lock);
    return starved ? -ENOMEM : failed ? -EIO : 0;
}

bool cache_is_dirty(const struct cache *cache)
{
    spin_lock(&cache_lock);
    bool is = cache->dirty || cache->writing;
    spin_unlock(&cache_lock);
    return is;
}

void cache_io_start(void)
{
    reserve = page_alloc(PAGE_KERNEL);
}
