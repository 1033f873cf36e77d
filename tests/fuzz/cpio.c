/*
 * Any bytes as an archive: each entry lies inside them, the reading goes
 * forward and ends, and an error is one for good.
 */
/* sources: kernel/dev/cpio.c tests/host/lib/string.c */
#include "fuzz.h"

#include <string.h>

#include "dev/cpio.h"
#include "lib/errno.h"

static void check_inside(const void *part, size_t length, const uint8_t *data,
                         size_t size)
{
    size_t offset = (size_t)((const uint8_t *)part - data);

    MUST((const uint8_t *)part >= data && offset <= size);
    MUST(length <= size - offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cpio_entry entry;
    struct cpio cpio;
    size_t before = 0;
    int result;

    cpio_open(&cpio, data, size);
    while ((result = cpio_next(&cpio, &entry)) == 1) {
        MUST(cpio.offset > before && cpio.offset <= size);
        before = cpio.offset;
        check_inside(entry.name, entry.name_length + 1, data, size);
        check_inside(entry.data, entry.size, data, size);
        MUST(entry.name_length > 0);
        MUST(strlen(entry.name) == entry.name_length);
    }
    MUST(result == 0 || result == -EUCLEAN);
    MUST(!cpio.error == !result);
    MUST(cpio_next(&cpio, &entry) == result);
    return 0;
}
