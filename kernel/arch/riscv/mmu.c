/*
 * Address translation on RISC-V: the kernel's own mappings, which table a
 * hart translates by, local flushes and shootdowns.
 *
 * The kernel half of every root has the same few edges, made here at boot and
 * never changed, so a trap switches no table:
 *
 *   0xffffffc0_00000000   all RAM and the devices, address by address
 *   0xffffffe0_00000000   kernel stacks, each above an unmapped guard
 *   0xffffffff_80000000   the kernel image, W^X in 4 KiB pages
 *
 * In the direct map the image's text and constants are read-only too.
 * Shootdowns of other harts go through the firmware (SBI RFENCE), which
 * interrupts them in machine mode, so they work even if a hart has interrupts
 * off.
 */
#include "arch/hal.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/internal.h"
#include "arch/riscv/sv39.h"
#include "lib/errno.h"

#define STACK_BASE 0xffffffe000000000ul
#define STACK_SIZE (HAL_STACK_PAGES * HAL_PAGE_SIZE)
#define MEGAPAGE   (1ul << 21)

#define KERNEL_RO (SV39_V | SV39_R | SV39_G | SV39_A | SV39_D)
#define KERNEL_RW (KERNEL_RO | SV39_W)
#define KERNEL_RX (KERNEL_RO | SV39_X)

extern char _text_end[], _rodata_end[], _image_end[];
extern char _boot_guard[];

uint64_t kernel_satp; /* for harts that start (boot.S) */
uint64_t image_physical;
static pte_t *kernel_root;
static uint16_t kernel_slots[PT_SLOTS / 2]; /* used slots of the root */
static unsigned kernel_slot_count;
static struct hal_space *hart_space[HAL_MAX_HARTS];

struct hal_range hal_image(void)
{
    uint64_t size = image_offset(_image_end);
    return (struct hal_range){image_physical, image_physical + size};
}

/* The slot that maps `va` at `level`; makes the nodes above it. NULL: no
 * memory. */
static pte_t *kernel_slot(uint64_t va, unsigned level, uint64_t (*table)(void))
{
    pte_t *node = kernel_root;
    for (unsigned l = PT_ROOT_LEVEL; l > level; l--) {
        pte_t *slot = &node[pt_slot(va, l)];
        if (pte_is_none(*slot)) {
            uint64_t child = table();
            if (!child)
                return NULL;
            *slot = pte_owned(child);
        }
        node = hal_phys_to_virt(pte_physical(*slot));
    }
    return &node[pt_slot(va, level)];
}

static int map_one(uint64_t va, uint64_t physical, unsigned level,
                   uint64_t bits, uint64_t (*table)(void))
{
    pte_t *slot = kernel_slot(va, level, table);
    if (!slot)
        return -ENOMEM;
    slot->bits = pte_ppn_bits(physical) | bits;
    return 0;
}

/* Permissions of a page of the image; 0: the boot stack's guard. */
static uint64_t image_bits(uint64_t offset)
{
    if (offset < image_offset(_text_end))
        return KERNEL_RX;
    if (offset < image_offset(_rodata_end))
        return KERNEL_RO;
    uint64_t guard = image_offset(_boot_guard);
    if (offset >= guard && offset < guard + 16384)
        return 0;
    return KERNEL_RW;
}

static int map_image(uint64_t (*table)(void))
{
    struct hal_range image = hal_image();
    for (uint64_t o = 0; o < image.end - image.start; o += HAL_PAGE_SIZE) {
        uint64_t bits = image_bits(o);
        if (bits && map_one(IMAGE_BASE + o, image.start + o, 0, bits, table))
            return -ENOMEM;
    }
    return 0;
}

/* The level of the largest page that starts at `pa`, ends by `end`, and can
 * have the same permissions throughout. */
static unsigned direct_level(uint64_t pa, uint64_t end)
{
    struct hal_range image = hal_image();
    for (unsigned level = PT_ROOT_LEVEL; level > 0; level--) {
        uint64_t span = pt_span(level);
        if (pa % span == 0 && pa + span <= end &&
            (pa + span <= image.start || pa >= image.end))
            return level;
    }
    return 0;
}

static int map_direct(struct hal_range range, uint64_t (*table)(void))
{
    struct hal_range image = hal_image();
    uint64_t constant = image_offset(_rodata_end);
    uint64_t pa = range.start & ~(HAL_PAGE_SIZE - 1);
    uint64_t end = (range.end + HAL_PAGE_SIZE - 1) & ~(HAL_PAGE_SIZE - 1);
    while (pa < end) {
        unsigned level = direct_level(pa, end);
        bool read_only = pa >= image.start && pa < image.start + constant;
        if (map_one(HAL_DIRECT_BASE + pa, pa, level,
                    read_only ? KERNEL_RO : KERNEL_RW, table))
            return -ENOMEM;
        pa += pt_span(level);
    }
    return 0;
}

static uint64_t stack_low(unsigned slot)
{
    return STACK_BASE + (2ul * slot + 1) * STACK_SIZE;
}

/* Make the nodes for all stacks now: the kernel's half never changes later. */
static int map_stack_window(uint64_t (*table)(void))
{
    uint64_t end = stack_low(HAL_STACKS);
    for (uint64_t va = STACK_BASE; va < end; va += MEGAPAGE)
        if (!kernel_slot(va, 0, table))
            return -ENOMEM;
    return 0;
}

int hal_mmu_init(const struct hal_range *ram, size_t ram_count,
                 const struct hal_range *devices, size_t device_count,
                 uint64_t (*table)(void))
{
    uint64_t root = table();
    if (!root)
        return -ENOMEM;
    kernel_root = hal_phys_to_virt(root);
    for (size_t i = 0; i < ram_count; i++)
        if (map_direct(ram[i], table))
            return -ENOMEM;
    for (size_t i = 0; i < device_count; i++)
        if (map_direct(devices[i], table))
            return -ENOMEM;
    if (map_image(table) || map_stack_window(table))
        return -ENOMEM;
    for (unsigned i = PT_USER_ROOT_SLOTS; i < PT_SLOTS; i++)
        if (!pte_is_none(kernel_root[i]))
            kernel_slots[kernel_slot_count++] = i;
    kernel_satp = SATP_SV39 | root >> HAL_PAGE_SHIFT;
    csr_write(satp, kernel_satp);
    __asm__ volatile("sfence.vma" ::: "memory");
    return 0;
}

void hal_root_init(void *root)
{
    pte_t *slots = root;
    for (unsigned i = 0; i < kernel_slot_count; i++)
        slots[kernel_slots[i]] = kernel_root[kernel_slots[i]];
}

void hal_root_clear(void *root)
{
    pte_t *slots = root;
    for (unsigned i = 0; i < kernel_slot_count; i++)
        slots[kernel_slots[i]] = pte_none();
}

void *hal_stack_map(unsigned slot, const uint64_t *pages)
{
    uint64_t low = stack_low(slot);
    for (unsigned i = 0; i < HAL_STACK_PAGES; i++) {
        pte_t *entry = kernel_slot(low + i * HAL_PAGE_SIZE, 0, NULL);
        entry->bits = pages ? pte_ppn_bits(pages[i]) | KERNEL_RW : 0;
    }
    /* Another hart may have cached the old entry, even an empty one. */
    bool on = hal_irq_save();
    atomic_thread_fence(memory_order_seq_cst);
    __asm__ volatile("sfence.vma" ::: "memory");
    harts_ask(~0ul, SBI_SFENCE, low, STACK_SIZE);
    hal_irq_restore(on);
    return (void *)low;
}

void hal_space_activate(struct hal_space *space)
{
    unsigned hart = hal_self()->hart;
    struct hal_space *old = hart_space[hart];
    uint64_t bit = 1ul << hart;
    if (old == space)
        return;
    /* Enter the set before a walk can start. A shootdown reads the set after an
     * entry was changed. So it finds this hart, or this hart's walks find the
     * change. */
    if (space)
        atomic_fetch_or(&space->active_harts, bit);
    csr_write(satp,
              space ? SATP_SV39 | space->root >> HAL_PAGE_SHIFT : kernel_satp);
    __asm__ volatile("sfence.vma" ::: "memory");
    if (space && atomic_load(&space->stale_harts) & bit) {
        atomic_fetch_and(&space->stale_harts, ~bit);
        __asm__ volatile("fence.i" ::: "memory");
    }
    hart_space[hart] = space;
    if (old)
        atomic_fetch_and(&old->active_harts, ~bit);
}

void hal_flush_local(struct hal_space *, uint64_t va)
{
    if (va == HAL_FLUSH_ALL)
        __asm__ volatile("sfence.vma" ::: "memory");
    else
        __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

void hal_shootdown(struct hal_space *space, uint64_t va)
{
    atomic_thread_fence(memory_order_seq_cst);
    bool on = hal_irq_save();
    uint64_t harts = atomic_load(&space->active_harts);
    uint64_t self = 1ul << hal_self()->hart;
    if (harts & self)
        hal_flush_local(space, va);
    if (harts & ~self && va == HAL_FLUSH_ALL)
        harts_ask(harts, SBI_SFENCE, 0, UINT64_MAX);
    else if (harts & ~self)
        harts_ask(harts, SBI_SFENCE, va, HAL_PAGE_SIZE);
    hal_irq_restore(on);
}

void hal_space_sync_code(struct hal_space *space)
{
    bool on = hal_irq_save();
    uint64_t self = 1ul << hal_self()->hart;
    /* Harts that run it later fence then; those that run it now fence now. */
    atomic_fetch_or(&space->stale_harts, ~self);
    __asm__ volatile("fence.i" ::: "memory");
    harts_ask(atomic_load(&space->active_harts), SBI_FENCE_I, 0, 0);
    hal_irq_restore(on);
}
