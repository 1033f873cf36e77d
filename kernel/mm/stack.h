/*
 * Kernel stacks for threads: mapped pages above an unmapped guard.
 */
#ifndef MM_STACK_H
#define MM_STACK_H

#include "arch/hal.h"

struct page;

struct stack {
    void *low; /* low end, HAL_STACK_PAGES long; NULL: unmapped */
    struct page *pages[HAL_STACK_PAGES]; /* stack.c */
    struct stack *next;                  /* stack.c: while free */
};

void stack_init(void);

/* A mapped stack, or NULL when there is no memory or HAL_STACKS are in use. */
struct stack *stack_alloc(void);

/* Give a stack back; no thread runs on it any more. */
void stack_free(struct stack *stack);

#endif
