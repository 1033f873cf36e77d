/*
 * The page cache against a disk made of memory: what is read is what is there,
 * what is written arrives, pages come and go without one being lost, and
 * errors of the disk stay errors.
 */
/* sources: tests/host/mm/hal.c kernel/dev/block.c kernel/cache/cache.c */
/* sources: kernel/cache/change.c kernel/cache/io.c kernel/cache/reclaim.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "host/mm/hal.h"

#define MEMORY     (4ul << 20)
#define DISK_PAGES 4096u
#define DISK_SIZE  (DISK_PAGES * HAL_PAGE_SIZE)

/* ---- A disk -------------------------------------------------------------- */

static uint8_t disk[DISK_SIZE];
static unsigned requests, segments;
static uint64_t bad_from = UINT64_MAX, bad_to; /* sectors that fail */
static bool slow; /* requests are done later, by the disk's thread */
static struct list waiting = {&waiting, &waiting};
static pthread_mutex_t waiting_lock = PTHREAD_MUTEX_INITIALIZER;

static void perform(struct block_request *request)
{
    uint64_t at = request->sector * BLOCK_SECTOR;
    request->result = 0;
    for (unsigned i = 0; i < request->count; i++) {
        struct block_segment *s = &request->segments[i];
        uint8_t *bytes = (uint8_t *)page_data(s->page) + s->offset;
        if (at / BLOCK_SECTOR >= bad_from && at / BLOCK_SECTOR < bad_to)
            request->result = -EIO;
        else if (request->command == BLOCK_READ)
            memcpy(bytes, disk + at, s->length);
        else
            memcpy(disk + at, bytes, s->length);
        at += s->length;
    }
    request->done(request);
}

static void disk_submit(struct block_device *device,
                        struct block_request *request)
{
    (void)device;
    if (!slow) {
        requests++;
        segments += request->count;
        perform(request);
        return;
    }
    pthread_mutex_lock(&waiting_lock);
    list_push_back(&waiting, &request->link);
    pthread_mutex_unlock(&waiting_lock);
}

static const struct block_ops disk_ops = {.submit = disk_submit};
static struct block_device device = {
    .name = "disk", .ops = &disk_ops, .sectors = DISK_SIZE / BLOCK_SECTOR};

/* ---- A file: page i is at page `scatter(i)`, its pieces in disorder ------ */

static uint32_t piece_size;
static uint64_t hole_from = UINT64_MAX;
static int map_error;

static uint64_t place_of(uint64_t index, unsigned piece)
{
    unsigned pieces = HAL_PAGE_SIZE / piece_size;
    if (pieces == 1)
        return index * 8;
    return index * 8 + (pieces - 1 - piece) * (piece_size / BLOCK_SECTOR);
}

static int map(struct cache *cache, uint64_t index,
               uint64_t sectors[CACHE_PIECES])
{
    (void)cache;
    for (unsigned i = 0; i < HAL_PAGE_SIZE / piece_size; i++)
        sectors[i] = index >= hole_from ? CACHE_HOLE : place_of(index, i);
    return map_error;
}

static const struct cache_ops file_ops = {.map = map};
static struct cache cache;
static uint64_t unused_pages; /* at the start of a test */

/* As a mapping gets it: by waiting for it, then without. */
static int share(uint64_t index, struct page **page)
{
    struct page *pinned;
    int error = cache_share(&cache, index, page);
    while (error == -EAGAIN) {
        error = cache_pin(&cache, index, false, &pinned);
        if (error)
            return error;
        cache_unpin(pinned);
        error = cache_share(&cache, index, page);
    }
    return error;
}

static uint8_t pattern(uint64_t index, unsigned piece)
{
    return (uint8_t)(index * 7 + piece * 3 + 1);
}

static void fill_disk(void)
{
    for (uint64_t i = 0; i < DISK_PAGES; i++)
        for (unsigned p = 0; p < HAL_PAGE_SIZE / piece_size; p++)
            memset(disk + place_of(i, p) * BLOCK_SECTOR, pattern(i, p),
                   piece_size);
}

static void begin(uint32_t size)
{
    piece_size = size;
    hole_from = bad_from = UINT64_MAX;
    bad_to = 0;
    map_error = 0;
    fill_disk();
    cache_init(&cache, &file_ops, &device, size, DISK_PAGES);
    requests = segments = 0;
    unused_pages = page_unused_count();
}

static void end(void)
{
    cache_drop(&cache, 0, true);
    assert_int_equal(cache.pages, 0);
    assert_int_equal(cache_page_count(), 0);
    assert_int_equal(cache_dirty_count(), 0);
    assert_int_equal(page_unused_count(), unused_pages);
    assert_int_equal(mm_audit(), 0);
}

static void check_page(uint64_t index)
{
    struct page *page;
    assert_int_equal(cache_pin(&cache, index, false, &page), 0);
    const uint8_t *bytes = page_data(page);
    for (unsigned p = 0; p < HAL_PAGE_SIZE / piece_size; p++) {
        uint8_t expected = index >= hole_from ? 0 : pattern(index, p);
        assert_int_equal(bytes[p * piece_size], expected);
        assert_int_equal(bytes[(p + 1) * piece_size - 1], expected);
    }
    cache_unpin(page);
}

/* ---- Reading ------------------------------------------------------------- */

static void reads_every_piece_size(void **state)
{
    (void)state;
    for (uint32_t size = 1024; size <= 4096; size *= 2) {
        begin(size);
        for (uint64_t i = 0; i < 64; i++)
            check_page(i * 37 % DISK_PAGES);
        end();
    }
}

static void pages_in_order_are_read_ahead_in_few_requests(void **state)
{
    (void)state;
    begin(4096);
    for (uint64_t i = 0; i < 512; i++)
        check_page(i);
    assert_true(requests < 80);
    unsigned before = requests;
    for (uint64_t i = 0; i < 512; i++)
        check_page(i);
    assert_int_equal(requests, before);
    end();
}

static void pages_out_of_order_are_read_alone(void **state)
{
    (void)state;
    begin(4096);
    for (uint64_t i = 1; i < 100; i++)
        check_page(i * 40);
    assert_int_equal(segments, 99);
    end();
}

static void nothing_is_read_past_the_end(void **state)
{
    struct page *page;
    (void)state;
    begin(4096);
    atomic_store(&cache.end, 3);
    for (uint64_t i = 0; i < 3; i++)
        check_page(i);
    assert_int_equal(cache.pages, 3);
    assert_int_equal(cache_pin(&cache, 3, false, &page), -ENXIO);
    assert_int_equal(share(UINT64_MAX, &page), -ENXIO);
    end();
}

static void without_waiting_only_what_is_there(void **state)
{
    struct page *page;
    (void)state;
    begin(4096);
    assert_int_equal(cache_share(&cache, 1, &page), -EAGAIN);
    assert_int_equal(cache.pages, 0);
    check_page(1);
    assert_int_equal(cache_share(&cache, 1, &page), 0);
    assert_int_equal(page_count(page), 2);
    page_put(page);
    atomic_store(&cache.end, 1);
    assert_int_equal(cache_share(&cache, 1, &page), -ENXIO);
    assert_int_equal(cache_share(&cache, UINT64_MAX, &page), -ENXIO);
    end();
}

static void holes_are_zeros_and_read_nothing(void **state)
{
    (void)state;
    begin(1024);
    hole_from = 5;
    for (uint64_t i = 5; i < 20; i++)
        check_page(i);
    assert_int_equal(requests, 0);
    end();
}

static void a_failed_read_is_tried_again(void **state)
{
    struct page *page;
    (void)state;
    begin(1024);
    bad_from = place_of(9, 2);
    bad_to = bad_from + 1;
    assert_int_equal(cache_pin(&cache, 9, false, &page), -EIO);
    assert_int_equal(cache_pin(&cache, 9, false, &page), -EIO);
    check_page(8);
    bad_to = 0;
    check_page(9);
    end();
}

static void a_page_that_could_not_be_read_ahead_is_not_kept(void **state)
{
    (void)state;
    begin(4096);
    bad_from = 2 * 8;
    bad_to = bad_from + 8;
    check_page(0);
    bad_to = 0;
    for (uint64_t i = 1; i < 10; i++)
        check_page(i);
    end();
}

static void an_error_of_map_is_passed_on(void **state)
{
    struct page *page;
    (void)state;
    begin(4096);
    map_error = -ENOMEM;
    assert_int_equal(cache_pin(&cache, 9, false, &page), -ENOMEM);
    map_error = 0;
    check_page(9);
    end();
}

/* ---- Writing ------------------------------------------------------------- */

static void write_page(uint64_t index, uint8_t byte)
{
    struct page *page;
    assert_int_equal(cache_write_begin(&cache, index, &page), 0);
    memset(page_data(page), byte, HAL_PAGE_SIZE);
    cache_mark_dirty(&cache, page);
    cache_write_end(page);
}

static void check_disk(uint64_t index, uint8_t byte)
{
    for (unsigned p = 0; p < HAL_PAGE_SIZE / piece_size; p++) {
        const uint8_t *bytes = disk + place_of(index, p) * BLOCK_SECTOR;
        assert_int_equal(bytes[0], byte);
        assert_int_equal(bytes[piece_size - 1], byte);
    }
}

static void dirty_pages_are_written_once(void **state)
{
    (void)state;
    for (uint32_t size = 1024; size <= 4096; size *= 2) {
        begin(size);
        for (uint64_t i = 10; i < 90; i++)
            write_page(i, (uint8_t)i);
        assert_true(cache_is_dirty(&cache));
        assert_int_equal(cache_dirty_count(), 80);
        requests = segments = 0;
        assert_int_equal(cache_write(&cache), 0);
        assert_int_equal(segments, 80 * HAL_PAGE_SIZE / size);
        assert_false(cache_is_dirty(&cache));
        for (uint64_t i = 10; i < 90; i++)
            check_disk(i, (uint8_t)i);
        assert_int_equal(cache_write(&cache), 0);
        assert_int_equal(segments, 80 * HAL_PAGE_SIZE / size);
        end();
    }
}

static void a_new_page_is_zeros_and_reads_nothing(void **state)
{
    struct page *page;
    (void)state;
    begin(4096);
    atomic_store(&cache.end, 2);
    assert_int_equal(cache_pin(&cache, 7, true, &page), 0);
    for (unsigned i = 0; i < HAL_PAGE_SIZE; i++)
        assert_int_equal(((uint8_t *)page_data(page))[i], 0);
    cache_mark_dirty(&cache, page);
    cache_unpin(page);
    assert_int_equal(requests, 0);
    assert_int_equal(cache_write(&cache), 0);
    check_disk(7, 0);
    end();
}

static void a_failed_write_leaves_the_page_dirty(void **state)
{
    (void)state;
    begin(2048);
    for (uint64_t i = 10; i < 20; i++)
        write_page(i, 0x77);
    bad_from = 15 * 8;
    bad_to = 15 * 8 + 1;
    assert_int_equal(cache_write(&cache), -EIO);
    assert_true(cache_is_dirty(&cache));
    bad_to = 0;
    assert_int_equal(cache_write(&cache), 0);
    for (uint64_t i = 10; i < 20; i++)
        check_disk(i, 0x77);
    end();
}

/* The disk is as good as ever, so nobody must take this for an error of it. */
static void a_write_that_finds_no_memory_says_so(void **state)
{
    (void)state;
    begin(4096);
    for (uint64_t i = 0; i < 3; i++)
        write_page(i, 0x55);
    map_error = -ENOMEM;
    assert_int_equal(cache_write(&cache), -ENOMEM);
    assert_true(cache_is_dirty(&cache));
    map_error = -EIO;
    assert_int_equal(cache_write(&cache), -EIO);
    map_error = 0;
    assert_int_equal(cache_write(&cache), 0);
    for (uint64_t i = 0; i < 3; i++)
        check_disk(i, 0x55);
    end();
}

static void dirty_pages_far_apart_are_found(void **state)
{
    struct page *page;
    (void)state;
    begin(4096);
    write_page(3, 0x33);
    assert_int_equal(cache_pin(&cache, UINT32_MAX, true, &page), 0);
    cache_mark_dirty(&cache, page);
    cache_unpin(page);
    assert_int_equal(cache_pin(&cache, 1ul << 32, true, &page), -ENXIO);
    /* Past the end of the disk: only that one fails. */
    assert_int_equal(cache_write(&cache), -EIO);
    check_disk(3, 0x33);
    assert_int_equal(cache_dirty_count(), 1);
    cache_drop(&cache, 4, true);
    assert_int_equal(cache.pages, 1);
    end();
}

static void a_read_only_disk_refuses(void **state)
{
    (void)state;
    begin(4096);
    write_page(3, 0x33);
    device.read_only = true;
    assert_int_equal(cache_write(&cache), -EIO);
    device.read_only = false;
    check_page(4);
    end();
}

/* ---- Mappings ------------------------------------------------------------ */

static void a_mapping_keeps_what_it_shows(void **state)
{
    struct page *page, *shown;
    (void)state;
    begin(4096);
    assert_int_equal(share(5, &shown), 0);
    assert_int_equal(page_count(shown), 2);
    assert_int_equal(cache_pin(&cache, 5, false, &page), 0);
    assert_ptr_equal(page, shown);
    cache_mark_dirty(&cache, page);
    cache_unpin(page);
    assert_int_equal(cache_write_begin(&cache, 5, &page), 0);
    assert_ptr_not_equal(page, shown);
    assert_true(cache_is_dirty(&cache));
    memset(page_data(page), 0x55, HAL_PAGE_SIZE);
    cache_write_end(page);
    assert_int_equal(((uint8_t *)page_data(shown))[0], pattern(5, 0));
    assert_int_equal(shown->kind, PAGE_ANONYMOUS);
    assert_int_equal(page_count(shown), 1);
    page_put(shown);
    assert_int_equal(cache_write(&cache), 0);
    check_disk(5, 0x55);
    end();
}

static void what_is_mapped_outlives_the_cache(void **state)
{
    struct page *shown;
    (void)state;
    begin(4096);
    assert_int_equal(share(5, &shown), 0);
    cache_drop(&cache, 0, true);
    assert_int_equal(((uint8_t *)page_data(shown))[0], pattern(5, 0));
    page_put(shown);
    end();
}

/* ---- Memory -------------------------------------------------------------- */

static void a_file_larger_than_memory_is_read(void **state)
{
    struct page *pinned;
    (void)state;
    begin(4096);
    assert_int_equal(cache_pin(&cache, 0, false, &pinned), 0);
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < DISK_PAGES; i++)
            check_page(i);
    assert_true(page_free_count() >= unused_pages - 1);
    /* What is pinned stays. */
    requests = 0;
    check_page(0);
    assert_int_equal(((uint8_t *)page_data(pinned))[0], pattern(0, 0));
    cache_unpin(pinned);
    end();
}

static void cached_files_cost_nobody_memory(void **state)
{
    static struct page *taken[MEMORY / HAL_PAGE_SIZE];
    uint64_t count = 0;
    struct page *page;
    (void)state;
    begin(4096);
    for (uint64_t i = 0; i < DISK_PAGES; i++)
        check_page(i);
    while ((page = page_alloc(PAGE_KERNEL)))
        taken[count++] = page;
    assert_int_equal(count, unused_pages);
    assert_int_equal(cache_page_count(), 0);
    assert_int_equal(cache_pin(&cache, 1, false, &page), -ENOMEM);
    assert_int_equal(cache_pin(&cache, 1, true, &page), -ENOMEM);
    while (count)
        page_put(taken[--count]);
    check_page(1);
    end();
}

static void dirty_and_mapped_pages_are_not_given_up(void **state)
{
    struct page *shown;
    (void)state;
    begin(4096);
    write_page(7, 0x99);
    assert_int_equal(share(8, &shown), 0);
    for (uint64_t i = 10; i < DISK_PAGES; i++)
        check_page(i);
    bad_from = 0;
    bad_to = UINT64_MAX;
    assert_int_equal(cache_spare_count(), cache_page_count() - 1);
    struct page *page;
    assert_int_equal(cache_pin(&cache, 7, false, &page), 0);
    assert_int_equal(((uint8_t *)page_data(page))[0], 0x99);
    cache_unpin(page);
    check_page(8);
    page_put(shown);
    end();
}

static void every_allocation_may_fail(void **state)
{
    struct page *page;
    (void)state;
    begin(4096);
    page_fail_after(1);
    assert_int_equal(cache_pin(&cache, 3, false, &page), -ENOMEM);
    page_fail_after(2); /* reading ahead */
    assert_int_equal(cache_pin(&cache, 0, false, &page), 0);
    cache_unpin(page);
    struct page *shown;
    assert_int_equal(share(0, &shown), 0);
    page_fail_after(1);
    assert_int_equal(cache_write_begin(&cache, 0, &page), -ENOMEM);
    page_fail_after(0);
    page_put(shown);
    end();
}

/* What leads to the pages has to be read in, and there is no memory. */
static struct cache metadata;

static int map_by_metadata(struct cache *file, uint64_t index,
                           uint64_t sectors[CACHE_PIECES])
{
    struct page *page;
    int error = cache_pin(&metadata, 100 + index % 7 * 2, false, &page);
    if (error)
        return error;
    cache_unpin(page);
    return map(file, index, sectors);
}

static void dirty_pages_can_be_written_without_memory(void **state)
{
    static const struct cache_ops indirect = {.map = map_by_metadata};
    static struct page *taken[MEMORY / HAL_PAGE_SIZE];
    unsigned count = 0;
    struct page *page;
    (void)state;
    begin(4096);
    cache_init(&metadata, &file_ops, &device, 4096, DISK_PAGES);
    cache_init(&cache, &indirect, &device, 4096, DISK_PAGES);
    for (uint64_t i = 10; i < 90; i++) {
        assert_int_equal(cache_pin(&cache, i, true, &page), 0);
        memset(page_data(page), (int)i, HAL_PAGE_SIZE);
        cache_mark_dirty(&cache, page);
        cache_unpin(page);
    }
    while ((page = page_alloc(PAGE_KERNEL)))
        taken[count++] = page;
    assert_int_equal(cache_pin(&metadata, 1, false, &page), -ENOMEM);
    assert_int_equal(cache_write(&cache), 0);
    for (uint64_t i = 10; i < 90; i++)
        check_disk(i, (uint8_t)i);
    while (count)
        page_put(taken[--count]);
    cache_drop(&metadata, 0, true);
    assert_int_equal(cache_write(&cache), 0);
    end();
}

/* ---- Many at once -------------------------------------------------------- */

static _Atomic bool over;

static void *disk_thread(void *unused)
{
    (void)unused;
    mm_on_hart(MM_HARTS - 1);
    while (!atomic_load(&over)) {
        pthread_mutex_lock(&waiting_lock);
        struct list *first = rand() % 2 ? waiting.next : waiting.prev;
        first = first == &waiting ? NULL : first;
        if (first)
            list_remove(first);
        pthread_mutex_unlock(&waiting_lock);
        if (first)
            perform(list_entry(first, struct block_request, link));
        else
            sched_yield();
    }
    return NULL;
}

#define SHARED 1200u /* more pages than there is memory for */
#define ROUNDS 4000u

/* Each thread writes every third page, and reads all. A page holds its index
 * and a number that only its writer makes larger. */
static void *user_thread(void *argument)
{
    unsigned self = (unsigned)(uintptr_t)argument, seed = self;
    uint64_t written[SHARED] = {0};
    mm_on_hart(self);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t index = (unsigned)rand_r(&seed) % SHARED;
        bool mine = index % (MM_HARTS - 1) == self;
        struct page *page, *shown = NULL;
        if (cache_pin(&cache, index, false, &page))
            continue;
        uint64_t *words = page_data(page);
        if (words[0] != index || (mine && words[1] != written[index]))
            mm_fail("page %u shows %lu and %lu", (unsigned)index,
                    (unsigned long)words[0], (unsigned long)words[1]);
        cache_unpin(page);
        if (mine && !cache_write_begin(&cache, index, &page)) {
            words = page_data(page);
            __atomic_store_n(&words[1], ++written[index], __ATOMIC_RELAXED);
            cache_mark_dirty(&cache, page);
            cache_write_end(page);
        }
        if (round % 16 == 0 && !share(index, &shown))
            page_put(shown);
        if (round % 64 == 0 && cache_write(&cache))
            mm_fail("a write failed");
    }
    return NULL;
}

static void threads_see_one_file(void **state)
{
    pthread_t users[MM_HARTS - 1], worker;
    (void)state;
    begin(4096);
    for (uint64_t i = 0; i < SHARED; i++) {
        uint64_t words[2] = {i, 0};
        memcpy(disk + i * HAL_PAGE_SIZE, words, sizeof words);
    }
    slow = true;
    atomic_store(&over, false);
    pthread_create(&worker, NULL, disk_thread, NULL);
    for (uintptr_t i = 0; i < MM_HARTS - 1; i++)
        pthread_create(&users[i], NULL, user_thread, (void *)i);
    for (unsigned i = 0; i < MM_HARTS - 1; i++)
        pthread_join(users[i], NULL);
    assert_int_equal(cache_write(&cache), 0);
    cache_drop(&cache, 0, true);
    atomic_store(&over, true);
    pthread_join(worker, NULL);
    slow = false;
    end();
}

/* ---- Files in memory ----------------------------------------------------- */

#define LAST ((UINT64_C(1) << 28) - 1) /* page of a terabyte */
#define KEPT 10u

static void take_all_pages(struct list *taken)
{
    struct page *page;
    list_init(taken);
    while ((page = page_alloc(PAGE_KERNEL)))
        list_push_front(taken, &page->link);
}

static void give_all_back(struct list *taken)
{
    struct list *link;
    while ((link = list_pop_front(taken)))
        page_put(list_entry(link, struct page, link));
}

static int put(struct cache *file, uint64_t index, uint8_t byte)
{
    struct page *page;
    int error = cache_write_begin(file, index, &page);
    if (error)
        return error;
    memset(page_data(page), byte, HAL_PAGE_SIZE);
    cache_write_end(page);
    return 0;
}

static struct page *shown_at(struct cache *file, uint64_t index)
{
    struct page *page;
    while (cache_share(file, index, &page) == -EAGAIN)
        assert_int_equal(cache_fetch(file, index), 0);
    return page;
}

/* Memory is short: holes that were looked at are given back, and what was
 * written never is. */
static void only_holes_of_a_file_in_memory_are_given_back(void **state)
{
    struct cache_memory memory = {.limit = KEPT};
    struct list taken;
    struct page *page;
    struct cache file;
    (void)state;
    begin(4096);
    cache_init_memory(&file, &memory);
    atomic_store(&file.end, LAST + 1);
    for (uint64_t i = 0; i < 100; i++) {
        page = shown_at(&file, 3 * i);
        assert_int_equal(((uint8_t *)page_data(page))[i], 0);
        page_put(page);
    }
    assert_int_equal(memory.used, 0);
    assert_int_equal(page_free_count(), unused_pages);
    for (uint64_t i = 0; i < KEPT - 1; i++)
        assert_int_equal(put(&file, i, (uint8_t)(i + 1)), 0);
    assert_int_equal(put(&file, LAST, 99), 0);
    assert_int_equal(memory.used, KEPT);
    assert_int_equal(put(&file, KEPT, 1), -ENOSPC);
    assert_int_equal(put(&file, 0, 1), 0);
    assert_int_equal(cache_dirty_count(), 0);
    assert_int_equal(page_free_count(), unused_pages - KEPT);
    take_all_pages(&taken);
    assert_int_equal(file.pages, KEPT);
    give_all_back(&taken);
    for (uint64_t i = 0; i < KEPT; i++) {
        page = cache_kept_page(&file, i < KEPT - 1 ? i : LAST);
        uint8_t byte = i < KEPT - 1 ? (uint8_t)(i + 1) : 99;
        assert_int_equal(((uint8_t *)page_data(page))[4095], byte);
    }
    assert_null(cache_kept_page(&file, KEPT));
    assert_true(cache_drop(&file, 1, true));
    assert_int_equal(memory.used, 1);
    assert_true(cache_drop(&file, 0, true));
    assert_int_equal(memory.used, 0);
    end();
}

/* While a page is written, a mapping is given a copy; when it has been written,
 * the page. */
static void a_page_that_is_written_is_not_shared(void **state)
{
    struct cache_memory memory = {.limit = KEPT};
    struct page *page, *hole, *copy, *after;
    struct cache file;
    (void)state;
    begin(4096);
    cache_init_memory(&file, &memory);
    atomic_store(&file.end, 8);
    hole = shown_at(&file, 5);
    assert_int_equal(cache_write_begin(&file, 5, &page), 0);
    assert_ptr_not_equal(page, hole);
    assert_int_equal(hole->kind, PAGE_ANONYMOUS);
    assert_int_equal(page_count(hole), 1);
    memset(page_data(page), 7, HAL_PAGE_SIZE);
    copy = shown_at(&file, 5);
    assert_ptr_not_equal(copy, page);
    assert_int_equal(copy->kind, PAGE_ANONYMOUS);
    assert_int_equal(((uint8_t *)page_data(copy))[9], 7);
    page_fail_after(1);
    assert_int_equal(cache_share(&file, 5, &after), -ENOMEM);
    page_fail_after(0);
    assert_int_equal(page_count(page), 1);
    cache_write_end(page);
    after = shown_at(&file, 5);
    assert_ptr_equal(after, page);
    assert_int_equal(((uint8_t *)page_data(hole))[9], 0);
    page_put(hole);
    page_put(copy);
    page_put(after);
    assert_true(cache_drop(&file, 0, true));
    assert_int_equal(memory.used, 0);
    end();
}

static int start(void **state)
{
    (void)state;
    mm_boot(MEMORY);
    return cache_start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_piece_size),
        cmocka_unit_test(pages_in_order_are_read_ahead_in_few_requests),
        cmocka_unit_test(pages_out_of_order_are_read_alone),
        cmocka_unit_test(nothing_is_read_past_the_end),
        cmocka_unit_test(without_waiting_only_what_is_there),
        cmocka_unit_test(holes_are_zeros_and_read_nothing),
        cmocka_unit_test(a_failed_read_is_tried_again),
        cmocka_unit_test(a_page_that_could_not_be_read_ahead_is_not_kept),
        cmocka_unit_test(an_error_of_map_is_passed_on),
        cmocka_unit_test(dirty_pages_are_written_once),
        cmocka_unit_test(a_new_page_is_zeros_and_reads_nothing),
        cmocka_unit_test(a_failed_write_leaves_the_page_dirty),
        cmocka_unit_test(a_write_that_finds_no_memory_says_so),
        cmocka_unit_test(dirty_pages_far_apart_are_found),
        cmocka_unit_test(a_read_only_disk_refuses),
        cmocka_unit_test(a_mapping_keeps_what_it_shows),
        cmocka_unit_test(what_is_mapped_outlives_the_cache),
        cmocka_unit_test(a_file_larger_than_memory_is_read),
        cmocka_unit_test(cached_files_cost_nobody_memory),
        cmocka_unit_test(dirty_and_mapped_pages_are_not_given_up),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(dirty_pages_can_be_written_without_memory),
        cmocka_unit_test(only_holes_of_a_file_in_memory_are_given_back),
        cmocka_unit_test(a_page_that_is_written_is_not_shared),
        cmocka_unit_test(threads_see_one_file),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
