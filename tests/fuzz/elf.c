/*
 * Any bytes as a program: elf_check refuses them, or all that exec relies on
 * is true of the image. Then the same file again with one read after the other
 * failing, which must come out as it went in. The file layer is played here.
 */
/* sources: kernel/proc/elf.c tests/host/lib/string.c */
#include "fuzz.h"

#include <string.h>

#include "arch/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/types.h"
#include "mm/region.h"
#include "proc/elf.h"

static const uint8_t *bytes;
static size_t length;
static unsigned reads, failing_read; /* counting from 1; 0: none */

void file_stat(const struct file *file, struct file_stat *out)
{
    (void)file;
    *out = (struct file_stat){.type = INODE_FILE, .links = 1, .size = length};
}

ssize_t file_read_at(struct file *file, struct cursor *cursor, uint64_t offset)
{
    size_t count = 0;

    (void)file;
    if (++reads == failing_read)
        return -EIO;
    if (offset < length) {
        count = MIN(cursor->left, length - offset);
        memcpy((void *)(uintptr_t)cursor->address, bytes + offset, count);
        cursor->address += count;
        cursor->left -= count;
    }
    return (ssize_t)count;
}

static void check_segment(const struct elf_segment *s, uint64_t last_end)
{
    MUST(is_aligned(s->va, HAL_PAGE_SIZE) && s->va >= last_end);
    MUST(s->memory > 0 && s->va < HAL_USER_TOP);
    MUST(s->memory <= HAL_USER_TOP - s->va);
    MUST(s->file_size <= s->memory);
    MUST(s->offset <= length && s->file_size <= length - s->offset);
    MUST(s->prot & PROT_READ);
    MUST(!(s->prot & ~(PROT_READ | PROT_WRITE | PROT_EXECUTE)));
}

static void check_image(const struct elf_image *image)
{
    bool entered = false;
    uint64_t end = 0;

    MUST(image->count > 0 && image->count <= ELF_SEGMENTS_MAX);
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_segment *s = &image->segments[i];

        check_segment(s, end);
        end = s->va + s->memory;
        entered = entered || (s->prot & PROT_EXECUTE && image->entry >= s->va &&
                              image->entry < end);
    }
    MUST(entered && image->entry % 2 == 0);
    MUST(elf_end(image) == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct file file = {.flags = 0};
    struct elf_image image;
    unsigned needed;
    int error;

    bytes = data;
    length = size;
    reads = failing_read = 0;
    error = elf_check(&file, &image);
    MUST(error == 0 || error == -ENOEXEC);
    if (!error)
        check_image(&image);
    needed = reads;
    for (unsigned i = 1; i <= needed; i++) {
        reads = 0;
        failing_read = i;
        MUST(elf_check(&file, &image) == -EIO);
    }
    return 0;
}
