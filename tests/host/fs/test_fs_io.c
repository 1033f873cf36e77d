/*
 * What is not a file on a file system but looks like one: pipes, the console's
 * line editing, the texts of /proc; and a file system filled from an initrd.
 */
/* sources: kernel/vfs/vfs.c kernel/vfs/tree.c kernel/vfs/name_index.c */
/* sources: kernel/vfs/namei.c kernel/vfs/inode.c */
/* sources: kernel/vfs/file.c kernel/vfs/contents.c */
/* sources: kernel/fs/ram/[a-z]*.c kernel/ipc/pipe.c */
/* sources: kernel/ipc/tty.c kernel/fs/proc/procfs.c */
/* sources: kernel/vfs/initrd.c kernel/dev/cpio.c kernel/lib/panic.c */
/* sources: kernel/lib/printf.c tests/host/lib/string.c */
/* sources: tests/host/fs/stubs.c */
/* flags: -include tests/host/fs/hal.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/console.h"
#include "vfs/initrd.h"
#include "ipc/pipe.h"
#include "fs/proc/procfs.h"
#include "fs/ram/ramfs.h"
#include "ipc/tty.h"
#include "host/fs/stubs.h"
#include "lib/errno.h"
#include "lib/printf.h"

static struct fs_context at;
static char buffer[100000];

static ssize_t put(struct file *file, const void *data, size_t length)
{
    struct cursor cursor = cursor_user((uintptr_t)data, length);

    return file_write(file, &cursor);
}

static ssize_t get(struct file *file, size_t length)
{
    struct cursor cursor = cursor_user((uintptr_t)buffer, length);

    memset(buffer, '#', sizeof(buffer));
    return file_read(file, &cursor);
}

/* ---- Pipes --------------------------------------------------------------- */

static struct file *reader, *writer;
static unsigned sleeps;
static ssize_t read_asleep;

static void make_pipe(void)
{
    assert_int_equal(pipe_make(&reader, &writer), 0);
    sleeps = 0;
}

static void test_pipe(void **state)
{
    char data[PIPE_SIZE];
    long objects = stub_objects;

    (void)state;
    make_pipe();
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (char)rand();
    assert_int_equal(put(writer, data, 300), 300);
    assert_int_equal(get(reader, 100), 100);
    assert_memory_equal(buffer, data, 100);
    assert_int_equal(put(writer, data + 300, 212), 212);
    assert_int_equal(put(writer, data, 100), 100);
    /* Full, and nobody to make room: killed while waiting. */
    assert_int_equal(put(writer, data, 1), -EINTR);
    assert_int_equal(get(reader, 0), 0);
    assert_int_equal(get(reader, 100000), PIPE_SIZE);
    assert_memory_equal(buffer, data + 100, 412);
    assert_memory_equal(buffer + 412, data, 100);
    assert_int_equal(get(reader, 1), -EINTR);
    assert_int_equal(put(reader, data, 1), -EBADF);
    assert_int_equal(get(writer, 1), -EBADF);
    assert_int_equal(put(writer, data, 10), 10);
    file_put(writer);
    assert_int_equal(get(reader, 100), 10);
    assert_int_equal(get(reader, 100), 0);
    file_put(reader);
    assert_int_equal(stub_objects, objects);
}

/* The other end, while a thread sleeps. */
static void read_some(void)
{
    static char piece[200];
    struct cursor cursor = cursor_kernel(piece, sizeof(piece));

    sleeps++;
    read_asleep += file_read(reader, &cursor);
}

static void close_the_reader(void)
{
    file_put(reader);
}

static void test_pipe_waiting(void **state)
{
    (void)state;
    make_pipe();
    stub_while_asleep = read_some;
    assert_int_equal(put(writer, buffer, 5000), 5000);
    assert_true(sleeps > 5);
    /* A write that fits is never cut in two. */
    get(reader, PIPE_SIZE);
    assert_int_equal(put(writer, buffer, 500), 500);
    sleeps = 0;
    read_asleep = 0;
    assert_int_equal(put(writer, buffer, PIPE_SIZE), PIPE_SIZE);
    assert_int_equal(sleeps, 3);
    assert_int_equal(read_asleep, 500);
    stub_while_asleep = close_the_reader;
    assert_int_equal(put(writer, buffer, 5000), -EPIPE);
    stub_while_asleep = NULL;
    assert_int_equal(put(writer, buffer, 1), -EPIPE);
    file_put(writer);
}

static void test_pipe_faults(void **state)
{
    static char data[600];

    (void)state;
    make_pipe();
    stub_fault_from = (uintptr_t)data + 600;
    assert_int_equal(put(writer, data + 598, 3), -EFAULT);
    assert_int_equal(put(writer, data, 3), 3);
    stub_fault_from = (uintptr_t)buffer;
    assert_int_equal(get(reader, 3), -EFAULT);
    stub_fault_from = UINT64_MAX;
    assert_int_equal(get(reader, 3), 3);
    file_put(reader);
    file_put(writer);
    for (unsigned nth = 1; nth <= 3; nth++) {
        long objects = stub_objects;

        stub_fail_after = nth;
        assert_int_equal(pipe_make(&reader, &writer), -ENOMEM);
        assert_int_equal(stub_objects, objects);
    }
}

static void test_pipe_stat(void **state)
{
    struct file_stat stat;

    (void)state;
    make_pipe();
    memset(&stat, 0xff, sizeof(stat));
    file_stat(reader, &stat);
    assert_int_equal(stat.type, INODE_PIPE);
    assert_int_equal(stat.links, 1);
    assert_int_equal(stat.size, 0);
    file_stat(writer, &stat);
    assert_int_equal(stat.type, INODE_PIPE);
    assert_false(file_is_directory(reader));
    assert_int_equal(file_ioctl(reader, 1, 0), -ENOTTY);
    assert_int_equal(file_ioctl(writer, 1, 0), -ENOTTY);
    file_put(reader);
    file_put(writer);
}

static struct wait_set_entry entries[2 * POLL_QUEUES];
static struct wait_set set = WAIT_SET(entries, 2 * POLL_QUEUES);

/* What the set waits for has happened; from now on it waits for `file`. */
static void expect_woken(bool woken, struct file *file)
{
    assert_int_equal(set.woken, woken);
    wait_set_leave(&set);
    file_poll(file, &set);
}

static void test_pipe_poll(void **state)
{
    (void)state;
    make_pipe();
    assert_int_equal(file_poll(reader, NULL), 0);
    assert_int_equal(file_poll(writer, &set), POLL_WRITABLE);
    expect_woken(false, reader);
    put(writer, buffer, 2);
    expect_woken(true, reader);
    assert_int_equal(file_poll(reader, NULL), POLL_READABLE);
    assert_int_equal(file_poll(writer, NULL), 0);
    expect_woken(false, writer);
    get(reader, 1);
    expect_woken(true, writer);
    assert_int_equal(file_poll(writer, NULL), 0);
    get(reader, 1);
    expect_woken(true, reader);
    assert_int_equal(file_poll(writer, NULL), POLL_WRITABLE);
    put(writer, buffer, 1);
    file_put(writer);
    expect_woken(true, reader);
    assert_int_equal(file_poll(reader, NULL), POLL_READABLE | POLL_HANGUP);
    get(reader, 1);
    assert_int_equal(file_poll(reader, NULL), POLL_HANGUP);
    wait_set_leave(&set);
    file_put(reader);
    make_pipe();
    file_poll(writer, &set);
    file_put(reader);
    expect_woken(true, writer);
    assert_int_equal(file_poll(writer, NULL), POLL_WRITABLE | POLL_ERROR);
    wait_set_leave(&set);
    file_put(writer);
}

/* ---- The console --------------------------------------------------------- */

static char shown[4096];
static size_t shown_length, room = SIZE_MAX;
static unsigned lists;

bool console_write(const char *text, size_t length)
{
    if (length > room)
        return false;
    room -= length;
    memcpy(shown + shown_length, text, length);
    shown_length += length;
    shown[shown_length] = '\0';
    return true;
}

bool console_echo(const char *text, size_t length)
{
    return console_write(text, length);
}

static void list_processes(void)
{
    lists++;
}

static void type(const char *keys)
{
    while (*keys)
        tty_input((uint8_t)*keys++);
}

static struct file *console;

static void expect_line(const char *line)
{
    size_t length = strlen(line);

    assert_int_equal(get(console, 1000), length);
    assert_memory_equal(buffer, line, length);
}

static void expect_shown(const char *text)
{
    assert_string_equal(shown, text);
    shown_length = 0;
    shown[0] = '\0';
}

static void test_console_editing(void **state)
{
    (void)state;
    type("hello\r");
    expect_shown("hello\n");
    expect_line("hello\n");
    type("ab\bc\x7f\x7f\x7f\x7f\x7fx\n");
    expect_shown("ab\b \bc\b \b\b \bx\n");
    expect_line("x\n");
    type("one\ntwo\x15three\n");
    expect_line("one\n");
    expect_line("three\n");
    expect_shown("one\ntwo\b \b\b \b\b \bthree\n");
    type("a\x10\x1b\x08z\n");
    assert_int_equal(lists, 1);
    expect_shown("az\n");
    expect_line("az\n");
    assert_int_equal(get(console, 10), -EINTR);
    type("not yet");
    assert_int_equal(get(console, 10), -EINTR);
    type("\x15");
    expect_shown("not yet\b \b\b \b\b \b\b \b\b \b\b \b\b \b");
    type("long line\n");
    assert_int_equal(get(console, 4), 4);
    assert_memory_equal(buffer, "long", 4);
    expect_line(" line\n");
    expect_shown("long line\n");
}

static void test_console_end(void **state)
{
    (void)state;
    type("\x04");
    expect_line("");
    type("abc\x04");
    expect_line("abc");
    expect_line("");
    type("x\ny\x04\x04z\n");
    expect_line("x\n");
    expect_line("y");
    expect_line("");
    expect_line("");
    expect_line("z\n");
    expect_shown("abcx\nyz\n");
}

static void test_console_limits(void **state)
{
    (void)state;
    for (int i = 0; i < TTY_LINE + 2; i++)
        type("x");
    assert_int_equal(get(console, 1000), TTY_LINE);
    type("\n");
    expect_line("xx\n");
    shown_length = 0;
    for (int i = 0; i < 1030; i++)
        type("\n");
    assert_int_equal(shown[1023], '\n');
    assert_int_equal(shown[1024], '\a');
    for (int i = 0; i < 1024; i++)
        expect_line("\n");
    assert_int_equal(get(console, 10), -EINTR);
    shown_length = 0;
}

/* A reader without memory for its line leaves it to the next. */
static void test_console_faults(void **state)
{
    (void)state;
    type("kept\nthe next\n\x04");
    stub_fault_from = (uintptr_t)buffer;
    assert_int_equal(get(console, 1000), -EFAULT);
    assert_int_equal(get(console, 2), -EFAULT);
    stub_fault_from = UINT64_MAX;
    expect_line("kept\n");
    stub_fault_from = (uintptr_t)buffer + 3;
    assert_int_equal(get(console, 1000), -EFAULT);
    assert_int_equal(get(console, 3), 3);
    stub_fault_from = UINT64_MAX;
    expect_line(" next\n");
    expect_line("");
    assert_int_equal(get(console, 10), -EINTR);
    shown_length = 0;
}

static void make_room(void)
{
    room += 100;
    tty_output_room();
}

static void test_console_output(void **state)
{
    char text[1000];

    (void)state;
    memset(text, 'o', sizeof(text) - 1);
    text[999] = '\0';
    room = 50;
    stub_while_asleep = make_room;
    assert_int_equal(put(console, text, 999), 999);
    expect_shown(text);
    stub_while_asleep = NULL;
    room = 300;
    assert_int_equal(put(console, text, 999), 256);
    room = 0;
    assert_int_equal(put(console, text, 999), -EINTR);
    type("quiet\n");
    room = SIZE_MAX;
    expect_line("quiet\n");
    shown_length = 0;
}

static unsigned seen_asleep;

static void poll_console(void)
{
    /* Another writer does not wait for this one longer than it lives. */
    assert_int_equal(put(console, "x", 1), -EINTR);
    seen_asleep = file_poll(console, NULL);
    make_room();
}

static void test_console_poll(void **state)
{
    (void)state;
    tty_output_room();
    assert_int_equal(file_poll(console, &set), POLL_WRITABLE);
    type("x");
    assert_int_equal(file_poll(console, NULL), POLL_WRITABLE);
    assert_false(set.woken);
    type("\n");
    assert_int_equal(file_poll(console, NULL), POLL_ALWAYS);
    expect_woken(true, console);
    room = 0;
    stub_while_asleep = poll_console;
    assert_int_equal(put(console, "out", 3), 3);
    stub_while_asleep = NULL;
    assert_int_equal(seen_asleep, POLL_READABLE);
    expect_woken(true, console);
    assert_int_equal(file_poll(console, NULL), POLL_ALWAYS);
    expect_line("x\n");
    assert_int_equal(file_poll(console, NULL), POLL_WRITABLE);
    wait_set_leave(&set);
    room = SIZE_MAX;
    shown_length = 0;
}

/* ---- Other devices ------------------------------------------------------- */

static unsigned seen_command;

static ssize_t no_bytes(struct file *file, struct cursor *cursor)
{
    (void)cursor;
    return file->inode->minor == 3 ? 0 : -EIO;
}

static unsigned poll_minor(struct file *file, struct wait_set *queues)
{
    assert_ptr_equal(queues, &set);
    return file->inode->minor == 3 ? POLL_HANGUP : 0;
}

static int command_minor(struct file *file, unsigned number, uintptr_t argument)
{
    seen_command = number;
    return file->inode->minor == 3 && argument == (uintptr_t)&seen_command
               ? 7
               : -EINVAL;
}

static struct file *open_device(const char *path, unsigned major)
{
    struct file *file;

    assert_int_equal(vfs_mknod(&at, NULL, path, (uint16_t)major, 3), 0);
    assert_int_equal(vfs_open(&at, NULL, path, OPEN_READ, &file), 0);
    return file;
}

static void test_devices(void **state)
{
    static const struct file_ops plain = {.read = no_bytes, .write = no_bytes};
    static const struct file_ops full = {.read = no_bytes,
                                         .write = no_bytes,
                                         .poll = poll_minor,
                                         .ioctl = command_minor};
    struct file_stat stat;
    struct file *file;

    (void)state;
    device_register(8, &plain);
    device_register(9, &full);
    file = open_device("/plain", 8);
    assert_int_equal(file_poll(file, NULL), POLL_ALWAYS);
    assert_int_equal(file_ioctl(file, 1, 0), -ENOTTY);
    file_stat(file, &stat);
    assert_int_equal(stat.type, INODE_DEVICE);
    assert_int_equal(stat.major, 8);
    file_put(file);
    file = open_device("/full", 9);
    assert_int_equal(file_poll(file, &set), POLL_HANGUP);
    assert_int_equal(file_ioctl(file, 99, (uintptr_t)&seen_command), 7);
    assert_int_equal(seen_command, 99);
    file_put(file);
    assert_int_equal(file_ioctl(console, 1, 0), -ENOTTY);
}

/* Files of file systems, their directories, and texts of /proc. */
static void test_files_are_ready(void **state)
{
    static const char *const paths[] = {"/plain-file", "/", "/proc",
                                        "/proc/cmdline"};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        unsigned flags = i ? OPEN_READ : OPEN_READ | OPEN_CREATE;
        struct file_stat of_file, of_path;
        struct file *file;

        assert_int_equal(vfs_open(&at, NULL, paths[i], flags, &file), 0);
        assert_int_equal(file_poll(file, &set), POLL_ALWAYS);
        assert_int_equal(set.count, 0);
        assert_int_equal(file_ioctl(file, 1, 0), -ENOTTY);
        file_stat(file, &of_file);
        assert_int_equal(vfs_stat(&at, NULL, paths[i], true, &of_path), 0);
        assert_int_equal(of_file.type, of_path.type);
        assert_int_equal(of_file.number, of_path.number);
        assert_int_equal(file_is_directory(file), i == 1 || i == 2);
        if (file_is_directory(file))
            assert_int_equal(get(file, 1), -EISDIR);
        file_put(file);
    }
}

/* ---- /proc --------------------------------------------------------------- */

static unsigned lines = 3, shows;
static char command[300];

static int show_lines(struct text *out)
{
    shows++;
    for (unsigned i = 0; i < lines; i++)
        text_printf(out, "line %u\n", i);
    return 0;
}

static ssize_t take_command(const char *text, size_t length)
{
    if (length == 3 && memcmp(text, "bad", 3) == 0)
        return -EINVAL;
    strcpy(command, text);
    return (ssize_t)length;
}

static bool process_seven = true;

static int next_process(int after)
{
    static const int numbers[] = {1, 7, 300000};

    for (unsigned i = 0; i < 3; i++)
        if (numbers[i] > after && (numbers[i] != 7 || process_seven))
            return numbers[i];
    return 0;
}

static int self_process(void)
{
    return process_seven ? 7 : 0;
}

static int show_process(int number, const char *file, struct text *out)
{
    if (number == 1)
        return -ESRCH;
    text_printf(out, "%s of %d\n", file, number);
    return 0;
}

static const char *const process_files[] = {"maps", "status"};
static const struct procfs_processes all_processes = {
    next_process, self_process, show_process, process_files, 2,
};
static const struct procfs_entry lines_entry = {"lines", .show = show_lines};
static const struct procfs_entry power_entry = {"power", .write = take_command};
static const struct procfs_entry text_entry = {"cmdline", .text = "run=100%"};

static struct file *open_proc(const char *path, unsigned flags)
{
    struct file *file;

    assert_int_equal(vfs_open(&at, NULL, path, flags, &file), 0);
    return file;
}

static int open_result(const char *path, unsigned flags)
{
    struct file *file = NULL;
    int result = vfs_open(&at, NULL, path, flags, &file);

    if (!result)
        file_put(file);
    return result;
}

static void test_proc_snapshot(void **state)
{
    long objects = stub_objects;
    struct file *file = open_proc("/proc/lines", OPEN_READ);

    (void)state;
    lines = 2000;
    assert_int_equal(get(file, 10), 10);
    assert_memory_equal(buffer, "line 0\nlin", 10);
    assert_int_equal(get(file, 100), 11);
    assert_memory_equal(buffer, "e 1\nline 2\n", 11);
    assert_int_equal(get(file, 100), 0);
    assert_int_equal(shows, 1);
    file_put(file);
    file = open_proc("/proc/lines", OPEN_READ);
    assert_int_equal(get(file, sizeof(buffer)),
                     10 * 7 + 90 * 8 + 900 * 9 + 1000 * 10);
    assert_memory_equal(buffer + 10 * 7, "line 10\n", 8);
    file_put(file);
    lines = 300000; /* too long: a beginning, of a megabyte */
    file = open_proc("/proc/lines", OPEN_READ);
    assert_int_equal(get(file, 10), 10);
    file_put(file);
    lines = 3;
    file = open_proc("/proc/cmdline", OPEN_READ);
    assert_int_equal(get(file, 100), 9);
    assert_memory_equal(buffer, "run=100%\n", 9);
    file_put(file);
    assert_int_equal(stub_objects, objects);
    for (unsigned nth = 1; nth <= 3; nth++) {
        stub_fail_after = nth;
        assert_int_equal(open_result("/proc/lines", OPEN_READ), -ENOMEM);
        assert_int_equal(stub_objects, objects);
    }
}

static void test_proc_commands(void **state)
{
    struct file *file;
    char longest[PROCFS_COMMAND + 1];

    (void)state;
    assert_int_equal(open_result("/proc/power", OPEN_READ), -EACCES);
    assert_int_equal(open_result("/proc/lines", OPEN_WRITE), -EACCES);
    assert_int_equal(open_result("/proc/self/maps", OPEN_WRITE), -EACCES);
    assert_int_equal(open_result("/proc/cmdline", OPEN_WRITE), -EACCES);
    assert_int_equal(open_result("/proc/new", OPEN_CREATE), -EPERM);
    assert_int_equal(vfs_mkdir(&at, NULL, "/proc/new"), -EPERM);
    assert_int_equal(vfs_unlink(&at, NULL, "/proc/power"), -EPERM);
    assert_int_equal(vfs_rmdir(&at, NULL, "/proc/7"), -EPERM);
    file = open_proc("/proc/power", OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE);
    assert_int_equal(put(file, "off 3", 5), 5);
    assert_string_equal(command, "off 3");
    assert_int_equal(put(file, "bad", 3), -EINVAL);
    memset(longest, 'c', sizeof(longest));
    assert_int_equal(put(file, longest, PROCFS_COMMAND + 1), -EINVAL);
    assert_string_equal(command, "off 3");
    assert_int_equal(put(file, longest, PROCFS_COMMAND), PROCFS_COMMAND);
    assert_int_equal(strlen(command), PROCFS_COMMAND);
    file_put(file);
}

static char listed[400];

/* What is read is the beginnings of the names. */
static void list_name(const struct directory_entry *entry,
                      char record[DIRECTORY_SLOT_SIZE])
{
    size_t length = strlen(listed);

    assert_int_not_equal(entry->number, 0);
    snprintf(listed + length, sizeof(listed) - length, "%s ", entry->name);
    strncpy(record, entry->name, DIRECTORY_SLOT_SIZE);
}

/* Read so many bytes of slots at most: how many, and their names in `listed`.
 */
static ssize_t list_names(struct file *file, size_t limit)
{
    struct cursor cursor = cursor_kernel(buffer, limit);

    listed[0] = '\0';
    return file_read_directory(file, &cursor, list_name);
}

static void expect_listing(const char *path, const char *names)
{
    struct file *file = open_proc(path, OPEN_READ);

    assert_true(list_names(file, 400) > 0);
    assert_string_equal(listed, names);
    file_put(file);
}

static void test_proc_attributes(void **state)
{
    static const struct {
        const char *path;
        unsigned mode;
    } rows[] = {{"/proc", 0555},        {"/proc/7", 0555},
                {"/proc/7/maps", 0444}, {"/proc/lines", 0444},
                {"/proc/power", 0200},  {"/proc/cmdline", 0444}};
    struct file_stat stat, to = {.mode = 0777};

    (void)state;
    stub_time = 1700000000000000001;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(vfs_stat(&at, NULL, rows[i].path, true, &stat), 0);
        assert_int_equal(stat.mode, rows[i].mode);
        assert_int_equal(stat.owner, 0);
        assert_int_equal(stat.group, 0);
        assert_int_equal(stat.modified, stat.changed);
        assert_int_equal(
            vfs_setattr(&at, NULL, rows[i].path, true, SET_MODE, &to), -EPERM);
    }
    assert_int_equal(stat.modified, stub_time);
}

static void test_proc_names(void **state)
{
    struct file_stat first, second;
    struct file *file;

    (void)state;
    expect_listing("/proc", ". .. self lines power cmdline 1 7 300000 ");
    expect_listing("/proc/300000", ". .. maps status ");
    file = open_proc("/proc/self/status", OPEN_READ);
    assert_int_equal(get(file, 100), 12);
    assert_memory_equal(buffer, "status of 7\n", 12);
    file_put(file);
    assert_int_equal(vfs_stat(&at, NULL, "/proc/7", true, &first), 0);
    assert_int_equal(vfs_stat(&at, NULL, "/proc/self", true, &second), 0);
    assert_int_equal(first.number, second.number);
    assert_int_equal(vfs_stat(&at, NULL, "/proc/7/../power", true, &first), 0);
    assert_int_equal(vfs_stat(&at, NULL, "/proc/7/../../proc", true, &first),
                     0);
    assert_int_equal(open_result("/proc/1/maps", OPEN_READ), -ESRCH);
    assert_int_equal(open_result("/proc/2", OPEN_READ), -ENOENT);
    assert_int_equal(open_result("/proc/07", OPEN_READ), -ENOENT);
    assert_int_equal(open_result("/proc/7x", OPEN_READ), -ENOENT);
    assert_int_equal(open_result("/proc/0", OPEN_READ), -ENOENT);
    assert_int_equal(open_result("/proc/4294967303", OPEN_READ), -ENOENT);
    assert_int_equal(open_result("/proc/99999999999999999999", OPEN_READ),
                     -ENOENT);
    assert_int_equal(vfs_chdir(&at, NULL, "/proc/7"), 0);
    process_seven = false;
    expect_listing("/proc", ". .. lines power cmdline 1 300000 ");
    assert_int_equal(open_result("/proc/self", OPEN_READ), -ENOENT);
    assert_int_equal(open_result("maps", OPEN_READ), -ENOENT);
    process_seven = true;
    assert_int_equal(vfs_chdir(&at, NULL, "/"), 0);
}

/* A slot of which a part was read, and then its process is gone. */
static void test_proc_vanishing(void **state)
{
    struct file *file = open_proc("/proc", OPEN_READ);

    (void)state;
    file->offset = 36 * DIRECTORY_SLOT_SIZE; /* after process 1 */
    assert_int_equal(list_names(file, 7), 7);
    assert_string_equal(listed, "7 ");
    assert_int_equal(file->offset % DIRECTORY_SLOT_SIZE, 7);
    process_seven = false;
    assert_int_equal(list_names(file, 100), DIRECTORY_SLOT_SIZE);
    assert_string_equal(listed, "300000 ");
    assert_string_equal(buffer, "300000");
    process_seven = true;
    file_put(file);
}

/* ---- The initrd ---------------------------------------------------------- */

static char archive[20000];
static size_t archive_size;
static char printed[2000];

static void print(const char *text, size_t length)
{
    strncat(printed, text, length);
}

static void pack(const char *name, unsigned mode, unsigned number,
                 unsigned links, const char *data)
{
    size_t length = strlen(data);

    archive_size += (size_t)sprintf(
        archive + archive_size,
        "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s", number,
        mode, 70, 80, links, 1234567890, (unsigned)length, 0, 0, 0, 0,
        (unsigned)strlen(name) + 1, 0, name);
    archive[archive_size++] = '\0';
    while (archive_size % 4)
        archive[archive_size++] = '\0';
    memcpy(archive + archive_size, data, length);
    archive_size += length;
    while (archive_size % 4)
        archive[archive_size++] = '\0';
}

static void expect_file(const char *path, const char *contents, unsigned links)
{
    struct file *file = open_proc(path, OPEN_READ);
    struct file_stat stat;

    file_stat(file, &stat);
    assert_int_equal(stat.links, links);
    assert_int_equal(get(file, 1000), strlen(contents));
    assert_memory_equal(buffer, contents, strlen(contents));
    file_put(file);
}

/* Those that the archive gives. */
static void expect_attributes(const char *path, unsigned mode)
{
    struct file_stat stat;

    assert_int_equal(vfs_stat(&at, NULL, path, true, &stat), 0);
    assert_int_equal(stat.mode, mode);
    assert_int_equal(stat.owner, 70);
    assert_int_equal(stat.group, 80);
    assert_int_equal(stat.accessed, 1234567890000000000);
    assert_int_equal(stat.modified, 1234567890000000000);
}

static void test_initrd(void **state)
{
    (void)state;
    archive_size = 0;
    printed[0] = '\0';
    pack(".", 040755, 1, 2, "");
    pack("boot", 040755, 2, 2, "");
    pack("boot/one", 0100755, 3, 2, "");
    pack("two", 0100755, 3, 2, "contents");
    pack("empty", 0100600, 4, 1, "");
    pack("same", 0100644, 5, 1, "the older and longer");
    pack("TRAILER!!!", 0, 0, 1, "");
    memset(archive + archive_size, 0, 64);
    archive_size += 64;
    pack("boot", 040755, 2, 2, "");
    pack("three", 0100644, 3, 2, "other");
    pack("same", 0100644, 5, 1, "newer");
    pack("TRAILER!!!", 0, 0, 1, "");
    assert_int_equal(initrd_unpack(&at, archive, archive_size), 0);
    assert_string_equal(printed, "");
    expect_file("/boot/one", "contents", 2);
    expect_file("/two", "contents", 2);
    expect_file("/empty", "", 1);
    expect_file("/three", "other", 1);
    expect_file("/same", "newer", 1);
    expect_attributes("/boot", 0755);
    expect_attributes("/two", 0755);
    expect_attributes("/boot/one", 0755);
    expect_attributes("/empty", 0600);
}

static void test_initrd_bad(void **state)
{
    (void)state;
    archive_size = 0;
    printed[0] = '\0';
    pack("nowhere/x", 0100644, 3, 1, "x");
    pack("link", 0120777, 4, 1, "x");
    pack("two", 040755, 4, 1, "");
    pack("after", 0100644, 5, 1, "made all the same");
    assert_int_equal(initrd_unpack(&at, archive, archive_size), -EUCLEAN);
    expect_file("/after", "made all the same", 1);
    assert_non_null(strstr(printed, "calf: initrd: nowhere/x: there is no "
                                    "directory for it (error 2)\n"));
    assert_non_null(strstr(printed, "calf: initrd: link: neither"));
    assert_non_null(strstr(printed, "calf: initrd: two: something else"));
    assert_non_null(strstr(printed, "calf: initrd: damaged at byte "));
    pack("TRAILER!!!", 0, 0, 1, "");
    assert_int_equal(initrd_unpack(&at, archive, archive_size), -ENOENT);
}

static int start(void **state)
{
    struct superblock *root, *proc;

    (void)state;
    kprintf_set_sink(print);
    tty_init(list_processes);
    if (ramfs_make("ramfs", 100, &root) || procfs_make(&proc))
        return -1;
    fs_context_init(&at, root->root, inode_get(root->root), NULL);
    procfs_set_processes(&all_processes);
    return vfs_mkdir(&at, NULL, "/proc") || vfs_mount(&at, "/proc", proc) ||
           procfs_register(lines_entry) || procfs_register(power_entry) ||
           procfs_register(text_entry) ||
           vfs_mknod(&at, NULL, "/console", DEVICE_CONSOLE, 5) ||
           vfs_open(&at, NULL, "/console", OPEN_READ | OPEN_WRITE, &console);
}

static int finish(void **state)
{
    (void)state;
    file_put(console);
    fs_context_put(&at);
    return (int)stub_locks_held;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_pipe_waiting),
        cmocka_unit_test(test_pipe_faults),
        cmocka_unit_test(test_pipe_stat),
        cmocka_unit_test(test_pipe_poll),
        cmocka_unit_test(test_console_editing),
        cmocka_unit_test(test_console_end),
        cmocka_unit_test(test_console_limits),
        cmocka_unit_test(test_console_faults),
        cmocka_unit_test(test_console_output),
        cmocka_unit_test(test_console_poll),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_files_are_ready),
        cmocka_unit_test(test_proc_snapshot),
        cmocka_unit_test(test_proc_commands),
        cmocka_unit_test(test_proc_attributes),
        cmocka_unit_test(test_proc_names),
        cmocka_unit_test(test_proc_vanishing),
        cmocka_unit_test(test_initrd),
        cmocka_unit_test(test_initrd_bad),
    };

    return cmocka_run_group_tests(tests, start, finish);
}
