/*
 * The translation cache of each hart, and programs' accesses through it.
 *
 * What is cached and what a flush forgets follows the privileged architecture
 * to the letter, taking every liberty it gives: a leaf is forgotten by a flush
 * of its address or of everything, a non-leaf entry only by a flush of
 * everything, an invalid one may be cached, and fetched instructions stay
 * until a fence.i. Switching the space flushes, as the kernel's machine does.
 *
 * A hart's cache is guarded by its lock, which is held across an access: so a
 * flush returns when no access by the old translation is under way, as an
 * interrupt to the other hart would have it.
 */
#include "host/mm/hal.h"

#include <pthread.h>
#include <stdio.h>

#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/pt.h"

#define LEAVES 128
#define EDGES  32

struct entry {
    uint64_t key; /* the page's number, or that of the span and the level */
    uint64_t bits;
    uint32_t generation; /* valid while it is the cache's */
};

struct cache {
    pthread_mutex_t lock;
    struct hal_space *space; /* what it translates by */
    uint32_t generation;
    struct entry leaves[LEAVES], edges[EDGES];
    /* First byte fetched from each page, valid by its own generation. */
    uint32_t code_generation, fetched[MACHINE_RAM_SIZE >> HAL_PAGE_SHIFT];
    uint8_t code[MACHINE_RAM_SIZE >> HAL_PAGE_SHIFT];
};

static struct cache caches[MM_HARTS] = {
    [0 ... MM_HARTS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER,
                            .generation = 1,
                            .code_generation = 1}};
unsigned mm_most_faults = 1;

void machine_before_shootdown(void);
void __real_page_free(struct page *page);
void __wrap_page_free(struct page *page);
void __real_page_free_zeroed(struct page *page);
void __wrap_page_free_zeroed(struct page *page);

static struct cache *mine(void)
{
    return &caches[hal_self()->hart];
}

/* ---- Entries ------------------------------------------------------------- */

static struct entry *place(struct entry *table, unsigned size, uint64_t key)
{
    return &table[(key ^ key >> 9 ^ key >> 18) % size];
}

static void keep(struct cache *c, struct entry *entry, uint64_t key, pte_t e)
{
    *entry = (struct entry){key, e.bits, c->generation};
}

static bool known(const struct cache *c, const struct entry *entry,
                  uint64_t key)
{
    return entry->generation == c->generation && entry->key == key;
}

static uint64_t edge_key(uint64_t va, unsigned level)
{
    return (va >> pt_shift(level)) * PT_LEVELS + level;
}

static struct entry *leaf_place(struct cache *c, uint64_t va)
{
    return place(c->leaves, LEAVES, va >> HAL_PAGE_SHIFT);
}

static struct entry *edge_place(struct cache *c, uint64_t va, unsigned level)
{
    return place(c->edges, EDGES, edge_key(va, level));
}

/* An edge as hardware takes it, or a sentence on what it may not be. */
static uint64_t follow(pte_t e)
{
    uint64_t at = pte_physical(e);
    if (e.bits & (SV39_R | SV39_W | SV39_X | SV39_U | SV39_A | SV39_D))
        mm_fail("the walker met a reserved entry %lx", e.bits);
    if (at < MACHINE_RAM || at >= MACHINE_RAM_LIMIT ||
        page_of_physical(at)->kind != PAGE_TABLE)
        mm_fail("the walker was led to %lx, which is no node", at);
    return at;
}

static void check_leaf(pte_t e)
{
    const uint64_t always = SV39_R | SV39_U | SV39_A | SV39_D;
    uint64_t at = pte_physical(e);
    if ((e.bits & always) != always || e.bits & SV39_G)
        mm_fail("the walker met a leaf %lx", e.bits);
    if (at < MACHINE_RAM || at >= MACHINE_RAM_LIMIT)
        mm_fail("a leaf leads to %lx, which is no memory", at);
}

/* What hardware makes of the tables: the leaf, or an invalid entry. */
static pte_t walk(struct cache *c, uint64_t va)
{
    unsigned level = PT_ROOT_LEVEL;
    uint64_t node = c->space->root;
    if (va >= HAL_USER_TOP)
        return pte_none();
    for (unsigned i = 1; i <= PT_ROOT_LEVEL; i++)
        if (known(c, edge_place(c, va, i), edge_key(va, i))) {
            pte_t e = {edge_place(c, va, i)->bits};
            if (!(e.bits & SV39_V))
                return pte_none();
            node = follow(e);
            level = i - 1;
            break;
        }
    for (;; level--) {
        uint64_t *slots = hal_phys_to_virt(node);
        pte_t e = {
            __atomic_load_n(&slots[pt_slot(va, level)], __ATOMIC_ACQUIRE)};
        if (level == 0) {
            if (e.bits & SV39_V)
                check_leaf(e);
            return e;
        }
        keep(c, edge_place(c, va, level), edge_key(va, level), e);
        if (!(e.bits & SV39_V))
            return pte_none();
        node = follow(e);
    }
}

static pte_t translate(struct cache *c, uint64_t va)
{
    uint64_t key = va >> HAL_PAGE_SHIFT;
    struct entry *entry = leaf_place(c, va);
    if (!known(c, entry, key))
        keep(c, entry, key, walk(c, va));
    return (pte_t){entry->bits};
}

/* ---- Accesses ------------------------------------------------------------ */

static uint8_t *reach(pte_t e, uint64_t va, enum access access)
{
    if (!(e.bits & SV39_V) || (access == ACCESS_WRITE && !pte_writable(e)) ||
        (access == ACCESS_EXECUTE && !pte_executable(e)))
        return NULL;
    return (uint8_t *)hal_phys_to_virt(pte_physical(e)) + va % HAL_PAGE_SIZE;
}

/* Instructions come by way of a cache of their own. */
static uint8_t fetch(struct cache *c, uint64_t va, const uint8_t *at)
{
    uint64_t page = (uint64_t)(at - machine_memory) >> HAL_PAGE_SHIFT;
    if (va % HAL_PAGE_SIZE)
        return *at;
    if (c->fetched[page] != c->code_generation) {
        c->fetched[page] = c->code_generation;
        c->code[page] = *at;
    }
    return c->code[page];
}

/* One page's part of an access; false when it faults. */
static bool attempt(uint64_t va, uint8_t *data, size_t length,
                    enum access access)
{
    struct cache *c = mine();
    pthread_mutex_lock(&c->lock);
    uint8_t *at = reach(translate(c, va), va, access);
    if (at && access == ACCESS_WRITE)
        memcpy(at, data, length);
    else if (at)
        memcpy(data, at, length);
    if (at && access == ACCESS_EXECUTE)
        data[0] = fetch(c, va, at);
    pthread_mutex_unlock(&c->lock);
    return at;
}

static enum fault touch_page(uint64_t va, uint8_t *data, size_t length,
                             enum access access)
{
    unsigned faults = 0;
    while (!attempt(va, data, length, access)) {
        enum fault fault = space_fault(space_current(), va, access);
        if (!fault_resolved(fault))
            return fault;
        if (++faults > mm_most_faults)
            mm_fail("%lx faults again after fault %d was resolved", va, fault);
    }
    return FAULT_SPURIOUS;
}

enum fault mm_touch(uint64_t va, void *data, size_t length, enum access access,
                    size_t *done)
{
    enum fault fault = FAULT_SPURIOUS;
    size_t at = 0;
    while (at < length && fault == FAULT_SPURIOUS) {
        uint64_t left = HAL_PAGE_SIZE - (va + at) % HAL_PAGE_SIZE;
        size_t part = MIN((uint64_t)(length - at), left);
        fault = touch_page(va + at, (uint8_t *)data + at, part, access);
        if (fault == FAULT_SPURIOUS)
            at += part;
    }
    if (done)
        *done = at;
    return fault;
}

bool mm_touch_cached(uint64_t va, uint8_t *byte, enum access access)
{
    struct cache *c = mine();
    struct entry *entry = leaf_place(c, va);
    if (!c->space || !known(c, entry, va >> HAL_PAGE_SHIFT))
        return false;
    uint8_t *at = reach((pte_t){entry->bits}, va, access);
    if (at)
        *byte = *at;
    return at;
}

void mm_speculate(uint64_t va)
{
    struct cache *c = mine();
    pthread_mutex_lock(&c->lock);
    if (c->space)
        translate(c, va);
    pthread_mutex_unlock(&c->lock);
}

static int copy(uint64_t va, void *data, size_t length, enum access access)
{
    bool done = mm_touch(va, data, length, access, NULL) == FAULT_SPURIOUS;
    return done ? 0 : -EFAULT;
}

int hal_user_read(void *to, uint64_t from, size_t length)
{
    return copy(from, to, length, ACCESS_READ);
}

int hal_user_write(uint64_t to, const void *from, size_t length)
{
    return copy(to, (void *)from, length, ACCESS_WRITE);
}

int hal_user_clear(uint64_t to, size_t length)
{
    static const uint8_t zeros[HAL_PAGE_SIZE];
    for (size_t at = 0; at < length; at += sizeof zeros)
        if (hal_user_write(to + at, zeros, MIN(length - at, sizeof zeros)))
            return -EFAULT;
    return 0;
}

int hal_user_read_string(char *to, uint64_t from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (hal_user_read(&to[i], from + i, 1))
            return -EFAULT;
        if (!to[i])
            return (int)i;
    }
    return -ENAMETOOLONG;
}

/* ---- What the kernel tells the machine ----------------------------------- */

static void forget_all(struct cache *c)
{
    c->generation++;
}

static void forget_leaf(struct cache *c, uint64_t va)
{
    struct entry *entry = leaf_place(c, va);
    if (known(c, entry, va >> HAL_PAGE_SHIFT))
        entry->generation = 0;
}

static void forget_code(struct cache *c)
{
    c->code_generation++;
}

void hal_space_activate(struct hal_space *space)
{
    struct cache *c = mine();
    uint64_t bit = BIT(hal_self()->hart);
    struct hal_space *old = c->space;
    if (old == space)
        return;
    if (space)
        atomic_fetch_or(&space->active_harts, bit);
    pthread_mutex_lock(&c->lock);
    forget_all(c);
    if (space && atomic_fetch_and(&space->stale_harts, ~bit) & bit)
        forget_code(c);
    c->space = space;
    pthread_mutex_unlock(&c->lock);
    if (old)
        atomic_fetch_and(&old->active_harts, ~bit);
}

void hal_shootdown(struct hal_space *space, uint64_t va)
{
    machine_before_shootdown();
    uint64_t harts = atomic_load(&space->active_harts);
    for (; harts; harts &= harts - 1) {
        struct cache *c = &caches[bit_lowest(harts)];
        pthread_mutex_lock(&c->lock);
        if (va == HAL_FLUSH_ALL)
            forget_all(c);
        else
            forget_leaf(c, va);
        pthread_mutex_unlock(&c->lock);
    }
}

static void forget_missing(struct cache *c)
{
    for (unsigned i = 0; i < LEAVES; i++)
        if (!pte_writable((pte_t){c->leaves[i].bits}))
            c->leaves[i].generation = 0;
    for (unsigned i = 0; i < EDGES; i++)
        if (!(c->edges[i].bits & SV39_V))
            c->edges[i].generation = 0;
}

/* What is asked for here is to forget that something was missing or forbidden.
 * With all addresses that is all that is forgotten, though real hardware
 * would forget the rest too: so a missing shootdown is found. */
void hal_flush_local(struct hal_space *space, uint64_t va)
{
    struct cache *c = mine();
    pthread_mutex_lock(&c->lock);
    if (c->space == space && va == HAL_FLUSH_ALL)
        forget_missing(c);
    else if (c->space == space)
        forget_leaf(c, va);
    pthread_mutex_unlock(&c->lock);
}

void hal_space_sync_code(struct hal_space *space)
{
    uint64_t self = BIT(hal_self()->hart);
    atomic_fetch_or(&space->stale_harts, ~self);
    uint64_t harts = atomic_load(&space->active_harts) | self;
    for (; harts; harts &= harts - 1) {
        struct cache *c = &caches[bit_lowest(harts)];
        pthread_mutex_lock(&c->lock);
        forget_code(c);
        pthread_mutex_unlock(&c->lock);
    }
}

void mm_fence_code(void)
{
    for (unsigned i = 0; i < MM_HARTS; i++) {
        pthread_mutex_lock(&caches[i].lock);
        forget_code(&caches[i]);
        pthread_mutex_unlock(&caches[i].lock);
    }
}

/* ---- Checks -------------------------------------------------------------- */

static bool leads_to(const struct cache *c, const struct entry *entry,
                     uint64_t physical)
{
    return entry->generation == c->generation && entry->bits & SV39_V &&
           pte_physical((pte_t){entry->bits}) == physical;
}

static void check_unreachable(const struct page *page)
{
    uint64_t physical = page_physical(page);
    for (unsigned i = 0; i < MM_HARTS; i++) {
        struct cache *c = &caches[i];
        bool found = false;
        pthread_mutex_lock(&c->lock);
        for (unsigned j = 0; j < LEAVES; j++)
            found |= leads_to(c, &c->leaves[j], physical);
        for (unsigned j = 0; j < EDGES; j++)
            found |= leads_to(c, &c->edges[j], physical);
        pthread_mutex_unlock(&c->lock);
        if (found)
            mm_fail("page %lx is freed while hart %u can still reach it",
                    physical, i);
    }
}

/* These stand before the kernel's functions (see the tests' flags): by now no
 * hart may be able to reach the page. */
void __wrap_page_free(struct page *page)
{
    check_unreachable(page);
    __real_page_free(page);
}

void __wrap_page_free_zeroed(struct page *page)
{
    static const uint8_t zeros[HAL_PAGE_SIZE];
    check_unreachable(page);
    if (memcmp(page_data(page), zeros, HAL_PAGE_SIZE))
        mm_fail("page %lx is to be zero, but is not", page_physical(page));
    __real_page_free_zeroed(page);
}

/* The entry of `level` that hardware would use for `va` now. */
static pte_t entry_now(const struct hal_space *space, uint64_t va,
                       unsigned level)
{
    uint64_t node = space->root;
    for (unsigned at = PT_ROOT_LEVEL;; at--) {
        const pte_t *slots = hal_phys_to_virt(node);
        pte_t e = slots[pt_slot(va, at)];
        if (at == level || !(e.bits & SV39_V))
            return e.bits & SV39_V ? e : pte_none();
        node = pte_physical(e);
    }
}

static unsigned stale(const struct cache *c, const struct entry *entry,
                      uint64_t va, unsigned level)
{
    if (entry->generation != c->generation || !(entry->bits & SV39_V))
        return 0;
    pte_t now = entry_now(c->space, va, level);
    uint64_t gone = entry->bits & ~now.bits & (SV39_V | SV39_W | SV39_X);
    if (!gone && pte_physical(now) == pte_physical((pte_t){entry->bits}))
        return 0;
    fprintf(stderr, "hart %d has for %lx (level %u) %lx, the tables %lx\n",
            (int)(c - caches), va, level, entry->bits, now.bits);
    return 1;
}

unsigned mm_stale_entries(void)
{
    unsigned found = 0;
    for (unsigned i = 0; i < MM_HARTS; i++) {
        const struct cache *c = &caches[i];
        if (!c->space)
            continue;
        for (unsigned j = 0; j < LEAVES; j++)
            found +=
                stale(c, &c->leaves[j], c->leaves[j].key << HAL_PAGE_SHIFT, 0);
        for (unsigned j = 0; j < EDGES; j++) {
            unsigned level = c->edges[j].key % PT_LEVELS;
            found +=
                stale(c, &c->edges[j],
                      c->edges[j].key / PT_LEVELS << pt_shift(level), level);
        }
    }
    return found;
}
