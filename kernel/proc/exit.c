/*
 * The end of processes, and waiting for it.
 *
 * An exiting process gives up what it has while it can still sleep, then
 * becomes a zombie in its parent's list. The parent takes it from there and
 * frees what the zombie was standing on: its stack. Children of the exiting
 * one go to process 1.
 */
#include "cache/writeback.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "proc/process.h"

static void give_up_memory(struct process *self)
{
    mutex_lock(&self->memory);
    struct space *space = self->space;
    self->space = NULL;
    mutex_unlock(&self->memory);
    space_enter(NULL);
    space_destroy(space);
}

/* Locked: move all of one list of children to process 1. */
static void hand_over(struct list *from, struct list *to, struct process *init)
{
    struct list *node;
    while ((node = list_pop_front(from))) {
        list_entry(node, struct process, sibling)->parent = init;
        list_push_back(to, node);
    }
}

void process_stop_disks(void)
{
    int error = writeback_stop();
    if (error)
        kprintf("calf: not everything could be written to disk (error %d)\n",
                -error);
}

static struct process *init_of(struct process *process)
{
    while (process->parent)
        process = process->parent;
    return process;
}

_Noreturn void process_exit(int status)
{
    struct process *self = process_current();
    if (!self->parent) {
        kprintf("calf: init exited with status %d: powering off\n", status);
        process_stop_disks();
        hal_power_off();
    }
    file_table_drop(&self->files);
    fs_context_drop(&self->fs);
    give_up_memory(self);

    spin_lock(&process_lock);
    struct process *init = init_of(self);
    hand_over(&self->children, &init->children, init);
    bool orphans = !list_is_empty(&self->zombies);
    hand_over(&self->zombies, &init->zombies, init);
    self->zombie = true;
    self->status = status;
    list_remove(&self->sibling);
    list_push_back(&self->parent->zombies, &self->sibling);
    waitq_wake_all(&self->parent->child_exits);
    if (orphans)
        waitq_wake_all(&init->child_exits);
    spin_unlock(&process_lock);
    thread_end();
}

/* Locked: take an exited child off the table, or NULL. */
static struct process *take_zombie(struct process *self)
{
    struct list *node = list_pop_front(&self->zombies);
    if (!node)
        return NULL;
    struct process *child = list_entry(node, struct process, sibling);
    list_remove(&child->all);
    return child;
}

int process_wait(int *status)
{
    struct process *self = process_current();
    struct process *child;
    int error = 0;
    spin_lock(&process_lock);
    while (!(child = take_zombie(self)) && !error) {
        if (list_is_empty(&self->children))
            error = -ECHILD;
        else
            error = waitq_sleep(&self->child_exits, &process_lock,
                                SLEEP_INTERRUPTIBLE);
    }
    spin_unlock(&process_lock);
    if (!child)
        return error;
    int32_t pid = child->pid;
    *status = child->status;
    thread_await_end(&child->thread);
    process_free(child);
    return pid;
}
