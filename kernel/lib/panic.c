/*
 * Panics are counted. The first is reported; so are a few more, as the report
 * itself may fail, or another hart meet the same damage. After that nothing is
 * printed, so that the machine does not print for ever.
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
