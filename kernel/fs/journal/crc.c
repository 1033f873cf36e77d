/*
 * Checksums of logs. See crc.h.
 */
#include "fs/journal/crc.h"

#define POLYNOMIAL      0x04c11db7u
#define CASTAGNOLI_BACK 0x82f63b78u /* 0x1edc6f41, bits turned round */

uint32_t crc32_be(uint32_t crc, const void *data, size_t length)
{
    for (const uint8_t *at = data; length > 0; length--) {
        crc ^= (uint32_t)*at++ << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? POLYNOMIAL : 0);
    }
    return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t length)
{
    for (const uint8_t *at = data; length > 0; length--) {
        crc ^= *at++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CASTAGNOLI_BACK : 0);
    }
    return crc;
}
