/*
 * The firmware (RISC-V Supervisor Binary Interface 2.0): base, timer,
 * interrupts between harts, remote fences, hart state, reset, the debug
 * console; and of the legacy calls, the console's two.
 */
#include "private.h"

enum { EXT_PUTCHAR = 0x01, EXT_GETCHAR = 0x02, EXT_BASE = 0x10 };
enum { EXT_TIME = 0x54494d45, EXT_IPI = 0x735049, EXT_RFENCE = 0x52464e43 };
enum { EXT_HSM = 0x48534d, EXT_SRST = 0x53525354, EXT_DBCN = 0x4442434e };
enum { SUCCESS = 0, FAILED = -1, NOT_SUPPORTED = -2, INVALID_PARAM = -3 };
enum { INVALID_ADDRESS = -5, ALREADY_AVAILABLE = -6 };
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

struct extension {
    uint64_t number;
    int (*calls[7])(struct call *c); /* by function; NULL: there is none */
};
static const struct extension *find(uint64_t number);

/* Versions and makers that are not told are zero. */
static int base(struct call *c)
{
    static const uint64_t values[7] = {SPECIFICATION, IMPLEMENTATION};
    c->value = c->function == 3 ? find(c->a[0]) != NULL : values[c->function];
    return SUCCESS;
}

static int timer(struct call *c)
{
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
 * returns when all have). A fence orders the earlier stores of the hart that
 * obeys; those of the caller need one of its own (Privileged Architecture,
 * section 4.2.1). */
static int remote_fence(struct call *c)
{
    uint64_t set;
    if (!named_harts(c, &set))
        return INVALID_PARAM;
    c->again = adversary_slow(c->m, c->h);
    if (c->again)
        set &= machine_random(c->m);
    for (unsigned i = 0; i < c->m->config.harts; i++) {
        struct hart *h = &c->m->harts[i];
        if (!(set >> i & 1))
            continue;
        stores_drain(c->m, h);
        if (c->function == 0)
            code_fence(c->m, h);
        else
            fence_range(c->m, h, c->a[2], c->a[3],
                        c->function == 2 ? &c->a[4] : NULL);
    }
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

static int stop(struct call *c)
{
    c->h->state = HART_STOPPED;
    return SUCCESS;
}

static int status(struct call *c)
{
    if (c->a[0] >= c->m->config.harts)
        return INVALID_PARAM;
    c->value = c->m->harts[c->a[0]].state == HART_STOPPED;
    return SUCCESS;
}

static int reset(struct call *c)
{
    if (c->a[0] > 2 || c->a[1] > 1) /* reasons: none, or a failure */
        return INVALID_PARAM;
    machine_end(c->m, c->a[0] ? MACHINE_RESTART : MACHINE_OFF);
    return SUCCESS;
}

/* It may write less than all (section 12.1). */
static int console_write(struct call *c)
{
    const uint8_t *from = machine_ram(c->m, c->a[1], c->a[0]);
    uint64_t room = CONSOLE_SIZE - OUTPUT_MUCH; /* that there always is */
    uint64_t most = c->a[0] < room ? c->a[0] : room;
    stores_drain(c->m, c->h);
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
    const void *to = machine_ram(c->m, c->a[1], c->a[0]);
    int byte;
    stores_drain(c->m, c->h);
    if (!to || c->a[2])
        return INVALID_PARAM;
    while (c->value < c->a[0] && (byte = uart_get(c->m)) >= 0)
        mmu_write(c->m, NULL, c->a[1] - MACHINE_RAM_BASE + c->value++, &byte,
                  1);
    return SUCCESS;
}

static int put_character(struct call *c)
{
    uart_put(c->m, (uint8_t)c->a[0]);
    return SUCCESS;
}

static int get_character(struct call *c)
{
    return uart_get(c->m);
}

static const struct extension extensions[] = {
    {EXT_PUTCHAR, {put_character}},
    {EXT_GETCHAR, {get_character}},
    {EXT_BASE, {base, base, base, base, base, base, base}},
    {EXT_TIME, {timer}},
    {EXT_IPI, {interrupt}},
    {EXT_RFENCE, {remote_fence, remote_fence, remote_fence}},
    {EXT_HSM, {start, stop, status}},
    {EXT_SRST, {reset}},
    {EXT_DBCN, {console_write, console_read, put_character}},
};

static const struct extension *find(uint64_t number)
{
    for (unsigned i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (extensions[i].number == number)
            return &extensions[i];
    return NULL;
}

/* Legacy extensions have one function each and leave a1 as it is. */
bool sbi_call(struct machine *m, struct hart *h)
{
    bool legacy = h->x[17] < EXT_BASE;
    uint64_t number = legacy ? 0 : h->x[16];
    struct call c = {.m = m, .h = h, .function = number, .a = &h->x[10]};
    const struct extension *e = find(h->x[17]);
    bool known = e && number < 7 && e->calls[number];
    stores_device(m, h);
    int error = known ? e->calls[number](&c) : NOT_SUPPORTED;
    if (c.again)
        return false;
    h->x[10] = (uint64_t)error;
    if (!legacy)
        h->x[11] = c.value;
    return true;
}
