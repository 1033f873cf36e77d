/*
 * The host's machine: memory, harts as numbers, and what the sleeping locks
 * need of a scheduler. The locks themselves are the kernel's own. tlb.c
 * translates.
 */
/* sources: tests/host/mm/tlb.c kernel/mm/[a-z]*.c */
/* sources: kernel/sched/spinlock.c kernel/sched/mutex.c */
/* sources: kernel/sched/waitq.c kernel/sched/lockrank.c */
/* sources: kernel/lib/panic.c kernel/lib/printf.c */
/* flags: -Itests/host/mm/machine */
/* flags: -Wl,--wrap=page_free,--wrap=page_free_zeroed */
#include "host/mm/hal.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bits.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/text.h"
#include "mm/audit.h"
#include "mm/pt_node.h"
#include "mm/slab.h"
#include "mm/stack.h"

_Alignas(4 << 20) uint8_t machine_memory[MACHINE_RAM_SIZE];
_Thread_local struct hal_thread *machine_self;

static struct thread harts[MM_HARTS];
static void (*interleave)(bool shootdown);
static void (*epitaph)(void);

void mm_set_epitaph(void (*tell)(void))
{
    epitaph = tell;
}

static _Noreturn void die(void)
{
    void (*tell)(void) = epitaph;
    epitaph = NULL;
    if (tell)
        tell();
    abort();
}

void mm_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    die();
}

static void say(const char *text, size_t length)
{
    fwrite(text, 1, length, stderr);
}

void mm_on_hart(unsigned hart)
{
    machine_self = &harts[hart].machine;
}

void mm_leave(struct space *space)
{
    struct hal_thread *self = machine_self;
    void (*hook)(bool) = interleave;
    interleave = NULL;
    for (unsigned i = 0; i < MM_HARTS; i++) {
        mm_on_hart(i);
        if (space_current() == space)
            space_enter(NULL);
    }
    machine_self = self;
    interleave = hook;
}

void mm_start(void)
{
    for (unsigned i = 0; i < MM_HARTS; i++) {
        harts[i].machine.hart = i;
        harts[i].owner_id = i;
        atomic_store(&harts[i].state, THREAD_RUNNING);
    }
    mm_on_hart(0);
    kprintf_set_sink(say);
    panic_set_hook(die);
}

void mm_boot(uint64_t bytes)
{
    mm_start();
    struct hal_range ram = {MACHINE_RAM, MACHINE_RAM + bytes};
    if (page_init(&ram, 1, NULL, 0))
        mm_fail("no memory to begin with");
    slab_init();
    stack_init();
    audit_init();
    if (pt_init())
        mm_fail("no zero page");
}

bool mm_locks_a_space(void)
{
    struct space *space;
    list_for_each(space, space_all(), link)
        if (mutex_held(&space->lock))
            return true;
    return false;
}

unsigned mm_audit(void)
{
    static char buffer[16 << 10];
    struct text text;
    text_init(&text, buffer, sizeof buffer);
    int differences = audit(&text);
    bool clean = strcmp(buffer, "audit: clean\n") == 0;
    if (!clean)
        fputs(buffer, stderr);
    return clean ? 0 : MAX(differences, 1);
}

const uint8_t *mm_peek(const struct space *space, uint64_t va)
{
    const struct page *node = space->root;
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        pte_t edge = node_entry(node, pt_slot(va, level));
        if (!pte_is_edge(edge))
            return NULL;
        node = pte_page(edge);
    }
    pte_t leaf = node_entry(node, pt_slot(va, 0));
    if (pte_is_none(leaf))
        return NULL;
    const uint8_t *data = page_data(pte_page(leaf));
    return data + va % HAL_PAGE_SIZE;
}

/* ---- Harts that come between --------------------------------------------- */

void mm_set_interleave(void (*hook)(bool shootdown))
{
    interleave = hook;
}

void machine_between(void)
{
    if (interleave && thread_current()->irq_depth == 0)
        interleave(false);
}

void machine_before_shootdown(void)
{
    if (interleave && thread_current()->irq_depth == 0)
        interleave(true);
}

void hal_relax(void)
{
    if (interleave)
        mm_fail("a spinlock is held where no thread should hold one");
    sched_yield();
}

/* Time flies: some who wait for a mutex lose their patience, some do not. */
int64_t realtime_start;

uint64_t hal_time(void)
{
    static _Atomic uint64_t now;
    return atomic_fetch_add(&now, 6000000);
}

unsigned hal_hart_count(void)
{
    return MM_HARTS;
}

/* The audit is called when the test's other threads stand. */
__attribute__((weak)) void hal_harts_freeze(bool for_ever)
{
    (void)for_ever;
}

__attribute__((weak)) void hal_harts_thaw(void)
{
}

/* ---- The scheduler, as far as a mutex needs one --------------------------
 * A test that has more threads than harts brings another (host/proc/sched.c).
 */

__attribute__((weak)) bool thread_wake(struct thread *thread)
{
    uint32_t asleep = THREAD_SLEEPING;
    return atomic_compare_exchange_strong(&thread->state, &asleep,
                                          THREAD_READY);
}

__attribute__((weak)) void sched_switch(void)
{
    struct thread *self = thread_current();
    if (interleave)
        mm_fail("waits for a lock that a hart in mid-operation holds");
    while (atomic_load(&self->state) == THREAD_SLEEPING) {
        if (self->deadline && hal_time() >= self->deadline)
            thread_wake(self);
        else
            sched_yield();
    }
    atomic_store(&self->state, THREAD_RUNNING);
}

void clock_add(struct thread *self, uint64_t deadline)
{
    self->deadline = deadline;
}

void clock_remove(struct thread *self)
{
    self->deadline = 0;
}

void hal_hart_wake(unsigned hart)
{
    (void)hart;
}

/* ---- Kernel stacks ------------------------------------------------------- */

/* The test never runs on them, so any address in the pages will do. */
void *hal_stack_map(unsigned slot, const uint64_t *pages)
{
    (void)slot;
    return pages ? hal_phys_to_virt(pages[0]) : NULL;
}

/* The kernel's half is not simulated. */
void hal_root_init(void *root)
{
    (void)root;
}

void hal_root_clear(void *root)
{
    (void)root;
}
