/*
 * Processes as /proc shows them.
 */
#include "fs/proc/procfs.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "proc/process.h"

static const char *state_name(const struct process *process)
{
    static const char *const names[] = {[THREAD_NEW] = "new",
                                        [THREAD_READY] = "ready",
                                        [THREAD_RUNNING] = "running",
                                        [THREAD_SLEEPING] = "sleeping",
                                        [THREAD_DEAD] = "exiting"};
    return process->zombie ? "zombie" : names[process->thread.state];
}

/* Parent's pid, under the lock that keeps the parent. */
static int32_t parent_of(struct process *process)
{
    spin_lock(&process_lock);
    int32_t pid = process->parent ? process->parent->pid : 0;
    spin_unlock(&process_lock);
    return pid;
}

/* Run `print` on the process's space, if it still has one. */
static void with_space(struct process *process,
                       void (*print)(struct space *, struct text *),
                       struct text *out)
{
    mutex_lock(&process->memory);
    if (process->space)
        print(process->space, out);
    mutex_unlock(&process->memory);
}

static uint64_t pages_of(struct process *process)
{
    mutex_lock(&process->memory);
    uint64_t pages = process->space ? space_resident(process->space) : 0;
    mutex_unlock(&process->memory);
    return pages;
}

static int show_processes(struct text *out)
{
    text_printf(out, "%5s %5s %-8s %4s %7s %s\n", "pid", "ppid", "state",
                "hart", "pages", "name");
    for (int32_t pid = 0; (pid = process_next(pid));) {
        struct process *process = process_find(pid);
        if (!process)
            continue;
        text_printf(out, "%5d %5d %-8s %4u %7lu %s\n", pid, parent_of(process),
                    state_name(process), process->thread.machine.hart,
                    pages_of(process), process->name);
        process_put(process);
    }
    return 0;
}

static void print_status(struct process *process, struct text *out)
{
    text_printf(out,
                "name: %s\npid: %d\nparent: %d\nstate: %s\nhart: %u\n"
                "pages: %lu\nbreak: 0x%lx\nabi: %s\n",
                process->name, process->pid, parent_of(process),
                state_name(process), process->thread.machine.hart,
                pages_of(process), process->heap_end,
                process->abi ? process->abi->name : "none");
}

static int show_one(int pid, const char *file, struct text *out)
{
    struct process *process = process_find(pid);
    if (!process)
        return -ESRCH;
    if (!strcmp(file, "maps"))
        with_space(process, space_print_maps, out);
    else if (!strcmp(file, "tree"))
        with_space(process, space_print_tree, out);
    else
        print_status(process, out);
    process_put(process);
    return 0;
}

static int next_pid(int after)
{
    return process_next(after);
}

static int own_pid(void)
{
    struct process *self = process_current();
    return self ? self->pid : 0;
}

int process_register_files(void)
{
    static const char *const names[] = {"maps", "tree", "status", NULL};
    static const struct procfs_processes processes = {
        .next = next_pid, .self = own_pid, .show = show_one, .files = names};
    static const struct procfs_entry list = {.show = show_processes};
    procfs_set_processes(&processes);
    return procfs_register("processes", &list);
}

/* No lock that an interrupt may not take; pages are left out, counting them
 * takes a mutex. */
void process_print_all(void)
{
    kprintf("\n%5s %-8s %4s %s\n", "pid", "state", "hart", "name");
    for (int32_t pid = 0; (pid = process_next(pid));) {
        struct process *process = process_find(pid);
        if (!process)
            continue;
        kprintf("%5d %-8s %4u %s\n", pid, state_name(process),
                process->thread.machine.hart, process->name);
        process_put(process);
    }
}
