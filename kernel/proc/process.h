/*
 * Processes: tasks that share a space, open files and the places where paths
 * begin, and a place in the family tree. Space, files and places are counted,
 * each by itself, so that processes can share them.
 *
 * The first task that exits, or whose exec succeeds, ends the others; what else
 * happens to a process of several tasks is said in docs/ARCHITECTURE.md.
 *
 * The verbs here are the kernel's own; what a program's registers and errors
 * mean is its ABI's business (struct abi, chosen at exec).
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
    /* What a program maps, its heap above all, stays below this. */
    uint64_t top;
    /* Whether a program belongs to it. */
    bool (*accepts)(const struct elf_image *image);
    /* The image is mapped and entered: add what else a program finds in its
     * space, and set the registers it starts with. `*heap` is where sbrk
     * starts. 0 or a negative errno, and then exec fails. */
    int (*start)(const struct elf_image *image,
                 const struct exec_arguments *arguments, struct space *space,
                 struct hal_frame *frame, uint64_t *heap);
    /* A system call of the running process. */
    void (*syscall)(struct process *process, struct hal_frame *frame);
};

/* Letters: I set once; a atomic; T table lock; B break lock; E by a task that
 * is the only one (exec, exit), so its tasks read it without a lock, and others
 * under the table lock. */

/* A thread of a process. When it ends, it goes from the running tasks to the
 * ended ones. Its memory, and the stack it stands on until then, are freed by
 * another: by the task that ended it, or with the last one by the parent. */
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
    int status;                /* T: what it exited with */
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
    /* The parts it begins with, which others may share, lie in it. */
    struct task first_task;
    struct fs_context own_fs;
    struct file_table own_files;
};

/* The running task; not valid in a kernel thread, which is none. */
static inline struct task *task_current(void)
{
    return container_of(thread_current(), struct task, thread);
}

/* The running task's; NULL in a kernel thread. */
static inline struct process *process_current(void)
{
    return thread_current()->owner;
}

/* Programs of this kind can run; at boot. */
void process_add_abi(const struct abi *abi);
const struct abi *process_find_abi(const struct elf_image *image);

/* Make process 1 and let it exec `path`; its paths begin where those of `from`
 * do. 0 or -ENOMEM. */
int process_start_first(struct fs_context *from, const char *path);

/* A copy of the running process, with the running task alone, that returns 0
 * from its system call. Its pid, or -ENOMEM; then nothing has changed. */
int process_fork(void);

/* Arguments of an exec in kernel memory: `count` strings one after another. */
#define EXEC_STRINGS_SIZE 4096
struct exec_arguments {
    unsigned count;
    size_t size; /* bytes of all strings with their NULs */
    char *strings;
};

/* Run the program at `path` in place of the running one; the process's other
 * tasks have ended then. 0, and the return to user mode starts it; or a
 * negative errno and nothing has changed. -EINTR: another task was first to
 * exec or exit, and this one leaves on its way to user mode. */
int process_exec(const char *path, const struct exec_arguments *arguments);

/* Before the machine's last message, which console_flush follows: all that was
 * written is safe on disk then, and all that was printed has been sent. */
void process_stop_all(void);

/* End the process with `status`, unless another task was first to end it, or to
 * exec; then the running task ends alone. */
_Noreturn void process_exit(int status);

/* Wait for a child to exit: its pid, and its status. -ECHILD when there is
 * none (left), -EINTR when killed. */
int process_wait(int *status);

/* Mark all tasks of a process killed. 0, -ESRCH, or -EPERM: it is process 1. */
int process_kill(int32_t pid);

/* Move the program break by `delta` bytes. Growth is there at once, zeroed,
 * or with `lazy` when touched. 0 and the old break; -ENOMEM and nothing has
 * changed. A break below zero is not moved to. */
int process_move_break(int64_t delta, bool lazy, uint64_t *old);

/* The process with a reference for the caller, or NULL; and give it back. */
struct process *process_find(int32_t pid);
void process_put(struct process *process);

/* The lowest pid above `after`, or 0. */
int32_t process_next(int32_t after);

/* One line a process: for ^P, from an interrupt. */
void process_print_all(void);

/* Print a message that a program caused, unless there are too many of those
 * (report.c); then it is counted. Never waits. */
void process_report(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Tell how many were left out, if it is time for that or must be `at_once`. */
void process_report_rest(bool at_once);

/* At boot, register the files of /proc that tell of processes (files.c), and
 * those of the system (control.c). 0 or -ENOSPC. */
int process_register_files(void);
int control_register_files(void);

/* ---- Between the files of this layer ------------------------------------- */

extern struct spinlock process_lock; /* T */

/* A process known to nobody, without tasks, space and open files; its paths
 * begin where those of `from` do. NULL: no memory. */
struct process *process_alloc(struct fs_context *from);

/* Put it and its first task into the table, as a child of `parent`. */
void process_insert(struct process *process, struct process *parent,
                    struct task *task);

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

/* Free the tasks that have ended, when no more can: the caller is the last
 * task, or has taken the zombie. No lock is held. */
void task_reap(struct process *process);

#endif
