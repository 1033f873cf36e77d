/*
 * What the exercise "cow" leaves to the student: three functions, defined in
 * cow.c, which says what each has to do. kernel.patch makes the kernel call
 * them. All are called for pages of kind PAGE_ANONYMOUS, a process's own
 * memory; the kernel deals with the zero page and with pages of files.
 */
#ifndef EXERCISES_COW_H
#define EXERCISES_COW_H

#include "arch/riscv/sv39.h"
#include "mm/page.h"
#include "mm/space.h"

/* The entry, read-only. */
static inline pte_t pte_without_write(pte_t e)
{
    return (pte_t){e.bits & ~(uint64_t)SV39_W};
}

/* fork has come to a leaf. `parent` is its slot; `child`, still empty, is that
 * of the same address in the child's table. The parent's mutex is held, and no
 * hardware sees either table. 0, or -ENOMEM: then fork fails. */
int cow_fork_leaf(pte_t *parent, pte_t *child);

/* A write to `va` found the leaf in `slot` without permission to write, and
 * its region has it. The space's mutex is held; the slot is the space's alone.
 * FAULT_REUSE, FAULT_COPY, or FAULT_NOMEM with nothing changed. */
enum fault cow_write_fault(struct hal_space *machine, uint64_t va, pte_t *slot);

/* A leaf that pointed at `page` is gone, and every hart has forgotten it: by
 * exit, exec, a shrinking heap, or because a copy took its place. */
void cow_leaf_gone(struct page *page);

#endif
