/*
 * Running another program in place of this one.
 *
 * The new image is built in a space of its own. The thread enters the new
 * space, so that ordinary copies to user memory fill it; if something fails,
 * the thread goes back to the old space. Other tasks of the process run on in
 * the old one until the image is complete; then they are ended, and the old
 * space is put. Whole pages of the file are mapped, not copied.
 */
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/elf.h"
#include "proc/process.h"

static int map_part(struct space *space, uint64_t start, uint64_t end,
                    uint8_t prot, struct object *object, uint64_t offset)
{
    struct region region = {.start = start,
                            .end = end,
                            .prot = prot,
                            .use = REGION_IMAGE,
                            .object = object,
                            .offset = offset};
    return start < end ? space_map(space, &region) : 0;
}

static int copy_part(struct file *file, uint64_t offset, uint64_t va,
                     uint64_t length)
{
    struct cursor cursor = cursor_user(va, length);
    while (cursor.left) {
        ssize_t got =
            file_read_at(file, &cursor, offset + (length - cursor.left));
        if (got <= 0)
            return got ? got : -ENOEXEC;
    }
    return 0;
}

/* Map the whole pages of a segment that begin at a page boundary of the file.
 * The rest is anonymous memory, into which the file's bytes are read. */
static int load_segment(struct space *space, struct file *file,
                        const struct elf_segment *s)
{
    struct object *object = &file->inode->object;
    uint64_t end = align_up(s->va + s->memory, HAL_PAGE_SIZE);
    uint64_t mapped = align_down(s->file_size, HAL_PAGE_SIZE);
    if (!object->ops || !is_aligned(s->offset, HAL_PAGE_SIZE))
        mapped = 0;
    else if (s->memory == s->file_size && !(s->prot & PROT_WRITE))
        mapped = end - s->va; /* what follows in the last page is harmless */
    uint64_t rest = s->va + mapped;
    int error = map_part(space, s->va, rest, s->prot, object, s->offset);
    /* All pages at once, so that later changes of the file do not matter. */
    if (!error && mapped)
        error = space_populate(space, s->va, rest);
    if (!error)
        error = map_part(space, rest, end, s->prot | PROT_WRITE, NULL, 0);
    if (!error && mapped < s->file_size)
        error =
            copy_part(file, s->offset + mapped, rest, s->file_size - mapped);
    if (!error && rest < end && !(s->prot & PROT_WRITE))
        error = space_protect(space, rest, end, s->prot);
    return error;
}

static void take_name(struct process *self, const char *path)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (*p == '/' && p[1])
            name = p + 1;
    strlcpy(self->name, name, sizeof self->name);
}

/* The program of an exec; its space is being built. */
struct program {
    struct space *space;
    const struct abi *abi;
    const char *path;
    struct hal_frame frame; /* the registers it starts with */
    uint64_t heap;          /* where its break starts */
};

/* Build the image in the program's space, which the thread has entered. */
static int build(struct program *program, struct file *file,
                 const struct elf_image *image,
                 const struct exec_arguments *arguments)
{
    struct space *space = program->space;
    for (unsigned i = 0; i < image->count; i++) {
        int error = load_segment(space, file, &image->segments[i]);
        if (error)
            return error;
    }
    int error = program->abi->start(image, arguments, space, &program->frame,
                                    &program->heap);
    if (!error)
        hal_space_sync_code(&space->machine);
    return error;
}

/* End the other tasks and replace the program. 0, or -EINTR: another task ends
 * this one. */
static int become(struct process *self, const struct program *program)
{
    spin_lock(&process_lock);
    if (!task_end_others()) {
        spin_unlock(&process_lock);
        return -EINTR;
    }
    struct space *old = self->space;
    self->space = program->space;
    self->abi = program->abi;
    self->heap_end = program->heap;
    take_name(self, program->path);
    self->ender = NULL;
    spin_unlock(&process_lock);
    task_reap(self);
    space_put(old);
    hal_thread_drop_fpu();
    *hal_thread_frame(hal_self()) = program->frame;
    return 0;
}

static int exec_file(struct process *self, struct file *file, const char *path,
                     const struct exec_arguments *arguments)
{
    struct elf_image image;
    int error = elf_check(file, &image);
    if (error)
        return error;
    const struct abi *abi = process_find_abi(&image);
    if (!abi)
        return -ENOEXEC;
    struct space *space = space_create();
    if (!space)
        return -ENOMEM;
    struct program program = {.space = space, .abi = abi, .path = path};
    space_enter(space);
    error = build(&program, file, &image, arguments);
    if (!error)
        error = become(self, &program);
    if (error) {
        space_enter(self->space);
        space_put(space);
    }
    return error;
}

int process_exec(const char *path, const struct exec_arguments *arguments)
{
    struct process *self = process_current();
    struct file *file;
    int error = vfs_open(self->fs, NULL, path, OPEN_READ, &file);
    if (error)
        return error;
    error = exec_file(self, file, path, arguments);
    file_put(file);
    return error;
}
