/*
 * The table of processes, and the family tree.
 *
 * One spinlock guards the tree and the states in it, and is held for a few
 * dozen instructions at a time. A process has its running and its exited
 * children in two lists, so process_wait need not search.
 */
#include "proc/process.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

struct spinlock process_lock = SPINLOCK(LOCK_PROCESS_TABLE);
static struct list processes = {&processes, &processes}; /* process_lock */
static int32_t last_pid;                                 /* process_lock */
static bool ending; /* process_lock: all processes, also new ones */

static void release_files(struct file_table *table)
{
    process_put(container_of(table, struct process, own_files));
}

static void release_fs(struct fs_context *context)
{
    process_put(container_of(context, struct process, own_fs));
}

struct process *process_alloc(struct fs_context *from)
{
    struct process *process = slab_alloc(sizeof *process);
    if (!process)
        return NULL;
    memset(process, 0, offsetof(struct process, own_fs));
    atomic_store(&process->count, 3);
    list_init(&process->tasks);
    list_init(&process->ended);
    list_init(&process->children);
    list_init(&process->zombies);
    list_init(&process->sibling);
    list_init(&process->all);
    waitq_init(&process->changes);
    mutex_init(&process->break_lock, LOCK_BREAK);
    process->files = &process->own_files;
    file_table_init(process->files, release_files);
    process->fs = &process->own_fs;
    fs_context_init(process->fs, from->root, fs_context_cwd(from), release_fs);
    return process;
}

void process_put(struct process *process)
{
    if (atomic_fetch_sub(&process->count, 1) == 1)
        slab_free(process);
}

/* Locked: the process with this pid or, unless `exact`, the first above it. */
static struct process *search(int32_t pid, bool exact)
{
    struct process *process;
    list_for_each(process, &processes, all)
        if (process->pid >= pid)
            return exact && process->pid != pid ? NULL : process;
    return NULL;
}

/* Numbers grow; after INT32_MAX they start again at 2. */
static int32_t new_pid(void)
{
    do
        last_pid = last_pid == INT32_MAX ? 2 : last_pid + 1;
    while (search(last_pid, true));
    return last_pid;
}

static void insert_in_order(struct process *process)
{
    struct list *at = processes.prev;
    while (at != &processes &&
           list_entry(at, struct process, all)->pid > process->pid)
        at = at->prev;
    list_insert_before(at->next, &process->all);
}

void task_add(struct process *process, struct task *task)
{
    task->thread.owner_id = process->pid;
    list_push_back(&process->tasks, &task->link);
    process->running++;
    if (ending ||
        (process == process_current() && thread_killed(thread_current())))
        thread_kill(&task->thread);
}

void process_insert(struct process *process, struct process *parent,
                    struct task *task)
{
    spin_lock(&process_lock);
    process->pid = new_pid();
    task_add(process, task);
    process->parent = parent;
    insert_in_order(process);
    if (parent)
        list_push_back(&parent->children, &process->sibling);
    spin_unlock(&process_lock);
}

struct process *process_find(int32_t pid)
{
    spin_lock(&process_lock);
    struct process *process = search(pid, true);
    if (process)
        atomic_fetch_add(&process->count, 1);
    spin_unlock(&process_lock);
    return process;
}

int32_t process_next(int32_t after)
{
    spin_lock(&process_lock);
    struct process *process = search(after + 1, false);
    int32_t pid = process ? process->pid : 0;
    spin_unlock(&process_lock);
    return pid;
}

/* Locked. */
static void kill_tasks(const struct process *process)
{
    struct task *task;
    list_for_each(task, &process->tasks, link)
        thread_kill(&task->thread);
}

int process_kill(int32_t pid)
{
    spin_lock(&process_lock);
    struct process *process = search(pid, true);
    int error = !process ? -ESRCH : process->parent ? 0 : -EPERM;
    if (!error)
        kill_tasks(process);
    spin_unlock(&process_lock);
    return error;
}

unsigned process_end_all(bool tell)
{
    struct process *process;
    unsigned count = 0;
    spin_lock(&process_lock);
    ending = true;
    list_for_each(process, &processes, all) {
        kill_tasks(process);
        count += process->running > 0;
        if (tell && process->running)
            process_report("calf: pid %d (%s) does not end\n", process->pid,
                           process->name);
    }
    spin_unlock(&process_lock);
    return count;
}
