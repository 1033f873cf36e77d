/*
 * How the kernel dies: the sentence, the hook, panics within panics, broken
 * assertions. Each death is a process of its own.
 */
/* sources: kernel/lib/panic.c kernel/lib/printf.c tests/host/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/panic.h"
#include "lib/printf.h"

#define HALTED 42

static int line; /* to the parent */

static void say(const char *text, size_t length)
{
    if (write(line, text, length) != (ssize_t)length)
        _exit(1);
}

static void halt(void)
{
    _exit(HALTED);
}

/* What `dies` says on its way, in a child, and the child's wait status. */
static const char *last_words(void (*dies)(void), int *status)
{
    static char heard[2000];
    size_t length = 0;
    ssize_t got;
    int ends[2];
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        line = ends[1];
        kprintf_set_sink(say);
        panic_set_hook(halt);
        dies();
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], heard + length, sizeof(heard) - 1 - length)) >
           0)
        length += (size_t)got;
    heard[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, status, 0), child);
    return heard;
}

static void panic_once(void)
{
    if (panic_in_progress())
        return;
    panic("frame %d is %s", 7, "lost");
}

static void test_panic(void **state)
{
    int status;

    (void)state;
    assert_false(panic_in_progress());
    assert_string_equal(last_words(panic_once, &status),
                        "calf: PANIC: frame 7 is lost\n");
    assert_int_equal(WEXITSTATUS(status), HALTED);
}

static void fail_again(void)
{
    static unsigned depth;

    panic("depth %u", ++depth);
}

static void panic_in_panic(void)
{
    struct itimerval soon = {.it_value.tv_usec = 200000};

    setitimer(ITIMER_REAL, &soon, NULL);
    panic_set_hook(fail_again);
    panic("first");
}

/* It comes to rest: the child is still spinning, in silence, at its alarm. */
static void test_panic_in_panic(void **state)
{
    int status;

    (void)state;
    assert_string_equal(last_words(panic_in_panic, &status),
                        "calf: PANIC: first\n"
                        "calf: PANIC (while in panic): depth 1\n"
                        "calf: PANIC (while in panic): depth 2\n"
                        "calf: PANIC (while in panic): depth 3\n");
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGALRM);
}

static void break_promise(void)
{
    int sheep = 3;

    ASSERT(sheep == 3);
    ASSERT(sheep > 3);
}

static void test_assert(void **state)
{
    int status;
    const char *heard = last_words(break_promise, &status);

    (void)state;
    assert_non_null(strstr(heard, "test_panic.c:"));
    assert_non_null(strstr(heard, "break_promise: not so: sheep > 3\n"));
    assert_int_equal(WEXITSTATUS(status), HALTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panic),
        cmocka_unit_test(test_panic_in_panic),
        cmocka_unit_test(test_assert),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
