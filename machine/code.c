/*
 * Instructions taken apart, by pages of RAM. An instruction is decoded when it
 * is first executed; what is written to such a page makes it forgotten, so a
 * hart always executes what stands in memory, fence.i or not.
 *
 * A table says of each page of RAM which code_page has its instructions, if
 * any; it counts from 1.
 *
 * With ADVERSARY_CODE each hart has pages of its own, all of a frame in one
 * chain, and what it has fetched, by lines, it executes until its own fence.i
 * or until it happens to look again (Volume I, chapter 3).
 */
#include "private.h"

static uint16_t *frames(const struct machine *m)
{
    return (uint16_t *)((uintptr_t)m + m->frames_at);
}

#define LINE 32u /* slots, a power of 2 */

static uint16_t owner(const struct machine *m, const struct hart *h)
{
    return asked(m, ADVERSARY_CODE) ? (uint16_t)h->number : 0;
}

static void begin(struct code_page *page, uint64_t frame)
{
    static const struct insn leave = {.op = OP_LEAVE};
    page->frame = frame;
    page->old = false;
    memset(page->slots, 0, sizeof page->slots);
    page->slots[CODE_SLOTS] = page->slots[CODE_SLOTS + 1] = leave;
}

void code_init(struct machine *m)
{
    for (unsigned i = 0; i < CODE_PAGES; i++)
        m->code[i].frame = CODE_NONE;
}

static void forget_everywhere(struct machine *m, enum access access)
{
    for (unsigned i = 0; i < m->config.harts; i++)
        mmu_forget(&m->harts[i], access);
}

/* Gives a page up. Who executes in it leaves it. */
static void drop(struct machine *m, struct code_page *page)
{
    if (page->frame == CODE_NONE)
        return;
    uint16_t *link = &frames(m)[page->frame / PAGE_SIZE];
    while (&m->code[*link - 1] != page)
        link = &m->code[*link - 1].next;
    *link = page->next;
    page->frame = CODE_NONE;
    page->old = false;
    forget_everywhere(m, ACCESS_FETCH);
    for (unsigned i = 0; i < m->config.harts; i++)
        m->harts[i].look = true;
}

/* The pages from number `number` on. */
static void change(struct machine *m, uint16_t number)
{
    while (number) {
        struct code_page *page = &m->code[number - 1];
        number = page->next;
        if (asked(m, ADVERSARY_CODE))
            page->old = true;
        else
            drop(m, page);
    }
}

void code_fence(struct machine *m, struct hart *h)
{
    for (unsigned i = 0; i < CODE_PAGES; i++)
        if (m->code[i].old && m->code[i].hart == owner(m, h))
            drop(m, &m->code[i]);
}

/* Some lines of a page that has changed are looked at again. */
void code_refresh(struct machine *m, struct hart *h)
{
    if (!asked(m, ADVERSARY_CODE) || machine_random(m) % 8)
        return;
    uint64_t draw = machine_random(m);
    struct code_page *page = &m->code[draw % CODE_PAGES];
    if (!page->old || page->hart != owner(m, h))
        return;
    adversary_note(m, h, ADVERSARY_CODE, page->frame + MACHINE_RAM_BASE);
    for (unsigned i = 0; i < CODE_SLOTS; i += LINE)
        if (draw >> 9 >> i / LINE % 32 & 1)
            memset(&page->slots[i], 0, LINE * sizeof page->slots[i]);
}

bool code_in(const struct machine *m, uint64_t offset)
{
    return frames(m)[offset / PAGE_SIZE] != 0;
}

void code_written(struct machine *m, uint64_t offset, uint64_t length)
{
    if (!length)
        return;
    for (uint64_t i = offset / PAGE_SIZE;
         i <= (offset + length - 1) / PAGE_SIZE; i++)
        change(m, frames(m)[i]);
}

/* The hart's code_page of a page of RAM, by number; that of another is given up
 * for it, if need be. From now on stores to it must come to mmu_store. */
static uint64_t page_for(struct machine *m, const struct hart *h,
                         uint64_t frame)
{
    uint16_t *first = &frames(m)[frame / PAGE_SIZE];
    for (unsigned number = *first; number; number = m->code[number - 1].next)
        if (m->code[number - 1].hart == owner(m, h))
            return number - 1;
    unsigned next = m->code_next++ % CODE_PAGES;
    drop(m, &m->code[next]);
    begin(&m->code[next], frame);
    m->code[next].hart = owner(m, h);
    m->code[next].next = *first;
    *first = (uint16_t)(next + 1);
    forget_everywhere(m, ACCESS_STORE);
    return next;
}

bool code_find(struct machine *m, struct hart *h, uint64_t *page)
{
    uint64_t physical, offset, pc = h->pc;
    const struct translation *t =
        &h->tlb[h->view][ACCESS_FETCH][(pc >> PAGE_SHIFT) % TLB_SIZE];
    if (t->tag == (TAG(pc, h->generation[ACCESS_FETCH]) | TAG_HIDDEN)) {
        *page = t->place;
        return true;
    }
    if (!mmu_translate(m, h, pc, ACCESS_FETCH, &physical))
        return false;
    if (!ram_offset(m, physical, 2, &offset))
        return hart_fault(h, CAUSE_FETCH_ACCESS, pc);
    *page = page_for(m, h, offset & ~(uint64_t)(PAGE_SIZE - 1));
    mmu_remember(m, h, pc, ACCESS_FETCH, *page);
    return true;
}

static struct insn decode_slot(struct machine *m, const struct code_page *page,
                               unsigned slot)
{
    uint32_t bits = 0;
    bool last = slot == CODE_SLOTS - 1;
    memcpy(&bits, ram_of(m) + page->frame + slot * 2u, last ? 2 : 4);
    if ((bits & 3) != 3)
        return decode((uint16_t)bits);
    return last ? (struct insn){.op = OP_SPLIT, .length = 4} : decode(bits);
}

struct insn code_decode(struct machine *m, struct code_page *page,
                        unsigned slot)
{
    unsigned i = slot & ~(LINE - 1);
    for (; asked(m, ADVERSARY_CODE) && i <= (slot | (LINE - 1)); i++)
        if (page->slots[i].op == OP_UNKNOWN)
            page->slots[i] = decode_slot(m, page, i);
    return decode_slot(m, page, slot);
}

/* Half an instruction; a fault is told of where it is. */
static bool fetch_half(struct machine *m, struct hart *h, uint64_t va,
                       uint16_t *half)
{
    uint64_t physical, offset;
    if (!mmu_translate(m, h, va, ACCESS_FETCH, &physical))
        return false;
    if (!ram_offset(m, physical, 2, &offset))
        return hart_fault(h, CAUSE_FETCH_ACCESS, va);
    memcpy(half, ram_of(m) + offset, sizeof *half);
    return true;
}

bool code_bits(struct machine *m, struct hart *h, uint32_t *bits)
{
    uint16_t low, high = 0;
    if (!fetch_half(m, h, h->pc, &low) ||
        ((low & 3) == 3 && !fetch_half(m, h, h->pc + 2, &high)))
        return false;
    *bits = (uint32_t)high << 16 | low;
    return true;
}
