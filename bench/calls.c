/*
 * Works without fork as their matter: calls, pipes, switches, a cached file,
 * fresh memory.
 *
 * Pinning: where the system can, pipe_same keeps both ends on one hart and
 * pipe_other on two. Where it cannot, the scheduler decides, and pipe_same
 * means something on a machine of one hart only.
 */
#include "bench.h"

#define NULL_CALLS 10000
#define TRIPS      1000
#define FILE_PATH  "/bench-file"
#define FILE_BYTES (1 << 20)
#define PIECE      65536 /* a read or a write */
#define ZERO_PAGES (16L * PAGES_A_MB)

void work_null_call(const struct block *block)
{
    struct samples samples = {0};

    while (samples_wanted(&samples)) {
        uint64_t begin = port_clock_ns();
        port_null_calls(NULL_CALLS);
        samples_add(&samples, (port_clock_ns() - begin) / NULL_CALLS);
    }
    samples_report(&samples, "null_call", block->megabytes, "ns");
}

/* The other end: sends back what comes, until nothing does. */
static void echo_child(int from, int to)
{
    char byte;

    while (port_read(from, &byte, 1) == 1)
        port_write(to, &byte, 1);
    port_exit(0);
}

/* Fills SAMPLES with the time of a byte's way there and back. */
static void sample_trips(struct samples *samples, unsigned other_hart)
{
    int there[2], back[2];
    char byte = 0;

    if (port_pipe(there) < 0 || port_pipe(back) < 0)
        give_up("no pipe");
    port_pin(0);
    if (must_fork() == 0) {
        port_pin(other_hart);
        port_close(there[1]);
        port_close(back[0]);
        echo_child(there[0], back[1]);
    }
    port_close(there[0]);
    port_close(back[1]);
    while (samples_wanted(samples)) {
        uint64_t begin = port_clock_ns();
        for (int i = 0; i < TRIPS; i++) {
            if (port_write(there[1], &byte, 1) != 1 ||
                port_read(back[0], &byte, 1) != 1)
                give_up("a pipe broke");
        }
        samples_add(samples, (port_clock_ns() - begin) / TRIPS);
    }
    port_close(there[1]);
    port_close(back[0]);
    must_wait();
}

void work_pipe_same(const struct block *block)
{
    struct samples samples = {0};

    sample_trips(&samples, 0);
    samples_report(&samples, "pipe_same", block->megabytes, "ns");
}

void work_pipe_other(const struct block *block)
{
    struct samples samples = {0};

    sample_trips(&samples, 1);
    samples_report(&samples, "pipe_other", block->megabytes, "ns");
}

/* The time of a byte through a pipe to oneself, without any switch. */
static uint64_t time_own_pipe(void)
{
    int ends[2];
    char byte = 0;

    if (port_pipe(ends) < 0)
        give_up("no pipe");
    uint64_t begin = port_clock_ns();
    for (int i = 0; i < TRIPS; i++) {
        port_write(ends[1], &byte, 1);
        port_read(ends[0], &byte, 1);
    }
    uint64_t end = port_clock_ns();
    port_close(ends[0]);
    port_close(ends[1]);
    return (end - begin) / TRIPS;
}

/* A trip is two bytes through pipes and two switches with their wake-ups. */
void work_context_switch(const struct block *block)
{
    struct samples trips = {0}, own = {0}, difference = {0};

    sample_trips(&trips, 0);
    while (samples_wanted(&own))
        samples_add(&own, time_own_pipe());
    uint64_t trip = trips.value[trips.count / 2];
    uint64_t pipes = 2 * own.value[own.count / 2];
    samples_add(&difference, trip > pipes ? (trip - pipes) / 2 : 0);
    samples_report(&difference, "context_switch", block->megabytes, "ns");
}

static void make_file(const char *buffer)
{
    int fd = port_create(FILE_PATH);

    if (fd < 0)
        give_up("cannot make a file");
    for (long done = 0; done < FILE_BYTES; done += PIECE)
        if (port_write(fd, buffer, PIECE) != PIECE)
            give_up("cannot write a file");
    port_close(fd);
}

void work_file_read(const struct block *block)
{
    struct samples samples = {0};

    /* Given back after, for the works that fork come with little memory. */
    char *buffer = port_memory(PIECE);

    (void)block;
    if (buffer == NULL)
        give_up("no memory");
    make_file(buffer);
    while (samples_wanted(&samples)) {
        int fd = port_open(FILE_PATH);
        long bytes = 0;
        int got;

        uint64_t begin = port_clock_ns();
        while ((got = port_read(fd, buffer, PIECE)) > 0)
            bytes += got;
        uint64_t end = port_clock_ns();
        port_close(fd);
        if (bytes != FILE_BYTES)
            give_up("a file did not read back");
        samples_add(&samples, end - begin);
    }
    port_remove(FILE_PATH);
    port_memory_end(buffer, PIECE);
    samples_report(&samples, "file_read", FILE_BYTES >> 20, "ns");
}

void work_zero_fault(const struct block *block)
{
    struct samples samples = {0};

    (void)block;
    while (samples_wanted(&samples)) {
        size_t bytes = ZERO_PAGES * PORT_PAGE;
        struct block fresh = {port_memory(bytes), 0, ZERO_PAGES};

        if (fresh.base == NULL)
            give_up("no memory");
        uint64_t begin = port_clock_ns();
        write_pages(&fresh, 0, fresh.pages, 1);
        samples_add(&samples, (port_clock_ns() - begin) / ZERO_PAGES);
        port_memory_end(fresh.base, bytes);
    }
    samples_report(&samples, "zero_fault", ZERO_PAGES / PAGES_A_MB, "ns");
}
