/*
 * A damaged disk: the bytes say what is changed, and where, in a small file
 * system that mke2fs made. Whatever it is, mounting, looking at everything and
 * changing it ends, and all memory is given back.
 */
/* sources: tests/host/disk/ext2_walk.c */
#include "fuzz.h"

#include <string.h>

#include "host/disk/ext2_host.h"
#include "host/disk/ext2_walk.h"

/* A change: three bytes of place, one of how, four of value. */
#define CHANGE 8

/* Blocks of metadata are few, and most of them come first. */
#define FIRST (64u << 10)

static struct disk *image;

static void change(struct disk *disk, const uint8_t *from)
{
    uint32_t place = from[0] | from[1] << 8 | (uint32_t)from[2] << 16;
    unsigned size = from[3] & 1 ? 4 : from[3] & 2 ? 2 : 1;

    place %= from[3] & 4 ? (uint32_t)disk->size - 4 : FIRST;
    memcpy(disk->bytes + place, from + 4, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk *disk;

    if (!image) {
        MUST(!host_boot(NULL));
        image = walk_image("-t ext3 -b 1024 -J size=1");
        MUST(walk_disk(image)); /* undamaged */
        disk_free(image);
        image = walk_image("-t ext3 -b 1024 -J size=1");
    }
    disk = disk_new(image->size);
    memcpy(disk->bytes, image->bytes, image->size);
    for (walk_random = size + 1; size >= CHANGE; size -= CHANGE, data += CHANGE)
        change(disk, data);
    MUST(walk_disk(disk));
    disk_free(disk);
    return 0;
}
