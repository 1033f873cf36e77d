/*
 * The xv6 ABI: which programs it accepts, how they start, how they call.
 *
 * A program is linked at 0. After its image come a guard page, one page of
 * stack, and the heap. The number of a call is in a7. The handlers (rows of
 * xv6.tbl and calf.tbl, in process.c and file.c) only translate.
 */
#include "abi/xv6/xv6.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/oom.h"
#include "mm/uaccess.h"
#include "proc/elf.h"

static bool accepts(const struct elf_image *image)
{
    return image->segments[0].va == 0;
}

/* Put `size` bytes on the stack, the page from `low` on, below *sp. */
static int push(uint64_t *sp, uint64_t low, const char *bytes, size_t size)
{
    if (size > *sp - low)
        return -E2BIG;
    *sp = align_down(*sp - size, 16); /* as is `low` */
    return user_write(*sp, bytes, size) ? -ENOMEM : 0;
}

/* Put the arguments on the stack, and an array that points at them. */
static int push_arguments(uint64_t *sp, uint64_t low,
                          const struct exec_arguments *arguments)
{
    uint64_t pointers[XV6_ARGUMENTS];
    const char *string = arguments->strings;
    int error = arguments->count < XV6_ARGUMENTS ? 0 : -E2BIG;
    for (unsigned i = 0; !error && i < arguments->count; i++) {
        size_t size = strlen(string) + 1;
        error = push(sp, low, string, size);
        pointers[i] = *sp;
        string += size;
    }
    if (error)
        return error;
    pointers[arguments->count] = 0;
    return push(sp, low, user_bytes(pointers),
                (arguments->count + 1) * sizeof(uint64_t));
}

static int start(const struct elf_image *image,
                 const struct exec_arguments *arguments, struct space *space,
                 struct hal_frame *frame, uint64_t *heap)
{
    uint64_t low = align_up(elf_end(image), HAL_PAGE_SIZE) + HAL_PAGE_SIZE;
    uint64_t top = low + HAL_PAGE_SIZE, sp = top;
    struct region stack = {.start = low,
                           .end = top,
                           .prot = PROT_READ | PROT_WRITE,
                           .use = REGION_STACK};
    if (top > XV6_TOP)
        return -ENOEXEC;
    int error = space_map(space, &stack);
    if (!error)
        error = push_arguments(&sp, low, arguments);
    if (error)
        return error;
    hal_frame_start(frame, image->entry, sp, arguments->count, sp);
    *heap = top;
    return 0;
}

typedef int64_t (*handler_t)(struct process *, struct hal_frame *);

static const handler_t handlers[] = {
#define SYS(number, name, arguments) [number] = xv6_##name,
#include "abi/xv6/xv6.tbl"
#include "abi/xv6/calf.tbl"
#undef SYS
};

/* A call that failed for want of memory has changed nothing (oom.h). */
static __attribute__((noinline)) int64_t
handle_again(handler_t handler, struct process *self, struct hal_frame *frame)
{
    unsigned tries = 0;
    int64_t result = -ENOMEM;
    while (result == -ENOMEM && oom_retry(&tries, 1))
        result = handler(self, frame);
    return result;
}

static void call(struct process *self, struct hal_frame *frame)
{
    uint32_t number = hal_frame_syscall(frame); /* an int, to programs */
    int64_t result = -1;
    oom_begin();
    if (number < ARRAY_SIZE(handlers) && handlers[number])
        result = handlers[number](self, frame);
    else
        process_report("calf: pid %d (%s): unknown system call %d\n", self->pid,
                       self->name, (int)number);
    if (result == -ENOMEM)
        result = handle_again(handlers[number], self, frame);
    hal_frame_set_result(frame, result < 0 ? -1 : result);
}

/* Truncate each name of a path to what an xv6 directory can hold. */
static void truncate_names(char *path)
{
    char *to = path;
    size_t length = 0;
    for (const char *from = path; *from; from++) {
        length = *from == '/' ? 0 : length + 1;
        if (length <= XV6_NAME)
            *to++ = *from;
    }
    *to = '\0';
}

int call_path(const struct hal_frame *frame, int i, char path[XV6_PATH])
{
    int length = user_read_string(path, call_address(frame, i), XV6_PATH);
    if (length < 0)
        return length;
    truncate_names(path);
    if (!*path)
        strlcpy(path, ".", XV6_PATH);
    return 0;
}

const struct abi xv6_abi = {.name = "xv6",
                            .top = XV6_TOP,
                            .accepts = accepts,
                            .start = start,
                            .syscall = call};
