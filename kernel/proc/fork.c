/*
 * Making processes and tasks.
 *
 * fork first does all that can fail, and then commits, which cannot: the child
 * is not visible until it is complete. Memory of any size is one call,
 * space_fork. Of the parent's tasks only the calling one is copied.
 */
#include "dev/console.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"

int task_init(struct task *task, struct process *process, void (*entry)(void *),
              void *argument)
{
    task->stack = stack_alloc();
    if (!task->stack)
        return -ENOMEM;
    thread_init(&task->thread, process->name, task->stack->low, entry,
                argument);
    task->thread.owner = process;
    return 0;
}

void task_free(struct task *task)
{
    struct process *process = task->thread.owner;
    stack_free(task->stack);
    if (task != &process->first_task)
        slab_free(task);
}

static void enter_user(void *)
{
    hal_enter_user();
}

/* Free a process that could not be completed. -ENOMEM. */
static int abandon(struct process *process)
{
    if (process->first_task.stack)
        task_free(&process->first_task);
    file_table_put(process->files);
    fs_context_put(process->fs);
    space_put(process->space);
    process_put(process);
    return -ENOMEM;
}

int process_fork(void)
{
    struct process *parent = process_current();
    struct process *child = process_alloc(parent->fs);
    if (!child)
        return -ENOMEM;
    const struct hal_frame *frame = hal_thread_frame(hal_self());
    struct task *task = &child->first_task;
    if (task_init(task, child, enter_user, NULL))
        return abandon(child);
    file_table_copy(child->files, parent->files);
    /* The break and the memory below it are those of one moment. */
    mutex_lock(&parent->break_lock);
    child->heap_end = parent->heap_end;
    child->space =
        space_fork(parent->space, hal_frame_sp(frame), hal_frame_pc(frame));
    mutex_unlock(&parent->break_lock);
    if (!child->space)
        return abandon(child);

    child->abi = parent->abi;
    memcpy(child->name, parent->name, sizeof child->name);
    task->thread.space = &child->space->machine;
    struct hal_frame *start = hal_thread_frame(&task->thread.machine);
    *start = *frame;
    hal_frame_set_result(start, 0);
    hal_thread_copy_fpu(&task->thread.machine);
    process_insert(child, parent, task);
    int32_t pid = child->pid;
    thread_run(&task->thread);
    return pid;
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
        console_flush();
        hal_halt();
    }
    hal_enter_user();
}

int process_start_first(struct fs_context *from, const char *path)
{
    struct process *process = process_alloc(from);
    if (!process)
        return -ENOMEM;
    struct task *task = &process->first_task;
    process->space = space_create();
    if (!process->space || task_init(task, process, first_entry, (void *)path))
        return abandon(process);
    strlcpy(process->name, "init", sizeof process->name);
    task->thread.space = &process->space->machine;
    process_insert(process, NULL, task);
    thread_run(&task->thread);
    return 0;
}
