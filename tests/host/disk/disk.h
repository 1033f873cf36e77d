/*
 * A disk for tests of the file systems: an image in memory behind the kernel's
 * own interface of block devices.
 *
 * It remembers every write and flush in the order in which they ended, and can
 * make the disk there would be had the power gone at any moment of that
 * history: what a flush made safe is there, of what came after it any part may
 * be. It fails when told to, and it can keep requests waiting and end them in
 * any order, from a thread of its own.
 */
#ifndef TESTS_DISK_H
#define TESTS_DISK_H

#include "dev/block.h"
#include <pthread.h>
#include <stddef.h>

enum disk_event_kind { DISK_WRITE, DISK_FLUSH, DISK_MARK };

struct disk_event {
    enum disk_event_kind kind;
    uint64_t sector;  /* of a write; of a mark: its value */
    uint32_t sectors; /* of a write */
    uint8_t *data;    /* what was written */
};

struct disk {
    struct block_device device; /* first; what the kernel is given */
    uint8_t *bytes;             /* what it holds now */
    uint64_t size;              /* bytes */

    /* The nth request of that command from now fails; 0: none does. */
    unsigned fail_read, fail_write, fail_flush;
    /* Every request fails; or reads that touch sectors from..to - 1 do. */
    bool dead;
    uint64_t bad_from, bad_to;

    /* How many requests there have been, and sectors moved. */
    uint64_t reads, writes, flushes, sectors_read, sectors_written;

    /* The history, when it is kept; `before` is the image at its start. */
    uint8_t *before;
    struct disk_event *events;
    size_t event_count, event_room;

    /* Requests that wait for the server. */
    bool served, stop;
    uint64_t random;
    struct list waiting;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t server;
};

/* A disk of zeros, or with the contents of a file; the name is "vda". A file
 * that cannot be read ends the test. */
struct disk *disk_new(uint64_t size);
struct disk *disk_load(const char *path);
void disk_save(const struct disk *disk, const char *path);
void disk_free(struct disk *disk);

/* mke2fs with `options`, an image of `size` bytes: the disk. */
struct disk *disk_format(const char *options, uint64_t size);

/* Save the disk as a file, run the shell command in which every % stands for
 * the file's name, and take the file's contents as the disk's. The command's
 * exit status; what it printed goes to `output` (NULL: nowhere), terminated
 * and cut short to `room` bytes. */
int disk_tool(struct disk *disk, const char *command, char *output,
              size_t room);

/* The same, but the disk stays as it is. */
int disk_ask(const struct disk *disk, const char *command, char *output,
             size_t room);

/* Whether `e2fsck -fn` finds nothing; what it finds is told on stderr. */
bool disk_is_clean(const struct disk *disk);

/* Keep the history from here on, forgetting what was kept. */
void disk_record(struct disk *disk);

/* Put a mark into the history. */
void disk_mark(struct disk *disk, uint64_t value);

/* The disk there would be if power had gone after `count` events. `seed` 0:
 * with all of the writes until then; else every write since the last flush is
 * there, or not, or some of its sectors are, by chance. */
struct disk *disk_after_cut(const struct disk *disk, size_t count,
                            uint64_t seed);

/* From now on a thread of the test ends the requests, in any order (by
 * `seed`); until disk_unserve, which ends all of them. Needs
 * tests/host/mm/hal.c: the thread is the last hart. */
void disk_serve(struct disk *disk, uint64_t seed);
void disk_unserve(struct disk *disk);

/* The next number of a simple generator: *state is never 0. */
uint64_t disk_random(uint64_t *state);

#endif
