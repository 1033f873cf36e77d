/*
 * Processes of several tasks: who ends whom, which status counts, what a
 * failing call has changed, and that nothing is left.
 *
 * The programs are functions below, on real spaces and files. A scenario is run
 * by process 1; it forks a process whose tasks do what it is about. Programs
 * wait for one another by counters. Where a moment matters, one task is stuck
 * in the kernel until the scenario lets it go, so that another that waits for
 * its end waits for as long. ROUNDS in the environment sets how long the storm
 * is, SEED what it does.
 */
/* sanitize: thread */
/* sources: tests/host/proc/sched.c tests/host/proc/files.c */
/* sources: kernel/proc/process.c kernel/proc/fork.c */
/* sources: kernel/proc/exec.c kernel/proc/exit.c kernel/proc/elf.c */
/* sources: kernel/proc/heap.c kernel/proc/entry.c kernel/proc/files.c */
/* sources: kernel/proc/report.c kernel/proc/stop.c tests/host/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/console.h"
#include "fs/proc/procfs.h"
#include "host/lib/seed.h"
#include "host/mm/hal.h"
#include "host/proc/files.h"
#include "host/proc/sched.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/oom.h"
#include "mm/slab.h"
#include "proc/elf.h"
#include "proc/process.h"

#define CHECK(condition)                                                       \
    ((condition) ? (void)0                                                     \
                 : mm_fail("%s:%d: %s", __FILE__, __LINE__, #condition))
#define STACK 0x100000ul
#define HEAP  (STACK + HAL_PAGE_SIZE)
#define MOST  12 /* tasks of the storm: there are 16 stacks */

/* What a thread's hart is, is asked for show only. */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    return "race:^view_of$\n";
}

/* ---- The layers that are not there --------------------------------------- */

static struct procfs_processes proc;

int writeback_pace(void)
{
    return 0;
}

void console_flush(void)
{
}

int writeback_sync(bool stop)
{
    (void)stop;
    return 0;
}

int procfs_register(struct procfs_entry entry)
{
    (void)entry;
    return 0;
}

void procfs_set_processes(const struct procfs_processes *processes)
{
    proc = *processes;
}

/* ---- Calls, as programs make them ---------------------------------------- */

enum {
    INIT,
    HELLO,
    OTHER,
    RUNNER,
    SLEEPER,
    STUCK,
    CALLER,
    FORKER,
    WAITER,
    GATED,
    LATE,
    MAIN,
    STORM,
    STORM_CHILD,
    RUNAWAY
};

static uint64_t pc_of(unsigned program)
{
    return USER_TEXT + 2ul * program;
}

static int fork_to(unsigned program)
{
    hal_thread_frame(hal_self())->pc = pc_of(program);
    int pid = process_fork();
    user_tick();
    return pid;
}

static void enter_user(void *unused)
{
    (void)unused;
    hal_enter_user();
}

/* Not a call of any ABI yet: one more task of this process. */
static struct task *spawn(unsigned program)
{
    struct process *self = process_current();
    struct task *task = slab_alloc_zeroed(sizeof *task);
    if (!task)
        return NULL;
    if (task_init(task, self, enter_user, NULL)) {
        slab_free(task);
        return NULL;
    }
    task->thread.space = &self->space->machine;
    hal_thread_frame(&task->thread.machine)->pc = pc_of(program);
    spin_lock(&process_lock);
    task_add(self, task);
    spin_unlock(&process_lock);
    thread_run(&task->thread);
    return task;
}

static int wait_for(int *status)
{
    int pid = process_wait(status);
    user_tick();
    return pid;
}

static int exec(const char *path)
{
    static char argument[] = "argument";
    struct exec_arguments arguments = {
        .count = 1, .size = sizeof argument, .strings = argument};
    int error = process_exec(path, &arguments);
    if (!error)
        hal_enter_user();
    return error;
}

static int kill(int32_t pid)
{
    return process_kill(pid);
}

/* Wait, as a program that can be killed, until the counter is as high. */
static void until(_Atomic int *counter, int value)
{
    while (atomic_load(counter) < value)
        user_tick();
}

/* Wait in the kernel, where a kill ends nothing. */
static void until_ending(struct process *process)
{
    bool ending = false;
    while (!ending) {
        spin_lock(&process_lock);
        ending = process->ender;
        spin_unlock(&process_lock);
        thread_yield();
    }
}

static unsigned running(struct process *process)
{
    spin_lock(&process_lock);
    unsigned count = process->running;
    spin_unlock(&process_lock);
    return count;
}

/* ---- Programs ------------------------------------------------------------ */

static struct spinlock queue_lock = SPINLOCK(LOCK_TTY);
static struct waitq queue;
static bool released; /* queue_lock */

static _Atomic int arrived; /* tasks that are where they are to be */
static _Atomic int turns;   /* of runners */
static _Atomic int gate, hellos, others, late, hits, pids_waited, no_child;
static struct process *_Atomic victim; /* the process it is about */
static void (*main_part)(void);
static int (*call)(void); /* what a CALLER does once the process is ending */

static void runner(void)
{
    for (atomic_fetch_add(&arrived, 1);; atomic_fetch_add(&turns, 1))
        user_tick();
}

/* Sleeps until it is killed. */
static void sleeper(void)
{
    atomic_fetch_add(&arrived, 1);
    spin_lock(&queue_lock);
    while (waitq_sleep(&queue, &queue_lock, SLEEP_KILLABLE) != -EINTR)
        ;
    spin_unlock(&queue_lock);
    user_tick();
    mm_fail("a sleeper was not killed, but woken");
}

/* Sleeps until it is let go, killed or not. */
static void stuck(void)
{
    atomic_fetch_add(&arrived, 1);
    spin_lock(&queue_lock);
    while (!released)
        waitq_sleep(&queue, &queue_lock, SLEEP_UNINTERRUPTIBLE);
    spin_unlock(&queue_lock);
    user_tick();
    for (;;)
        user_tick();
}

static void let_go(void)
{
    spin_lock(&queue_lock);
    released = true;
    waitq_wake_all(&queue);
    spin_unlock(&queue_lock);
}

/* Comes to its call when another task is ending this one. */
static void caller(void)
{
    atomic_fetch_add(&arrived, 1);
    until_ending(process_current());
    int result = call();
    CHECK(result < 0); /* -EINTR, or a copy that the kill has ended */
    atomic_fetch_add(&hits, 1);
    user_tick();
    mm_fail("a task goes on in a process that is ending");
}

static void hello(void)
{
    struct process *self = process_current();
    CHECK(running(self) == 1 && !strcmp(self->name, "hello"));
    CHECK(space_current() == self->space && self->heap_end == HEAP);
    atomic_fetch_add(&hellos, 1);
    process_exit(3);
}

static void other(void)
{
    atomic_fetch_add(&others, 1);
    process_exit(4);
}

static void forker(void)
{
    int status = 0, pid = fork_to(LATE);
    CHECK(pid > 0 && wait_for(&status) == pid && status == 9);
    process_exit(8);
}

/* Of a fork: alone, whatever its parent has. */
static void late_program(void)
{
    CHECK(running(process_current()) == 1);
    atomic_fetch_add(&late, 1);
    process_exit(9);
}

static void waiter(void)
{
    int status = 0;
    atomic_fetch_add(&arrived, 1);
    int pid = wait_for(&status);
    if (pid > 0 && status == 6)
        atomic_fetch_add(&pids_waited, 1);
    else if (pid == -ECHILD)
        atomic_fetch_add(&no_child, 1);
    for (;;)
        user_tick();
}

static void gated(void)
{
    until(&gate, 1);
    process_exit(6);
}

static void main_program(void)
{
    main_part();
    mm_fail("a scenario's main task came to its end");
}

/* ---- Scenarios ----------------------------------------------------------- */

static void (*_Atomic scenario)(void);
static _Atomic int finished;
static unsigned first_references;
static _Atomic int again; /* process 1 starts again by an exec */

static void finish(void)
{
    atomic_store(&scenario, NULL);
    atomic_fetch_add(&finished, 1);
}

static void init(void)
{
    if (atomic_exchange(&again, 0))
        finish();
    for (;; user_tick()) {
        void (*run)(void) = atomic_load(&scenario);
        if (run) {
            run();
            finish();
        }
    }
}

/* A child of the running process that does `part`; the victim. */
static int start(void (*part)(void))
{
    main_part = part;
    int pid = fork_to(MAIN);
    CHECK(pid > 0);
    atomic_store(&victim, process_find(pid));
    return pid;
}

/* It has ended with this status, and once. */
static void expect(int pid, int wanted)
{
    int status = 0;
    CHECK(wait_for(&status) == pid);
    if (status != wanted)
        mm_fail("status %d, but should be %d", status, wanted);
    CHECK(process_wait(&status) == -ECHILD);
    CHECK(kill(pid) == -ESRCH);
    process_put(atomic_exchange(&victim, NULL));
}

static void three_siblings(void)
{
    CHECK(spawn(RUNNER) && spawn(SLEEPER) && spawn(STUCK));
    until(&arrived, 3);
    CHECK(running(process_current()) == 4);
}

static void exit_with_three(void)
{
    three_siblings();
    process_exit(7);
}

/* The process is running until its last task is gone. */
static void scenario_exit(void)
{
    int pid = start(exit_with_three);
    until_ending(victim);
    while (running(victim) > 2)
        thread_yield();
    for (int i = 0; i < 50; i++) {
        CHECK(running(victim) == 2);
        thread_yield();
    }
    let_go();
    /* The zombie keeps what its last task stood on, and no more. */
    while (running(victim))
        thread_yield();
    CHECK(list_first(&victim->ended)->next == &victim->ended);
    expect(pid, 7);
}

static int call_exit(void)
{
    atomic_fetch_add(&hits, 1);
    process_exit(6);
}

static int call_exec_other(void)
{
    return exec("/other");
}

static int call_fork(void)
{
    hal_thread_frame(hal_self())->pc = pc_of(LATE);
    return process_fork() > 0 ? -EINTR : -ENOMEM;
}

static int call_spawn(void)
{
    return spawn(LATE) ? -EINTR : -ENOMEM;
}

static void stuck_and_caller(void)
{
    CHECK(spawn(STUCK) && spawn(CALLER));
    until(&arrived, 2);
}

static void exit_against_caller(void)
{
    stuck_and_caller();
    process_exit(5);
}

static void exec_against_caller(void)
{
    stuck_and_caller();
    exec("/hello");
    mm_fail("the exec that came first failed");
}

/* One task ends the process and waits, as another is stuck; then a third does
 * `late_call`, and then perhaps a kill comes. */
static void against(void (*first)(void), int (*late_call)(void), bool killed,
                    int status)
{
    call = late_call;
    int pid = start(first);
    until(&hits, 1);
    if (killed)
        CHECK(kill(pid) == 0);
    let_go();
    expect(pid, status);
    CHECK(others == 0);
}

static void scenario_two_exits(void)
{
    against(exit_against_caller, call_exit, false, 5);
}

static void scenario_exec_against_exit(void)
{
    against(exit_against_caller, call_exec_other, false, 5);
}

static void scenario_exit_against_exec(void)
{
    against(exec_against_caller, call_exit, false, 3);
    CHECK(hellos == 1);
}

static void scenario_two_execs(void)
{
    against(exec_against_caller, call_exec_other, false, 3);
    CHECK(hellos == 1);
}

static void scenario_kill_during_exit(void)
{
    against(exit_against_caller, call_exit, true, 5);
}

/* The new program does not come to its first instruction. */
static void scenario_kill_during_exec(void)
{
    against(exec_against_caller, call_exit, true, -1);
    CHECK(hellos == 0);
}

static void scenario_task_made_while_ending(void)
{
    against(exit_against_caller, call_spawn, false, 5);
    CHECK(late == 0);
}

/* A child is a process of its own: it goes on, at process 1. */
static void scenario_fork_while_ending(void)
{
    int status = 0;
    call = call_fork;
    int pid = start(exit_against_caller);
    until(&hits, 1);
    let_go();
    for (int i = 0; i < 2; i++) {
        int got = wait_for(&status);
        CHECK(got > 0 && status == (got == pid ? 5 : 9));
    }
    CHECK(late == 1);
    CHECK(process_wait(&status) == -ECHILD);
    process_put(atomic_exchange(&victim, NULL));
}

static int entered;

static void exec_by_second(void)
{
    if (entered++ == 0) {
        CHECK(spawn(MAIN) && spawn(SLEEPER));
        runner();
    }
    until(&arrived, 2);
    exec("/hello");
    mm_fail("exec failed");
}

/* A task that is not the first may exec; the process stays the same. */
static void scenario_exec(void)
{
    entered = 0;
    expect(start(exec_by_second), 3);
    CHECK(hellos == 1);
}

static bool siblings_live(void)
{
    int before = atomic_load(&turns);
    until(&turns, before + 2);
    return running(process_current()) == 3;
}

static void exec_that_fails(void)
{
    unsigned failed = page_failed_count();
    CHECK(spawn(RUNNER) && spawn(SLEEPER));
    until(&arrived, 2);
    CHECK(exec("/nothing") == -ENOENT && siblings_live());
    CHECK(exec("/bad") == -ENOEXEC && siblings_live());
    CHECK(exec("/a") == -EACCES && siblings_live());
    for (unsigned n = 1;; n++) {
        page_fail_after(n);
        int error = exec("/hello");
        if (error >= 0 || page_failed_count() != failed + n)
            mm_fail("allocation %u: %d", n, error);
        atomic_store(&hits, (int)n);
        CHECK(siblings_live());
    }
}

/* An exec that fails has changed nothing; the last one finds all it needs. */
static void scenario_exec_fails(void)
{
    expect(start(exec_that_fails), 3);
    CHECK(hellos == 1 && hits >= 5);
}

static void stuck_beside_two(void)
{
    CHECK(spawn(RUNNER) && spawn(SLEEPER));
    stuck();
}

/* The others end, though the first one is stuck. */
static void scenario_kill(void)
{
    int pid = start(stuck_beside_two);
    until(&arrived, 3);
    CHECK(kill(pid) == 0 && kill(pid) == 0);
    until_ending(victim);
    let_go();
    expect(pid, -1);
    CHECK(kill(1) == -EPERM);
}

static void fault_beside_two(void)
{
    CHECK(spawn(RUNNER) && spawn(SLEEPER));
    until(&arrived, 2);
    hal_upcall_user_fault("for the test", 0);
    user_tick();
    mm_fail("a task goes on after a fault");
}

/* A fault of one task is the end of the process. */
static void scenario_fault(void)
{
    expect(start(fault_beside_two), -1);
}

static void fork_by_second(void)
{
    CHECK(spawn(RUNNER) && spawn(SLEEPER) && spawn(FORKER));
    for (;;)
        user_tick();
}

static void scenario_fork(void)
{
    expect(start(fork_by_second), 8);
    CHECK(late == 1);
}

/* Some allocations fork can do without; then there is a child. */
static void fork_without_memory(void)
{
    unsigned failed = page_failed_count(), n = 0;
    int pid, status = 0;
    CHECK(spawn(RUNNER));
    do {
        uint64_t objects = slab_count_objects();
        unsigned references = files_references();
        page_fail_after(++n);
        pid = fork_to(LATE);
        CHECK(pid > 0 ? wait_for(&status) == pid && status == 9
                      : pid == -ENOMEM && slab_count_objects() == objects &&
                            files_references() == references);
    } while (page_failed_count() == failed + n);
    CHECK(pid > 0 && n > 5);
    process_exit(0);
}

static void scenario_fork_fails(void)
{
    expect(start(fork_without_memory), 0);
}

static void two_waiters(void)
{
    CHECK(fork_to(GATED) > 0);
    CHECK(spawn(WAITER) && spawn(WAITER));
    until(&arrived, 2);
    atomic_store(&gate, 1);
    until(&pids_waited, 1);
    until(&no_child, 1);
    process_exit(0);
}

static void scenario_two_wait_for_one(void)
{
    expect(start(two_waiters), 0);
    CHECK(pids_waited == 1 && no_child == 1);
}

static void break_mover(unsigned times)
{
    uint64_t old;
    while (times--) {
        CHECK(process_move_break(HAL_PAGE_SIZE, times % 2, &old) == 0);
        user_tick();
        CHECK(process_move_break(-(int64_t)HAL_PAGE_SIZE, false, &old) == 0);
    }
}

static void two_move_the_break(void)
{
    if (atomic_fetch_add(&arrived, 1) == 0) {
        CHECK(spawn(MAIN));
        break_mover(100);
        until(&hits, 1);
        CHECK(process_current()->heap_end == HEAP);
        process_exit(0);
    }
    break_mover(100);
    atomic_fetch_add(&hits, 1);
    for (;;)
        user_tick();
}

static void scenario_break(void)
{
    int status = 0;
    start(two_move_the_break);
    CHECK(wait_for(&status) > 0 && status == 0);
    process_put(atomic_exchange(&victim, NULL));
}

/* Where memory ends, process 1 waits for it in its own faults. In a copy of the
 * kernel's on its behalf it does not, since it may hold locks then. */
static void scenario_u7_first_process_copies(void)
{
    static struct page *taken[32 << 8];
    unsigned count = 0;
    uint64_t old;
    CHECK(process_move_break(HAL_PAGE_SIZE, true, &old) == 0);
    while ((taken[count] = page_alloc(PAGE_KERNEL)))
        count++;
    oom_begin();
    CHECK(!hal_upcall_memory_fault(old, ACCESS_WRITE, true));
    while (count)
        page_put(taken[--count]);
    CHECK(hal_upcall_memory_fault(old, ACCESS_WRITE, false));
    CHECK(process_move_break(-(int64_t)HAL_PAGE_SIZE, false, &old) == 0);
}

/* ---- Parts that processes share ------------------------------------------ */

/* The running process, a fork of `from`, goes on with the parts of that one. */
static void share_parts(struct process *from)
{
    struct process *self = process_current();
    struct space *old = self->space;
    file_table_put(self->files);
    self->files = file_table_get(from->files);
    fs_context_put(self->fs);
    self->fs = fs_context_get(from->fs);
    spin_lock(&process_lock);
    self->space = space_get(from->space);
    spin_unlock(&process_lock);
    space_enter(self->space);
    space_put(old);
}

static bool cwd_is(const char *path)
{
    struct process *self = process_current();
    struct file_stat here, there;
    CHECK(vfs_stat(self->fs, NULL, ".", true, &here) == 0);
    CHECK(vfs_stat(self->fs, NULL, path, true, &there) == 0);
    return here.number == there.number;
}

static int put_byte(uint64_t va, uint8_t byte)
{
    return user_write(va, user_bytes(&byte), 1);
}

static int get_byte(uint64_t va)
{
    uint8_t byte = 0;
    return user_read(&byte, va, 1) ? -1 : byte;
}

static void sharing_child(void)
{
    struct process *self = process_current();
    struct file *file;
    while (!atomic_load(&victim))
        user_tick();
    share_parts(atomic_load(&victim));
    CHECK(vfs_chdir(self->fs, NULL, "a") == 0);
    CHECK(vfs_open(self->fs, NULL, "/hello", OPEN_READ, &file) == 0);
    CHECK(file_table_install(self->files, file) == 0);
    CHECK(put_byte(STACK, 77) == 0);
    atomic_store(&arrived, 1);
    until(&gate, 1);
    /* The process that all this was made in is no more. */
    CHECK(cwd_is("/b") && get_byte(STACK) == 78);
    file = file_table_remove(self->files, 0);
    CHECK(file);
    file_put(file);
    process_exit(2);
}

static void sharing_parent(void)
{
    struct process *self = process_current();
    main_part = sharing_child;
    CHECK(fork_to(MAIN) > 0);
    until(&arrived, 1);
    CHECK(cwd_is("/a") && get_byte(STACK) == 77);
    struct file *file = file_table_find(self->files, 0);
    CHECK(file);
    file_put(file);
    CHECK(vfs_chdir(self->fs, NULL, "../b") == 0 && put_byte(STACK, 78) == 0);
    process_exit(1);
}

/* What one process does with a shared part the other sees, and the part lasts
 * as long as either, wherever it lies. */
static void scenario_shared_parts(void)
{
    int status = 0, pid = start(sharing_parent);
    CHECK(wait_for(&status) == pid && status == 1);
    process_put(atomic_exchange(&victim, NULL));
    atomic_store(&gate, 1);
    CHECK(wait_for(&status) > 0 && status == 2);
    CHECK(process_wait(&status) == -ECHILD);
}

static void change_directory(void)
{
    struct fs_context *fs = process_current()->fs;
    struct file_stat stat;
    if (atomic_fetch_add(&arrived, 1) == 0) {
        CHECK(spawn(MAIN));
        for (int i = 0; i < 500; i++)
            CHECK(vfs_chdir(fs, NULL, i % 2 ? "../a" : "../b") == 0);
        until(&hits, 1);
        process_exit(0);
    }
    for (int i = 0; i < 500; i++)
        CHECK(vfs_stat(fs, NULL, "../hello", true, &stat) == 0);
    atomic_fetch_add(&hits, 1);
    for (;;)
        user_tick();
}

static void scenario_chdir_beside_lookups(void)
{
    expect(start(change_directory), 0);
}

/* ---- A storm ------------------------------------------------------------- */

static _Atomic int storm_left; /* steps still to do */
static _Atomic uint64_t random_state;

static unsigned below(unsigned limit)
{
    uint64_t x = atomic_fetch_add(&random_state, 0x9e3779b97f4a7c15ul);
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
    x = (x ^ x >> 27) * 0x94d049bb133111ebul;
    return (x >> 33) % limit;
}

static unsigned all_running(void)
{
    unsigned sum = 0;
    for (int32_t pid = 1; (pid = process_next(pid));) {
        struct process *process = process_find(pid);
        if (process) {
            sum += running(process);
            process_put(process);
        }
    }
    return sum;
}

/* Have /proc show some process, which may be on its way out. */
static void look(void)
{
    static const char *const names[] = {"maps", "status", "tree"};
    char buffer[2000];
    struct text text;
    int pid = proc.next(1 + below(8));
    text_init(&text, buffer, sizeof buffer);
    if (pid)
        proc.show(pid, names[below(3)], &text);
}

static void storm_step(void)
{
    int status;
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
        if (all_running() < MOST)
            spawn(STORM);
        break;
    case 3:
    case 4:
        if (all_running() < MOST)
            fork_to(STORM_CHILD);
        break;
    case 5:
        exec(below(2) ? "/storm" : "/bad");
        break;
    case 6:
        process_exit((int)below(100));
    case 7:
        kill(process_next((int32_t)below(20) + 1));
        break;
    case 8:
        CHECK(put_byte(STACK + below(4), 1) == 0);
        break;
    case 9:
        look();
        break;
    default:
        if (below(3) == 0)
            process_wait(&status);
    }
    user_tick();
}

static void storm(void)
{
    while (atomic_fetch_sub(&storm_left, 1) > 0)
        storm_step();
    process_exit(0);
}

static void scenario_storm(void)
{
    int status;
    atomic_store(&random_state, test_seed(0));
    atomic_store(&storm_left, (int)test_number("ROUNDS", 3000));
    while (atomic_load(&storm_left) > 0) {
        for (int i = 0; i < 3 && all_running() < MOST; i++)
            fork_to(STORM);
        wait_for(&status);
    }
    while (wait_for(&status) > 0)
        ;
    CHECK(process_wait(&status) == -ECHILD && process_next(1) == 0);
}

/* ---- Process 1 ----------------------------------------------------------- */

/* Its siblings end as others do, and that does not stop the machine. */
static void scenario_init_execs(void)
{
    CHECK(spawn(SLEEPER) && spawn(RUNNER));
    until(&arrived, 2);
    atomic_store(&again, 1);
    exec("/init");
    mm_fail("exec of init failed");
}

/* Goes on as its own child, for ever. */
static void runaway(void)
{
    while (fork_to(RUNAWAY) < 0)
        user_tick();
    process_exit(0);
}

/* When all are to end, a new process ends before its first instruction. */
static void fork_stillborn(void)
{
    int status, pid;
    hal_thread_frame(hal_self())->pc = pc_of(LATE);
    /* Those that have ended may have all the stacks. */
    while ((pid = process_fork()) < 0)
        if (process_wait(&status) < 0)
            thread_yield();
    struct process *child = process_find(pid);
    CHECK(child);
    while (running(child))
        thread_yield();
    process_put(child);
    CHECK(late == 0);
}

/* Others do not end by themselves, and have parts of it. */
static void scenario_init_exits(void)
{
    CHECK(running(process_current()) == 1);
    CHECK(fork_to(SLEEPER) > 0 && fork_to(SLEEPER) > 0);
    until(&arrived, 2);
    fork_to(RUNAWAY);
    fork_to(RUNAWAY);
    process_end_all(false);
    fork_stillborn();
    process_exit(0);
}

static void stop_entry(void *unused)
{
    (void)unused;
    process_stop_when_asked();
}

void (*const user_programs[])(void) = {
    [INIT] = init,     [HELLO] = hello,       [OTHER] = other,
    [RUNNER] = runner, [SLEEPER] = sleeper,   [STUCK] = stuck,
    [CALLER] = caller, [FORKER] = forker,     [WAITER] = waiter,
    [GATED] = gated,   [LATE] = late_program, [MAIN] = main_program,
    [STORM] = storm,   [STORM_CHILD] = storm, [RUNAWAY] = runaway};

/* ---- The tests ----------------------------------------------------------- */

static bool accepts(const struct elf_image *image)
{
    (void)image;
    return true;
}

static int start_program(const struct elf_image *image,
                         const struct exec_arguments *arguments,
                         struct space *space, struct hal_frame *frame,
                         uint64_t *heap)
{
    struct region stack = {.start = STACK,
                           .end = STACK + HAL_PAGE_SIZE,
                           .prot = PROT_READ | PROT_WRITE,
                           .use = REGION_STACK};
    int error = space_map(space, &stack);
    if (!error && user_write(STACK, arguments->strings, arguments->size))
        error = -ENOMEM;
    *frame = (struct hal_frame){.pc = image->entry, .sp = HEAP};
    *heap = HEAP;
    return error;
}

static const struct abi abi = {.name = "test",
                               .top = HAL_USER_TOP,
                               .accepts = accepts,
                               .start = start_program};

struct levels {
    uint64_t frames, objects;
    unsigned references;
};

/* At rest: lazy copies of the last fork of process 1 are merged. */
static struct levels levels(void)
{
    struct process *first = process_find(1);
    space_lock(first->space);
    space_unlock(first->space);
    process_put(first);
    return (struct levels){page_free_count(), slab_count_objects(),
                           files_references()};
}

static void begin(void (*run)(void))
{
    atomic_store(&arrived, 0);
    atomic_store(&turns, 0);
    atomic_store(&gate, 0);
    atomic_store(&hellos, 0);
    atomic_store(&others, 0);
    atomic_store(&late, 0);
    atomic_store(&hits, 0);
    atomic_store(&pids_waited, 0);
    atomic_store(&no_child, 0);
    spin_lock(&queue_lock);
    released = false;
    spin_unlock(&queue_lock);
    atomic_store(&scenario, run);
}

/* Have process 1 run it; nothing is to be left. */
static void test(void **state)
{
    void (*run)(void) = *(void (**)(void)) * state;
    int done = atomic_load(&finished);
    struct levels before = levels();
    alarm(120); /* a scenario that hangs ends the test */
    begin(run);
    while (atomic_load(&finished) == done)
        usleep(200);
    alarm(0);
    struct levels after = levels();
    assert_int_equal(after.objects, before.objects);
    assert_int_equal(after.references, before.references);
    assert_int_equal(after.frames, before.frames);
    assert_int_equal(mm_audit(), 0);
    assert_int_equal(machine_powered_off, 0);
}

/* The last thing of all. */
static void test_init_exits(void **state)
{
    (void)state;
    alarm(60);
    begin(scenario_init_exits);
    while (!atomic_load(&machine_powered_off))
        usleep(200);
    alarm(0);
    assert_int_equal(process_end_all(false), 0);
    assert_int_equal(files_references(), first_references);
}

static int boot(void **state)
{
    static const char *const names[] = {[INIT] = "init",
                                        [HELLO] = "hello",
                                        [OTHER] = "other",
                                        [STORM] = "storm"};
    static struct fs_context context;
    static struct thread stopper;
    (void)state;
    mm_boot(32ul << 20);
    mm_most_faults = 1000000;
    spin_init(&queue_lock, LOCK_TTY);
    waitq_init(&queue);
    process_add_abi(&abi);
    process_register_files();
    struct inode *root = files_make(names, ARRAY_SIZE(names));
    first_references = files_references();
    fs_context_init(&context, root, inode_get(root), NULL);
    int error = process_start_first(&context, "/init");
    fs_context_put(&context);
    thread_init(&stopper, "stop", NULL, stop_entry, NULL);
    thread_run(&stopper);
    /* A first scenario of nothing: process 1 is at rest after it. */
    begin(user_tick);
    while (!error && !atomic_load(&finished))
        usleep(200);
    return error;
}

int main(void)
{
#define TEST(name)                                                             \
    static void (*run_##name)(void) = scenario_##name;                         \
    tests[count++] = (struct CMUnitTest)                                       \
    {                                                                          \
#name, test, NULL, NULL, &run_##name                                   \
    }
    static struct CMUnitTest tests[25];
    unsigned count = 0;
    TEST(exit);
    TEST(two_exits);
    TEST(exec_against_exit);
    TEST(exit_against_exec);
    TEST(two_execs);
    TEST(kill_during_exit);
    TEST(kill_during_exec);
    TEST(task_made_while_ending);
    TEST(fork_while_ending);
    TEST(exec);
    TEST(exec_fails);
    TEST(kill);
    TEST(fault);
    TEST(fork);
    TEST(fork_fails);
    TEST(two_wait_for_one);
    TEST(break);
    TEST(u7_first_process_copies);
    TEST(shared_parts);
    TEST(chdir_beside_lookups);
    TEST(storm);
    TEST(init_execs);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_init_exits);
    return _cmocka_run_group_tests("test_process", tests, count, boot, NULL);
}
