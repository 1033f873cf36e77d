/*
 * Panics. A count of them is all the state: the first one reports in full.
 * Later ones (the report itself failed, or another hart met the same damage)
 * report less, so that the machine comes to rest instead of printing for ever.
 */
#include "lib/panic.h"
#include "lib/printf.h"

#define PANICS_REPORTED 4

static unsigned panics;
static void (*panic_hook)(void);

void panic_set_hook(void (*hook)(void))
{
    __atomic_store_n(&panic_hook, hook, __ATOMIC_RELEASE);
}

bool panic_in_progress(void)
{
    return __atomic_load_n(&panics, __ATOMIC_RELAXED) != 0;
}

void panic(const char *format, ...)
{
    unsigned earlier = __atomic_fetch_add(&panics, 1, __ATOMIC_ACQ_REL);
    void (*hook)(void) = __atomic_load_n(&panic_hook, __ATOMIC_ACQUIRE);
    va_list arguments;
    if (earlier < PANICS_REPORTED) {
        kprintf("calf: PANIC%s: ", earlier ? " (while in panic)" : "");
        va_start(arguments, format);
        kvprintf(format, arguments);
        va_end(arguments);
        kprintf("\n");
        if (hook)
            hook();
    }
    for (;;)
        continue;
}
