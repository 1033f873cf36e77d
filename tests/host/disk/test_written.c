/*
 * A file's page that is being written when a fault asks for it: what the fault
 * maps does not change afterwards. The writer's own memory has to be waited
 * for in the middle of the page, and meanwhile another process looks at it.
 */
/* sources: tests/host/disk/ext2_host.c kernel/fs/ram/[a-z]*.c */
/* sources: kernel/mm/reserve.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fs/ram/ramfs.h"
#include "host/disk/ext2_host.h"
#include "host/mm/hal.h"
#include "lib/errno.h"
#include "mm/oom.h"
#include "mm/reserve.h"
#include "vfs/file.h"

#define PLACE (5ul << 30) /* where the reader has the file */
#define FROM  (6ul << 30) /* what the writer writes: two pages */

static struct space *reader, *writer;
static bool looked;
static uint8_t first, last; /* of the page, as the fault found it */

/* ---- Memory of the writer's that has to be waited for -------------------- */

static struct page *text;

static int text_page(struct object *object, uint64_t index, struct page **out)
{
    (void)object;
    (void)index;
    if (!looked)
        return -EAGAIN;
    page_get(text);
    *out = text;
    return 0;
}

static uint8_t byte_at(unsigned offset)
{
    const uint8_t *at = mm_peek(reader, PLACE + offset);
    assert_non_null(at);
    return *at;
}

static int text_fetch(struct object *object, uint64_t index)
{
    (void)object;
    (void)index;
    mm_on_hart(1);
    space_enter(reader);
    assert_int_equal(space_fault(reader, PLACE, ACCESS_READ), FAULT_FILE);
    mm_on_hart(0);
    first = byte_at(0);
    last = byte_at(HAL_PAGE_SIZE - 1);
    looked = true;
    return 0;
}

static void nothing(struct object *object)
{
    (void)object;
}

static const struct object_ops text_ops = {
    .page = text_page, .fetch = text_fetch, .get = nothing, .put = nothing};
static struct object text_object = {.ops = &text_ops};

/* ---- One write ----------------------------------------------------------- */

static void map(struct space *space, uint64_t start, struct object *object)
{
    struct region region = {.start = start,
                            .end = start + HAL_PAGE_SIZE,
                            .prot = PROT_READ | PROT_WRITE,
                            .use = REGION_MAPPING,
                            .object = object};
    assert_int_equal(space_map(space, &region), 0);
}

static void write_page(struct file *file)
{
    static char old[HAL_PAGE_SIZE];
    struct cursor cursor = cursor_kernel(old, sizeof(old));
    memset(old, 'a', sizeof(old));
    file->offset = 0;
    assert_int_equal(file_write(file, &cursor), HAL_PAGE_SIZE);
    cursor = cursor_user(FROM + HAL_PAGE_SIZE / 2, HAL_PAGE_SIZE);
    file->offset = 0;
    looked = false;
    assert_int_equal(file_write(file, &cursor), HAL_PAGE_SIZE);
}

/* References to the page that the reader has. */
static uint32_t edges(void)
{
    return page_count(page_of_data(mm_peek(reader, PLACE)));
}

static void look_while_written(struct fs_context *at)
{
    struct file *file;
    uint8_t byte;
    assert_int_equal(
        vfs_open(at, NULL, "/f", OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file),
        0);
    reader = space_create();
    writer = space_create();
    map(reader, PLACE, &file->inode->object);
    map(writer, FROM, NULL);
    map(writer, FROM + HAL_PAGE_SIZE, &text_object);
    space_enter(writer);
    oom_begin();
    assert_int_equal(space_populate(writer, FROM, FROM + HAL_PAGE_SIZE), 0);

    write_page(file);
    assert_true(looked);
    assert_int_equal(byte_at(0), first);
    assert_int_equal(byte_at(HAL_PAGE_SIZE - 1), last);
    assert_int_equal(edges(), 1);
    /* Without a writer the page of the file is shared as ever. */
    mm_on_hart(1);
    assert_int_equal(space_unmap(reader, PLACE, PLACE + HAL_PAGE_SIZE), 0);
    map(reader, PLACE, &file->inode->object);
    assert_int_equal(mm_touch(PLACE, &byte, 1, ACCESS_READ, NULL),
                     FAULT_SPURIOUS);
    mm_on_hart(0);
    assert_int_equal(byte, 0);
    assert_int_equal(edges(), 2);
    assert_int_equal(mm_audit(), 0);
    mm_leave(reader);
    mm_leave(writer);
    space_destroy(reader);
    space_destroy(writer);
    file_put(file);
}

static void test_u3_page_of_ext2(void **state)
{
    (void)state;
    struct disk *disk = disk_format("-t ext3 -b 4096", 16 << 20);
    assert_int_equal(host_mount(disk, false), 0);
    look_while_written(&host_at);
    assert_int_equal(host_unmount(), 0);
    disk_free(disk);
}

static void test_u3_page_of_ramfs(void **state)
{
    (void)state;
    struct fs_context at;
    struct superblock *super;
    assert_int_equal(ramfs_make("ramfs", 100, &super), 0);
    fs_context_init(&at, super->root, inode_get(super->root), NULL);
    look_while_written(&at);
}

static int boot(void **state)
{
    int error = host_boot(state);
    text = page_alloc_zeroed(PAGE_CACHE);
    return error;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u3_page_of_ext2),
        cmocka_unit_test(test_u3_page_of_ramfs),
    };
    return cmocka_run_group_tests(tests, boot, NULL);
}
