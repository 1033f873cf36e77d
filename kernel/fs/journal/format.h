/*
 * The log as it lies on disk: the format of JBD2, which Linux and e2fsck read
 * and write. All numbers are big-endian.
 *
 * The format is described in the Linux kernel's documentation, "ext4 Data
 * Structures and Algorithms", section "Journal (jbd2)"; the names of its
 * subsections stand at the structures here.
 */
#ifndef FS_JOURNAL_FORMAT_H
#define FS_JOURNAL_FORMAT_H

#include "lib/string.h"
#include "lib/types.h"

typedef struct {
    uint8_t bytes[2];
} be16_t;

typedef struct {
    uint8_t bytes[4];
} be32_t;

static inline uint16_t be16_get(be16_t value)
{
    return (uint16_t)(value.bytes[0] << 8 | value.bytes[1]);
}

static inline uint32_t be32_get(be32_t value)
{
    return (uint32_t)value.bytes[0] << 24 | (uint32_t)value.bytes[1] << 16 |
           (uint32_t)value.bytes[2] << 8 | value.bytes[3];
}

static inline be16_t be16(uint16_t value)
{
    return (be16_t){{value >> 8, value & 0xff}};
}

static inline be32_t be32(uint32_t value)
{
    return (be32_t){
        {value >> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff}};
}

/* "Block Header" */
#define LOG_MAGIC 0xc03b3998u

enum log_block_type {
    LOG_DESCRIPTOR = 1,
    LOG_COMMIT = 2,
    LOG_SUPERBLOCK_1 = 3,
    LOG_SUPERBLOCK_2 = 4,
    LOG_REVOKE = 5,
};

struct log_header {
    be32_t magic;
    be32_t type;
    be32_t sequence; /* of the transaction */
};

/* "Super Block" */
#define LOG_SUPERBLOCK_SIZE 1024

#define LOG_COMPAT_CHECKSUM                                                    \
    0x1u /* a sum over the transaction in its commit                           \
          */

#define LOG_INCOMPAT_REVOKE      0x1u
#define LOG_INCOMPAT_64BIT       0x2u
#define LOG_INCOMPAT_ASYNC       0x4u
#define LOG_INCOMPAT_CHECKSUM_2  0x8u
#define LOG_INCOMPAT_CHECKSUM_3  0x10u
#define LOG_INCOMPAT_FAST_COMMIT 0x20u

#define LOG_CHECKSUM_CRC32  1
#define LOG_CHECKSUM_CRC32C 4

struct log_superblock {
    struct log_header header;
    be32_t block_size;
    be32_t length;   /* blocks of the log, this one among them */
    be32_t first;    /* block of the log that may have a transaction */
    be32_t sequence; /* of the first transaction to be replayed */
    be32_t start;    /* its first block; 0: the log is empty */
    be32_t error;
    be32_t compat, incompat, ro_compat;
    uint8_t uuid[16];
    be32_t users;
    uint8_t unused[12];
    uint8_t checksum_type;
    uint8_t padding[171];
    be32_t checksum;
    uint8_t user_ids[768];
};
_Static_assert(sizeof(struct log_superblock) == LOG_SUPERBLOCK_SIZE, "layout");

/* "Descriptor Block": a header, then a tag for each block that follows in the
 * log. How long a tag is depends on the log's features. */
#define LOG_TAG_ESCAPED   1u /* the first four bytes were the magic number */
#define LOG_TAG_SAME_UUID 2u /* 16 bytes of UUID do not follow */
#define LOG_TAG_LAST      8u

struct log_tag {
    be32_t block;
    be16_t checksum;
    be16_t flags;
    be32_t block_high; /* with 64BIT */
};

struct log_tag_3 { /* with CHECKSUM_3 */
    be32_t block;
    be32_t flags;
    be32_t block_high;
    be32_t checksum;
};

/* What a tag has without 64BIT. */
#define LOG_TAG_SHORT 8u

/* "Revocation Block": a header and this, then block numbers. */
struct log_revoke {
    struct log_header header;
    be32_t length; /* bytes used, these among them */
};

/* "Commit Block" */
struct log_commit {
    struct log_header header;
    uint8_t checksum_type, checksum_size;
    uint8_t padding[2];
    be32_t checksums[8];
    be32_t seconds_high, seconds_low;
    be32_t nanoseconds;
};

/* Descriptor and revocation blocks end with their checksum (2 and 3). */
#define LOG_TAIL 4u

#endif
