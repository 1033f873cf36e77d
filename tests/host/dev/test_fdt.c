/*
 * The device tree reader: every question it answers, on a small tree; then
 * blobs that are damaged, by hand where a certain refusal is wanted and then
 * at random. A blob under test lies in memory of exactly its size, so that
 * AddressSanitizer sees a byte read too far, and a question that loops is
 * ended by an alarm.
 */
/* sources: kernel/dev/fdt.c kernel/dev/fdt_query.c tests/host/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/fdt.h"
#include "lib/errno.h"
#include "host/dev/fdt_blob.h"
#include "host/lib/seed.h"

#define BLOB_SIZE sizeof(fdt_blob)

static struct fdt fdt;

static int find(const char *path)
{
    return fdt_find_path(&fdt, path);
}

static int setup(void **state)
{
    (void)state;
    alarm(60);
    return fdt_open(&fdt, fdt_blob, BLOB_SIZE);
}

/* A copy of the tree to be damaged; free it. */
static uint8_t *copy_blob(void)
{
    uint8_t *blob = malloc(BLOB_SIZE);

    assert_non_null(blob);
    memcpy(blob, fdt_blob, BLOB_SIZE);
    return blob;
}

static void put_cell(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* ---- A sound tree ------------------------------------------------------- */

static void test_nodes(void **state)
{
    static const char *const order[] = {
        "",
        "aliases",
        "chosen",
        "memory@80000000",
        "reserved-memory",
        "dynamic",
        "fw@80000000",
        "cpus",
        "cpu@0",
        "cpu@7",
        "soc",
        "uart@1000",
        "far@80010",
        "lost@70000",
        "odd",
    };
    int node = fdt.root, child;
    size_t seen = 0;

    (void)state;
    for (; node >= 0; node = fdt_next(&fdt, node), seen++)
        assert_string_equal(fdt_name(&fdt, node), order[seen]);
    assert_int_equal(node, -ENOENT);
    assert_int_equal(seen, sizeof(order) / sizeof(*order));

    node = find("/cpus");
    child = fdt_first_child(&fdt, node);
    assert_string_equal(fdt_name(&fdt, child), "cpu@0");
    child = fdt_next_sibling(&fdt, child);
    assert_string_equal(fdt_name(&fdt, child), "cpu@7");
    assert_int_equal(fdt_parent(&fdt, child), node);
    assert_int_equal(fdt_parent(&fdt, node), fdt.root);
    assert_int_equal(fdt_parent(&fdt, fdt.root), -ENOENT);
    assert_int_equal(fdt_next_sibling(&fdt, child), -ENOENT);
    assert_int_equal(fdt_next_sibling(&fdt, fdt.root), -ENOENT);
    assert_int_equal(fdt_first_child(&fdt, child), -ENOENT);
    assert_string_equal(fdt_name(&fdt, fdt_next_sibling(&fdt, node)), "soc");
}

/* What is not a node is refused everywhere, and quietly. */
static void test_no_node(void **state)
{
    static const int none[] = {-1, -ENOENT, INT32_MIN, 1,
                               2,  4,       INT32_MAX, INT32_MAX - 3};
    uint64_t address, size;
    uint32_t length;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        assert_int_equal(fdt_next(&fdt, none[i]), -ENOENT);
        assert_int_equal(fdt_first_child(&fdt, none[i]), -ENOENT);
        assert_int_equal(fdt_next_sibling(&fdt, none[i]), -ENOENT);
        assert_int_equal(fdt_parent(&fdt, none[i]), -ENOENT);
        assert_string_equal(fdt_name(&fdt, none[i]), "");
        assert_null(fdt_property(&fdt, none[i], "reg", &length));
        assert_int_equal(fdt_reg(&fdt, none[i], 0, &address, &size), -ENOENT);
    }
}

static void test_paths(void **state)
{
    (void)state;
    assert_int_equal(find("/"), fdt.root);
    assert_true(find("/soc/uart@1000") > 0);
    assert_int_equal(find("/soc/uart"), find("/soc/uart@1000"));
    assert_int_equal(find("//soc/uart/"), find("/soc/uart@1000"));
    assert_int_equal(find("/soc/uart:9600"), find("/soc/uart@1000"));
    assert_int_equal(find("serial0"), find("/soc/uart@1000"));
    assert_int_equal(find("serial0:115200n8"), find("/soc/uart@1000"));
    assert_string_equal(fdt_name(&fdt, find("/cpus/cpu")), "cpu@0");
    assert_string_equal(fdt_name(&fdt, find("/cpus/cpu@7")), "cpu@7");
    assert_int_equal(find("/cpus/cpu@70"), -ENOENT);
    assert_int_equal(find("/cpus/cp"), -ENOENT);
    assert_int_equal(find("/so"), -ENOENT);
    assert_int_equal(find("/uart"), -ENOENT);
    assert_int_equal(find("serial1"), -ENOENT);
    assert_int_equal(find(""), -ENOENT);
    assert_int_equal(find("serial0/none"), -ENOENT);
    assert_int_equal(find("an-alias-that-is-much-longer-than-any"), -ENOENT);
}

static void test_find(void **state)
{
    int node = fdt_find_compatible(&fdt, -1, "ns16550a");

    (void)state;
    assert_int_equal(node, find("/soc/uart"));
    node = fdt_find_compatible(&fdt, node, "ns16550a");
    assert_int_equal(node, find("/soc/far"));
    assert_int_equal(fdt_find_compatible(&fdt, node, "ns16550a"), -ENOENT);
    assert_int_equal(fdt_find_compatible(&fdt, -1, "second"), fdt.root);
    assert_int_equal(fdt_find_compatible(&fdt, -1, "ns16550"), -ENOENT);
    assert_true(fdt_is_enabled(&fdt, find("/cpus/cpu@0")));
    assert_false(fdt_is_enabled(&fdt, find("/cpus/cpu@7")));
    assert_true(fdt_is_enabled(&fdt, find("/soc")));
}

static void test_properties(void **state)
{
    int memory = find("/memory"), chosen = find("/chosen");
    uint32_t length, cell;
    uint64_t value;

    (void)state;
    assert_non_null(fdt_property(&fdt, memory, "reg", &length));
    assert_int_equal(length, 32);
    assert_null(fdt_property(&fdt, memory, "re", &length));
    assert_null(fdt_property(&fdt, memory, "stdout-path", &length));
    assert_int_equal(fdt_cell(&fdt, memory, "reg", 3, &cell), 0);
    assert_int_equal(cell, 0x8000000);
    assert_int_equal(fdt_cell(&fdt, memory, "reg", 8, &cell), -ENOENT);
    assert_int_equal(fdt_cell(&fdt, memory, "reg", UINT32_MAX, &cell), -ENOENT);
    assert_int_equal(fdt_u32(&fdt, memory, "reg", &cell), -EINVAL);
    assert_int_equal(fdt_u32(&fdt, memory, "none", &cell), -ENOENT);
    assert_int_equal(fdt_u32(&fdt, fdt.root, "#size-cells", &cell), 0);
    assert_int_equal(cell, 2);
    assert_int_equal(fdt_u64(&fdt, chosen, "start", &value), 0);
    assert_int_equal(value, 0x84000000);
    assert_int_equal(fdt_u64(&fdt, memory, "reg", &value), -EINVAL);
    assert_int_equal(
        fdt_u64(&fdt, find("/reserved-memory/dynamic"), "size", &value), 0);
    assert_int_equal(value, 0x1000);
    assert_string_equal(fdt_string(&fdt, memory, "device_type"), "memory");
    assert_string_equal(fdt_string(&fdt, fdt.root, "compatible"), "calf,test");
    assert_null(fdt_string(&fdt, find("/soc/odd"), "none"));
    assert_null(fdt_string(&fdt, find("/reserved-memory"), "ranges"));
}

static void check_reg(const char *path, unsigned index, int result,
                      uint64_t address, uint64_t size)
{
    uint64_t got_address = 0, got_size = 0;

    assert_int_equal(fdt_reg(&fdt, find(path), index, &got_address, &got_size),
                     result);
    if (!result) {
        assert_int_equal(got_address, address);
        assert_int_equal(got_size, size);
    }
}

static void test_reg(void **state)
{
    (void)state;
    check_reg("/memory", 0, 0, 0x80000000, 0x8000000);
    check_reg("/memory", 1, 0, UINT64_C(1) << 32, 0x1000);
    check_reg("/memory", 2, -ENOENT, 0, 0);
    check_reg("/memory", UINT32_MAX, -ENOENT, 0, 0);
    check_reg("/cpus/cpu@7", 0, 0, 7, 0);
    check_reg("/reserved-memory/fw", 1, 0, 0x81000000, 0x1000);
    check_reg("/soc/uart", 0, 0, 0x10001000, 0x100);
    check_reg("/soc/far", 0, 0, UINT64_C(0x100000010), 0x10);
    check_reg("/soc/lost", 0, -ENODEV, 0, 0);
    check_reg("/soc/odd", 0, -EINVAL, 0, 0);
    check_reg("/chosen", 0, -ENOENT, 0, 0);
    check_reg("/", 0, -ENOENT, 0, 0);
}

/* Replaces the first cell of a property in a copy of the tree. */
static void replace(uint8_t *blob, const char *path, const char *name,
                    uint32_t value)
{
    uint32_t length;
    const uint8_t *at = fdt_property(&fdt, find(path), name, &length);

    assert_non_null(at);
    put_cell(blob + (at - fdt.blob), value);
}

static void test_widths(void **state)
{
    uint8_t *blob = copy_blob();

    (void)state;
    replace(blob, "/soc", "#address-cells", 3);
    replace(blob, "/soc", "#size-cells", 0);
    fdt.blob = blob;
    check_reg("/soc/odd", 0, -EOVERFLOW, 0, 0);
    check_reg("/soc/uart", 0, -EINVAL, 0, 0);
    replace(blob, "/soc/odd", "reg", 0);
    /* Its reg fits now; the bus's ranges, taken by threes, do not. */
    check_reg("/soc/odd", 0, -EOVERFLOW, 0, 0);
    replace(blob, "/soc", "#address-cells", 0);
    check_reg("/soc/odd", 0, -EINVAL, 0, 0);
    replace(blob, "/soc", "#size-cells", 5);
    check_reg("/soc/odd", 0, -EINVAL, 0, 0);
    /* In bytes, modulo 2^32, this is 12 again. */
    replace(blob, "/soc", "#size-cells", 1);
    replace(blob, "/soc", "#address-cells", 0x40000002);
    check_reg("/soc/odd", 0, -EINVAL, 0, 0);
    fdt.blob = fdt_blob;
    free(blob);
}

static void test_reserved(void **state)
{
    static const uint64_t expected[][2] = {
        {0x80000000, 0x20000}, {0x80000000, 0x40000}, {0x81000000, 0x1000}};
    uint64_t address, size;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(fdt_reserved(&fdt, i, &address, &size), 0);
        assert_int_equal(address, expected[i][0]);
        assert_int_equal(size, expected[i][1]);
    }
    assert_int_equal(fdt_reserved(&fdt, 3, &address, &size), -ENOENT);
}

/* ---- Damaged trees ------------------------------------------------------ */

/* Opens the tree with the cell at `offset` replaced. */
static void check_refused(uint32_t offset, uint32_t value, const char *because)
{
    uint8_t *blob = copy_blob();
    struct fdt damaged;

    put_cell(blob + offset, value);
    assert_int_equal(fdt_open(&damaged, blob, BLOB_SIZE), -EUCLEAN);
    assert_non_null(strstr(damaged.error, because));
    free(blob);
}

static void test_refusals(void **state)
{
    uint32_t last = fdt.structure + fdt.structure_size - 4;

    (void)state;
    check_refused(0, 0xd00dfeec, "magic");
    check_refused(4, BLOB_SIZE + 1, "larger than the place");
    check_refused(4, 39, "larger than the place");
    check_refused(8, BLOB_SIZE, "outside");
    check_refused(8, UINT32_MAX, "outside");
    check_refused(8, fdt.structure + 2, "outside");
    check_refused(12, BLOB_SIZE, "outside");
    check_refused(16, BLOB_SIZE - 8, "outside");
    check_refused(16, BLOB_SIZE - 16, "reservations");
    check_refused(20, 16, "version");
    check_refused(24, 18, "version");
    check_refused(32, UINT32_MAX, "outside");
    check_refused(32, 0, "breaks off");
    check_refused(36, UINT32_MAX, "outside");
    check_refused(36, 0, "breaks off");
    check_refused(36, fdt.structure_size - 4, "breaks off");
    check_refused(fdt.structure, 9, "ends too early");
    check_refused(fdt.structure, 5, "unknown");
    check_refused(fdt.structure, 4, "unknown");
    check_refused(last, 1, "breaks off");
    check_refused(last, 2, "did not begin");
    check_refused(last - 4, 4, "ends too early");
    check_refused(fdt.structure + 12, UINT32_MAX, "breaks off");
    check_refused(fdt.structure + 16, fdt.strings_size, "breaks off");
}

/* The smallest trees there are, and some that are just too small. */
static void check_structure(const uint32_t *cells, size_t count,
                            const char *because)
{
    size_t size = 56 + 4 * count;
    uint8_t *blob = calloc(1, size);
    /* The strings block is the last byte of the reservations: one \"\". */
    const uint32_t header[] = {
        0xd00dfeed, (uint32_t)size,       56, 55, 40, 17, 16, 0,
        1,          (uint32_t)(4 * count)};
    struct fdt tree;

    assert_non_null(blob);
    for (size_t i = 0; i < 10; i++)
        put_cell(blob + 4 * i, header[i]);
    for (size_t i = 0; i < count; i++)
        put_cell(blob + 56 + 4 * i, cells[i]);
    assert_int_equal(fdt_open(&tree, blob, size), because ? -EUCLEAN : 0);
    if (because)
        assert_non_null(strstr(tree.error, because));
    else
        assert_null(tree.error);
    free(blob);
}

static void test_structures(void **state)
{
    uint32_t deep[3 * FDT_DEPTH_LIMIT + 4];
    size_t count = 0;

    (void)state;
    check_structure((uint32_t[]){1, 0, 2, 9}, 4, NULL);
    check_structure((uint32_t[]){4, 1, 0, 4, 2, 4, 9}, 7, NULL);
    check_structure((uint32_t[]){1, 0, 1, 0x61000000, 2, 2, 9}, 7, NULL);
    check_structure((uint32_t[]){9}, 1, "too early");
    check_structure((uint32_t[]){1, 0, 2}, 3, "breaks off");
    check_structure((uint32_t[]){1, 0x61626364}, 2, "breaks off");
    check_structure((uint32_t[]){1, 0, 2, 1, 0, 2, 9}, 7, "two roots");
    check_structure((uint32_t[]){2, 9}, 2, "did not begin");
    check_structure((uint32_t[]){1, 0, 3}, 3, "breaks off");
    check_structure((uint32_t[]){1, 0, 3, 0, 0, 2, 9}, 7, NULL);
    check_structure((uint32_t[]){1, 0, 3, 0, 1, 2, 9}, 7, "breaks off");
    check_structure((uint32_t[]){3, 0, 0, 1, 0, 2, 9}, 7, "out of place");
    check_structure((uint32_t[]){1, 0, 1, 0, 2, 3, 0, 0, 2, 9}, 10,
                    "out of place");

    for (int i = 0; i < FDT_DEPTH_LIMIT + 1; i++) {
        deep[count++] = 1;
        deep[count++] = 0;
    }
    check_structure(deep, count, "nested");
    count -= 2;
    for (int i = 0; i < FDT_DEPTH_LIMIT; i++)
        deep[count++] = 2;
    deep[count++] = 9;
    check_structure(deep, count, NULL);
}

static void test_cut_short(void **state)
{
    (void)state;
    for (size_t size = 0; size < BLOB_SIZE; size++) {
        uint8_t *blob = malloc(size + !size);
        struct fdt damaged;

        memcpy(blob, fdt_blob, size);
        assert_int_equal(fdt_open(&damaged, blob, size), -EUCLEAN);
        if (size >= 40) {
            put_cell(blob + 4, (uint32_t)size);
            fdt_open(&damaged, blob, size);
        }
        free(blob);
    }
}

/* Asks everything of every node of a tree that may be nonsense. */
static void ask_everything(const struct fdt *tree)
{
    uint64_t address, size;
    uint32_t length, cell;
    int nodes = 0;

    for (int node = tree->root; node >= 0; node = fdt_next(tree, node)) {
        assert_true(++nodes < 1000);
        fdt_first_child(tree, node);
        fdt_next_sibling(tree, node);
        fdt_is_enabled(tree, node);
        fdt_string(tree, node, "compatible");
        fdt_u32(tree, node, "phandle", &cell);
        fdt_u64(tree, node, "start", &address);
        for (unsigned i = 0; i < 100; i++) {
            if (fdt_reg(tree, node, i, &address, &size))
                break;
        }
        if (fdt_property(tree, node, "reg", &length))
            assert_true(length < BLOB_SIZE);
    }
    fdt_find_compatible(tree, -1, "none");
    fdt_find_path(tree, "/soc/uart@1000");
    fdt_find_path(tree, "serial0");
    for (unsigned i = 0; i < 100; i++) {
        if (fdt_reserved(tree, i, &address, &size))
            break;
    }
}

static void test_random_damage(void **state)
{
    static const uint8_t edges[] = {0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff};
    int opened = 0, refused = 0;

    (void)state;
    srand(test_seed(1));
    for (int round = 0; round < 20000; round++) {
        uint8_t *blob = copy_blob();
        struct fdt tree;

        for (int hits = 1 + rand() % 4; hits; hits--) {
            uint8_t *at = blob + rand() % BLOB_SIZE;

            *at = rand() % 2 ? edges[rand() % sizeof(edges)] : (uint8_t)rand();
        }
        if (!fdt_open(&tree, blob, BLOB_SIZE)) {
            opened++;
            ask_everything(&tree);
        } else {
            refused++;
            assert_non_null(tree.error);
        }
        /* Damage after opening must not lead astray either. */
        tree = fdt;
        tree.blob = blob;
        ask_everything(&tree);
        free(blob);
    }
    assert_true(opened > 1000 && refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),      cmocka_unit_test(test_no_node),
        cmocka_unit_test(test_paths),      cmocka_unit_test(test_find),
        cmocka_unit_test(test_properties), cmocka_unit_test(test_reg),
        cmocka_unit_test(test_reserved),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_structures), cmocka_unit_test(test_widths),
        cmocka_unit_test(test_cut_short),  cmocka_unit_test(test_random_damage),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
