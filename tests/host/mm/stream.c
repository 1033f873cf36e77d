/*
 * Choices, from a generator or from bytes. A choice takes as few bytes as its
 * limit needs, so that most inputs mean something and small changes of one
 * are small changes of what is done.
 */
#include "host/mm/stream.h"

struct stream stream_seeded(uint64_t seed)
{
    return (struct stream){.state = (seed + 1) * 0x9e3779b97f4a7c15ul | 1};
}

struct stream stream_of_bytes(const uint8_t *bytes, size_t length)
{
    return (struct stream){.bytes = bytes, .left = length};
}

static uint32_t generate(struct stream *s)
{
    s->state ^= s->state << 13;
    s->state ^= s->state >> 7;
    s->state ^= s->state << 17;
    return s->state * 0x2545f4914f6cdd1dul >> 32;
}

uint32_t stream_below(struct stream *s, uint32_t limit)
{
    uint32_t value = 0;
    if (s->state)
        return generate(s) % limit;
    for (uint32_t most = limit - 1; most && s->left; most >>= 8, s->left--)
        value = value << 8 | *s->bytes++;
    return value % limit;
}

bool stream_one_in(struct stream *s, uint32_t chances)
{
    return stream_below(s, chances) == chances - 1;
}

bool stream_ended(const struct stream *s)
{
    return !s->state && !s->left;
}
