/*
 * Instructions taken apart, by pages of RAM. An instruction is decoded when it
 * is first executed; what is written to such a page makes it forgotten, so a
 * hart always executes what stands in memory, fence.i or not (an adversary
 * waits for a fence.i, of any hart).
 *
 * A table says of each page of RAM which code_page has its instructions, if
 * any; it counts from 1.
 */
#include "private.h"

static uint16_t *frames(const struct machine *m)
{
    return (uint16_t *)((uintptr_t)m + m->frames_at);
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
    frames(m)[page->frame / PAGE_SIZE] = 0;
    page->frame = CODE_NONE;
    page->old = false;
    forget_everywhere(m, ACCESS_FETCH);
    for (unsigned i = 0; i < m->config.harts; i++)
        m->harts[i].look = true;
}

static void change(struct machine *m, struct code_page *page)
{
    if (m->config.adversary & ADVERSARY_CODE)
        page->old = true;
    else
        drop(m, page);
}

void code_fence(struct machine *m)
{
    for (unsigned i = 0; i < CODE_PAGES; i++)
        if (m->code[i].old)
            drop(m, &m->code[i]);
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
        if (frames(m)[i])
            change(m, &m->code[frames(m)[i] - 1]);
}

/* The code_page of a page of RAM, by number; that of another is given up for
 * it, if need be. From now on stores to it must come to mmu_store. */
static uint64_t page_for(struct machine *m, uint64_t frame)
{
    uint16_t *number = &frames(m)[frame / PAGE_SIZE];
    if (*number)
        return *number - 1u;
    unsigned next = m->code_next++ % CODE_PAGES;
    drop(m, &m->code[next]);
    begin(&m->code[next], frame);
    *number = (uint16_t)(next + 1);
    forget_everywhere(m, ACCESS_STORE);
    return next;
}

bool code_find(struct machine *m, struct hart *h, uint64_t *page)
{
    uint64_t physical, offset, pc = h->pc;
    const struct translation *t =
        &h->tlb[h->view][ACCESS_FETCH][(pc >> PAGE_SHIFT) % TLB_SIZE];
    if (t->tag == (TAG(pc, h->generation[ACCESS_FETCH]) | WATCHED)) {
        *page = t->place;
        return true;
    }
    if (!mmu_translate(m, h, pc, ACCESS_FETCH, &physical))
        return false;
    if (!ram_offset(m, physical, 2, &offset))
        return hart_fault(h, CAUSE_FETCH_ACCESS, pc);
    *page = page_for(m, offset & ~(uint64_t)(PAGE_SIZE - 1));
    mmu_remember(m, h, pc, ACCESS_FETCH, *page);
    return true;
}

struct insn code_decode(struct machine *m, const struct code_page *page,
                        unsigned slot)
{
    uint32_t bits = 0;
    bool last = slot == CODE_SLOTS - 1;
    memcpy(&bits, ram_of(m) + page->frame + slot * 2u, last ? 2 : 4);
    if ((bits & 3) != 3)
        return decode((uint16_t)bits);
    return last ? (struct insn){.op = OP_SPLIT, .length = 4} : decode(bits);
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
