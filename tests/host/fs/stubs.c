/*
 * The layers below kernel/fs, played for its tests on one thread: allocators
 * that count and can be told to fail, locks that check their order and that no
 * spinlock is held where the kernel might sleep, and user memory that faults.
 */
/* sources: kernel/mm/reserve.c kernel/cache/cache.c kernel/cache/change.c */
/* sources: kernel/cache/io.c kernel/cache/reclaim.c */
#include "host/fs/stubs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "cache/writeback.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "sched/waitq.h"

_Alignas(4096) uint8_t stub_memory[STUB_FRAMES * 4096];
static struct page descriptors[STUB_FRAMES];
struct page *page_array = descriptors;
struct page *page_by_ppn = descriptors;

uint64_t stub_time;
int64_t realtime_start;
unsigned stub_fail_after;
long stub_objects, stub_frames;
uint64_t stub_fault_from = UINT64_MAX;
void (*stub_while_asleep)(void);
unsigned stub_locks_held;

static unsigned ranks[16];

/* Take a lock, when those held are of rank `most` at most. */
static void acquire(unsigned rank, unsigned most)
{
    assert(stub_locks_held < 16);
    assert(!stub_locks_held || ranks[stub_locks_held - 1] <= most);
    ranks[stub_locks_held++] = rank;
}

static void release(unsigned rank)
{
    assert(stub_locks_held && ranks[stub_locks_held - 1] == rank);
    stub_locks_held--;
}

static void may_sleep(void)
{
    assert(!stub_locks_held || ranks[stub_locks_held - 1] < LOCK_FIRST_SPIN);
}

static bool fails(void)
{
    return stub_fail_after && --stub_fail_after == 0;
}

/* File systems stay for good, and the tests count objects and frames
 * themselves: the sanitizer is not to report the file systems. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* ---- Allocators ---------------------------------------------------------- */

void *slab_alloc(size_t size)
{
    void *object = fails() ? NULL : malloc(size);

    if (object)
        memset(object, 0xa5, size);
    stub_objects += object != NULL;
    return object;
}

void *slab_alloc_zeroed(size_t size)
{
    void *object = slab_alloc(size);

    return object ? memset(object, 0, size) : NULL;
}

void slab_free(void *object)
{
    stub_objects -= object != NULL;
    free(object);
}

/* A frame that is kept counts as an allocation, too. */
bool page_should_fail(void)
{
    return fails();
}

struct page *page_alloc_zeroed(enum page_kind kind)
{
    struct page *page = descriptors;

    while (page < descriptors + STUB_FRAMES && atomic_load(&page->count))
        page++;
    if (page == descriptors + STUB_FRAMES || fails())
        return NULL;
    atomic_store(&page->count, 1);
    page->kind = kind;
    memset(page_data(page), 0, HAL_PAGE_SIZE);
    stub_frames++;
    return page;
}

struct page *page_alloc(enum page_kind kind)
{
    struct page *page = page_alloc_zeroed(kind);

    if (page)
        memset(page_data(page), 0xa5, HAL_PAGE_SIZE);
    return page;
}

struct page *page_alloc_copy(enum page_kind kind, const struct page *source)
{
    struct page *copy = page_alloc(kind);

    if (copy)
        memcpy(page_data(copy), page_data(source), HAL_PAGE_SIZE);
    return copy;
}

struct page *page_alloc_block(enum page_kind kind, unsigned order)
{
    return order ? NULL : page_alloc(kind);
}

uint64_t page_span(void)
{
    return STUB_FRAMES;
}

uint64_t page_total_count(void)
{
    return STUB_FRAMES;
}

__attribute__((constructor)) static void start_cache(void)
{
    assert(!cache_start());
    stub_frames = 0;
}

void page_free(struct page *page)
{
    memset(page_data(page), 0xdd, HAL_PAGE_SIZE);
    page->kind = PAGE_FREE;
    stub_frames--;
}

_Noreturn void page_count_error(struct page *page, uint32_t count)
{
    (void)page;
    (void)count;
    abort();
}

/* ---- Locks --------------------------------------------------------------- */

void spin_lock(struct spinlock *lock)
{
    acquire(lock->rank, lock->rank - 1u);
    lock->holder = 1;
}

void spin_unlock(struct spinlock *lock)
{
    lock->holder = 0;
    release(lock->rank);
}

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    memset(mutex, 0, sizeof(*mutex));
    mutex->rank = rank;
}

static void take(struct mutex *mutex, unsigned most)
{
    may_sleep();
    assert(!mutex->holder);
    acquire(mutex->rank, most);
    mutex->holder = (struct thread *)mutex;
}

void mutex_lock(struct mutex *mutex)
{
    take(mutex, mutex->rank - 1u);
}

void mutex_lock_also(struct mutex *mutex)
{
    take(mutex, mutex->rank);
}

/* Locked already: the thread would wait, and is killed at once. */
int mutex_lock_interruptible(struct mutex *mutex)
{
    if (mutex->holder)
        return -EINTR;
    mutex_lock(mutex);
    return 0;
}

void mutex_unlock(struct mutex *mutex)
{
    mutex->holder = NULL;
    release(mutex->rank);
}

bool mutex_held(const struct mutex *mutex)
{
    return mutex->holder != NULL;
}

void waitq_init(struct waitq *queue)
{
    memset(queue, 0, sizeof(*queue));
}

static int asleep(void)
{
    may_sleep();
    if (!stub_while_asleep)
        return -EINTR;
    stub_while_asleep();
    return 0;
}

int waitq_sleep(struct waitq *queue, struct spinlock *lock, enum sleep kind)
{
    int result;

    (void)queue;
    assert(kind != SLEEP_UNINTERRUPTIBLE);
    spin_unlock(lock);
    result = asleep();
    spin_lock(lock);
    return result;
}

int waitq_sleep_mutex(struct waitq *queue, struct mutex *lock, enum sleep kind)
{
    int result;

    (void)queue;
    assert(kind != SLEEP_UNINTERRUPTIBLE);
    mutex_unlock(lock);
    result = asleep();
    mutex_lock(lock);
    return result;
}

/* The set that has joined queues, if one has. */
static struct wait_set *set_now;

void wait_set_join(struct wait_set *set, struct waitq *queue)
{
    if (!set)
        return;
    assert(set->count < set->room);
    set->entries[set->count++].waiter.queue = queue;
    set_now = set;
}

void wait_set_leave(struct wait_set *set)
{
    set->count = 0;
    set->woken = false;
    set_now = NULL;
}

void waitq_wake_all(struct waitq *queue)
{
    for (unsigned i = 0; set_now && i < set_now->count; i++)
        if (set_now->entries[i].waiter.queue == queue)
            set_now->woken = true;
}

/* ---- Disks: there are none ---------------------------------------------- */

void block_submit(struct block_device *device, struct block_request *request)
{
    (void)device;
    (void)request;
    abort();
}

int block_do(struct block_device *device, struct block_request *request)
{
    block_submit(device, request);
    return 0;
}

int writeback_pace(void)
{
    return 0;
}

uint64_t stub_thread[64];

struct shrinker *stub_shrinker;

void oom_add_shrinker(struct shrinker *shrinker)
{
    stub_shrinker = shrinker;
}

bool oom_retry(unsigned *tries, uint64_t wanted)
{
    (void)tries;
    (void)wanted;
    return false;
}

/* ---- User memory --------------------------------------------------------- */

static int check(const struct cursor *cursor, size_t length)
{
    assert(length <= cursor->left);
    if (cursor->user)
        may_sleep();
    return cursor->user && cursor->address + length > stub_fault_from ? -EFAULT
                                                                      : 0;
}

static void advance(struct cursor *cursor, size_t length)
{
    cursor->address += length;
    cursor->left -= length;
}

/* A failing copy may have done a part of it: here, the first byte. */
int cursor_put(struct cursor *cursor, const char *from, size_t length)
{
    int result = check(cursor, length);

    memcpy((void *)cursor->address, from, result ? 0 : length);
    if (!result)
        advance(cursor, length);
    return result;
}

int cursor_take(struct cursor *cursor, void *to, size_t length)
{
    int result = check(cursor, length);

    if (result && length)
        memset(to, 0xee, 1);
    else
        memcpy(to, (const void *)cursor->address, length);
    if (!result)
        advance(cursor, length);
    return result;
}

int cursor_put_zeros(struct cursor *cursor, size_t length)
{
    int result = check(cursor, length);

    if (!result) {
        memset((void *)cursor->address, 0, length);
        advance(cursor, length);
    }
    return result;
}
