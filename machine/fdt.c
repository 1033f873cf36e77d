/*
 * The device tree (Devicetree Specification 0.4, chapter 5), written from what
 * the machine is made of. Nodes and properties go forward from the header,
 * their names' table is kept aside and follows when it is complete.
 */
#include "private.h"

enum { BEGIN = 1, END = 2, PROPERTY = 3, FINISH = 9 };
enum { MAGIC = 0xd00dfeed, VERSION = 17, COMPATIBLE = 16 };
#define HEADER_SIZE  40u
#define RESERVATIONS 16u /* an empty list */
#define STRINGS_SIZE 4096u
#define CLOCK        10000000u
#define UART_CLOCK   3686400u
#define ISA          "rv64imafdc_zicsr_zifencei_zihintpause_sstc"
/* What QEMU's firmware keeps for itself: the same memory is free on both. */
#define FIRMWARE_SIZE 0x80000u

#define PHANDLE_PLIC 1u
#define PHANDLE_HART 2u /* and up: interrupt controllers of the harts */

struct writer {
    uint8_t *to;
    uint32_t size, used;  /* `used` above size: it does not fit */
    unsigned depth;       /* so many nodes are open */
    struct writer *names; /* of properties, of all that were written */
};

static uint32_t size_of(const char *text)
{
    uint32_t length = 0;
    while (text[length++])
        ;
    return length;
}

/* Bytes, and what is missing to a whole cell. */
static void put_bytes(struct writer *w, const void *bytes, uint32_t length)
{
    if (w->used <= w->size && length <= w->size - w->used)
        memcpy(w->to + w->used, bytes, length);
    w->used += (length + 3) & ~3u;
}

static void put_cell(struct writer *w, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 8), (uint8_t)value};
    put_bytes(w, bytes, sizeof bytes);
}

/* ---- Nodes and properties ------------------------------------------------ */

/* Ends the nodes that are open but for `depth` of them. */
static void close(struct writer *w, unsigned depth)
{
    for (; w->depth > depth; w->depth--)
        put_cell(w, END);
}

/* A node in the last one of the depth above. */
static void node(struct writer *w, unsigned depth, const char *name)
{
    close(w, depth);
    put_cell(w, BEGIN);
    put_bytes(w, name, size_of(name));
    w->depth++;
}

/* What a property begins with. */
static void property(struct writer *w, const char *name, uint32_t length)
{
    put_cell(w, PROPERTY);
    put_cell(w, length);
    put_cell(w, w->names->used);
    put_bytes(w->names, name, size_of(name));
}

static void text(struct writer *w, const char *name, const char *value)
{
    property(w, name, size_of(value));
    put_bytes(w, value, size_of(value));
}

static void cells(struct writer *w, const char *name, uint32_t count,
                  const uint32_t *values)
{
    property(w, name, 4 * count);
    for (unsigned i = 0; i < count; i++)
        put_cell(w, values[i]);
}

#define CELLS(w, name, ...)                                                    \
    cells(w, name, sizeof((uint32_t[]){__VA_ARGS__}) / 4,                      \
          (uint32_t[]){__VA_ARGS__})
#define WIDE(value) (uint32_t)((uint64_t)(value) >> 32), (uint32_t)(value)
#define SIZES(w, address, size)                                                \
    (CELLS(w, "#address-cells", address), CELLS(w, "#size-cells", size))

/* ---- This machine -------------------------------------------------------- */

static void memory(struct writer *w, const struct machine *m)
{
    node(w, 1, "memory@80000000");
    text(w, "device_type", "memory");
    CELLS(w, "reg", WIDE(MACHINE_RAM_BASE), WIDE(m->config.ram));
    node(w, 1, "reserved-memory");
    SIZES(w, 2, 2);
    property(w, "ranges", 0);
    node(w, 2, "firmware@80000000");
    CELLS(w, "reg", WIDE(MACHINE_RAM_BASE), WIDE(FIRMWARE_SIZE));
    property(w, "no-map", 0);
}

/* A controller of interrupts, by whose number devices name it. */
static void controller(struct writer *w, uint32_t number)
{
    CELLS(w, "#interrupt-cells", 1);
    property(w, "interrupt-controller", 0);
    CELLS(w, "phandle", number);
}

static void cpus(struct writer *w, const struct machine *m)
{
    char name[] = "cpu@0";
    node(w, 1, "cpus");
    SIZES(w, 1, 0);
    CELLS(w, "timebase-frequency", CLOCK);
    for (uint32_t i = 0; i < m->config.harts; i++, name[4]++) {
        node(w, 2, name);
        text(w, "device_type", "cpu");
        CELLS(w, "reg", i);
        text(w, "compatible", "riscv");
        text(w, "riscv,isa", ISA);
        text(w, "mmu-type", "riscv,sv39");
        node(w, 3, "interrupt-controller");
        text(w, "compatible", "riscv,cpu-intc");
        controller(w, PHANDLE_HART + i);
    }
}

static void device(struct writer *w, const char *name, const char *compatible,
                   uint64_t base, uint64_t size)
{
    node(w, 2, name);
    text(w, "compatible", compatible);
    CELLS(w, "reg", WIDE(base), WIDE(size));
}

static void soc(struct writer *w, const struct machine *m)
{
    char name[] = "virtio_mmio@10001000";
    uint32_t contexts[2 * MACHINE_HARTS];
    for (uint32_t i = 0; i < m->config.harts; i++) {
        contexts[2 * i] = PHANDLE_HART + i;
        contexts[2 * i + 1] = EXTERNAL;
    }
    node(w, 1, "soc");
    SIZES(w, 2, 2);
    text(w, "compatible", "simple-bus");
    property(w, "ranges", 0);
    CELLS(w, "interrupt-parent", PHANDLE_PLIC);
    device(w, "plic@c000000", "sifive,plic-1.0.0", PLIC_BASE, PLIC_SIZE);
    controller(w, PHANDLE_PLIC);
    cells(w, "interrupts-extended", 2 * m->config.harts, contexts);
    CELLS(w, "riscv,ndev", PLIC_SOURCES - 1);
    device(w, "rtc@101000", "google,goldfish-rtc", RTC_BASE, PAGE_SIZE);
    device(w, "serial@10000000", "ns16550a", UART_BASE, UART_SIZE);
    CELLS(w, "interrupts", UART_SOURCE);
    CELLS(w, "clock-frequency", UART_CLOCK);
    for (uint32_t i = 0; i < VIRTIO_SLOTS; i++, name[16]++) {
        device(w, name, "virtio,mmio", VIRTIO_BASE + i * PAGE_SIZE, PAGE_SIZE);
        CELLS(w, "interrupts", i + 1);
    }
}

static void tree(struct writer *w, const struct machine *m,
                 const struct tree_facts *facts)
{
    node(w, 0, "");
    SIZES(w, 2, 2);
    text(w, "compatible", "calf,machine");
    node(w, 1, "chosen");
    text(w, "bootargs", facts->command_line);
    text(w, "stdout-path", "/soc/serial@10000000");
    if (facts->initrd_size) {
        CELLS(w, "linux,initrd-start", WIDE(facts->initrd));
        CELLS(w, "linux,initrd-end", WIDE(facts->initrd + facts->initrd_size));
    }
    memory(w, m);
    cpus(w, m);
    soc(w, m);
    close(w, 0);
    put_cell(w, FINISH);
}

uint32_t fdt_write(const struct machine *m, const struct tree_facts *facts,
                   uint8_t *to, uint32_t size)
{
    const uint32_t start = HEADER_SIZE + RESERVATIONS;
    uint8_t table[STRINGS_SIZE] = {0};
    struct writer names = {.to = table, .size = STRINGS_SIZE};
    struct writer w = {.to = to, .size = size, .used = start, .names = &names};
    struct writer header = {.to = to, .size = HEADER_SIZE};
    memset(to, 0, start);
    tree(&w, m, facts);
    uint32_t strings = w.used;
    if (names.used > STRINGS_SIZE || strings + names.used > size)
        return 0;
    put_bytes(&w, table, names.used);
    const uint32_t fields[] = {MAGIC,       w.used,         start,      strings,
                               HEADER_SIZE, VERSION,        COMPATIBLE, 0,
                               names.used,  strings - start};
    for (unsigned i = 0; i < HEADER_SIZE / 4; i++)
        put_cell(&header, fields[i]);
    return w.used;
}
