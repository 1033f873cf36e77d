/*
 * Processes as /proc shows them.
 */
#include "fs/proc/procfs.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "proc/process.h"

#define MOST_LISTED 64 /* by ^P */

/* A process at one moment; state and hart are those of its first task. */
struct view {
    int32_t parent;
    unsigned tasks, hart;
    const char *state, *abi;
    char name[sizeof(((struct process *)0)->name)];
};

static struct view view_of(const struct process *process)
{
    static const char *const names[] = {
        [THREAD_NEW] = "new",         [THREAD_READY] = "ready",
        [THREAD_RUNNING] = "running", [THREAD_SLEEPING] = "sleeping",
        [THREAD_ASLEEP] = "sleeping", [THREAD_DEAD] = "exiting",
        [THREAD_GONE] = "exiting"};
    struct view view = {.state = "zombie", .abi = "none"};
    spin_lock(&process_lock);
    memcpy(view.name, process->name, sizeof view.name);
    if (process->abi)
        view.abi = process->abi->name;
    if (process->parent)
        view.parent = process->parent->pid;
    view.tasks = process->running;
    if (view.tasks) {
        struct list *first = list_first(&process->tasks);
        struct thread *thread = &list_entry(first, struct task, link)->thread;
        view.hart = __atomic_load_n(&thread->machine.hart, __ATOMIC_RELAXED);
        view.state = names[thread->state];
    }
    spin_unlock(&process_lock);
    return view;
}

/* The process's space with a reference; NULL: it has none any more. */
static struct space *space_of(const struct process *process)
{
    spin_lock(&process_lock);
    struct space *space = process->space ? space_get(process->space) : NULL;
    spin_unlock(&process_lock);
    return space;
}

static void with_space(const struct process *process,
                       void (*print)(struct space *, struct text *),
                       struct text *out)
{
    struct space *space = space_of(process);
    if (space)
        print(space, out);
    space_put(space);
}

static uint64_t pages_of(const struct process *process)
{
    struct space *space = space_of(process);
    uint64_t pages = space ? space_resident(space) : 0;
    space_put(space);
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
        struct view view = view_of(process);
        text_printf(out, "%5d %5d %-8s %4u %7lu %s\n", pid, view.parent,
                    view.state, view.hart, pages_of(process), view.name);
        process_put(process);
    }
    return 0;
}

static void print_status(struct process *process, struct text *out)
{
    struct view view = view_of(process);
    text_printf(out,
                "name: %s\npid: %d\nparent: %d\nstate: %s\nhart: %u\n"
                "pages: %lu\nbreak: 0x%lx\nabi: %s\ntasks: %u\n",
                view.name, process->pid, view.parent, view.state, view.hart,
                pages_of(process), process->heap_end, view.abi, view.tasks);
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

static int own_pid(void)
{
    return thread_current()->owner_id;
}

int process_register_files(void)
{
    static const char *const names[] = {"maps", "tree", "status"};
    static const struct procfs_processes processes = {
        process_next, own_pid, show_one, names, ARRAY_SIZE(names)};
    procfs_set_processes(&processes);
    return procfs_register(
        (struct procfs_entry){"processes", .show = show_processes});
}

/* For an interrupt: it takes no mutex, so pages are not counted. MOST_LISTED
 * keeps the interrupt short, and the lines fit the console's ring. */
void process_print_all(void)
{
    int32_t pid = 0;
    kprintf("\n%5s %-8s %4s %s\n", "pid", "state", "hart", "name");
    for (unsigned i = 0; i < MOST_LISTED && (pid = process_next(pid)); i++) {
        struct process *process = process_find(pid);
        if (!process)
            continue;
        struct view view = view_of(process);
        kprintf("%5d %-8s %4u %s\n", pid, view.state, view.hart, view.name);
        process_put(process);
    }
    if (pid && process_next(pid))
        kprintf("... and more: /proc/processes has all\n");
}
