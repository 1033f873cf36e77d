/*
 * Any bytes as what processes do with their memory: the steps of the random
 * test (tests/host/mm_step.h) are drawn from them instead of from a generator,
 * and the kernel's memory must stay what the model says. Inputs run one after
 * the other on a machine that boots once; each leaves it as it was.
 *
 * An input that fails is shrunk to a few lines by
 *     BYTES=build/fuzz/mm-crash-... build/host/test_mm_space
 */
/* sources: tests/host/mm_sequence.c tests/host/mm_step.c */
/* sources: tests/host/mm_stream.c */
/* sources: tests/host/mm_model.c tests/host/mm_hal.c tests/host/mm_tlb.c */
/* sources: kernel/mm/page.c kernel/mm/slab.c kernel/mm/pt.c */
/* sources: kernel/mm/pt_range.c kernel/mm/pt_borrow.c kernel/mm/eager.c */
/* sources: kernel/mm/region.c kernel/mm/space.c */
/* sources: kernel/mm/fault.c kernel/mm/audit.c kernel/mm/uaccess.c */
/* sources: kernel/mm/stats.c kernel/mm/stack.c kernel/mm/report.c */
/* sources: kernel/sched/spinlock.c kernel/sched/mutex.c */
/* sources: kernel/sched/waitq.c kernel/sched/lockrank.c */
/* sources: kernel/lib/panic.c kernel/lib/printf.c kernel/lib/text.c */
/* flags: -Wl,--wrap=page_free,--wrap=page_free_zeroed */
#include "fuzz.h"

#include <stdlib.h>

#include "mm_sequence.h"

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
