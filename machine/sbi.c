/*
 * The firmware (RISC-V Supervisor Binary Interface 2.0): base, timer,
 * interrupts between harts, remote fences, hart state, reset, the debug
 * console; and of the legacy calls, the console's two.
 */
#include "private.h"

enum {
    EXT_PUTCHAR = 0x01,
    EXT_GETCHAR = 0x02,
    EXT_BASE = 0x10,
    EXT_TIME = 0x54494d45,
    EXT_IPI = 0x735049,
    EXT_RFENCE = 0x52464e43,
    EXT_HSM = 0x48534d,
    EXT_SRST = 0x53525354,
    EXT_DBCN = 0x4442434e
};
enum {
    SUCCESS = 0,
    FAILED = -1,
    NOT_SUPPORTED = -2,
    INVALID_PARAM = -3,
    INVALID_ADDRESS = -5,
    ALREADY_AVAILABLE = -6
};
#define SPECIFICATION  (2ull << 24)  /* 2.0 */
#define IMPLEMENTATION 0x43616c66ull /* "Calf"; no registered number */

/* A call: its arguments are a0 to a5; a0 gets the error, a1 the value. */
struct call {
    struct machine *m;
    struct hart *h;
    uint64_t function;
    const uint64_t *a;
    uint64_t value;
    bool again; /* it is not done: the hart makes it anew */
};

static int (*find(uint64_t extension))(struct call *);

/* Versions and makers that are not told are zero. */
static int base(struct call *c)
{
    static const uint64_t values[7] = {SPECIFICATION, IMPLEMENTATION};
    if (c->function > 6)
        return NOT_SUPPORTED;
    c->value = c->function == 3 ? find(c->a[0]) != NULL : values[c->function];
    return SUCCESS;
}

static int timer(struct call *c)
{
    if (c->function)
        return NOT_SUPPORTED;
    c->h->timer = c->a[0];
    return SUCCESS;
}

/* The harts that a0 and a1 name, as a set; false if one does not exist. */
static bool named_harts(const struct call *c, uint64_t *set)
{
    uint64_t mask = c->a[0], first = c->a[1];
    uint64_t all = (1ull << c->m->config.harts) - 1;
    *set = all;
    if (first == UINT64_MAX)
        return true;
    if (mask && first >= MACHINE_HARTS)
        return false;
    *set = mask ? mask << first : 0;
    return (*set & ~all) == 0 && (!mask || *set >> first == mask);
}

static int interrupt(struct call *c)
{
    uint64_t set;
    if (c->function)
        return NOT_SUPPORTED;
    if (!named_harts(c, &set))
        return INVALID_PARAM;
    for (unsigned i = 0; i < c->m->config.harts; i++)
        if (set >> i & 1 && adversary_slow(c->m, c->h))
            c->m->harts[i].software_late = true;
        else if (set >> i & 1)
            c->m->harts[i].software = true;
    return SUCCESS;
}

#define FENCE_PAGES 64u /* more of them are all */

/* All addresses if `size` is 0 or large; `asid` NULL: all spaces. */
static void fence_range(struct machine *m, struct hart *h, uint64_t start,
                        uint64_t size, const uint64_t *asid)
{
    uint64_t first = start / PAGE_SIZE, last = (start + size - 1) / PAGE_SIZE;
    if (size == 0 || last < first || last - first >= FENCE_PAGES) {
        adversary_fence(m, h, NULL, asid);
        mmu_fence(h);
        return;
    }
    for (uint64_t page = first; page <= last; page++) {
        uint64_t va = page * PAGE_SIZE;
        adversary_fence(m, h, &va, asid);
        mmu_fence_page(h, va);
    }
}

/* Harts run in turns: the others have obeyed before this one goes on. If it is
 * slow, some obey now, and others have their turns before all do (chapter 8: it
 * returns when all have). It is no fence of data: section 4.2.1 of the
 * Privileged Architecture demands one of the caller. */
static int remote_fence(struct call *c)
{
    uint64_t set;
    if (c->function > 2)
        return NOT_SUPPORTED;
    if (!named_harts(c, &set))
        return INVALID_PARAM;
    c->again = adversary_slow(c->m, c->h);
    if (c->again)
        set &= machine_random(c->m);
    for (unsigned i = 0; i < c->m->config.harts; i++)
        if (set >> i & 1 && c->function == 0)
            code_fence(c->m, &c->m->harts[i]);
        else if (set >> i & 1)
            fence_range(c->m, &c->m->harts[i], c->a[2], c->a[3],
                        c->function == 2 ? &c->a[4] : NULL);
    return SUCCESS;
}

static int start(struct call *c)
{
    uint64_t offset;
    if (c->a[0] >= c->m->config.harts)
        return INVALID_PARAM;
    struct hart *h = &c->m->harts[c->a[0]];
    if (h->state != HART_STOPPED)
        return ALREADY_AVAILABLE;
    if (c->a[1] & 1 || !ram_offset(c->m, c->a[1], 2, &offset))
        return INVALID_ADDRESS;
    if (asked(c->m, ADVERSARY_SBI) && machine_random(c->m) % 8 == 0)
        return FAILED; /* "for unspecified or unknown other reasons" */
    hart_start(h, c->a[1], c->a[0], c->a[2]);
    return SUCCESS;
}

static int hart_state(struct call *c)
{
    switch (c->function) {
    case 0:
        return start(c);
    case 1:
        c->h->state = HART_STOPPED;
        return SUCCESS;
    case 2:
        if (c->a[0] >= c->m->config.harts)
            return INVALID_PARAM;
        c->value = c->m->harts[c->a[0]].state == HART_STOPPED;
        return SUCCESS;
    default:
        return NOT_SUPPORTED;
    }
}

static int reset(struct call *c)
{
    if (c->function)
        return NOT_SUPPORTED;
    if (c->a[0] > 2)
        return INVALID_PARAM;
    machine_end(c->m, c->a[0] ? MACHINE_RESTART : MACHINE_OFF);
    return SUCCESS;
}

/* It may write less than all (section 12.1). */
static int console_write(struct call *c)
{
    const uint8_t *from = machine_ram(c->m, c->a[1], c->a[0]);
    uint64_t most = c->a[0];
    if (!from || c->a[2])
        return INVALID_PARAM;
    if (asked(c->m, ADVERSARY_SBI))
        most = machine_random(c->m) % (most + 1);
    while (c->value < most && uart_put(c->m, from[c->value]))
        c->value++;
    return SUCCESS;
}

static int console_read(struct call *c)
{
    uint8_t *to = machine_ram(c->m, c->a[1], c->a[0]);
    uint64_t offset = c->a[1] - MACHINE_RAM_BASE;
    int byte;
    if (!to || c->a[2])
        return INVALID_PARAM;
    code_written(c->m, offset, c->a[0]);
    while (c->value < c->a[0] && (byte = uart_get(c->m)) >= 0)
        to[c->value++] = (uint8_t)byte;
    return SUCCESS;
}

static int put_character(struct call *c)
{
    uart_put(c->m, (uint8_t)c->a[0]);
    return SUCCESS;
}

static int debug_console(struct call *c)
{
    stores_drain(c->m, c->h);
    switch (c->function) {
    case 0:
        return console_write(c);
    case 1:
        return console_read(c);
    case 2:
        return put_character(c);
    default:
        return NOT_SUPPORTED;
    }
}

static int get_character(struct call *c)
{
    return uart_get(c->m);
}

static const struct {
    uint64_t extension;
    int (*call)(struct call *c);
} extensions[] = {
    {EXT_PUTCHAR, put_character},
    {EXT_GETCHAR, get_character},
    {EXT_BASE, base},
    {EXT_TIME, timer},
    {EXT_IPI, interrupt},
    {EXT_RFENCE, remote_fence},
    {EXT_HSM, hart_state},
    {EXT_SRST, reset},
    {EXT_DBCN, debug_console},
};

static int (*find(uint64_t extension))(struct call *)
{
    for (unsigned i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (extensions[i].extension == extension)
            return extensions[i].call;
    return NULL;
}

/* Legacy extensions leave a1 as it is. */
bool sbi_call(struct machine *m, struct hart *h)
{
    struct call c = {.m = m, .h = h, .function = h->x[16], .a = &h->x[10]};
    int (*function)(struct call *) = find(h->x[17]);
    stores_device(m, h);
    int error = function ? function(&c) : NOT_SUPPORTED;
    if (c.again)
        return false;
    h->x[10] = (uint64_t)error;
    if (h->x[17] >= EXT_BASE)
        h->x[11] = c.value;
    return true;
}
