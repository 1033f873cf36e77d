/*
 * The end of processes and tasks, and waiting for it.
 *
 * The task that ends a process ends the other tasks first. Then it puts what
 * the process has, while it can still sleep, and the process becomes a zombie
 * in its parent's list. The parent takes it from there, and frees the stack of
 * the last task. Children of an exiting process become children of process 1.
 */
#include "lib/errno.h"
#include "proc/process.h"

/* A task that is killed ends soon: its killable sleeps end at once, and other
 * sleeps are short. So this sleep is short too, and a kill need not end it. The
 * caller holds no lock that another task could need. */
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
        (void)waitq_sleep(&self->changes, &process_lock, SLEEP_UNINTERRUPTIBLE);
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

/* Locked: move one list of children to process 1. */
static void reparent(struct list *from, struct list *to, struct process *init)
{
    struct list *node;
    while ((node = list_pop_front(from))) {
        list_entry(node, struct process, sibling)->parent = init;
        list_push_back(to, node);
    }
}

static struct process *init_of(struct process *process)
{
    while (process->parent)
        process = process->parent;
    return process;
}

/* Locked: end the running task, which has left the space. Once the lock is
 * released, the process may be gone. The task is not preempted from there on,
 * as task_reap waits for its end. */
static _Noreturn void leave(struct process *self)
{
    list_remove(&task_current()->link);
    list_push_back(&self->ended, &task_current()->link);
    self->running--;
    waitq_wake_all(&self->changes);
    irq_hold();
    spin_unlock(&process_lock);
    thread_end();
}

/* Locked: reparent the children, make the process a zombie, wake its parent. */
static void become_zombie(struct process *self)
{
    struct process *init = init_of(self);
    reparent(&self->children, &init->children, init);
    bool orphans = !list_is_empty(&self->zombies);
    reparent(&self->zombies, &init->zombies, init);
    list_remove(&self->sibling);
    list_push_back(&self->parent->zombies, &self->sibling);
    waitq_wake_all(&self->parent->changes);
    if (orphans)
        waitq_wake_all(&init->changes);
}

_Noreturn void process_exit(int status)
{
    struct process *self = process_current();
    spin_lock(&process_lock);
    if (!task_end_others()) {
        space_enter(NULL);
        leave(self);
    }
    self->status = status;
    bool first = !self->parent;
    struct space *space = self->space;
    self->space = NULL;
    spin_unlock(&process_lock);
    if (first)
        process_ask_stop("init exited", status, false);
    process_report_rest(false);
    task_reap(self);
    file_table_put(self->files);
    fs_context_put(self->fs);
    space_enter(NULL);
    space_put(space);

    spin_lock(&process_lock);
    if (!first)
        become_zombie(self);
    leave(self);
}

int process_wait(int *status)
{
    struct process *self = process_current();
    struct list *zombie;
    int error = 0;
    spin_lock(&process_lock);
    while (!(zombie = list_pop_front(&self->zombies)) && !error)
        error = list_is_empty(&self->children)
                    ? -ECHILD
                    : waitq_sleep(&self->changes, &process_lock,
                                  SLEEP_INTERRUPTIBLE);
    struct process *child = list_entry(zombie, struct process, sibling);
    if (zombie)
        list_remove(&child->all);
    spin_unlock(&process_lock);
    if (!zombie)
        return error;
    int32_t pid = child->pid;
    *status = child->status;
    task_reap(child);
    process_put(child);
    return pid;
}
