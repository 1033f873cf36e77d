/*
 * Waiting for several open files at once, with harts that are threads, under
 * ThreadSanitizer: pipes and the console on the kernel's own wait queues and
 * mutexes.
 */
/* sources: tests/host/mm/hal.c kernel/vfs/file.c */
/* sources: kernel/vfs/inode.c kernel/ipc/pipe.c kernel/ipc/tty.c */
/* sanitize: thread */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "dev/console.h"
#include "host/mm/hal.h"
#include "ipc/pipe.h"
#include "ipc/tty.h"
#include "lib/errno.h"

#define FILES  3
#define ROUNDS 3000
#define END    "\4" /* what the console has at an end of input */

/* No disk is behind the files. */
int writeback_pace(void)
{
    return 0;
}

static struct file *files[FILES]; /* two pipes to read from, the console */
static struct file *writers[2];
static struct thread *poller;
static unsigned ended; /* files that are not looked at any more, a bit each */

static struct file *open_console(void)
{
    static struct superblock superblock;
    static struct inode inode;
    const struct inode_shape shape = {.type = INODE_DEVICE,
                                      .major = DEVICE_CONSOLE};
    struct file *file = file_alloc(OPEN_READ | OPEN_WRITE);

    inode_init(&inode, &superblock, NULL, 1, &shape);
    assert_int_equal(file_attach(file, inode_get(&inode)), 0);
    return file;
}

static ssize_t move_byte(ssize_t (*move)(struct file *, struct cursor *),
                         struct file *file, char *byte)
{
    struct cursor cursor = cursor_kernel(byte, 1);

    return move(file, &cursor);
}

/* Join all files' queues, and tell which files can be read, a bit each. */
static unsigned look(struct wait_set *set)
{
    unsigned ready = 0;

    for (unsigned i = 0; i < FILES; i++)
        if (!(ended & 1u << i) &&
            file_poll(files[i], set) & (POLL_READABLE | POLL_HANGUP))
            ready |= 1u << i;
    return ready;
}

/* Wait until one of the files can be read. */
static int await_any(unsigned *ready, enum sleep kind, uint64_t deadline)
{
    struct wait_set_entry entries[FILES * POLL_QUEUES];
    struct wait_set set = WAIT_SET(entries, FILES * POLL_QUEUES);
    int result = 0;

    while (!(*ready = look(&set)) && !result) {
        result = wait_set_sleep(&set, kind, deadline);
        wait_set_leave(&set);
    }
    wait_set_leave(&set);
    return result;
}

/* ---- The others ---------------------------------------------------------- */

static void *feed_pipe(void *number)
{
    uintptr_t i = (uintptr_t)number;
    char byte = 'p';

    mm_on_hart((unsigned)i + 1);
    for (unsigned n = 0; n < ROUNDS; n++)
        assert_int_equal(move_byte(file_write, writers[i], &byte), 1);
    file_put(writers[i]);
    return NULL;
}

static _Atomic unsigned lines_read;

static void *feed_console(void *unused)
{
    mm_on_hart(3);
    for (unsigned n = 0; n < ROUNDS; n++) {
        tty_input('\n');
        while (n > atomic_load(&lines_read) + 500)
            sched_yield();
    }
    tty_input(END[0]);
    return unused;
}

/* Read what each of the ready files has, a byte of it. */
static void read_ready(unsigned ready, unsigned counts[FILES])
{
    for (unsigned i = 0; i < FILES; i++) {
        char byte;
        ssize_t got;

        if (!(ready & 1u << i))
            continue;
        got = move_byte(file_read, files[i], &byte);
        assert_in_range(got + 1, 1, 2);
        if (got == 0)
            ended |= 1u << i;
        counts[i] += (unsigned)got;
        if (i == 2)
            atomic_fetch_add(&lines_read, 1);
    }
}

/* Nothing is missed however the others come between: or this hangs. */
static void test_two_pipes_and_the_console(void **state)
{
    unsigned counts[FILES] = {0}, ready;
    pthread_t threads[FILES];

    (void)state;
    pthread_create(&threads[0], NULL, feed_pipe, (void *)0ul);
    pthread_create(&threads[1], NULL, feed_pipe, (void *)1ul);
    pthread_create(&threads[2], NULL, feed_console, NULL);
    while (ended != (1u << FILES) - 1) {
        assert_int_equal(await_any(&ready, SLEEP_INTERRUPTIBLE, NO_DEADLINE),
                         0);
        read_ready(ready, counts);
    }
    for (unsigned i = 0; i < FILES; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(counts[i], ROUNDS);
    }
}

/* ---- One at a time ------------------------------------------------------- */

static int result;
static unsigned found;

static void *await_input(void *unused)
{
    mm_on_hart(1);
    result = await_any(&found, SLEEP_INTERRUPTIBLE, NO_DEADLINE);
    return unused;
}

static void close_writer(void)
{
    file_put(writers[0]);
}

static void write_pipe(void)
{
    char byte = 'x';

    assert_int_equal(move_byte(file_write, writers[1], &byte), 1);
}

static void type_line(void)
{
    tty_input('\n');
}

static void signal_poller(void)
{
    thread_signal(poller);
}

/* `event` ends the wait for all files. */
static void expect(void (*event)(void), int expected, unsigned ready)
{
    pthread_t thread;

    pthread_create(&thread, NULL, await_input, NULL);
    while (atomic_load(&poller->state) != THREAD_SLEEPING)
        sched_yield();
    event();
    pthread_join(thread, NULL);
    assert_int_equal(result, expected);
    assert_int_equal(found, ready);
    poller->machine.work = 0;
}

static void test_what_ends_the_wait(void **state)
{
    char byte;
    unsigned ready;

    (void)state;
    expect(signal_poller, -EINTR, 0);
    assert_int_equal(await_any(&ready, SLEEP_KILLABLE, hal_time() + 1000000000),
                     -ETIMEDOUT);
    expect(write_pipe, 0, 1 << 1);
    assert_int_equal(move_byte(file_read, files[1], &byte), 1);
    expect(type_line, 0, 1 << 2);
    assert_int_equal(move_byte(file_read, files[2], &byte), 1);
    expect(close_writer, 0, 1 << 0);
    file_put(writers[1]);
}

static int make_files(void **state)
{
    (void)state;
    mm_on_hart(1);
    poller = thread_current();
    ended = 0;
    mm_on_hart(0);
    for (unsigned i = 0; i < 2; i++)
        if (pipe_make(&files[i], &writers[i]))
            return -1;
    files[2] = open_console();
    return 0;
}

static int close_files(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FILES; i++)
        file_put(files[i]);
    return 0;
}

bool console_write(const char *text, size_t length)
{
    (void)text;
    (void)length;
    return true;
}

bool console_echo(const char *text, size_t length)
{
    return console_write(text, length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_pipes_and_the_console,
                                        make_files, close_files),
        cmocka_unit_test_setup_teardown(test_what_ends_the_wait, make_files,
                                        close_files),
    };

    mm_boot(8ul << 20);
    tty_init(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
