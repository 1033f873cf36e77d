/*
 * The tasks of a process: making one, ending the others, clearing away.
 */
#include "lib/errno.h"
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

void task_add(struct process *process, struct task *task)
{
    task->thread.owner_id = process->pid;
    list_push_back(&process->tasks, &task->link);
    process->running++;
    if (process == process_current() && thread_killed(thread_current()))
        thread_kill(&task->thread);
}

/* A sibling that is killed leaves soon, whatever it is doing: its killable
 * sleeps end, and the others do by themselves. So this sleep is bounded and
 * needs no end by a kill; the ender holds nothing that a sibling could want. */
bool task_end_others(void)
{
    struct process *self = process_current();
    struct task *task, *me = task_current();
    if (self->ender)
        return false;
    self->ender = me;
    list_for_each(task, &self->tasks, link)
        if (task != me)
            thread_kill(&task->thread);
    while (self->running > 1)
        waitq_wait(&self->changes, &process_lock);
    return true;
}

void task_reap(struct process *process)
{
    struct list *node;
    while ((node = list_pop_front(&process->ended))) {
        struct task *task = list_entry(node, struct task, link);
        thread_await_end(&task->thread);
        task_free(task);
    }
}
