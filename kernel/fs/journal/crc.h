/*
 * The two checksums a log may carry. Bit by bit: only replay computes them.
 */
#ifndef FS_JOURNAL_CRC_H
#define FS_JOURNAL_CRC_H

#include "lib/types.h"

/* CRC-32 of polynomial 0x04c11db7, highest bit first: go on from `crc` over
 * `length` bytes. Neither the start nor the end is inverted here. */
uint32_t crc32_be(uint32_t crc, const void *data, size_t length);

/* CRC-32C (Castagnoli), lowest bit first, in the same way. */
uint32_t crc32c(uint32_t crc, const void *data, size_t length);

#endif
