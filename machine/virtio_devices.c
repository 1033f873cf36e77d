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

/* A disk's capacity at 0, size_max at 8 and seg_max at 12; the rest is zero. An
 * access does not go over a boundary of 8 bytes. */
uint64_t device_config(const struct machine *m, unsigned slot, uint32_t at)
{
    const uint64_t words[] = {m->disks[slot % MACHINE_DISKS].size / SECTOR,
                              (uint64_t)(PIECES - 2) << 32};
    bool any = m->virtio[slot].kind == VIRTIO_ID_BLOCK && at < sizeof words;
    return any ? words[at / 8] >> at % 8 * 8 : 0;
}

/* ---- A chain as two streams: what is read of it, and what is written ----- */

static uint64_t stream_length(const struct chain *chain, bool written)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < chain->count; i++)
        if (chain->pieces[i].written == written)
            length += chain->pieces[i].length;
    return length;
}

/* Moves `length` bytes between `data` and a stream, from `at` of it. */
static void stream_move(const struct chain *chain, bool written, uint64_t at,
                        void *data, uint64_t length)
{
    uint8_t *other = data;
    for (unsigned i = 0; i < chain->count && length; i++) {
        const struct piece *p = &chain->pieces[i];
        if (p->written != written)
            continue;
        uint64_t skip = at < p->length ? at : p->length;
        uint64_t part = p->length - skip < length ? p->length - skip : length;
        if (written)
            memcpy(p->data + skip, other, (size_t)part);
        else
            memcpy(other, p->data + skip, (size_t)part);
        other += part;
        length -= part;
        at -= skip;
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

/* The last byte that is written is for the outcome: `room` is without it, and
 * becomes what was written of it. */
static unsigned do_request(struct machine *m, unsigned slot,
                           const struct chain *chain, uint64_t *room)
{
    struct disk *d = &m->disks[slot];
    uint64_t at, length = stream_length(chain, false);
    struct header header;
    if (length < sizeof header)
        return OUTCOME_ERROR;
    stream_move(chain, false, 0, &header, sizeof header);
    bool reads = header.type == TYPE_READ;
    length = reads ? *room : length - sizeof header;
    *room = reads ? length : 0;
    if (header.type == TYPE_FLUSH) {
        m->flush |= d->written; /* or another is to be flushed */
        return OUTCOME_OK;
    }
    if (!reads && header.type != TYPE_WRITE)
        return OUTCOME_UNKNOWN;
    if (!in_disk(d, header.sector, length))
        return OUTCOME_ERROR;
    at = header.sector * SECTOR;
    stream_move(chain, reads, reads ? 0 : sizeof header,
                (uint8_t *)m + d->at + at, length);
    if (!reads)
        mark_written(m, d, at, length);
    return OUTCOME_OK;
}

static uint32_t blk_request(struct machine *m, unsigned slot,
                            const struct chain *chain)
{
    uint64_t all = stream_length(chain, true), room = all - 1;
    if (!all)
        return 0;
    uint8_t outcome = (uint8_t)do_request(m, slot, chain, &room);
    stream_move(chain, true, all - 1, &outcome, 1);
    return (uint32_t)(outcome == OUTCOME_OK ? room + 1 : 1);
}

/* Random bytes: a page at most. */
static uint32_t rng_request(struct machine *m, const struct chain *chain)
{
    uint8_t bytes[PAGE_SIZE];
    uint64_t room = stream_length(chain, true);
    uint32_t length = room < PAGE_SIZE ? (uint32_t)room : PAGE_SIZE;
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)machine_random(m);
    stream_move(chain, true, 0, bytes, length);
    return length;
}

uint32_t device_request(struct machine *m, unsigned slot,
                        const struct chain *chain)
{
    return m->virtio[slot].kind == VIRTIO_ID_BLOCK ? blk_request(m, slot, chain)
                                                   : rng_request(m, chain);
}
