/*
 * The naive model of processes' memory. See model.h.
 */
/* sources: tests/host/mm/hal.c */
#include "host/mm/model.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/pt.h"
#include "mm/uaccess.h"

#define GIB         (1ul << 30)
#define MIB         (1ul << 20)
#define HALF_WINDOW (WINDOW_PAGES / 2 * HAL_PAGE_SIZE)

struct process processes[PROCESSES];
bool model_low;
unsigned model_next;
int model_file_users;

static uint64_t addresses[CELLS + 1];
static bool is_page[CELLS];
static struct page *file_pages[FILE_PAGES];
static uint8_t file_bytes[FILE_PAGES][HAL_PAGE_SIZE];

/* ---- What was done --------------------------------------------------------
 */

#define LINES 24
static char lines[LINES][128];
static unsigned lines_told;

void model_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lines[lines_told++ % LINES], sizeof lines[0], format, arguments);
    va_end(arguments);
}

static void tell_lines(void)
{
    unsigned from = lines_told > LINES ? lines_told - LINES : 0;
    for (; from < lines_told; from++)
        fprintf(stderr, "    %s\n", lines[from % LINES]);
}

/* ---- The file --------------------------------------------------------------
 */

/* Every second page has to be waited for, unless the hart has just done so, and
 * then somebody else may come between. */
static bool is_here[MM_HARTS];

static int file_fetch(struct object *object, uint64_t index)
{
    (void)object;
    (void)index;
    if (mm_locks_a_space())
        mm_fail("a page of a file is waited for with a space locked");
    machine_between();
    is_here[hal_self()->hart] = true;
    return 0;
}

static int file_page(struct object *object, uint64_t index, struct page **out)
{
    bool *here = &is_here[hal_self()->hart];
    (void)object;
    if (index >= FILE_PAGES)
        return -ENXIO;
    if (page_should_fail())
        return -ENOMEM;
    if (index % 2 && !*here)
        return -EAGAIN;
    *here = false;
    page_get(file_pages[index]);
    *out = file_pages[index];
    return 0;
}

static void file_get(struct object *object)
{
    (void)object;
    model_file_users++;
}

static void file_put(struct object *object)
{
    (void)object;
    model_file_users--;
}

static void file_name(struct object *object, char *buffer, size_t size)
{
    (void)object;
    snprintf(buffer, size, "file");
}

static const struct object_ops file_ops = {.page = file_page,
                                           .fetch = file_fetch,
                                           .get = file_get,
                                           .put = file_put,
                                           .name = file_name};
struct object model_file = {.ops = &file_ops};

static void make_file(void)
{
    for (int i = 0; i < FILE_PAGES; i++) {
        file_pages[i] = page_alloc(PAGE_CACHE);
        for (unsigned j = 0; j < HAL_PAGE_SIZE; j++)
            file_bytes[i][j] = i * 37 + j * 11 + 1;
        memcpy(page_data(file_pages[i]), file_bytes[i], HAL_PAGE_SIZE);
    }
}

/* ---- Cells -----------------------------------------------------------------
 */

static void make_cells(void)
{
    const uint64_t middles[WINDOWS] = {HALF_WINDOW,
                                       2 * MIB,
                                       GIB,
                                       5 * GIB + 37 * 2 * MIB,
                                       5 * GIB + 38 * 2 * MIB,
                                       HAL_USER_TOP - HALF_WINDOW};
    unsigned at = 0;
    for (unsigned w = 0; w < WINDOWS; w++) {
        uint64_t start = middles[w] - HALF_WINDOW;
        if (at) {
            addresses[at] = addresses[at - 1] + HAL_PAGE_SIZE;
            at++;
        }
        for (unsigned i = 0; i < WINDOW_PAGES; i++) {
            is_page[at] = true;
            addresses[at++] = start + i * HAL_PAGE_SIZE;
        }
    }
    addresses[CELLS] = HAL_USER_TOP;
}

void model_init(uint64_t bytes)
{
    mm_boot(bytes);
    mm_set_epitaph(tell_lines);
    make_cells();
    make_file();
}

uint64_t model_address(unsigned index)
{
    return addresses[index];
}

bool model_is_page(unsigned index)
{
    return is_page[index];
}

unsigned model_window(unsigned window)
{
    return window * (WINDOW_PAGES + 1);
}

static unsigned index_of(uint64_t va)
{
    unsigned i = 0;
    while (va >= addresses[i + 1])
        i++;
    return i;
}

static struct cell *cell_at(struct process *p, uint64_t va)
{
    return va < HAL_USER_TOP ? &p->cells[index_of(va)] : NULL;
}

uint8_t model_byte(const struct process *p, uint64_t va)
{
    return p->cells[index_of(va)].bytes[va % HAL_PAGE_SIZE];
}

/* What a page shows before anybody wrote to it. */
static const uint8_t *original(const struct cell *cell)
{
    static const uint8_t zeros[HAL_PAGE_SIZE];
    return cell->file < 0 ? zeros : file_bytes[cell->file];
}

static void set_cell(struct cell *cell, unsigned index, uint8_t prot, int file)
{
    cell->prot = prot;
    cell->file = file;
    cell->beyond = file >= FILE_PAGES;
    if (is_page[index] && !cell->beyond)
        memcpy(cell->bytes, original(cell), HAL_PAGE_SIZE);
}

/* Whether a touch is refused, and how. */
static enum fault expected(struct process *p, uint64_t va, enum access access)
{
    const uint8_t bit[] = {[ACCESS_READ] = PROT_READ,
                           [ACCESS_WRITE] = PROT_WRITE,
                           [ACCESS_EXECUTE] = PROT_EXECUTE};
    const struct cell *cell = cell_at(p, va);
    if (!cell || !(cell->prot & bit[access]))
        return FAULT_SEGV;
    return cell->beyond ? FAULT_BUS : FAULT_SPURIOUS;
}

/* ---- Operations ------------------------------------------------------------
 */

static bool failed_one;

static void begin(struct process *p, uint32_t nth)
{
    if (p) {
        p->busy = true;
        if (space_current() != p->space)
            space_enter(p->space);
    }
    page_fail_after(nth);
}

/* Whether the operation may say that there was no memory. */
static bool end(struct process *p, uint32_t nth)
{
    uint32_t left = thread_current()->fail_after;
    failed_one = nth && (left == 0 || left > nth);
    page_fail_after(0);
    if (p)
        p->busy = false;
    return failed_one || model_low;
}

bool model_failed_one(void)
{
    return failed_one;
}

static int judge(struct process *p, int got, int wanted, uint32_t nth)
{
    bool may = end(p, nth);
    if (got != wanted && !(may && got == -ENOMEM))
        mm_fail("result %d, but should be %d", got, wanted);
    return got;
}

static bool is_free(const struct process *p)
{
    return !p->space && !p->busy;
}

static struct process *slot(void)
{
    unsigned at = model_next % PROCESSES;
    model_next = 0;
    for (int i = 0; i < PROCESSES; i++, at = (at + 1) % PROCESSES)
        if (is_free(&processes[at]))
            return &processes[at];
    return NULL;
}

static struct process *born(struct process *p, struct space *space,
                            uint32_t nth)
{
    bool may = end(p, nth);
    if (!space && !may)
        mm_fail("no space, though there is memory");
    p->space = space;
    return space ? p : NULL;
}

struct process *model_create(uint32_t nth)
{
    struct process *p = slot();
    if (!p)
        return NULL;
    p->busy = true;
    begin(NULL, nth);
    struct space *space = space_create();
    memset(p->cells, 0, sizeof p->cells);
    return born(p, space, nth);
}

struct process *model_fork(struct process *parent, uint64_t write,
                           uint64_t execute, uint32_t nth)
{
    struct process *p = slot();
    if (!p)
        return NULL;
    p->busy = true;
    begin(parent, nth);
    struct space *space = space_fork(parent->space, write, execute);
    for (unsigned i = 0; space && i < CELLS; i++) {
        struct cell *to = &p->cells[i], *from = &parent->cells[i];
        to->prot = from->prot;
        to->file = from->file;
        to->beyond = from->beyond;
        if (is_page[i] && from->prot)
            memcpy(to->bytes, from->bytes, HAL_PAGE_SIZE);
    }
    parent->busy = false;
    return born(p, space, nth);
}

void model_exit(struct process *p)
{
    struct space *space = p->space;
    p->busy = true;
    p->space = NULL;
    mm_leave(space);
    space_destroy(space);
    p->busy = false;
}

static bool any_mapped(struct process *p, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        if (p->cells[i].prot)
            return true;
    return false;
}

static bool all_mapped(struct process *p, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        if (!p->cells[i].prot)
            return false;
    return true;
}

static int map_with(int (*map)(struct space *, const struct region *),
                    struct process *p, unsigned first, unsigned end,
                    uint8_t prot, int file, uint32_t nth)
{
    uint64_t start = addresses[first];
    struct region region = {.start = start,
                            .end = addresses[end],
                            .prot = prot,
                            .use = REGION_MAPPING,
                            .object = file < 0 ? NULL : &model_file,
                            .offset = file < 0 ? 0 : file * HAL_PAGE_SIZE};
    begin(p, nth);
    int got = map(p->space, &region);
    int wanted = any_mapped(p, first, end) ? -EEXIST : 0;
    if (judge(p, got, wanted, nth) == 0)
        for (unsigned i = first; i < end; i++) {
            uint64_t page = (addresses[i] - start) / HAL_PAGE_SIZE;
            page = MIN(page, (uint64_t)FILE_PAGES);
            set_cell(&p->cells[i], i, prot, file < 0 ? -1 : file + (int)page);
        }
    return got;
}

int model_map(struct process *p, unsigned first, unsigned end, uint8_t prot,
              int file, uint32_t nth)
{
    return map_with(space_map, p, first, end, prot, file, nth);
}

int model_map_now(struct process *p, unsigned first, unsigned end, uint8_t prot,
                  int file, uint32_t nth)
{
    return map_with(space_map_now, p, first, end, prot, file, nth);
}

int model_unmap(struct process *p, unsigned first, unsigned end, uint32_t nth)
{
    begin(p, nth);
    int got = space_unmap(p->space, addresses[first], addresses[end]);
    if (judge(p, got, 0, nth) == 0)
        for (unsigned i = first; i < end; i++)
            p->cells[i].prot = 0;
    return got;
}

int model_protect(struct process *p, unsigned first, unsigned end, uint8_t prot,
                  uint32_t nth)
{
    begin(p, nth);
    int got = space_protect(p->space, addresses[first], addresses[end], prot);
    int wanted =
        !(prot & PROT_READ) || !all_mapped(p, first, end) ? -EINVAL : 0;
    if (judge(p, got, wanted, nth) == 0)
        for (unsigned i = first; i < end; i++)
            p->cells[i].prot = prot;
    return got;
}

int model_populate(struct process *p, unsigned first, unsigned end,
                   uint32_t nth)
{
    begin(p, nth);
    int got = space_populate(p->space, addresses[first], addresses[end]);
    return judge(p, got, 0, nth);
}

/* One page's part of a touch. */
static enum fault touch(struct process *p, uint64_t va, uint8_t *data,
                        size_t length, enum access access, uint32_t nth)
{
    enum fault wanted = expected(p, va, access);
    begin(p, nth);
    enum fault got = mm_touch(va, data, length, access, NULL);
    bool may = end(p, nth);
    if (got != wanted && !(may && got == FAULT_NOMEM))
        mm_fail("touch %d of %lx: fault %d, but should be %d", access, va, got,
                wanted);
    return got;
}

static void compare(struct process *p, uint64_t va, const uint8_t *data,
                    size_t length)
{
    const struct cell *cell = cell_at(p, va);
    const uint8_t *should = cell->bytes + va % HAL_PAGE_SIZE;
    if (!memcmp(data, should, length))
        return;
    for (size_t i = 0; i < length; i++)
        if (data[i] != should[i])
            mm_fail("process %d reads %02x at %lx, but should %02x",
                    (int)(p - processes), data[i], va + i, should[i]);
}

static size_t part_of(uint64_t va, size_t left)
{
    return MIN(left, HAL_PAGE_SIZE - va % HAL_PAGE_SIZE);
}

enum fault model_read(struct process *p, uint64_t va, size_t length,
                      uint32_t nth)
{
    uint8_t data[HAL_PAGE_SIZE];
    for (size_t part; length; va += part, length -= part) {
        part = part_of(va, length);
        enum fault fault = touch(p, va, data, part, ACCESS_READ, nth);
        if (fault != FAULT_SPURIOUS)
            return fault;
        compare(p, va, data, part);
    }
    return FAULT_SPURIOUS;
}

static void pattern(uint8_t *data, size_t length, uint8_t fill)
{
    for (size_t i = 0; i < length; i++)
        data[i] = fill + i;
}

/* The program, having stored what may be an instruction, says so. */
static void wrote(struct process *p, uint64_t va, const uint8_t *data,
                  size_t length)
{
    memcpy(cell_at(p, va)->bytes + va % HAL_PAGE_SIZE, data, length);
    if (va % HAL_PAGE_SIZE == 0)
        mm_fence_code();
}

enum fault model_write(struct process *p, uint64_t va, size_t length,
                       uint8_t fill, uint32_t nth)
{
    uint8_t data[HAL_PAGE_SIZE];
    for (size_t part; length; va += part, length -= part) {
        part = part_of(va, length);
        pattern(data, part, fill);
        enum fault fault = touch(p, va, data, part, ACCESS_WRITE, nth);
        if (fault != FAULT_SPURIOUS)
            return fault;
        wrote(p, va, data, part);
    }
    return FAULT_SPURIOUS;
}

enum fault model_fetch(struct process *p, uint64_t va, uint32_t nth)
{
    uint8_t byte;
    enum fault fault = touch(p, va, &byte, 1, ACCESS_EXECUTE, nth);
    if (fault == FAULT_SPURIOUS)
        compare(p, va, &byte, 1);
    return fault;
}

/* 0, or -EFAULT when some page of the range refuses. */
static int copy_wanted(struct process *p, uint64_t va, size_t length,
                       enum access access)
{
    for (size_t part; length; va += part, length -= part) {
        part = part_of(va, length);
        if (expected(p, va, access) != FAULT_SPURIOUS)
            return -EFAULT;
    }
    return 0;
}

int model_copy_in(struct process *p, uint64_t va, size_t length)
{
    uint8_t data[WINDOW_PAGES * HAL_PAGE_SIZE];
    int wanted = copy_wanted(p, va, length, ACCESS_READ);
    begin(p, 0);
    int got = user_read(data, va, length);
    bool may = end(p, 0);
    if (got != wanted && !(may && got == -EFAULT))
        mm_fail("user_read of %lx+%lx: %d", va, length, got);
    const uint8_t *at = data;
    for (size_t part; !got && length; va += part, length -= part, at += part) {
        part = part_of(va, length);
        compare(p, va, at, part);
    }
    return got;
}

int model_copy_out(struct process *p, uint64_t va, size_t length, uint8_t fill)
{
    uint8_t data[WINDOW_PAGES * HAL_PAGE_SIZE];
    int wanted = copy_wanted(p, va, length, ACCESS_WRITE);
    /* What a failed copy has done is not said, so let it fail at once. */
    if (wanted || model_low)
        length = part_of(va, length);
    wanted = copy_wanted(p, va, length, ACCESS_WRITE);
    pattern(data, length, fill);
    p->unsure = true;
    begin(p, 0);
    int got = user_write(va, (const char *)data, length);
    bool may = end(p, 0);
    p->unsure = false;
    if (got != wanted && !(may && got == -EFAULT))
        mm_fail("user_write of %lx+%lx: %d", va, length, got);
    const uint8_t *at = data;
    for (size_t part; !got && length; va += part, length -= part, at += part) {
        part = part_of(va, length);
        wrote(p, va, at, part);
    }
    return got;
}

/* ---- Comparing all ---------------------------------------------------------
 */

static void check_cell(struct process *p, unsigned i)
{
    const struct cell *cell = &p->cells[i];
    const uint8_t *data = mm_peek(p->space, addresses[i]);
    if (data && (!cell->prot || cell->beyond))
        mm_fail("process %d has a page at %lx, but should not",
                (int)(p - processes), addresses[i]);
    if (!cell->prot || cell->beyond)
        return;
    compare(p, addresses[i], data ? data : original(cell), HAL_PAGE_SIZE);
}

void model_check_all(void)
{
    for (struct process *p = processes; p < processes + PROCESSES; p++)
        for (unsigned i = 0; p->space && i < CELLS; i++)
            if (is_page[i])
                check_cell(p, i);
    for (int i = 0; i < FILE_PAGES; i++)
        if (memcmp(page_data(file_pages[i]), file_bytes[i], HAL_PAGE_SIZE))
            mm_fail("page %d of the file has changed", i);
    static const uint8_t zeros[HAL_PAGE_SIZE];
    if (memcmp(page_data(pt_zero_page), zeros, HAL_PAGE_SIZE))
        mm_fail("the zero page is not zero");
    if (mm_stale_entries())
        mm_fail("stale translations");
    if (mm_audit())
        mm_fail("the audit found differences");
}
