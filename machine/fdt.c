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
    uint32_t size, used; /* `used` above size: it does not fit */
    uint32_t strings_used;
    char strings[STRINGS_SIZE];
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

static void begin(struct writer *w, const char *name)
{
    put_cell(w, BEGIN);
    put_bytes(w, name, size_of(name));
}

static void end(struct writer *w)
{
    put_cell(w, END);
}

/* What a property begins with. Its name goes into the table. */
static void property(struct writer *w, const char *name, uint32_t length)
{
    uint32_t size = size_of(name), at = w->strings_used;
    if (size > STRINGS_SIZE - at) {
        w->used = w->size + 1;
        return;
    }
    memcpy(w->strings + at, name, size);
    w->strings_used += size;
    put_cell(w, PROPERTY);
    put_cell(w, length);
    put_cell(w, at);
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

static void chosen(struct writer *w, const struct tree_facts *facts)
{
    begin(w, "chosen");
    text(w, "bootargs", facts->command_line);
    text(w, "stdout-path", "/soc/serial@10000000");
    if (facts->initrd_size) {
        CELLS(w, "linux,initrd-start", WIDE(facts->initrd));
        CELLS(w, "linux,initrd-end", WIDE(facts->initrd + facts->initrd_size));
    }
    end(w);
}

static void memory(struct writer *w, const struct machine *m)
{
    begin(w, "memory@80000000");
    text(w, "device_type", "memory");
    CELLS(w, "reg", WIDE(MACHINE_RAM_BASE), WIDE(m->config.ram));
    end(w);
    begin(w, "reserved-memory");
    SIZES(w, 2, 2);
    property(w, "ranges", 0);
    begin(w, "firmware@80000000");
    CELLS(w, "reg", WIDE(MACHINE_RAM_BASE), WIDE(FIRMWARE_SIZE));
    property(w, "no-map", 0);
    end(w);
    end(w);
}

static void cpus(struct writer *w, const struct machine *m)
{
    begin(w, "cpus");
    SIZES(w, 1, 0);
    CELLS(w, "timebase-frequency", CLOCK);
    for (uint32_t i = 0; i < m->config.harts; i++) {
        char name[] = "cpu@0";
        name[4] = (char)('0' + i);
        begin(w, name);
        text(w, "device_type", "cpu");
        CELLS(w, "reg", i);
        text(w, "compatible", "riscv");
        text(w, "riscv,isa", ISA);
        text(w, "mmu-type", "riscv,sv39");
        begin(w, "interrupt-controller");
        CELLS(w, "#interrupt-cells", 1);
        property(w, "interrupt-controller", 0);
        text(w, "compatible", "riscv,cpu-intc");
        CELLS(w, "phandle", PHANDLE_HART + i);
        end(w);
        end(w);
    }
    end(w);
}

static void device(struct writer *w, const char *name, const char *compatible,
                   uint64_t base, uint64_t size, uint32_t source)
{
    begin(w, name);
    text(w, "compatible", compatible);
    CELLS(w, "reg", WIDE(base), WIDE(size));
    CELLS(w, "interrupts", source);
    CELLS(w, "interrupt-parent", PHANDLE_PLIC);
}

static void plic(struct writer *w, const struct machine *m)
{
    static const char compatible[] = "sifive,plic-1.0.0\0riscv,plic0";
    uint32_t contexts[2 * MACHINE_HARTS];
    for (uint32_t i = 0; i < m->config.harts; i++) {
        contexts[2 * i] = PHANDLE_HART + i;
        contexts[2 * i + 1] = EXTERNAL;
    }
    begin(w, "plic@c000000");
    property(w, "compatible", sizeof compatible);
    put_bytes(w, compatible, sizeof compatible);
    CELLS(w, "reg", WIDE(PLIC_BASE), WIDE(PLIC_SIZE));
    cells(w, "interrupts-extended", 2 * m->config.harts, contexts);
    CELLS(w, "#interrupt-cells", 1);
    property(w, "interrupt-controller", 0);
    CELLS(w, "riscv,ndev", PLIC_SOURCES - 1);
    CELLS(w, "phandle", PHANDLE_PLIC);
    end(w);
}

static void soc(struct writer *w, const struct machine *m)
{
    begin(w, "soc");
    SIZES(w, 2, 2);
    text(w, "compatible", "simple-bus");
    property(w, "ranges", 0);
    plic(w, m);
    device(w, "serial@10000000", "ns16550a", UART_BASE, UART_SIZE, UART_SOURCE);
    CELLS(w, "clock-frequency", UART_CLOCK);
    end(w);
    begin(w, "rtc@101000");
    text(w, "compatible", "google,goldfish-rtc");
    CELLS(w, "reg", WIDE(RTC_BASE), WIDE(PAGE_SIZE));
    end(w);
    for (uint32_t i = 0; i < VIRTIO_SLOTS; i++) {
        char name[] = "virtio_mmio@10001000";
        name[16] = (char)('1' + i);
        device(w, name, "virtio,mmio", VIRTIO_BASE + i * PAGE_SIZE, PAGE_SIZE,
               i + 1);
        end(w);
    }
    end(w);
}

static void tree(struct writer *w, const struct machine *m,
                 const struct tree_facts *facts)
{
    begin(w, "");
    SIZES(w, 2, 2);
    text(w, "compatible", "calf,machine");
    chosen(w, facts);
    memory(w, m);
    cpus(w, m);
    soc(w, m);
    end(w);
    put_cell(w, FINISH);
}

uint32_t fdt_write(const struct machine *m, const struct tree_facts *facts,
                   uint8_t *to, uint32_t size)
{
    struct writer w = {.to = to, .size = size};
    struct writer header = {.to = to, .size = HEADER_SIZE};
    uint32_t structure = HEADER_SIZE + RESERVATIONS, strings;
    memset(to, 0, structure);
    w.used = structure;
    tree(&w, m, facts);
    strings = w.used;
    put_bytes(&w, w.strings, w.strings_used);
    if (w.used > size)
        return 0;
    const uint32_t fields[] = {
        MAGIC,   w.used,     structure, strings,        HEADER_SIZE,
        VERSION, COMPATIBLE, 0,         w.strings_used, strings - structure};
    for (unsigned i = 0; i < HEADER_SIZE / 4; i++)
        put_cell(&header, fields[i]);
    return w.used;
}
