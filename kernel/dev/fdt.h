/*
 * The flattened device tree: a description of the machine that the boot loader
 * gives as one block of bytes (Devicetree Specification v0.4, chapter 5).
 *
 * The reader works in place and allocates nothing, so it can be used as soon as
 * the MMU is on. It trusts nothing: fdt_open walks the whole tree once and
 * refuses a damaged one, and every later access makes the same checks. No blob
 * can make it loop or read outside its bytes.
 *
 * A node is named by its place in the blob, an offset of 0 or more. Functions
 * that find one return that or a negative errno: -ENOENT when there is none.
 * Given a negative node they return -ENOENT, so calls can be nested and only
 * the last result looked at. Strings and values returned point into the blob.
 */
#ifndef DEV_FDT_H
#define DEV_FDT_H

#include "lib/types.h"

#define FDT_DEPTH_LIMIT 32 /* nodes inside one another, at most */

struct fdt {
    const uint8_t *blob;
    uint32_t size; /* of the whole blob, as its header says */
    uint32_t structure, structure_size;
    uint32_t strings, strings_size;
    uint32_t reservations;
    int root;          /* the root node */
    const char *error; /* if fdt_open failed: why, a sentence for people */
};

/*
 * Looks at the blob at `blob`, of which at most `limit` bytes may be read.
 * 0, or -EUCLEAN with fdt->error set.
 */
int fdt_open(struct fdt *fdt, const void *blob, size_t limit);

/* The node after `node` in the order of the blob: children before siblings.
 * Starting at fdt->root this visits every node. */
int fdt_next(const struct fdt *fdt, int node);

/* A node's first child, its next sibling, its parent. */
int fdt_first_child(const struct fdt *fdt, int node);
int fdt_next_sibling(const struct fdt *fdt, int node);
int fdt_parent(const struct fdt *fdt, int node);

/* The node's name with its unit address, "cpu@0"; "" for the root. */
const char *fdt_name(const struct fdt *fdt, int node);

/*
 * The node at `path`. A component without "@" finds the first child of that
 * name, with any unit address. A path that does not begin with "/" begins
 * with an alias (a property of /aliases). The path ends at a NUL or a ":", so
 * that the value of stdout-path can be given as it is.
 */
int fdt_find_path(const struct fdt *fdt, const char *path);

/* The first node after `after` (-1: the first of all) that is `compatible`. */
int fdt_find_compatible(const struct fdt *fdt, int after,
                        const char *compatible);

/* Whether the node may be used: its status is "okay", or it has none. */
bool fdt_is_enabled(const struct fdt *fdt, int node);

/* The property's value, `*length` bytes (not aligned), or NULL if absent. */
const void *fdt_property(const struct fdt *fdt, int node, const char *name,
                         uint32_t *length);

/*
 * fdt_cell reads the 32-bit cell `index` of a property, fdt_u32 and fdt_u64 a
 * property of exactly one or two cells. 0; -ENOENT if there is no such property
 * or cell; -EINVAL if its length is wrong.
 */
int fdt_cell(const struct fdt *fdt, int node, const char *name, unsigned index,
             uint32_t *value);
int fdt_u32(const struct fdt *fdt, int node, const char *name, uint32_t *value);
int fdt_u64(const struct fdt *fdt, int node, const char *name, uint64_t *value);

/* The property as a string (the first, of a list), or NULL if it is none. */
const char *fdt_string(const struct fdt *fdt, int node, const char *name);

/* Whether `wanted` is one of the strings in the property. */
bool fdt_string_list_contains(const struct fdt *fdt, int node, const char *name,
                              const char *wanted);

/*
 * Entry `index` of the node's reg, as the processor sees it: the parent has the
 * cell counts, and each `ranges` on the way to the root translates the address.
 * If a bus has no `ranges`, the result is an address on that bus (a hart's
 * number is one). `size` is 0 if the bus has no sizes.
 * 0; -ENOENT if there is no such entry; -EINVAL if reg or a cell count makes
 * no sense; -EOVERFLOW if a number needs more than 64 bits; -ENODEV if a
 * bus on the way does not show this address to the processor.
 */
int fdt_reg(const struct fdt *fdt, int node, unsigned index, uint64_t *address,
            uint64_t *size);

/* Entry `index` of the header's list of reserved memory; -ENOENT after the
 * last. For fdt_reserved, which has all reserved memory. */
int fdt_reservation(const struct fdt *fdt, unsigned index, uint64_t *address,
                    uint64_t *size);

/*
 * Reserved memory, by `index` from 0 on: the header's list first, then each reg
 * of the children of /reserved-memory. -ENOENT after the last. A child without
 * a usable reg reserves no fixed range and is left out. The range may be
 * outside RAM, and need not be of whole pages.
 */
int fdt_reserved(const struct fdt *fdt, unsigned index, uint64_t *address,
                 uint64_t *size);

#endif
