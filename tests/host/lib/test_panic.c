/*
 * How the kernel dies: the sentence, the hook, panics within panics; and that
 * what the compiler finds undefined ends in one. Each death is a process of
 * its own. ubsan.c's entries take the place of those of the host's library:
 * the undefined things below are real, and are done by this very program.
 */
/* sources: kernel/lib/panic.c kernel/lib/printf.c kernel/lib/string.c */
/* sources: kernel/lib/ubsan.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
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

/* ---- Panics ------------------------------------------------------------- */

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
    panic("depth %u", panic_depth());
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

/* ---- Undefined behaviour ------------------------------------------------ */

static volatile int big = INT_MAX, one = 1, zero, far = 33, none = -1;
static volatile int result;
static volatile long smallest = LONG_MIN;
static int table[4];
static _Alignas(8) char bytes[16];
static int *volatile nowhere;
static char *volatile somewhere = bytes;
static char *volatile edge = (char *)(UINTPTR_MAX - 8);
static volatile unsigned char truth[1] = {7};

static void ub_add(void)
{
    result = big + one;
}

static void ub_subtract(void)
{
    result = -big - one - one;
}

static void ub_multiply(void)
{
    result = big * (one + one);
}

static void ub_negate(void)
{
    smallest = -smallest;
}

static void ub_divide(void)
{
    result = big / zero;
}

static void ub_shift(void)
{
    result = one << far;
}

static void ub_index(void)
{
    result = table[one + 3];
}

static void ub_null(void)
{
    result = *nowhere;
}

static void ub_misaligned(void)
{
    int *odd = (int *)(void *)(somewhere + one);

    result = *odd;
}

static void ub_pointer(void)
{
    edge += 16 * one;
}

static void ub_bool(void)
{
    result = *(volatile bool *)truth;
}

static void ub_vla(void)
{
    char array[none];

    result = (int)sizeof(array);
}

static void ub_unreachable(void)
{
    if (one)
        __builtin_unreachable();
}

static void ub_builtin(void)
{
    result = __builtin_ctz((unsigned)zero);
}

static __attribute__((nonnull)) void take(int *pointer)
{
    result = pointer != (int *)&result;
}

static void ub_argument(void)
{
    take(nowhere);
}

static __attribute__((returns_nonnull)) int *give(void)
{
    return nowhere;
}

static void ub_result(void)
{
    result = give() != (int *)&result;
}

static void test_undefined(void **state)
{
    static const struct {
        void (*does)(void);
        const char *says;
    } cases[] = {
        {ub_add, "overflow in 0x7fffffff + 0x1, of 'int'"},
        {ub_subtract, " - 0x1, of 'int'"},
        {ub_multiply, " * 0x"},
        {ub_negate, "overflow in -0x8000000000000000, of 'long int'"},
        {ub_divide, "no result for 0x7fffffff / 0x0, of 'int'"},
        {ub_shift, "shift of 0x1, of 'int', by 0x21"},
        {ub_index, "index 0x4 is outside 'int [4]'"},
        {ub_null, "access to null as 'int' at 0x0"},
        {ub_misaligned, "access to a misaligned address as 'int'"},
        {ub_pointer, "pointer arithmetic from 0x"},
        {ub_bool, "0x7 is no value of '_Bool'"},
        {ub_vla, "array of 0xffff"},
        {ub_unreachable, "reached what cannot be reached"},
        {ub_builtin, "counting the zero bits of zero"},
        {ub_argument, "argument 1 may not be null"},
        {ub_result, "the result may not be null"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int status;
        const char *heard = last_words(cases[i].does, &status);

        if (WEXITSTATUS(status) != HALTED || !strstr(heard, cases[i].says))
            fail_msg("case %zu (%s) said: %s", i, cases[i].says, heard);
        assert_non_null(strstr(heard, "test_panic.c:"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panic),
        cmocka_unit_test(test_panic_in_panic),
        cmocka_unit_test(test_assert),
        cmocka_unit_test(test_undefined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
