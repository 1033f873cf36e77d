/*
 * Making processes.
 *
 * fork prepares everything that can fail, then commits what cannot: the child
 * is nowhere to be seen until it is complete. Memory is one call, space_fork,
 * whatever its size.
 */
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "proc/process.h"

static void enter_user(void *unused)
{
    (void)unused;
    hal_enter_user();
}

int process_fork(void)
{
    struct process *parent = process_current();
    struct process *child = process_alloc();
    if (!child)
        return -ENOMEM;
    const struct hal_frame *frame = hal_thread_frame(hal_self());
    child->space =
        space_fork(parent->space, hal_frame_sp(frame), hal_frame_pc(frame));
    if (!child->space)
        goto no_space;
    if (file_table_copy(&child->files, &parent->files))
        goto no_files;

    fs_context_copy(&child->fs, &parent->fs);
    child->abi = parent->abi;
    child->heap_end = parent->heap_end;
    memcpy(child->name, parent->name, sizeof child->name);
    struct thread *thread = &child->thread;
    thread_init(thread, child->name, child->stack->low, enter_user, NULL);
    thread->space = &child->space->machine;
    struct hal_frame *start = hal_thread_frame(&thread->machine);
    *start = *frame;
    hal_frame_set_result(start, 0);
    hal_thread_copy_fpu(&thread->machine);
    process_insert(child, parent);
    int32_t pid = child->pid;
    thread_run(thread);
    return pid;

no_files:
    space_destroy(child->space);
no_space:
    process_free(child);
    return -ENOMEM;
}

/* The first process starts in the kernel and execs its program. */
static void first_entry(void *path)
{
    struct exec_arguments arguments = {
        .count = 1, .size = strlen(path) + 1, .strings = path};
    int error = process_exec(path, &arguments);
    if (error) {
        kprintf("calf: cannot start %s (error %d): there is no system "
                "without it\ncalf: halted\n",
                (const char *)path, -error);
        hal_halt();
    }
    hal_enter_user();
}

int process_start_first(struct inode *root, const char *path)
{
    struct process *process = process_alloc();
    if (!process)
        return -ENOMEM;
    process->space = space_create();
    if (!process->space) {
        process_free(process);
        return -ENOMEM;
    }
    fs_context_init(&process->fs, root);
    strlcpy(process->name, "init", sizeof process->name);
    thread_init(&process->thread, process->name, process->stack->low,
                first_entry, (void *)path);
    process->thread.space = &process->space->machine;
    process_insert(process, NULL);
    thread_run(&process->thread);
    return 0;
}
