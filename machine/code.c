/*
 * Instructions taken apart, by pages of RAM. An instruction is decoded when it
 * is first executed; what is written to such a page makes it forgotten, so a
 * hart always executes what stands in memory, fence.i or not.
 *
 * machine.frames says of each page of RAM which code_page has its instructions,
 * if any; it counts from 1.
 *
 * With ADVERSARY_CODE each hart has pages of its own, all of a frame in one
 * chain, and what it has fetched, by lines, it executes until its own fence.i
 * or until it happens to look again (Volume I, chapter 3).
 */
#include "private.h"

#define LINE 32u /* slots, a power of 2 */

static uint16_t owner(const struct machine *m, const struct hart *h)
{
    return asked(m, ADVERSARY_CODE) ? (uint16_t)h->number : 0;
}

/* Gives a page up, if it is in use. Who executes in it leaves it. */
static void drop(struct machine *m, struct code_page *page)
{
    uint16_t *link = &m->frames[page->frame / PAGE_SIZE];
    while (*link && &m->code[*link - 1] != page)
        link = &m->code[*link - 1].next;
    page->old = false;
    if (!*link)
        return;
    *link = page->next;
    for (unsigned i = 0; i < m->config.harts; i++) {
        mmu_forget(&m->harts[i], ACCESS_FETCH);
        m->harts[i].look = true;
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
    if (!draws(m, ADVERSARY_CODE, 8))
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

void code_written(struct machine *m, uint64_t offset, uint64_t length)
{
    uint64_t end = length ? (offset + length - 1) / PAGE_SIZE + 1 : 0;
    for (uint64_t i = offset / PAGE_SIZE; i < end; i++)
        for (uint16_t number = m->frames[i]; number;) {
            struct code_page *page = &m->code[number - 1];
            number = page->next;
            if (asked(m, ADVERSARY_CODE))
                page->old = true;
            else
                drop(m, page);
        }
}

/* The hart's code_page of a page of RAM, by number; that of another is given up
 * for it, if need be. From now on stores to it must come to mmu_store. */
static uint64_t page_for(struct machine *m, const struct hart *h,
                         uint64_t frame)
{
    static const struct insn leave = {.op = OP_LEAVE};
    uint16_t *first = &m->frames[frame / PAGE_SIZE];
    for (unsigned number = *first; number; number = m->code[number - 1].next)
        if (m->code[number - 1].hart == owner(m, h))
            return number - 1;
    uint16_t next = m->code_next++ % CODE_PAGES;
    struct code_page *page = &m->code[next];
    drop(m, page);
    memset(page->slots, 0, sizeof page->slots);
    page->slots[CODE_SLOTS] = page->slots[CODE_SLOTS + 1] = leave;
    page->frame = frame;
    page->hart = owner(m, h);
    page->next = *first;
    *first = next + 1;
    for (unsigned i = 0; i < m->config.harts; i++)
        mmu_forget(&m->harts[i], ACCESS_STORE);
    return next;
}

/* Where in RAM an instruction, or its second half, is. */
static bool fetch_from(struct machine *m, struct hart *h, uint64_t va,
                       uint64_t *offset)
{
    uint64_t physical;
    if (!mmu_translate(m, h, va, ACCESS_FETCH, &physical))
        return false;
    return ram_offset(m, physical, 2, offset) ||
           hart_fault(h, CAUSE_FETCH_ACCESS, va);
}

bool code_find(struct machine *m, struct hart *h, uint64_t *page)
{
    uint64_t offset, pc = h->pc;
    const struct translation *t = tlb_entry(h, pc, ACCESS_FETCH);
    if (t->tag == (TAG(pc, h->generation[ACCESS_FETCH]) | TAG_HIDDEN)) {
        *page = t->place;
        return true;
    }
    if (!fetch_from(m, h, pc, &offset))
        return false;
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

bool code_bits(struct machine *m, struct hart *h, uint32_t *bits)
{
    *bits = 0;
    for (unsigned half = 0; half < 2; half++) {
        uint64_t offset;
        if (!fetch_from(m, h, h->pc + 2 * half, &offset))
            return false;
        memcpy((uint8_t *)bits + 2 * half, ram_of(m) + offset, 2);
        if ((*bits & 3) != 3)
            return true;
    }
    return true;
}
