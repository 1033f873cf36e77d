/*
 * Sv39 page-table entries (RISC-V Privileged Architecture 20211203, 4.4).
 *
 * This file has no register and no assembly in it, so kernel/mm and the host
 * tests can use it. An entry is an opaque value: it is made by the constructors
 * here, and read by pte_kind and the accessors; its bits are used nowhere else.
 *
 * An edge from a node to a child node is one of OWNED, LAZY and LINKED (see
 * mm/pt.h for what they mean). Non-leaf entries have no permission bits, so a
 * LAZY edge has V=0: hardware does not see it, and ignores the other bits.
 */
#ifndef ARCH_RISCV_SV39_H
#define ARCH_RISCV_SV39_H

#include "lib/types.h"

#define PT_LEVELS     3
#define PT_ROOT_LEVEL (PT_LEVELS - 1)
#define PT_SLOT_BITS  9
#define PT_SLOTS      (1u << PT_SLOT_BITS)
/* The lower half of the root is for the user. */
#define PT_USER_ROOT_SLOTS (PT_SLOTS / 2)

typedef struct {
    uint64_t bits;
} pte_t;

enum pte_kind { PTE_NONE, PTE_OWNED, PTE_LAZY, PTE_LINKED, PTE_LEAF };

enum {
    SV39_V = 1 << 0,
    SV39_R = 1 << 1,
    SV39_W = 1 << 2,
    SV39_X = 1 << 3,
    SV39_U = 1 << 4,
    SV39_G = 1 << 5,
    SV39_A = 1 << 6,
    SV39_D = 1 << 7,
    /* RSW, "reserved for use by supervisor software": bits 8 and 9. */
    SV39_SOFT_SHARED = 1 << 8,
    SV39_SOFT_UNCOUNTED = 1 << 9,
};

static inline unsigned pt_shift(unsigned level)
{
    return 12 + PT_SLOT_BITS * level;
}

/* The slot of a node of `level` that translates `va`. */
static inline unsigned pt_slot(uint64_t va, unsigned level)
{
    return (va >> pt_shift(level)) & (PT_SLOTS - 1);
}

/* Bytes of address space under one slot of a node of `level`. */
static inline uint64_t pt_span(unsigned level)
{
    return 1ul << pt_shift(level);
}

static inline pte_t pte_none(void)
{
    return (pte_t){0};
}

static inline uint64_t pte_ppn_bits(uint64_t physical)
{
    return (physical >> 12) << 10;
}

/* pte_ppn, pte_physical: the number and the address of the page that an entry
 * (any kind but NONE) points at. The bits above the number are reserved;
 * entries made here have zeros there. */
static inline uint64_t pte_ppn(pte_t e)
{
    return e.bits >> 10;
}

static inline uint64_t pte_physical(pte_t e)
{
    return pte_ppn(e) << 12;
}

static inline pte_t pte_owned(uint64_t node)
{
    return (pte_t){pte_ppn_bits(node) | SV39_V};
}

static inline pte_t pte_linked(uint64_t node)
{
    return (pte_t){pte_ppn_bits(node) | SV39_V | SV39_SOFT_SHARED};
}

static inline pte_t pte_lazy(uint64_t node)
{
    return (pte_t){pte_ppn_bits(node) | SV39_SOFT_SHARED};
}

/* A user leaf. Accessed and dirty are set from the start, so that hardware
 * never writes to a node. R is always set, as Sv39 has no W without it. */
static inline pte_t pte_leaf(uint64_t physical, bool write, bool execute)
{
    return (pte_t){pte_ppn_bits(physical) | SV39_V | SV39_R | SV39_U | SV39_A |
                   SV39_D | (write ? SV39_W : 0) | (execute ? SV39_X : 0)};
}

/* A leaf whose page keeps no count: the zero page. */
static inline pte_t pte_leaf_uncounted(uint64_t physical, bool execute)
{
    pte_t e = pte_leaf(physical, false, execute);
    e.bits |= SV39_SOFT_UNCOUNTED;
    return e;
}

static inline enum pte_kind pte_kind(pte_t e)
{
    if (e.bits & (SV39_R | SV39_X))
        return PTE_LEAF;
    switch (e.bits & (SV39_V | SV39_SOFT_SHARED)) {
    case SV39_V:
        return PTE_OWNED;
    case SV39_SOFT_SHARED:
        return PTE_LAZY;
    case SV39_V | SV39_SOFT_SHARED:
        return PTE_LINKED;
    default:
        return PTE_NONE;
    }
}

static inline bool pte_is_owned(pte_t e)
{
    return (e.bits & (SV39_R | SV39_X | SV39_V | SV39_SOFT_SHARED)) == SV39_V;
}

static inline bool pte_is_none(pte_t e)
{
    return e.bits == 0;
}

/* Whether the entry leads to a node. What is neither NONE nor an edge is a
 * leaf, at any level, whether or not hardware sees it. */
static inline bool pte_is_edge(pte_t e)
{
    return !(e.bits & (SV39_R | SV39_X)) &&
           (e.bits & (SV39_V | SV39_SOFT_SHARED));
}

/* The entry as two nodes may have it: an edge is not OWNED, a leaf not
 * writable. */
static inline pte_t pte_shared(pte_t e)
{
    e.bits &= ~(uint64_t)SV39_W;
    return pte_is_owned(e) ? pte_lazy(pte_physical(e)) : e;
}

/* The first two are for leaves. pte_counted is true for edges. */
static inline bool pte_writable(pte_t e)
{
    return e.bits & SV39_W;
}

static inline bool pte_executable(pte_t e)
{
    return e.bits & SV39_X;
}

static inline bool pte_counted(pte_t e)
{
    return !(e.bits & SV39_SOFT_UNCOUNTED);
}

static inline pte_t pte_with_write(pte_t e)
{
    return (pte_t){e.bits | SV39_W};
}

/* If hardware sees the leaf: make it read-only, and executable or not. */
static inline pte_t pte_protected(pte_t e, bool execute)
{
    if (!(e.bits & SV39_V))
        return e;
    e.bits &= ~(uint64_t)(SV39_W | SV39_X);
    return (pte_t){e.bits | (execute ? SV39_X : 0)};
}

#endif
