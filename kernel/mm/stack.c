/*
 * Kernel stacks.
 *
 * To map or unmap a stack needs a shootdown, so a stack that is given back
 * stays mapped for the next thread. A shrinker gives the pages of such stacks
 * back when memory is short, so they count as free.
 */
#include "mm/stack.h"
#include "mm/oom.h"
#include "mm/page.h"
#include "sched/spinlock.h"

static struct spinlock lock = SPINLOCK(LOCK_STACK);
static struct stack stacks[HAL_STACKS]; /* number = window slot */
static struct stack *mapped;            /* lock: free ones, with pages */
static struct stack *unmapped;          /* lock: free ones, without */
static uint64_t spare_pages;            /* lock to change */

static struct stack *pop(struct stack **list)
{
    struct stack *stack = *list;
    if (stack)
        *list = stack->next;
    return stack;
}

static void push(struct stack **list, struct stack *stack)
{
    stack->next = *list;
    *list = stack;
}

static void put_pages(struct stack *stack, int count)
{
    for (int i = 0; i < count; i++)
        page_put(stack->pages[i]);
}

/* One stack at a time, as stacks may soon be needed again. */
static uint64_t scan(uint64_t)
{
    spin_lock(&lock);
    struct stack *stack = pop(&mapped);
    if (stack) {
        spare_pages -= HAL_STACK_PAGES;
        stack->low = NULL;
        hal_stack_map(stack - stacks, NULL);
        put_pages(stack, HAL_STACK_PAGES);
        push(&unmapped, stack);
    }
    spin_unlock(&lock);
    return stack ? HAL_STACK_PAGES : 0;
}

static uint64_t count(void)
{
    return spare_pages;
}

void stack_init(void)
{
    for (int i = HAL_STACKS; i-- > 0;)
        push(&unmapped, &stacks[i]);
    static struct shrinker shrinker = {.scan = scan, .count = count};
    oom_add_shrinker(&shrinker);
}

/* Map pages for a stack that was unmapped. */
static bool fill(struct stack *stack)
{
    uint64_t physical[HAL_STACK_PAGES];
    for (int i = 0; i < HAL_STACK_PAGES; i++) {
        stack->pages[i] = page_alloc(PAGE_STACK);
        if (!stack->pages[i]) {
            put_pages(stack, i);
            return false;
        }
        physical[i] = page_physical(stack->pages[i]);
    }
    stack->low = hal_stack_map(stack - stacks, physical);
    return true;
}

struct stack *stack_alloc(void)
{
    spin_lock(&lock);
    struct stack *stack = pop(&mapped);
    if (stack)
        spare_pages -= HAL_STACK_PAGES;
    else
        stack = pop(&unmapped);
    spin_unlock(&lock);
    if (!stack || stack->low || fill(stack))
        return stack;
    spin_lock(&lock);
    push(&unmapped, stack);
    spin_unlock(&lock);
    return NULL;
}

void stack_free(struct stack *stack)
{
    spin_lock(&lock);
    push(&mapped, stack);
    spare_pages += HAL_STACK_PAGES;
    spin_unlock(&lock);
}
