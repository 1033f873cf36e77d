/*
 * The kernel's copies from and to user memory, and what it tells about spaces.
 */
/* sources: tests/host/mm/situation.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/errno.h"
#include "lib/text.h"
#include "mm/uaccess.h"
#include "host/mm/situation.h"

#define RW (PROT_READ | PROT_WRITE)

static struct process *writable(void)
{
    struct process *p = model_create(0);
    unsigned first = model_window(5);
    model_map(p, first, first + WINDOW_PAGES, RW, -1, 0);
    first = model_window(0);
    model_map(p, first, first + 4, RW, -1, 0);
    model_write(p, at(0, 0), 4 * HAL_PAGE_SIZE, 1, 0);
    return p;
}

static int finish(void **unused)
{
    (void)unused;
    all_exit();
    return (int)mm_audit();
}

static void test_ranges(void **unused)
{
    (void)unused;
    assert_true(user_range_ok(0, HAL_USER_TOP));
    assert_true(user_range_ok(HAL_USER_TOP, 0));
    assert_true(user_range_ok(HAL_USER_TOP - 1, 1));
    assert_false(user_range_ok(HAL_USER_TOP - 1, 2));
    assert_false(user_range_ok(HAL_USER_TOP + 1, 0));
    assert_false(user_range_ok(1, HAL_USER_TOP));
    assert_false(user_range_ok(0, UINT64_MAX));
    assert_false(user_range_ok(UINT64_MAX, 2));
}

static void test_clear(void **unused)
{
    (void)unused;
    static const uint8_t zeros[2 * HAL_PAGE_SIZE];
    uint8_t data[sizeof zeros];
    writable();
    uint64_t va = at(0, 0) + 300;
    assert_int_equal(user_clear(va, sizeof zeros), 0);
    assert_int_equal(user_read(data, va, sizeof data), 0);
    assert_memory_equal(data, zeros, sizeof zeros);
    assert_int_equal(user_read(data, va - 1, 1), 0);
    assert_int_not_equal(data[0], 0);
    assert_int_equal(user_clear(at(1, 0), 1), -EFAULT);
    assert_int_equal(user_clear(HAL_USER_TOP - 1, 2), -EFAULT);
    assert_int_equal(user_clear(at(0, 3), 2 * HAL_PAGE_SIZE), -EFAULT);
}

/* Strings that end, that do not, and that end where memory does. */
static void test_strings(void **unused)
{
    (void)unused;
    char text[20];
    writable();
    uint64_t va = at(0, 1) - 3;
    assert_int_equal(user_write(va, "across", 7), 0);
    assert_int_equal(user_read_string(text, va, sizeof text), 6);
    assert_string_equal(text, "across");
    assert_int_equal(user_read_string(text, va, 7), 6);
    assert_int_equal(user_read_string(text, va, 6), -ENAMETOOLONG);
    va = HAL_USER_TOP - 3;
    assert_int_equal(user_write(va, "abc", 3), 0);
    assert_int_equal(user_read_string(text, va, sizeof text), -EFAULT);
    assert_int_equal(user_write(va, "ab", 3), 0);
    assert_int_equal(user_read_string(text, va, sizeof text), 2);
    assert_int_equal(user_read_string(text, at(1, 0), sizeof text), -EFAULT);
    assert_int_equal(user_read_string(text, HAL_USER_TOP, sizeof text),
                     -EFAULT);
    assert_int_equal(user_read_string(text, UINT64_MAX, sizeof text), -EFAULT);
}

static void test_kernel_cursor(void **unused)
{
    (void)unused;
    char memory[8] = "........", taken[4];
    struct cursor c = cursor_kernel(memory, sizeof memory);
    assert_int_equal(cursor_put(&c, "abc", 3), 0);
    assert_int_equal(cursor_put_zeros(&c, 2), 0);
    assert_int_equal(c.left, 3);
    assert_memory_equal(memory, "abc\0\0...", 8);
    c = cursor_kernel(memory, sizeof memory);
    assert_int_equal(cursor_take(&c, taken, 4), 0);
    assert_memory_equal(taken, "abc", 4);
    assert_int_equal(c.left, 4);
}

/* A cursor whose copy failed stands where it was. */
static void test_user_cursor(void **unused)
{
    (void)unused;
    char data[2 * HAL_PAGE_SIZE] = "first";
    writable();
    struct cursor c = cursor_user(at(0, 3) + 10, 2 * HAL_PAGE_SIZE);
    assert_int_equal(cursor_put(&c, data, 5), 0);
    assert_int_equal(cursor_put_zeros(&c, 2), 0);
    assert_int_equal(c.address, at(0, 3) + 17);
    struct cursor before = c;
    assert_int_equal(cursor_put(&c, data, HAL_PAGE_SIZE), -EFAULT);
    assert_int_equal(cursor_take(&c, data, HAL_PAGE_SIZE), -EFAULT);
    assert_int_equal(cursor_put_zeros(&c, HAL_PAGE_SIZE), -EFAULT);
    assert_int_equal(c.address, before.address);
    assert_int_equal(c.left, before.left);
    c = cursor_user(at(0, 3) + 10, 7);
    assert_int_equal(cursor_take(&c, data, 7), 0);
    assert_memory_equal(data, "first\0", 7);
}

static int copy(void)
{
    char data[4];
    return user_read(data, at(0, 0), sizeof data);
}

static int lock_a_space(void)
{
    space_lock(space_current());
    return 0;
}

/* Whether the kernel lives through `act` with a lock of `rank` held; tried in a
 * process of its own. */
static bool may_with(enum lock_rank rank, int (*act)(void))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        struct mutex mutex;
        mm_set_epitaph(NULL);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        mutex_init(&mutex, rank);
        mutex_lock(&mutex);
        _exit(act() != 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A copy may fault, and a fault takes what writing to a disk takes: emptying
 * dead inodes, a transaction, files' contents. */
static void test_u2_locks_across_a_copy(void **unused)
{
    (void)unused;
    writable();
    for (enum lock_rank rank = LOCK_BREAK; rank < LOCK_FIRST_SPIN; rank++)
        assert_int_equal(may_with(rank, copy), rank < LOCK_ORPHANS);
}

/* No lock of a rank from that of spaces on, so not another space's either. */
static void test_u1_locks_before_a_space(void **unused)
{
    (void)unused;
    writable();
    for (enum lock_rank rank = LOCK_BREAK; rank < LOCK_FIRST_SPIN; rank++)
        assert_int_equal(may_with(rank, lock_a_space), rank < LOCK_SPACE);
}

/* ---- Reports
 * ------------------------------------------------------------------ */

static char buffer[16384];

static struct text told(void)
{
    struct text text;
    text_init(&text, buffer, sizeof buffer);
    return text;
}

static void test_describe(void **unused)
{
    (void)unused;
    struct process *p = empty();
    struct region stack = {.start = at(0, 0) + (20ul << 20),
                           .end = at(0, 0) + (21ul << 20),
                           .prot = RW,
                           .use = REGION_STACK};
    assert_int_equal(space_map(p->space, &stack), 0);
    struct text text = told();
    space_describe(p->space, at(1, 1), &text);
    assert_string_equal(buffer, "region 00001f8000-0000208000 rw- mapping "
                                "file+0x0");
    text = told();
    space_describe(p->space, stack.start - 1, &text);
    assert_string_equal(buffer, "the guard page below the stack");
    text = told();
    space_describe(p->space, 1ul << 36, &text);
    assert_string_equal(buffer, "no region");
    text = told();
    space_describe(p->space, HAL_USER_TOP, &text);
    assert_string_equal(buffer, "beyond the top of user memory");
}

static unsigned lines_with(const char *what)
{
    unsigned count = 0;
    for (const char *p = buffer; (p = strstr(p, what)); p++)
        count++;
    return count;
}

static void test_print(void **unused)
{
    (void)unused;
    struct process *p = lazy_copies();
    struct text text = told();
    space_print_maps(p->space, &text);
    assert_int_equal(lines_with("\n"), WINDOWS);
    text = told();
    space_print_tree(p->space, &text);
    assert_int_equal(lines_with("level 2"), 1);
    assert_true(lines_with("lazy copy of") > 0);
    assert_true(lines_with("leaves") > 5);
    assert_int_equal(space_resident(p->space), WINDOWS * WINDOW_PAGES);
    text = told();
    memory_print(&text);
    assert_int_equal(lines_with("total: "), 1);
    assert_int_equal(lines_with("nodes_lazy: "), 1);
}

/* Edges of every kind, and a list of regions where a space has none. */
static void test_print_of_sharers(void **unused)
{
    (void)unused;
    struct process *p = linked();
    struct text text = told();
    space_print_tree(p->space, &text);
    assert_true(lines_with(" linked ") > 0);
    assert_true(lines_with(" lazy ") > 0);
    assert_true(lines_with(" sealed") > 0);
    unsigned first = model_window(0);
    assert_int_equal(
        model_protect(p, first, first + 2, PROT_READ | PROT_EXECUTE, 0), 0);
    text = told();
    space_print_maps(p->space, &text);
    assert_int_equal(lines_with(" r-x mapping"), 1);
    assert_int_equal(lines_with(" rw- mapping"), WINDOWS);
}

#define CASE(test) cmocka_unit_test_teardown(test, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_u1_locks_before_a_space),
        CASE(test_u2_locks_across_a_copy),
        CASE(test_ranges),
        CASE(test_clear),
        CASE(test_strings),
        CASE(test_kernel_cursor),
        CASE(test_user_cursor),
        CASE(test_describe),
        CASE(test_print),
        CASE(test_print_of_sharers),
    };
    model_init(8ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
