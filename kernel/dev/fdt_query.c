/*
 * Queries of the device tree that are made of simpler ones: finding a node, and
 * where in memory a device is. The blob is read through the checked functions
 * of fdt.c alone.
 *
 * An address in the tree belongs to the bus that its node is on. The bus says
 * how many 32-bit cells an address and a size take, and its `ranges` translate
 * its addresses to those of the bus above. The root has the processor's own.
 */
#include "dev/fdt.h"
#include "lib/errno.h"
#include "lib/string.h"

#define ALIAS_SIZE  32u /* of an alias with its NUL */
#define CELLS_LIMIT 4u  /* in an address or a size */

/* ---- Finding ------------------------------------------------------------ */

/* Whether a component of a path names this node. */
static bool name_matches(const char *name, const char *wanted)
{
    size_t length = strlen(wanted);

    return !strncmp(name, wanted, length) &&
           (!name[length] || (name[length] == '@' && !strchr(wanted, '@')));
}

static size_t component_length(const char *path)
{
    size_t length = 0;

    while (path[length] && path[length] != '/' && path[length] != ':')
        length++;
    return length;
}

/* Goes down from `node` along `path`, "" or "/..." . */
static int find_below(const struct fdt *fdt, int node, const char *path)
{
    while (*path == '/') {
        char wanted[64];
        size_t length = component_length(++path);

        if (!length)
            continue;
        if (length >= sizeof(wanted))
            return -ENOENT;
        memcpy(wanted, path, length);
        wanted[length] = '\0';
        path += length;
        node = fdt_first_child(fdt, node);
        while (node >= 0 && !name_matches(fdt_name(fdt, node), wanted))
            node = fdt_next_sibling(fdt, node);
    }
    return node;
}

int fdt_find_path(const struct fdt *fdt, const char *path)
{
    char alias[ALIAS_SIZE];
    size_t length = component_length(path);
    const char *target;
    int node;

    if (!length)
        return *path == '/' ? find_below(fdt, fdt->root, path) : -ENOENT;
    if (length >= sizeof(alias))
        return -ENOENT;
    memcpy(alias, path, length);
    alias[length] = '\0';
    node = find_below(fdt, fdt->root, "/aliases");
    target = fdt_string(fdt, node, alias);
    if (!target || *target != '/')
        return -ENOENT;
    return find_below(fdt, find_below(fdt, fdt->root, target), path + length);
}

int fdt_find_compatible(const struct fdt *fdt, int after,
                        const char *compatible)
{
    int node = after < 0 ? fdt->root : fdt_next(fdt, after);

    while (node >= 0 &&
           !fdt_string_list_contains(fdt, node, "compatible", compatible))
        node = fdt_next(fdt, node);
    return node;
}

/* ---- Addresses ---------------------------------------------------------- */

/* How many cells an address and a size on a bus take. */
struct widths {
    uint32_t address, size;
};

static int bus_widths(const struct fdt *fdt, int bus, struct widths *widths)
{
    int error;

    *widths = (struct widths){.address = 2, .size = 1};
    error = fdt_u32(fdt, bus, "#address-cells", &widths->address);
    if (!error || error == -ENOENT)
        error = fdt_u32(fdt, bus, "#size-cells", &widths->size);
    if (error && error != -ENOENT)
        return error;
    if (widths->address > CELLS_LIMIT || widths->size > CELLS_LIMIT)
        return -EINVAL;
    return 0;
}

/* Reads a number of `count` cells from cell `*index` on, and moves it on. */
static int read_number(const struct fdt *fdt, int node, const char *property,
                       unsigned *index, uint32_t count, uint64_t *value)
{
    *value = 0;
    for (; count; count--) {
        uint32_t cell;
        int error = fdt_cell(fdt, node, property, (*index)++, &cell);

        if (error)
            return error;
        if (*value >> 32)
            return -EOVERFLOW;
        *value = *value << 32 | cell;
    }
    return 0;
}

/*
 * Translates an address on `bus` to one on the bus above. 0; 1 if the bus has
 * no `ranges`, and the address is unchanged; or an error of fdt_reg.
 */
static int translate(const struct fdt *fdt, int bus, uint64_t *address)
{
    struct widths below, above;
    unsigned index = 0;
    uint32_t length;
    int error;

    if (!fdt_property(fdt, bus, "ranges", &length))
        return 1;
    if (!length)
        return 0;
    error = bus_widths(fdt, bus, &below);
    if (!error)
        error = bus_widths(fdt, fdt_parent(fdt, bus), &above);
    if (!error && !(below.address + above.address + below.size))
        error = -EINVAL;
    while (!error) {
        uint64_t from, to, size;

        error = read_number(fdt, bus, "ranges", &index, below.address, &from);
        if (!error)
            error = read_number(fdt, bus, "ranges", &index, above.address, &to);
        if (!error)
            error = read_number(fdt, bus, "ranges", &index, below.size, &size);
        if (!error && *address >= from && *address - from < size) {
            if (__builtin_add_overflow(to, *address - from, address))
                return -EOVERFLOW;
            return 0;
        }
    }
    return error == -ENOENT ? -ENODEV : error;
}

int fdt_reg(const struct fdt *fdt, int node, unsigned index, uint64_t *address,
            uint64_t *size)
{
    int bus = fdt_parent(fdt, node);
    struct widths widths;
    uint32_t length, entry;
    unsigned cell;
    int error;

    if (bus < 0 || !fdt_property(fdt, node, "reg", &length))
        return -ENOENT;
    error = bus_widths(fdt, bus, &widths);
    if (error)
        return error;
    entry = (widths.address + widths.size) * (uint32_t)sizeof(uint32_t);
    if (!entry || length % entry)
        return -EINVAL;
    if (index >= length / entry)
        return -ENOENT;
    cell = index * (widths.address + widths.size);
    error = read_number(fdt, node, "reg", &cell, widths.address, address);
    if (!error)
        error = read_number(fdt, node, "reg", &cell, widths.size, size);
    for (; !error && bus != fdt->root; bus = fdt_parent(fdt, bus))
        error = translate(fdt, bus, address);
    return error < 0 ? error : 0;
}

/* ---- Reserved memory ---------------------------------------------------- */

int fdt_reserved(const struct fdt *fdt, unsigned index, uint64_t *address,
                 uint64_t *size)
{
    unsigned seen = 0;
    int node;

    for (; !fdt_reservation(fdt, seen, address, size); seen++) {
        if (seen == index)
            return 0;
    }
    node = fdt_first_child(fdt, fdt_find_path(fdt, "/reserved-memory"));
    for (; node >= 0; node = fdt_next_sibling(fdt, node)) {
        unsigned entry = 0;

        for (; !fdt_reg(fdt, node, entry, address, size); entry++) {
            if (seen++ == index)
                return 0;
        }
    }
    return -ENOENT;
}
