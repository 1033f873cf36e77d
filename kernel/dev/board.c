/*
 * What the kernel has to know of a board, from the device tree (Devicetree
 * Specification 0.4; bindings of the Linux kernel for riscv cpus, the PLIC,
 * 16550 UARTs, clocks and virtio). Nothing about a board is compiled in.
 */
#include "dev/board.h"
#include "dev/fdt.h"
#include "lib/string.h"

#define PLIC_SUPERVISOR 9 /* interrupt number at a hart's own controller */

static bool add_range(struct hal_range *ranges, unsigned *count, uint64_t start,
                      uint64_t size)
{
    if (!size || start + size < start || *count == BOARD_RANGES)
        return false;
    ranges[(*count)++] = (struct hal_range){start, start + size};
    return true;
}

static void reserve(struct board *board, uint64_t start, uint64_t end)
{
    add_range(board->reserved, &board->reserved_count, start, end - start);
}

static void read_memory(struct board *board, const struct fdt *fdt)
{
    uint64_t start, size;
    for (int node = fdt->root; node >= 0; node = fdt_next(fdt, node)) {
        const char *type = fdt_string(fdt, node, "device_type");
        if (!type || strcmp(type, "memory") || !fdt_is_enabled(fdt, node))
            continue;
        for (unsigned i = 0; !fdt_reg(fdt, node, i, &start, &size); i++)
            add_range(board->ram, &board->ram_count, start, size);
    }
    for (unsigned i = 0; !fdt_reserved(fdt, i, &start, &size); i++)
        add_range(board->reserved, &board->reserved_count, start, size);
}

/* Whether the cpu has the extension, by the list or by the older string. */
static bool has_extension(const struct fdt *fdt, int cpu, const char *name)
{
    if (fdt_string_list_contains(fdt, cpu, "riscv,isa-extensions", name))
        return true;
    const char *isa = fdt_string(fdt, cpu, "riscv,isa");
    size_t length = strlen(name);
    for (; isa && *isa; isa++)
        if (*isa == '_' && !strncmp(isa + 1, name, length) &&
            (isa[1 + length] == '_' || isa[1 + length] == '\0'))
            return true;
    return false;
}

static bool is_cpu(const struct fdt *fdt, int node)
{
    const char *type = fdt_string(fdt, node, "device_type");
    return type && !strcmp(type, "cpu") && fdt_is_enabled(fdt, node);
}

/* Read the harts, the boot hart first. Returns its node, or a negative errno.
 */
static int read_harts(struct board *board, const struct fdt *fdt,
                      uint64_t boot_id)
{
    int cpus = fdt_find_path(fdt, "/cpus"), boot = -1;
    uint32_t hertz = 0;
    if (cpus < 0)
        return cpus;
    fdt_u32(fdt, cpus, "timebase-frequency", &hertz);
    board->sstc = true;
    board->harts[board->hart_count++] = boot_id;
    for (int node = fdt_first_child(fdt, cpus); node >= 0;
         node = fdt_next_sibling(fdt, node)) {
        uint64_t id, size;
        if (!is_cpu(fdt, node) || fdt_reg(fdt, node, 0, &id, &size))
            continue;
        board->sstc = board->sstc && has_extension(fdt, node, "sstc");
        if (!hertz)
            fdt_u32(fdt, node, "timebase-frequency", &hertz);
        if (id == boot_id)
            boot = node;
        else if (board->hart_count < HAL_MAX_HARTS)
            board->harts[board->hart_count++] = id;
    }
    board->timebase = hertz;
    return boot;
}

static void read_plic(struct board *board, const struct fdt *fdt, int boot_cpu)
{
    uint32_t own = 0, phandle, number;
    uint64_t start, size;
    int plic = fdt_find_compatible(fdt, -1, "riscv,plic0");
    if (plic < 0)
        plic = fdt_find_compatible(fdt, -1, "sifive,plic-1.0.0");
    if (plic < 0 || fdt_reg(fdt, plic, 0, &start, &size))
        return;
    for (int node = fdt_first_child(fdt, boot_cpu); node >= 0;
         node = fdt_next_sibling(fdt, node))
        if (!fdt_u32(fdt, node, "phandle", &own))
            break;
    /* A context is an index of the list of (hart's controller, interrupt). */
    for (unsigned i = 0;
         !fdt_cell(fdt, plic, "interrupts-extended", 2 * i, &phandle) &&
         !fdt_cell(fdt, plic, "interrupts-extended", 2 * i + 1, &number);
         i++)
        if (phandle == own && number == PLIC_SUPERVISOR) {
            board->plic = (struct hal_range){start, start + size};
            board->plic_context = i;
            return;
        }
}

static void read_uart(struct board *board, const struct fdt *fdt, int chosen)
{
    const char *path =
        chosen >= 0 ? fdt_string(fdt, chosen, "stdout-path") : NULL;
    int node = path ? fdt_find_path(fdt, path) : -1;
    uint64_t start, size;
    uint32_t value;
    if (node < 0 ||
        !(fdt_string_list_contains(fdt, node, "compatible", "ns16550a") ||
          fdt_string_list_contains(fdt, node, "compatible", "ns16550")))
        node = fdt_find_compatible(fdt, -1, "ns16550a");
    if (node < 0 || !fdt_is_enabled(fdt, node) ||
        fdt_reg(fdt, node, 0, &start, &size))
        return;
    board->uart = (struct hal_range){start, start + size};
    board->uart_width = 1;
    if (!fdt_u32(fdt, node, "reg-shift", &value))
        board->uart_shift = value;
    if (!fdt_u32(fdt, node, "reg-io-width", &value))
        board->uart_width = value;
    if (!fdt_cell(fdt, node, "interrupts", 0, &value))
        board->uart_interrupt = value;
}

/* The clock of the day (Devicetree binding google,goldfish-rtc). */
static void read_rtc(struct board *board, const struct fdt *fdt)
{
    uint64_t start, size;
    int node = fdt_find_compatible(fdt, -1, "google,goldfish-rtc");
    if (node >= 0 && fdt_is_enabled(fdt, node) &&
        !fdt_reg(fdt, node, 0, &start, &size))
        board->rtc = (struct hal_range){start, start + size};
}

static void add_virtio(struct board *board, struct board_virtio place)
{
    unsigned at = board->virtio_count;
    if (at == BOARD_VIRTIO)
        return;
    for (; at > 0 &&
           board->virtio[at - 1].registers.start > place.registers.start;
         at--)
        board->virtio[at] = board->virtio[at - 1];
    board->virtio[at] = place;
    board->virtio_count++;
}

/* Places for virtio devices (Devicetree binding virtio,mmio). The tree does not
 * say whether there is a device. */
static void read_virtio(struct board *board, const struct fdt *fdt)
{
    uint64_t start, size;
    uint32_t interrupt;
    for (int node = fdt_find_compatible(fdt, -1, "virtio,mmio"); node >= 0;
         node = fdt_find_compatible(fdt, node, "virtio,mmio"))
        if (fdt_is_enabled(fdt, node) &&
            !fdt_reg(fdt, node, 0, &start, &size) && start + size > start &&
            !fdt_cell(fdt, node, "interrupts", 0, &interrupt) && interrupt)
            add_virtio(board,
                       (struct board_virtio){{start, start + size}, interrupt});
}

static void read_chosen(struct board *board, const struct fdt *fdt, int chosen)
{
    board->command_line = "";
    if (chosen < 0)
        return;
    const char *line = fdt_string(fdt, chosen, "bootargs");
    if (line)
        board->command_line = line;
    struct hal_range *initrd = &board->initrd;
    if (fdt_u64(fdt, chosen, "linux,initrd-start", &initrd->start) ||
        fdt_u64(fdt, chosen, "linux,initrd-end", &initrd->end) ||
        initrd->end < initrd->start)
        *initrd = (struct hal_range){0};
}

const char *board_read(struct board *board, const void *blob, uint64_t boot_id)
{
    struct fdt fdt;
    *board = (struct board){0};
    if (fdt_open(&fdt, blob, 1 << 20))
        return fdt.error;
    int chosen = fdt_find_path(&fdt, "/chosen");
    read_chosen(board, &fdt, chosen);
    reserve(board, hal_image().start, hal_image().end);
    reserve(board, hal_virt_to_phys(blob), hal_virt_to_phys(blob) + fdt.size);
    reserve(board, board->initrd.start, board->initrd.end);
    read_memory(board, &fdt);
    if (!board->ram_count)
        return "the device tree names no memory";
    int boot_cpu = read_harts(board, &fdt, boot_id);
    if (boot_cpu < 0)
        return "the device tree does not name the hart that booted";
    if (!board->timebase)
        return "the device tree has no timebase-frequency";
    read_plic(board, &fdt, boot_cpu);
    read_uart(board, &fdt, chosen);
    read_rtc(board, &fdt);
    read_virtio(board, &fdt);
    return NULL;
}

unsigned board_devices(const struct board *board, struct hal_range *out)
{
    unsigned count = 0;
    out[count++] = board->uart;
    out[count++] = board->plic;
    out[count++] = board->rtc;
    for (unsigned i = 0; i < board->virtio_count; i++)
        out[count++] = board->virtio[i].registers;
    return count;
}

bool board_argument(const struct board *board, const char *name, char *value,
                    size_t size)
{
    const char *line = board->command_line;
    size_t length = strlen(name);
    for (const char *at = line; *at && strncmp(at, "run=", 4); at++) {
        if ((at > line && at[-1] != ' ') || strncmp(at, name, length) ||
            at[length] != '=')
            continue;
        at += length + 1;
        while (size > 1 && *at && *at != ' ' && *at != '\n') {
            *value++ = *at++;
            size--;
        }
        *value = '\0';
        return true;
    }
    return false;
}

bool board_has_memory(const struct board *board, struct hal_range range)
{
    for (unsigned i = 0; i < board->ram_count; i++)
        if (range.start >= board->ram[i].start &&
            range.end <= board->ram[i].end)
            return true;
    return false;
}
