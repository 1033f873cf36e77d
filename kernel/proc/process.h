/*
 * Processes: tasks that share a space, open files, and the directories where
 * paths begin; and a place in the family tree. Space, files and directories
 * have counts of their own, so that processes can share them.
 *
 * The first task that exits, or whose exec succeeds, ends the others;
 * docs/ARCHITECTURE.md has more on processes with several tasks.
 *
 * The functions here are the kernel's own. A program's registers and errors are
 * translated by its ABI (struct abi), which exec chooses.
 */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include "vfs/file.h"
#include "vfs/vfs.h"
#include "mm/space.h"
#include "mm/stack.h"
#include "sched/thread.h"

struct process;
struct elf_image;
struct exec_arguments;

/* A system-call ABI: how programs of one kind start and call. */
struct abi {
    const char *name;
    /* A program's memory, its heap too, stays below this. */
    uint64_t top;
    /* Whether a program belongs to it. */
    bool (*accepts)(const struct elf_image *image);
    /* The image is mapped and its space entered: add what else a program finds
     * there, and set the registers it starts with and its first break, `*heap`.
     * 0; on a negative errno exec fails with it. */
    int (*start)(const struct elf_image *image,
                 const struct exec_arguments *arguments, struct space *space,
                 struct hal_frame *frame, uint64_t *heap);
    /* A system call of the running process. */
    void (*syscall)(struct process *process, struct hal_frame *frame);
};

/* Letters: I set once; a atomic; T table lock; B break lock; E written in exec
 * and exit, when the process has one task, under the table lock: so the tasks
 * of the process read it without a lock, other threads under the table lock. */

/* A thread of a process. When it ends, it moves from the list of running tasks
 * to that of ended ones. Its memory and stack are freed by the task that ended
 * it; those of the last task by the parent. */
struct task {
    struct thread thread; /* its owner is the process */
    struct stack *stack;  /* I */
    struct list link;     /* T */
};

struct process {
    int32_t pid;               /* I */
    _Atomic uint32_t count;    /* a: the table, readers, users of own parts */
    struct list tasks;         /* T: running ones, by `link`; none: a zombie */
    struct list ended;         /* T: ended ones to be freed, by `link` */
    unsigned running;          /* T: how many tasks run */
    struct task *ender;        /* T: the one that ends the others; or NULL */
    int status;                /* T: of its exit */
    struct process *parent;    /* T */
    struct list children;      /* T: running ones, by `sibling` */
    struct list zombies;       /* T: exited ones, by `sibling` */
    struct list sibling;       /* T */
    struct list all;           /* T: in order of pid */
    struct waitq changes;      /* T: a child has exited, a task has ended */
    struct space *space;       /* E, with a reference; NULL once exiting */
    struct file_table *files;  /* E, with a reference */
    struct fs_context *fs;     /* E, with a reference */
    const struct abi *abi;     /* E */
    struct mutex break_lock;   /* LOCK_BREAK */
    _Atomic uint64_t heap_end; /* a: the program break; changed under B */
    char name[16];             /* E: of the program */
    /* The parts with which it begins; others may share them. */
    struct task first_task;
    struct fs_context own_fs;
    struct file_table own_files;
};

/* The running task; not valid in a kernel thread. */
static inline struct task *task_current(void)
{
    return container_of(thread_current(), struct task, thread);
}

/* The running task's; NULL in a kernel thread. */
static inline struct process *process_current(void)
{
    return thread_current()->owner;
}

/* Add an ABI, at boot; there is room for four. */
void process_add_abi(const struct abi *abi);

/* Make process 1, with the root and working directory of `from`, and let it
 * exec `path`. 0 or -ENOMEM. */
int process_start_first(struct fs_context *from, const char *path);

/* Copy the running process, but of its tasks only the running one. The copy
 * returns 0 from its system call. Returns its pid, or -ENOMEM: nothing has
 * changed. */
int process_fork(void);

/* Arguments of an exec in kernel memory: `count` strings one after another. */
#define EXEC_STRINGS_SIZE 4096
struct exec_arguments {
    unsigned count;
    size_t size; /* bytes of all strings with their NULs */
    char *strings;
};

/* Run the program at `path` in place of the running one, and end the other
 * tasks of the process. 0: the return to user mode starts the program; or a
 * negative errno and nothing has changed. -EINTR: another task was first to
 * exec or exit, and this one ends on its way to user mode. */
int process_exec(const char *path, const struct exec_arguments *arguments);

/* Ask that the system is stopped, and the machine then switched off or
 * restarted. The last message is "calf: WHAT, status STATUS" (`what` is a
 * string literal). Returns at once; the caller is soon killed like all
 * processes. Later calls do nothing. */
void process_ask_stop(const char *what, int64_t status, bool restart);
/* For a kernel thread: wait for process_ask_stop, and stop the system. All
 * processes are killed, and those that have not ended within ten seconds are
 * printed. */
_Noreturn void process_stop_when_asked(void);

/* End the process with `status`. If another task was first to exit or to exec,
 * only the running task ends. */
_Noreturn void process_exit(int status);

/* Wait for a child to exit: its pid, and its status. -ECHILD: there is no
 * child; -EINTR after a kill. */
int process_wait(int *status);

/* Mark all tasks of a process killed. 0, -ESRCH, or -EPERM: it is process 1. */
int process_kill(int32_t pid);

/* Move the program break by `delta` bytes. New memory is zeroed; it is
 * allocated at once or, with `lazy`, at its first use. 0 and the old break; or
 * -ENOMEM and nothing has changed. If the break would fall below 0, it does not
 * move: 0 and the old break. */
int process_move_break(int64_t delta, bool lazy, uint64_t *old);

/* process_find: the process with a reference for the caller, or NULL.
 * process_put: put the reference. */
struct process *process_find(int32_t pid);
void process_put(struct process *process);

/* The lowest pid above `after`, or 0. */
int32_t process_next(int32_t after);

/* Print a line for each process: for ^P, from an interrupt. */
void process_print_all(void);

/* Print a message that a program caused; if there are too many of those, it is
 * only counted (report.c). Never waits. */
void process_report(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Print how many were left out, if the period is over or `at_once` is true. */
void process_report_rest(bool at_once);

/* Register the files of /proc about processes (files.c) and the system
 * (control.c); at boot. 0 or -ENOSPC. */
int process_register_files(void);
int control_register_files(void);

/* ---- Between the files of this layer ------------------------------------- */

extern struct spinlock process_lock; /* T */

/* Kill all processes, and each that begins from now on. Returns how many have
 * not ended; with `tell`, prints them. */
unsigned process_end_all(bool tell);

/* A process that is not in the table yet, without tasks, space and open files,
 * and with the directories of `from`. NULL: no memory. */
struct process *process_alloc(struct fs_context *from);

/* Put it and its first task into the table, as a child of `parent`. */
void process_insert(struct process *process, struct process *parent,
                    struct task *task);

/* Make `task` a task of `process` that will run entry(argument); it is not
 * visible yet. `task` is zeroed; it is the process's first_task, or slab memory
 * that task_free frees. The caller sets its space. 0, or -ENOMEM. */
int task_init(struct task *task, struct process *process, void (*entry)(void *),
              void *argument);

/* Free a task that never ran, or has ended. */
void task_free(struct task *task);

/* process_lock is held: add the task to its process, before thread_run. If the
 * running task is of the same process and killed, or the process ends, kill the
 * new one too: a kill takes the same lock, so it reaches both. */
void task_add(struct process *process, struct task *task);

/* process_lock is held, and released meanwhile: kill the other tasks of the
 * process and wait until they have ended. True: the running task is the only
 * one, and no other can end the process while process->ender is set. False:
 * another task was first; the running one is killed and must end. */
bool task_end_others(void);

/* Free the tasks that have ended. The caller is the last task of the process,
 * or has taken the zombie. No lock is held. */
void task_reap(struct process *process);

#endif
