/*
 * Tasks: the threads of a process, as many as its ABI makes.
 *
 * A task is made apart, then added to its process, then runs. Its end has two
 * parts. Itself, it leaves the space, goes from the process's running tasks to
 * the ended ones, and never runs again. Its memory and its stack, on which it
 * stands until then, are freed by another: by the task that ended it, and
 * those of the last one by the parent, in wait.
 */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include "mm/stack.h"
#include "sched/thread.h"

struct process;

/* Letters as in process.h. */
struct task {
    struct thread thread; /* its owner is the process */
    struct stack *stack;  /* I */
    struct list link;     /* T: in one of the process's lists */
};

/* The running task; for a kernel thread, which has no process, not valid. */
static inline struct task *task_current(void)
{
    return container_of(thread_current(), struct task, thread);
}

/* Make `task` one of `process` that will run entry(argument); nobody sees it
 * yet. It is the process's first_task, or slab memory that is the task's own
 * from now on; zeroed. Its space is the caller's to set. 0, or -ENOMEM. */
int task_init(struct task *task, struct process *process, void (*entry)(void *),
              void *argument);

/* Give back one that never ran, or has ended. */
void task_free(struct task *task);

/* process_lock is held: make it one of the process's, before thread_run. When
 * the running task is of the same process and killed, so is the new one: a
 * kill, which takes the lock too, misses neither. */
void task_add(struct process *process, struct task *task);

/* process_lock is held: kill the other tasks of the process and wait until
 * they have ended, with the lock let go meanwhile. True: the running task is
 * the only one, and nobody else may end it while process->ender is set. False
 * when another was first; then the running one is killed and has to leave. */
bool task_end_others(void);

/* process_lock is held: the running task is none of its process's any more. It
 * has left the space; what it still does is let go of the lock and end. */
void task_retire(void);

/* Free the tasks that have ended, when no more can: the caller is the last
 * task, or has taken the zombie. No lock is held. */
void task_reap(struct process *process);

#endif
