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

static const struct abi *abis[4];

void process_add_abi(const struct abi *abi)
{
    unsigned i = 0;
    while (abis[i])
        i++;
    abis[i] = abi;
}

static const struct abi *find_abi(const struct elf_image *image)
{
    for (unsigned i = 0; i < ARRAY_SIZE(abis) && abis[i]; i++)
        if (abis[i]->accepts(image))
            return abis[i];
    return NULL;
}

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
        error = elf_read(file, s->offset + mapped,
                         cursor_user(rest, s->file_size - mapped));
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
    const char *path;
    const struct exec_arguments *arguments;
    struct elf_image image;
    const struct abi *abi;
    struct space *space;
    struct hal_frame frame; /* the registers it starts with */
    uint64_t heap;          /* where its break starts */
};

/* Build the image in the program's space, which the thread has entered. */
static int build(struct program *program, struct file *file)
{
    const struct elf_image *image = &program->image;
    struct space *space = program->space;
    int error = 0;
    for (unsigned i = 0; i < image->count && !error; i++)
        error = load_segment(space, file, &image->segments[i]);
    if (!error)
        error = program->abi->start(image, program->arguments, space,
                                    &program->frame, &program->heap);
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

static int exec_file(struct process *self, struct file *file,
                     struct program *program)
{
    int error = elf_check(file, &program->image);
    if (error)
        return error;
    program->abi = find_abi(&program->image);
    if (!program->abi)
        return -ENOEXEC;
    program->space = space_create();
    if (!program->space)
        return -ENOMEM;
    space_enter(program->space);
    error = build(program, file);
    if (!error)
        error = become(self, program);
    if (error) {
        space_enter(self->space);
        space_put(program->space);
    }
    return error;
}

int process_exec(const char *path, const struct exec_arguments *arguments)
{
    struct process *self = process_current();
    struct program program = {.path = path, .arguments = arguments};
    struct file *file;
    int error = vfs_open(self->fs, NULL, path, OPEN_READ, &file);
    if (error)
        return error;
    error = exec_file(self, file, &program);
    file_put(file);
    return error;
}
