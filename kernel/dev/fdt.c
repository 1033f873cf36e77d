/*
 * Reading the flattened device tree. The blob is a header, a list of memory
 * reservations, a stream of tokens (the structure block) and the names of the
 * properties (the strings block); all numbers are big-endian.
 *
 * Every walk is a sequence of calls of step_at, the only function that reads
 * the stream. It checks that what it returns lies inside the blob, and that the
 * next step begins further on. So every walk stays inside the blob, and ends.
 */
#include "dev/fdt.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MAGIC            0xd00dfeedu
#define VERSION          17u
#define HEADER_SIZE      40u
#define RESERVATION_SIZE 16u
#define CELL             4u

enum token {
    TOKEN_BEGIN = 1,
    TOKEN_END = 2,
    TOKEN_PROPERTY = 3,
    TOKEN_NOP = 4,
    TOKEN_FINISH = 9,
};

/* One token of the structure block and what belongs to it. */
struct step {
    uint32_t token;
    int at;           /* where it is: names a node, if it begins one */
    int next;         /* where the next one is */
    const char *name; /* of the node or property */
    const uint8_t *value;
    uint32_t length; /* of value */
};

static uint32_t cell_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

static uint64_t two_cells_at(const uint8_t *at)
{
    return (uint64_t)cell_at(at) << 32 | cell_at(at + CELL);
}

/* Whether a string that begins at `offset` of a block ends inside it. */
static bool string_ends(const uint8_t *block, uint32_t size, uint32_t offset)
{
    return offset < size &&
           strnlen((const char *)block + offset, size - offset) < size - offset;
}

/* The body of step_at for a property; `at` is just after its token. */
static bool step_property(const struct fdt *fdt, uint32_t at, struct step *step)
{
    const uint8_t *block = fdt->blob + fdt->structure;
    const uint8_t *strings = fdt->blob + fdt->strings;
    uint32_t name;

    if (fdt->structure_size - at < 2 * CELL)
        return false;
    step->length = cell_at(block + at);
    name = cell_at(block + at + CELL);
    at += 2 * CELL;
    if (step->length > fdt->structure_size - at ||
        !string_ends(strings, fdt->strings_size, name))
        return false;
    step->name = (const char *)strings + name;
    step->value = block + at;
    step->next = (int)align_up((uint64_t)at + step->length, CELL);
    return true;
}

/*
 * Reads the token at `offset`, or the next one if there is padding. False if
 * the token is unknown, or the block ends before it does.
 */
static bool step_at(const struct fdt *fdt, int offset, struct step *step)
{
    const uint8_t *block = fdt->blob + fdt->structure;
    uint32_t size = fdt->structure_size;
    uint32_t at = (uint32_t)offset;

    if (!is_aligned(at, CELL))
        return false;
    for (;; at += CELL) {
        if (at > size || size - at < CELL)
            return false;
        step->token = cell_at(block + at);
        if (step->token != TOKEN_NOP)
            break;
    }
    step->at = (int)at;
    at += CELL;
    step->next = (int)at;
    switch (step->token) {
    case TOKEN_BEGIN:
        if (!string_ends(block, size, at))
            return false;
        step->name = (const char *)block + at;
        step->next = (int)align_up(at + strlen(step->name) + 1, CELL);
        return true;
    case TOKEN_PROPERTY:
        return step_property(fdt, at, step);
    default:
        return step->token == TOKEN_END || step->token == TOKEN_FINISH;
    }
}

/* Reads the token that begins `node`. */
static bool step_into(const struct fdt *fdt, int node, struct step *step)
{
    return node >= 0 && step_at(fdt, node, step) && step->token == TOKEN_BEGIN;
}

/* Steps over what is left of a node's properties. */
static bool step_properties(const struct fdt *fdt, struct step *step)
{
    do {
        if (!step_at(fdt, step->next, step))
            return false;
    } while (step->token == TOKEN_PROPERTY);
    return true;
}

/* ---- Opening ------------------------------------------------------------ */

/* Walks the whole tree. NULL, or what is wrong with it. */
static const char *check_tree(struct fdt *fdt)
{
    struct step step = {.next = 0};
    bool after_child = false;
    unsigned depth = 0;

    fdt->root = -1;
    for (;;) {
        if (!step_at(fdt, step.next, &step))
            return "the device tree breaks off or holds an unknown token";
        switch (step.token) {
        case TOKEN_BEGIN:
            if (depth == 0 && fdt->root >= 0)
                return "the device tree has two roots";
            if (depth == FDT_DEPTH_LIMIT)
                return "the device tree is nested too deeply";
            if (depth++ == 0)
                fdt->root = step.at;
            after_child = false;
            break;
        case TOKEN_PROPERTY:
            if (depth == 0 || after_child)
                return "the device tree has a property out of place";
            break;
        case TOKEN_END:
            if (depth == 0)
                return "the device tree ends a node it did not begin";
            depth--;
            after_child = true;
            break;
        default:
            if (depth != 0 || fdt->root < 0)
                return "the device tree ends too early";
            return NULL;
        }
    }
}

/* Whether a pair of zeros, which ends the list, comes before the blob's end. */
static bool reservations_end(const struct fdt *fdt)
{
    uint32_t at = fdt->reservations;

    for (; fdt->size - at >= RESERVATION_SIZE; at += RESERVATION_SIZE) {
        const uint8_t *entry = fdt->blob + at;

        if (!two_cells_at(entry) && !two_cells_at(entry + 2 * CELL))
            return true;
    }
    return false;
}

static bool block_inside(const struct fdt *fdt, uint32_t at, uint32_t length)
{
    return at >= HEADER_SIZE && at <= fdt->size && length <= fdt->size - at;
}

/* Takes the header apart. NULL, or what is wrong with it. */
static const char *check_header(struct fdt *fdt, size_t limit)
{
    const uint8_t *blob = fdt->blob;

    if (limit < HEADER_SIZE)
        return "there is no room for a device tree's header";
    if (cell_at(blob) != MAGIC)
        return "there is no device tree (its magic number is missing)";
    fdt->size = cell_at(blob + 4);
    fdt->structure = cell_at(blob + 8);
    fdt->strings = cell_at(blob + 12);
    fdt->reservations = cell_at(blob + 16);
    fdt->strings_size = cell_at(blob + 32);
    fdt->structure_size = cell_at(blob + 36);
    if (cell_at(blob + 20) < VERSION || cell_at(blob + 24) > VERSION)
        return "the device tree is of a version other than 17";
    if (fdt->size > limit || fdt->size > INT32_MAX || fdt->size < HEADER_SIZE)
        return "the device tree is larger than the place it is in";
    if (!block_inside(fdt, fdt->structure, fdt->structure_size) ||
        !block_inside(fdt, fdt->strings, fdt->strings_size) ||
        !block_inside(fdt, fdt->reservations, RESERVATION_SIZE) ||
        !is_aligned(fdt->structure, CELL))
        return "a block of the device tree lies outside it";
    if (!reservations_end(fdt))
        return "the device tree's memory reservations do not end";
    return NULL;
}

int fdt_open(struct fdt *fdt, const void *blob, size_t limit)
{
    *fdt = (struct fdt){.blob = blob, .root = -1};
    fdt->error = check_header(fdt, limit);
    if (!fdt->error)
        fdt->error = check_tree(fdt);
    return fdt->error ? -EUCLEAN : 0;
}

int fdt_reservation(const struct fdt *fdt, unsigned index, uint64_t *address,
                    uint64_t *size)
{
    const uint8_t *entry = fdt->blob + fdt->reservations;
    uint32_t room = (fdt->size - fdt->reservations) / RESERVATION_SIZE;

    for (unsigned i = 0; i < room; i++, entry += RESERVATION_SIZE) {
        *address = two_cells_at(entry);
        *size = two_cells_at(entry + 2 * CELL);
        if (!*address && !*size)
            break;
        if (i == index)
            return 0;
    }
    return -ENOENT;
}

/* ---- Nodes -------------------------------------------------------------- */

int fdt_next(const struct fdt *fdt, int node)
{
    struct step step;

    if (!step_into(fdt, node, &step))
        return -ENOENT;
    do {
        if (!step_at(fdt, step.next, &step) || step.token == TOKEN_FINISH)
            return -ENOENT;
    } while (step.token != TOKEN_BEGIN);
    return step.at;
}

int fdt_first_child(const struct fdt *fdt, int node)
{
    struct step step;

    if (!step_into(fdt, node, &step) || !step_properties(fdt, &step) ||
        step.token != TOKEN_BEGIN)
        return -ENOENT;
    return step.at;
}

int fdt_next_sibling(const struct fdt *fdt, int node)
{
    struct step step;
    unsigned depth = 1;

    if (!step_into(fdt, node, &step))
        return -ENOENT;
    while (depth) {
        if (!step_at(fdt, step.next, &step) || step.token == TOKEN_FINISH)
            return -ENOENT;
        depth += step.token == TOKEN_BEGIN;
        depth -= step.token == TOKEN_END;
    }
    if (!step_at(fdt, step.next, &step) || step.token != TOKEN_BEGIN)
        return -ENOENT;
    return step.at;
}

int fdt_parent(const struct fdt *fdt, int node)
{
    int open[FDT_DEPTH_LIMIT];
    struct step step = {.next = 0};
    unsigned depth = 0;

    while (node >= 0 && step_at(fdt, step.next, &step) && step.at <= node) {
        if (step.token == TOKEN_BEGIN) {
            if (step.at == node)
                return depth ? open[depth - 1] : -ENOENT;
            if (depth == FDT_DEPTH_LIMIT)
                break;
            open[depth++] = step.at;
        } else if (step.token == TOKEN_END && depth) {
            depth--;
        }
    }
    return -ENOENT;
}

const char *fdt_name(const struct fdt *fdt, int node)
{
    struct step step;

    return step_into(fdt, node, &step) ? step.name : "";
}

/* ---- Properties --------------------------------------------------------- */

const void *fdt_property(const struct fdt *fdt, int node, const char *name,
                         uint32_t *length)
{
    struct step step;

    if (!step_into(fdt, node, &step))
        return NULL;
    while (step_at(fdt, step.next, &step) && step.token == TOKEN_PROPERTY) {
        if (!strcmp(step.name, name)) {
            *length = step.length;
            return step.value;
        }
    }
    return NULL;
}

int fdt_cell(const struct fdt *fdt, int node, const char *name, unsigned index,
             uint32_t *value)
{
    uint32_t length;
    const uint8_t *cells = fdt_property(fdt, node, name, &length);

    if (!cells || index >= length / CELL)
        return -ENOENT;
    *value = cell_at(cells + (size_t)index * CELL);
    return 0;
}

int fdt_u32(const struct fdt *fdt, int node, const char *name, uint32_t *value)
{
    uint32_t length;

    if (!fdt_property(fdt, node, name, &length))
        return -ENOENT;
    return length == CELL ? fdt_cell(fdt, node, name, 0, value) : -EINVAL;
}

int fdt_u64(const struct fdt *fdt, int node, const char *name, uint64_t *value)
{
    uint32_t length;
    const uint8_t *cells = fdt_property(fdt, node, name, &length);

    if (!cells)
        return -ENOENT;
    if (length != CELL && length != 2 * CELL)
        return -EINVAL;
    *value = length == CELL ? cell_at(cells) : two_cells_at(cells);
    return 0;
}

const char *fdt_string(const struct fdt *fdt, int node, const char *name)
{
    uint32_t length;
    const uint8_t *text = fdt_property(fdt, node, name, &length);

    return text && string_ends(text, length, 0) ? (const char *)text : NULL;
}

bool fdt_string_list_contains(const struct fdt *fdt, int node, const char *name,
                              const char *wanted)
{
    uint32_t length, at = 0;
    const uint8_t *text = fdt_property(fdt, node, name, &length);

    while (text && string_ends(text, length, at)) {
        const char *string = (const char *)text + at;

        if (!strcmp(string, wanted))
            return true;
        at += (uint32_t)strlen(string) + 1;
    }
    return false;
}

bool fdt_is_enabled(const struct fdt *fdt, int node)
{
    uint32_t length;

    return !fdt_property(fdt, node, "status", &length) ||
           fdt_string_list_contains(fdt, node, "status", "okay") ||
           fdt_string_list_contains(fdt, node, "status", "ok");
}
