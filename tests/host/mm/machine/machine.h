/*
 * The host's inline part of the machine contract (see kernel/arch/hal.h), for
 * tests that build kernel/mm as it is. Physical memory is an array that
 * pretends to begin at MACHINE_RAM; harts are numbers, and a thread of the
 * test is on one hart at a time. tests/host/mm/hal.c has the rest.
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HAL_PAGE_SHIFT  12
#define HAL_PAGE_SIZE   4096ul
#define HAL_USER_TOP    (1ul << 38)
#define HAL_STACK_PAGES 4
#define HAL_STACKS      16

#define MACHINE_RAM       0x80000000ul
#define MACHINE_RAM_SIZE  (64ul << 20)
#define MACHINE_RAM_LIMIT (MACHINE_RAM + MACHINE_RAM_SIZE)

/* A program's registers, as far as the kernel asks for them. */
struct hal_frame {
    uint64_t pc, sp, result;
};

struct hal_thread {
    uint32_t work;
    uint32_t hart;
    struct hal_frame frame;
};

static inline uint64_t hal_frame_pc(const struct hal_frame *frame)
{
    return frame->pc;
}

static inline uint64_t hal_frame_sp(const struct hal_frame *frame)
{
    return frame->sp;
}

static inline void hal_frame_set_result(struct hal_frame *frame, uint64_t to)
{
    frame->result = to;
}

extern uint8_t machine_memory[MACHINE_RAM_SIZE];
extern _Thread_local struct hal_thread *machine_self;

static inline struct hal_thread *hal_self(void)
{
    return machine_self;
}

/* Where an interrupt could come, were the running thread preempted now. */
void machine_between(void);

static inline bool hal_irq_save(void)
{
    machine_between();
    return true;
}

static inline void hal_irq_enable(void)
{
    machine_between();
}

static inline void hal_irq_restore(bool on)
{
    (void)on;
}

void hal_relax(void);

static inline void *hal_phys_to_virt(uint64_t physical)
{
    return machine_memory + (physical - MACHINE_RAM);
}

static inline uint64_t hal_virt_to_phys(const void *direct)
{
    return (uint64_t)((const uint8_t *)direct - machine_memory) + MACHINE_RAM;
}

static inline void hal_clear_page(void *page)
{
    memset(page, 0, HAL_PAGE_SIZE);
}

static inline void hal_copy_page(void *to, const void *from)
{
    memcpy(to, from, HAL_PAGE_SIZE);
}

#endif
