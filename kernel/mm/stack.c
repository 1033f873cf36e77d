/*
 * Kernel stacks.
 *
 * Mapping a stack and taking it out again makes every hart forget
 * translations, so a stack given back stays mapped for the next thread. When
 * frames run out the allocator asks for those, one stack at a time: that is
 * why they count as free memory.
 */
#include "mm/stack.h"
#include "mm/oom.h"
#include "mm/page.h"
#include "sched/spinlock.h"

static struct spinlock lock = SPINLOCK(LOCK_STACK);
static struct stack stacks[HAL_STACKS]; /* number = window slot */
static struct stack *mapped;            /* lock: free ones, with frames */
static struct stack *unmapped;          /* lock: free ones, without */
static uint64_t spare_frames;           /* lock to change */

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

static void put_frames(struct stack *stack, int count)
{
    for (int i = 0; i < count; i++)
        page_put(stack->pages[i]);
}

/* One stack at a time: another may be wanted right after. */
static uint64_t scan(uint64_t)
{
    spin_lock(&lock);
    struct stack *stack = pop(&mapped);
    if (stack) {
        spare_frames -= HAL_STACK_PAGES;
        stack->low = NULL;
        hal_stack_unmap(stack - stacks);
        put_frames(stack, HAL_STACK_PAGES);
        push(&unmapped, stack);
    }
    spin_unlock(&lock);
    return stack ? HAL_STACK_PAGES : 0;
}

static uint64_t count(void)
{
    return spare_frames;
}

void stack_init(void)
{
    for (int i = HAL_STACKS; i-- > 0;)
        push(&unmapped, &stacks[i]);
    static struct shrinker shrinker = {.scan = scan, .count = count};
    oom_add_shrinker(&shrinker);
}

/* Frames for a stack that is ours alone. */
static bool fill(struct stack *stack)
{
    uint64_t physical[HAL_STACK_PAGES];
    for (int i = 0; i < HAL_STACK_PAGES; i++) {
        stack->pages[i] = page_alloc(PAGE_STACK);
        if (!stack->pages[i]) {
            put_frames(stack, i);
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
        spare_frames -= HAL_STACK_PAGES;
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
    spare_frames += HAL_STACK_PAGES;
    spin_unlock(&lock);
}
