/*
 * The machine as a whole: the block it lies in, whose turn it is, and what
 * time it is.
 *
 * Harts run in turns, one after another, so what they do to memory is one
 * sequence. A turn ends after some instructions, when the hart waits, and at
 * `pause`. With a seed the length of each turn is drawn. A run may be stopped
 * anywhere (`limit`) without any hart noticing.
 */
#include "private.h"

#define SIZE_MOST      (1ull << 48) /* of RAM, and of a disk */
#define TREE_SIZE      (64u << 10)
#define TREE_BELOW_TOP (2ull << 20) /* where the device tree begins */

/* ---- The block ----------------------------------------------------------- */

static uint64_t pages_up(uint64_t size)
{
    return (size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

static bool is_possible(const struct machine_config *c)
{
    if (c->harts < 1 || c->harts > MACHINE_HARTS || c->disks > MACHINE_DISKS ||
        c->ram < 16 << 20 || c->ram > SIZE_MOST || c->ram % PAGE_SIZE ||
        c->quantum > OUTPUT_MUCH)
        return false;
    for (unsigned i = 0; i < c->disks; i++)
        if (c->disk_size[i] % SECTOR || c->disk_size[i] > SIZE_MOST)
            return false;
    return true;
}

/* Where everything is. Returns the size. */
static uint64_t lay_out(const struct machine_config *c, uint64_t *ram,
                        struct disk *disks)
{
    *ram = pages_up(sizeof(struct machine) +
                    c->ram / PAGE_SIZE * sizeof(uint16_t));
    uint64_t at = *ram + c->ram;
    for (unsigned i = 0; i < c->disks; i++) {
        struct disk *d = &disks[i];
        d->size = c->disk_size[i];
        d->map = at;
        d->at = pages_up(at + d->size / CHUNK / 8 + 1);
        at = pages_up(d->at + d->size);
    }
    return at;
}

size_t machine_size(const struct machine_config *config)
{
    struct disk disks[MACHINE_DISKS];
    uint64_t ram, size = 0;
    if (is_possible(config))
        size = lay_out(config, &ram, disks);
    return size > SIZE_MAX ? 0 : (size_t)size;
}

#define LAYOUT (0x63616c66ull << 32 ^ sizeof(struct machine) << 8 ^ OP_FP)

bool machine_is_ours(struct machine *m, uint64_t size,
                     struct machine_config *config)
{
    if (size < sizeof *m || m->layout != LAYOUT || m->size != size ||
        machine_size(&m->config) != size)
        return false;
    lay_out(&m->config, &m->ram_at, m->disks);
    *config = m->config;
    return true;
}

void machine_init(struct machine *m, const struct machine_config *config)
{
    m->layout = LAYOUT;
    m->config = *config;
    if (!m->config.quantum)
        m->config.quantum = 1000;
    if (!m->config.per_tick)
        m->config.per_tick = 10;
    m->size = lay_out(config, &m->ram_at, m->disks);
    m->random = config->seed;
    for (unsigned i = 0; i < config->harts; i++) {
        struct hart *h = &m->harts[i];
        h->number = i;
        h->timer = UINT64_MAX;
    }
    for (unsigned i = 0; i < config->disks; i++)
        m->virtio[i].kind = VIRTIO_ID_BLOCK;
    m->virtio[VIRTIO_RNG].kind = VIRTIO_ID_RNG;
}

void *machine_ram(struct machine *m, uint64_t physical, uint64_t length)
{
    uint64_t offset;
    return ram_offset(m, physical, length, &offset) ? ram_of(m) + offset : NULL;
}

void *machine_disk(struct machine *m, unsigned disk)
{
    return (uint8_t *)m + m->disks[disk].at;
}

bool machine_disk_written(struct machine *m, unsigned disk, uint64_t *at,
                          uint64_t *size)
{
    struct disk *d = &m->disks[disk];
    uint8_t *map = (uint8_t *)m + d->map;
    for (uint64_t i = 0; d->written && i * CHUNK < d->size; i++) {
        if (!(map[i / 8] >> i % 8 & 1))
            continue;
        *at = i * CHUNK;
        for (; i * CHUNK < d->size && map[i / 8] >> i % 8 & 1; i++)
            map[i / 8] &= (uint8_t) ~(1u << i % 8);
        uint64_t end = i * CHUNK;
        *size = (end < d->size ? end : d->size) - *at;
        return true;
    }
    d->written = false;
    return false;
}

/* ---- The start ----------------------------------------------------------- */

/* splitmix64: a sum, stirred. */
uint64_t machine_random(struct machine *m)
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static uint64_t tree_place(const struct machine *m)
{
    return MACHINE_RAM_BASE + m->config.ram - TREE_BELOW_TOP;
}

uint64_t machine_initrd_place(const struct machine *m, uint64_t size)
{
    uint64_t room = tree_place(m) - MACHINE_RAM_BASE - MACHINE_KERNEL_AT;
    return pages_up(size) < room ? tree_place(m) - pages_up(size) : 0;
}

void hart_start(struct hart *h, uint64_t pc, uint64_t a0, uint64_t a1)
{
    h->pc = pc;
    h->x[10] = a0;
    h->x[11] = a1;
    h->state = HART_RUNS;
    h->user = false;
    h->status = 0;
    h->satp = 0;
    hart_set_view(h);
    mmu_fence(h);
}

bool machine_boot(struct machine *m, uint64_t initrd, uint64_t initrd_size,
                  const char *command_line)
{
    struct tree_facts facts = {initrd, initrd_size, command_line};
    uint64_t tree = tree_place(m);
    if (!fdt_write(m, &facts, machine_ram(m, tree, TREE_SIZE), TREE_SIZE))
        return false;
    if (m->config.seed)
        m->turn = (uint32_t)(machine_random(m) % m->config.harts);
    hart_start(&m->harts[m->turn], MACHINE_RAM_BASE + MACHINE_KERNEL_AT,
               m->turn, tree);
    return true;
}

/* ---- Turns --------------------------------------------------------------- */

static bool can_run(const struct machine *m, const struct hart *h)
{
    return h->state == HART_RUNS ||
           (h->state == HART_WAITS && hart_wakes(m, h));
}

/* False: nobody can. A reservation does not survive the turn of another, unless
 * it is asked to. */
static bool next_turn(struct machine *m)
{
    uint64_t length = m->config.quantum;
    for (unsigned i = 1; i <= m->config.harts; i++) {
        unsigned next = (m->turn + i) % m->config.harts;
        if (!can_run(m, &m->harts[next]))
            continue;
        if (next != m->turn && !asked(m, ADVERSARY_LRSC))
            m->harts[m->turn].reservation_size = 0;
        m->turn = next;
        adversary_turn(m, &m->harts[next]);
        adversary_time(m, SELDOM);
        if (m->config.seed)
            length = 1 + machine_random(m) % (2 * length);
        if (draws(m, ADVERSARY_TURNS, 2))
            length = 1 + machine_random(m) % 16;
        m->turn_end = m->now + length;
        return true;
    }
    return false;
}

/* When a clock reaches `ticks`, in instructions. */
static uint64_t instruction_of(const struct machine *m, uint64_t ticks)
{
    uint64_t per_tick = m->config.per_tick;
    return ticks > UINT64_MAX / per_tick ? UINT64_MAX : ticks * per_tick;
}

const struct hart *machine_timer(const struct machine *m, enum hart_state state,
                                 uint64_t *next)
{
    const struct hart *first = NULL;
    *next = UINT64_MAX;
    for (unsigned i = 0; i < m->config.harts; i++) {
        const struct hart *h = &m->harts[i];
        uint64_t at = instruction_of(m, h->timer);
        if (h->state != state || !(h->ie & IP_TIMER) || at >= *next)
            continue;
        first = h;
        *next = at;
    }
    return first;
}

static void advance(struct machine *m, uint64_t limit)
{
    struct hart *h = &m->harts[m->turn];
    uint64_t timer = instruction_of(m, h->timer);
    h->state = HART_RUNS;
    hart_interrupt(m, h);
    if (timer > m->now && timer < limit)
        limit = timer;
    h->began = m->now;
    bool looks = hart_run(m, h, limit - m->now);
    h->retired += m->now - h->began;
    if (!looks) /* it only stopped: `limit` changes nothing */
        return;
    h->look = false;
    adversary_time(m, SELDOM);
}

void machine_end(struct machine *m, enum machine_stop how)
{
    m->stop = how;
    m->turn_end = m->now;
}

enum machine_stop machine_run(struct machine *m, uint64_t limit)
{
    m->hit.kind = 0;
    while (m->now < limit && !m->hit.kind && m->stop == MACHINE_LIMIT) {
        if (m->uart.output.count > OUTPUT_MUCH)
            return MACHINE_OUTPUT;
        if (m->flush) {
            m->flush = false;
            return MACHINE_FLUSH;
        }
        if ((m->now >= m->turn_end || !can_run(m, &m->harts[m->turn])) &&
            !next_turn(m) && !(adversary_arrive(m, 1) && next_turn(m)))
            return MACHINE_IDLE;
        if (m->now < limit) /* the clock may have jumped */
            advance(m, limit < m->turn_end ? limit : m->turn_end);
    }
    return m->hit.kind ? MACHINE_HIT : (enum machine_stop)m->stop;
}

uint64_t machine_now(const struct machine *m)
{
    return m->now;
}

uint64_t machine_next_event(const struct machine *m)
{
    uint64_t next;
    machine_timer(m, HART_WAITS, &next);
    return next;
}

void machine_skip(struct machine *m, uint64_t now)
{
    uint64_t next = machine_next_event(m);
    if (next != UINT64_MAX && now > m->now && now <= next)
        m->now = now;
}
