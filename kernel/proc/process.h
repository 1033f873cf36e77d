/*
 * Processes: a thread, a space, open files, and a place in the family tree.
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

/* Letters: I set once; a atomic; s by the process itself; T table lock; M
 * `memory` mutex. */
struct process {
    struct thread thread;     /* its one thread */
    struct stack *stack;      /* I */
    int32_t pid;              /* I */
    _Atomic uint32_t count;   /* a: who may look at it: the table, readers */
    bool zombie;              /* T: has exited */
    int status;               /* T: what it exited with */
    struct process *parent;   /* T */
    struct list children;     /* T: running ones, by `sibling` */
    struct list zombies;      /* T: exited ones, by `sibling` */
    struct list sibling;      /* T */
    struct list all;          /* T: in order of pid */
    struct waitq child_exits; /* its condition is under T */
    struct mutex memory;      /* LOCK_PROCESS_SPACE: the next field */
    struct space *space;      /* M: changed by s; NULL once exiting */
    uint64_t heap_end;        /* s: the program break */
    const struct abi *abi;    /* s */
    struct fs_context fs;     /* s */
    struct file_table files;  /* has its own lock */
    char name[16];            /* s: of the program */
};

static inline struct process *process_current(void)
{
    return thread_current()->owner;
}

void process_init(void);

/* Programs of this kind can run; at boot. */
void process_add_abi(const struct abi *abi);
const struct abi *process_find_abi(const struct elf_image *image);

/* Make process 1 and let it exec `path`. Its console, if `console` opens, is
 * its business. 0 or a negative errno. */
int process_start_first(struct inode *root, const char *path);

/* A copy of the running process that returns 0 from its system call. Its pid,
 * or -EAGAIN when there are too many, or -ENOMEM; then nothing has changed. */
int process_fork(void);

/* Arguments of an exec in kernel memory: `count` strings one after another. */
#define EXEC_STRINGS_SIZE 4096
struct exec_arguments {
    unsigned count;
    size_t size; /* bytes of all strings with their NULs */
    char *strings;
};

/* Run the program at `path` in place of the running one. 0, and the return to
 * user mode starts it; or a negative errno and nothing has changed. */
int process_exec(const char *path, const struct exec_arguments *arguments);

/* Before the machine stops: all that was written is safe on disk then. */
void process_stop_disks(void);

/* Leave with `status`. */
_Noreturn void process_exit(int status);

/* Wait for a child to exit: its pid, and its status. -ECHILD when there is
 * none, -EINTR when killed. */
int process_wait(int *status);

/* Mark a process killed. 0, -ESRCH, or -EPERM: the first one stays. */
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

/* /proc: processes, PID/maps, PID/tree, PID/status. */
int process_register_files(void);

/* For fork.c and exit.c. */
extern struct spinlock process_lock; /* T */
struct process *process_alloc(void);
void process_free(struct process *process);
void process_insert(struct process *process, struct process *parent);

#endif
