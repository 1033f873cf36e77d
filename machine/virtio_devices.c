/*
 * What is behind virtio: disks, whose contents lie in the machine's block
 * (Virtual I/O Device 1.1, section 5.2), and a source of random bytes (5.4),
 * drawn from the machine's seed.
 */
#include "private.h"

#define FEATURE_SEGMENTS_MAX (1ull << 2)
#define FEATURE_FLUSH        (1ull << 9)
enum { TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4 };
enum { OUTCOME_OK = 0, OUTCOME_ERROR = 1, OUTCOME_UNKNOWN = 2 };

uint64_t device_features(const struct machine *m, unsigned slot)
{
    if (m->virtio[slot].kind != VIRTIO_ID_BLOCK)
        return VIRTIO_VERSION_1;
    return VIRTIO_VERSION_1 | FEATURE_SEGMENTS_MAX | FEATURE_FLUSH;
}

/* capacity at 0, size_max at 8 and seg_max at 12; the rest is zero. */
uint8_t blk_config(const struct machine *m, unsigned slot, uint32_t at)
{
    uint64_t sectors = m->disks[slot].size / SECTOR;
    if (at < 8)
        return (uint8_t)(sectors >> 8 * at);
    return at == 12 ? PIECES - 2 : 0;
}

/* ---- A chain as two streams: what is read of it, and what is written ----- */

static uint64_t stream_length(const struct piece *pieces, unsigned count,
                              bool written)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < count; i++)
        length += pieces[i].written == written ? pieces[i].length : 0;
    return length;
}

/* Moves `length` bytes between `data` and a stream, from `at` of it. */
static void stream_move(const struct piece *pieces, unsigned count,
                        bool written, uint64_t at, void *data, uint64_t length)
{
    uint8_t *other = data;
    for (unsigned i = 0; i < count && length; i++) {
        const struct piece *p = &pieces[i];
        if (p->written != written)
            continue;
        if (at >= p->length) {
            at -= p->length;
            continue;
        }
        uint64_t part = p->length - at < length ? p->length - at : length;
        if (written)
            memcpy(p->data + at, other, (size_t)part);
        else
            memcpy(other, p->data + at, (size_t)part);
        other += part;
        length -= part;
        at = 0;
    }
}

/* ---- Disks --------------------------------------------------------------- */

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

static void mark_written(struct machine *m, struct disk *d, uint64_t at,
                         uint64_t length)
{
    uint8_t *map = (uint8_t *)m + d->map;
    for (uint64_t i = at / CHUNK; length && i <= (at + length - 1) / CHUNK; i++)
        map[i / 8] |= (uint8_t)(1u << i % 8);
    d->written = true;
}

static bool in_disk(const struct disk *d, uint64_t sector, uint64_t length)
{
    return length % SECTOR == 0 && sector <= d->size / SECTOR &&
           length <= d->size - sector * SECTOR;
}

/* The last byte that is written is for the outcome: `room` is without it. */
static unsigned do_request(struct machine *m, unsigned slot,
                           const struct piece *pieces, unsigned count,
                           uint64_t *room)
{
    struct disk *d = &m->disks[slot];
    uint8_t *data = (uint8_t *)m + d->at;
    uint64_t out = stream_length(pieces, count, false), at;
    struct header header;
    if (out < sizeof header)
        return OUTCOME_ERROR;
    stream_move(pieces, count, false, 0, &header, sizeof header);
    out -= sizeof header;
    at = header.sector * SECTOR;
    switch (header.type) {
    case TYPE_READ:
        if (!in_disk(d, header.sector, *room))
            return OUTCOME_ERROR;
        stream_move(pieces, count, true, 0, data + at, *room);
        return OUTCOME_OK;
    case TYPE_WRITE:
        if (!in_disk(d, header.sector, out))
            return OUTCOME_ERROR;
        stream_move(pieces, count, false, sizeof header, data + at, out);
        mark_written(m, d, at, out);
        *room = 0;
        return OUTCOME_OK;
    case TYPE_FLUSH:
        m->flush |= d->written; /* or another is to be flushed */
        *room = 0;
        return OUTCOME_OK;
    default:
        return OUTCOME_UNKNOWN;
    }
}

uint32_t blk_request(struct machine *m, unsigned slot, struct piece *pieces,
                     unsigned count)
{
    uint64_t all = stream_length(pieces, count, true), room = all - 1;
    if (!all)
        return 0;
    uint8_t outcome = (uint8_t)do_request(m, slot, pieces, count, &room);
    stream_move(pieces, count, true, all - 1, &outcome, 1);
    return (uint32_t)(outcome == OUTCOME_OK ? room + 1 : 1);
}

/* ---- Random bytes: a page at most -----------------------------------------
 */

uint32_t rng_request(struct machine *m, struct piece *pieces, unsigned count)
{
    uint32_t length = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!pieces[i].written)
            continue;
        for (uint32_t at = 0; at < pieces[i].length && length < PAGE_SIZE; at++)
            pieces[i].data[at] = (uint8_t)machine_random(m), length++;
    }
    return length;
}
