/*
 * Any bytes as what processes do with their memory: the steps of the random
 * test (tests/host/mm/step.h) are drawn from them instead of from a generator,
 * and the kernel's memory must stay what the model says. Inputs run one after
 * the other on a machine that boots once; each leaves it as it was.
 *
 * An input that fails is shrunk to a few lines by
 *     BYTES=build/fuzz/mm-crash-... build/host/test_mm_space
 */
/* sources: tests/host/mm/sequence.c */
#include "fuzz.h"

#include <stdlib.h>

#include "host/mm/sequence.h"

#define MEMORY     (16ul << 20)
#define MOST_STEPS 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sequence *record;
    struct stream stream = stream_of_bytes(data, size);

    if (!record) {
        sequence_boot(MEMORY);
        record = malloc(sizeof *record + MOST_STEPS * sizeof(struct step));
        MUST(record);
        record->most = MOST_STEPS;
    }
    sequence_draw(record, &stream, MOST_STEPS);
    return 0;
}
