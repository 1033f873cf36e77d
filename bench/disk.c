/*
 * Works on a disk: a large file read and written in order, small files made
 * and removed.
 *
 * The large file is on the image from the start, so every system finds it in
 * the same blocks. What was read before is given up before it is read again,
 * unless the work says cached; what was written counts as written when it is
 * safe. All rounds are taken, however long: guest time passes as the host's.
 */
#include "bench.h"

#define DATA_PATH  "bench-data"
#define OUT_PATH   "bench-out"
#define DATA_MB    64
#define DATA_BYTES ((long)DATA_MB << 20)
#define PIECE      65536 /* a read or a write */
#define SECTOR     512
#define FILES      500
#define FILE_BYTES 1024

static char piece[PIECE];

static void start(void)
{
    static bool started;

    if (!started && port_disk_start() < 0)
        give_up("there is no disk");
    started = true;
}

static void must_sync(void)
{
    if (port_disk_sync() < 0)
        give_up("the disk could not be synced");
}

static uint64_t time_read(void)
{
    uint64_t begin = port_clock_ns();
    int fd = port_open(DATA_PATH);
    long bytes = 0;
    int got;

    while ((got = port_read(fd, piece, PIECE)) > 0)
        bytes += got;
    port_close(fd);
    if (bytes != DATA_BYTES)
        give_up("the disk's file did not read back");
    return port_clock_ns() - begin;
}

void work_disk_read(const struct block *block)
{
    struct samples samples = {0};

    (void)block;
    start();
    while (samples.count < rounds) {
        if (port_disk_forget() < 0)
            give_up("cached files could not be given up");
        long before = port_disk_sectors();
        samples_add(&samples, time_read());
        if (port_disk_sectors() - before < DATA_BYTES / SECTOR)
            give_up("what was read did not come from the disk");
    }
    samples_report(&samples, "disk_read", DATA_MB, "ns");
}

void work_disk_read_cached(const struct block *block)
{
    struct samples samples = {0};

    (void)block;
    start();
    time_read();
    while (samples.count < rounds)
        samples_add(&samples, time_read());
    samples_report(&samples, "disk_read_cached", DATA_MB, "ns");
}

/* Makes a file of so many bytes, at most a piece at a time. */
static void make(const char *path, long bytes)
{
    int size = bytes < PIECE ? (int)bytes : PIECE;
    int fd = port_create(path);

    if (fd < 0)
        give_up("cannot make a file on the disk");
    for (long done = 0; done < bytes; done += size)
        if (port_write(fd, piece, size) != size)
            give_up("cannot write a file on the disk");
    port_close(fd);
}

void work_disk_write(const struct block *block)
{
    struct samples samples = {0};

    (void)block;
    start();
    while (samples.count < rounds) {
        uint64_t begin = port_clock_ns();
        make(OUT_PATH, DATA_BYTES);
        must_sync();
        samples_add(&samples, port_clock_ns() - begin);
        port_remove(OUT_PATH);
        must_sync();
    }
    samples_report(&samples, "disk_write", DATA_MB, "ns");
}

/* The name of small file NUMBER, below 1000. */
static const char *small_file(int number)
{
    static char name[] = "small-000";

    for (int i = 0; i < 3; i++, number /= 10)
        name[8 - i] = (char)('0' + number % 10);
    return name;
}

/* What a small file costs from its making to its end. */
static uint64_t time_files(bool synced)
{
    uint64_t begin = port_clock_ns();

    for (int i = 0; i < FILES; i++)
        make(small_file(i), FILE_BYTES);
    if (synced)
        must_sync();
    for (int i = 0; i < FILES; i++)
        if (port_remove(small_file(i)) < 0)
            give_up("cannot remove a file on the disk");
    if (synced)
        must_sync();
    return (port_clock_ns() - begin) / FILES;
}

static void sample_files(const char *name, bool synced)
{
    struct samples samples = {0};

    start();
    while (samples.count < rounds) {
        samples_add(&samples, time_files(synced));
        must_sync();
    }
    samples_report(&samples, name, 0, "ns");
}

void work_disk_files(const struct block *block)
{
    (void)block;
    sample_files("disk_files", false);
}

void work_disk_files_synced(const struct block *block)
{
    (void)block;
    sample_files("disk_files_synced", true);
}
