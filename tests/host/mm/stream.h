/*
 * Where a random test's choices come from: a generator that is seeded, or a
 * string of bytes that a fuzzer makes up. A test that draws from a stream is
 * both a random test and a fuzz target.
 */
#ifndef TESTS_MM_STREAM_H
#define TESTS_MM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream {
    uint64_t state;       /* of the generator; 0: it is bytes */
    const uint8_t *bytes; /* what is left of them */
    size_t left;
};

struct stream stream_seeded(uint64_t seed);
struct stream stream_of_bytes(const uint8_t *bytes, size_t length);

/* A number below `limit`, which is not 0; when the bytes have ended, 0. */
uint32_t stream_below(struct stream *stream, uint32_t limit);

/* True once in so many chances; when the bytes have ended, false. */
bool stream_one_in(struct stream *stream, uint32_t chances);

/* No bytes are left; never so of a generator. */
bool stream_ended(const struct stream *stream);

#endif
