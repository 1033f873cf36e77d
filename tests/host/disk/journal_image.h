/*
 * For tests of the journal: a disk made by mke2fs with a log, used without a
 * file system. The test changes blocks that no file has; so e2fsck may replay
 * the log, and finds nothing wrong otherwise.
 */
#ifndef TESTS_JOURNAL_IMAGE_H
#define TESTS_JOURNAL_IMAGE_H

#include "host/disk/disk.h"
#include "fs/journal/journal.h"

#define IMAGE_RUNS 64

struct image {
    struct disk *disk;
    uint32_t block_size, blocks;
    uint32_t free; /* blocks from here on belong to nobody */
    struct journal_run runs[IMAGE_RUNS];
    unsigned run_count;
    struct cache metadata;
    struct journal *journal;
    struct journal_owner owner;
    unsigned deaths, contents_written;
    int contents_error;
    bool unneeded; /* the file system says that nothing is to be replayed */
    void (*while_writing)(struct image *image);
};

/* A new disk of `size` bytes; its log is found if it has one. */
void image_make(struct image *image, const char *options, uint64_t size);

/* The same with a disk there is, which becomes the image's. */
void image_use(struct image *image, struct disk *disk);

/* Open the journal, with recovery unless `unneeded`. The result of
 * journal_open. */
int image_open(struct image *image, uint64_t *replayed);

/* Close it; 0 or what journal_close said. */
int image_close(struct image *image);

/* Forget the journal as a power cut would: nothing more is written. */
void image_crash(struct image *image);

/* Also free the disk. */
void image_free(struct image *image);

/* The bytes of a block on the disk. */
uint8_t *image_block(const struct image *image, uint32_t block);

/* Block `index` of the log on the disk. */
uint8_t *image_log(const struct image *image, uint32_t index);

/* In the file system's superblock: that its log must be replayed. */
void image_mark(struct image *image, bool needs_recovery);

/* Begin an operation, having waited for room if need be. */
int image_begin(struct journal *journal, uint32_t blocks,
                struct journal_handle *handle);

/* One operation that changes a block, as `count` numbers `value`. */
int image_write(struct image *image, uint32_t block, uint32_t value);

/* Fill a block with a number; whether it is full of it. */
void image_fill(const struct image *image, void *bytes, uint32_t value);
bool image_is(const struct image *image, const void *bytes, uint32_t value);

/* What the kernel has printed since the last call; valid until the next. */
const char *image_console(void);

#endif
