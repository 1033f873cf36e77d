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
#define PIECES     10
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

/* The two ends of pipes to write to and to read from: to the other process
 * and back, or, of one pipe, to oneself. */
struct ends {
    int to, from;
};

/* An echo on another hart, or on this one. */
static struct ends start_echo(unsigned other_hart)
{
    int there[2], back[2];

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
    return (struct ends){there[1], back[0]};
}

static void close_ends(struct ends ends)
{
    port_close(ends.to);
    port_close(ends.from);
}

/* The time that COUNT bytes take, each sent when the last one is back. */
static uint64_t time_trips(struct ends ends, int count)
{
    char byte = 0;

    uint64_t begin = port_clock_ns();
    for (int i = 0; i < count; i++) {
        if (port_write(ends.to, &byte, 1) != 1 ||
            port_read(ends.from, &byte, 1) != 1)
            give_up("a pipe broke");
    }
    return port_clock_ns() - begin;
}

static void sample_trips(const char *name, unsigned other_hart)
{
    struct samples samples = {0};
    struct ends echo = start_echo(other_hart);

    while (samples_wanted(&samples))
        samples_add(&samples, time_trips(echo, TRIPS) / TRIPS);
    close_ends(echo);
    must_wait();
    samples_report(&samples, name, 0, "ns");
}

void work_pipe_same(const struct block *block)
{
    (void)block;
    sample_trips("pipe_same", 0);
}

void work_pipe_other(const struct block *block)
{
    (void)block;
    sample_trips("pipe_other", 1);
}

/* A trip to the echo is two bytes through pipes and two switches with their
 * wake-ups; two trips to oneself are the two bytes alone. The difference is
 * taken within pieces too short for the host to change its pace. */
static uint64_t time_switches(struct ends echo, struct ends own)
{
    uint64_t echoed = 0, alone = 0;

    for (int i = 0; i < PIECES; i++) {
        echoed += time_trips(echo, TRIPS / PIECES);
        alone += time_trips(own, 2 * TRIPS / PIECES);
    }
    return echoed > alone ? (echoed - alone) / (2 * TRIPS) : 0;
}

void work_context_switch(const struct block *block)
{
    struct samples samples = {0};
    struct ends echo = start_echo(0);
    int pipe[2];

    if (port_pipe(pipe) < 0)
        give_up("no pipe");
    struct ends own = {pipe[1], pipe[0]};
    /* However long it takes: a difference has the noise of both. */
    while (samples.count < rounds)
        samples_add(&samples, time_switches(echo, own));
    close_ends(own);
    close_ends(echo);
    must_wait();
    samples_report(&samples, "context_switch", block->megabytes, "ns");
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
