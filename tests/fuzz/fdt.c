/*
 * Any bytes as a device tree: it is refused with a sentence, or every question
 * about every node has an answer that lies inside the bytes and agrees with
 * the other answers. Also asked of node numbers that name no node. Each input
 * is tried twice: as it is, and with a header whose sizes fit.
 */
/* sources: kernel/dev/fdt.c kernel/dev/fdt_query.c tests/host/lib/string.c */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dev/fdt.h"
#include "lib/bits.h"
#include "lib/errno.h"

#define MOST_NODES 64 /* asked about; some questions cost a walk each */

static const char *const properties[] = {
    "reg",         "ranges",  "compatible",  "status",    "#address-cells",
    "#size-cells", "phandle", "stdout-path", "interrupts"};

static const char *const paths[] = {
    "/",       "/chosen",     "/cpus/cpu", "/reserved-memory", "/soc/uart@1000",
    "serial0", "serial0:115", "//soc//",   "/memory@80000000"};

static void ask_property(const struct fdt *fdt, int node, const char *name)
{
    uint32_t length = 0, cell;
    uint64_t number;
    const uint8_t *value = fdt_property(fdt, node, name, &length);
    const char *string = fdt_string(fdt, node, name);

    if (value) {
        MUST(value >= fdt->blob && value <= fdt->blob + fdt->size);
        MUST(length <= (size_t)(fdt->blob + fdt->size - value));
    }
    if (string)
        MUST((const uint8_t *)string == value && strlen(string) < length);
    MUST(!fdt_cell(fdt, node, name, 0, &cell) == (value && length >= 4));
    MUST(!fdt_u32(fdt, node, name, &cell) == (value && length == 4));
    MUST(!fdt_u64(fdt, node, name, &number) ==
         (value && (length == 4 || length == 8)));
    fdt_cell(fdt, node, name, UINT32_MAX, &cell);
    fdt_string_list_contains(fdt, node, name, "okay");
}

static void ask_node(const struct fdt *fdt, int node)
{
    uint64_t address, size;

    for (unsigned i = 0; i < ARRAY_SIZE(properties); i++)
        ask_property(fdt, node, properties[i]);
    for (unsigned i = 0; i < 3; i++)
        fdt_reg(fdt, node, i, &address, &size);
    fdt_reg(fdt, node, UINT32_MAX, &address, &size);
    fdt_is_enabled(fdt, node);
    MUST(strlen(fdt_name(fdt, node)) < fdt->size);
}

static void ask_relations(const struct fdt *fdt, int node)
{
    int child = fdt_first_child(fdt, node);
    int sibling = fdt_next_sibling(fdt, node), parent = fdt_parent(fdt, node);

    MUST(child == -ENOENT || (child > node && fdt_parent(fdt, child) == node));
    MUST(sibling == -ENOENT ||
         (sibling > node && fdt_parent(fdt, sibling) == parent));
    MUST((parent == -ENOENT) == (node == fdt->root));
    MUST(child == -ENOENT || fdt_next(fdt, node) == child);
}

static void ask_tree(const struct fdt *fdt)
{
    uint64_t address, size;
    int node = fdt->root;

    for (unsigned i = 0; i < MOST_NODES && node >= 0; i++) {
        int next = fdt_next(fdt, node);

        ask_node(fdt, node);
        ask_relations(fdt, node);
        MUST(next == -ENOENT || next > node);
        node = next;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(paths); i++)
        fdt_find_path(fdt, paths[i]);
    fdt_find_compatible(fdt, -1, "ns16550a");
    for (unsigned i = 0; i < MOST_NODES; i++)
        if (fdt_reserved(fdt, i, &address, &size))
            break;
}

static void ask_blob(const uint8_t *blob, size_t size)
{
    struct fdt fdt;
    int error = fdt_open(&fdt, blob, size);

    MUST(error == 0 || error == -EUCLEAN);
    MUST(!error == !fdt.error);
    if (error)
        return;
    ask_tree(&fdt);
    for (int node = -2; node < 64; node++)
        ask_node(&fdt, node);
    ask_node(&fdt, INT32_MAX);
}

static uint32_t cell(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

static void put_cell(uint8_t *at, size_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Sizes in a header are hard to guess: make them such that the blob, and the
 * structure block in it, end where the bytes do. */
static void fit_header(uint8_t *blob, size_t size)
{
    put_cell(blob, 0xd00dfeed);
    put_cell(blob + 4, size);
    put_cell(blob + 20, 17);
    put_cell(blob + 24, 16);
    if (cell(blob + 8) <= size)
        put_cell(blob + 36, size - cell(blob + 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *blob;

    ask_blob(data, size);
    if (size < 40)
        return 0;
    blob = malloc(size);
    MUST(blob);
    memcpy(blob, data, size);
    fit_header(blob, size);
    ask_blob(blob, size);
    free(blob);
    return 0;
}
