/*
 * The block of block.h, and all files of the machine.
 */
/* flags: -Imachine -Wno-comment */
/* sources: machine/*.c */
#include <stdlib.h>
#include <sys/mman.h>
#include "host/machine/block.h"

static void begin(struct machine *m, const struct machine_config *config)
{
    static const uint32_t loop = LOOP;
    machine_init(m, config);
    m->turn_end = 1000;
    for (unsigned i = 0; i < config->harts; i++) {
        hart_start(&m->harts[i], CODE, i, 0);
        m->harts[i].tvec = HANDLER;
    }
    memcpy(machine_ram(m, HANDLER, sizeof loop), &loop, sizeof loop);
}

struct machine *block_new(const struct machine_config *config)
{
    size_t size = machine_size(config);
    void *block;
    if (!size || posix_memalign(&block, PAGE_SIZE, size))
        return NULL;
    memset(block, 0, size);
    begin(block, config);
    return block;
}

/* Pages of instructions are emptied when they are used. */
void block_renew(struct machine *m)
{
    struct machine_config config = m->config;
    size_t rest = m->ram_at, after = offsetof(struct machine, code);
    madvise((char *)m + rest, m->size - rest, MADV_DONTNEED);
    memset(m, 0, after);
    after += sizeof m->code;
    memset((char *)m + after, 0, rest - after);
    begin(m, &config);
}
