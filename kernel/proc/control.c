/*
 * Files of /proc that show and control the system: meminfo, audit, uptime and
 * clock are read; power and crash are written; disks is both. In debug builds
 * there is fail, which makes allocations fail.
 */
#include "cache/cache.h"
#include "cache/writeback.h"
#include "fs/proc/procfs.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "mm/audit.h"
#include "mm/page.h"
#include "proc/process.h"
#include "sched/realtime.h"

static int show_audit(struct text *out)
{
    return MIN(audit(out), 0);
}

static int show_uptime(struct text *out)
{
    text_printf(out, "%lu ms\n", hal_time() / 1000000);
    return 0;
}

/* The time of day: seconds since 1970. */
static int show_clock(struct text *out)
{
    int64_t now = realtime();
    text_printf(out, "%ld.%09ld\n", now / REALTIME_SECOND,
                now % REALTIME_SECOND);
    return 0;
}

static bool starts_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static void show_disk(struct text *out, const struct block_device *disk)
{
    static const char *const names[BLOCK_COMMANDS] = {"reads", "writes",
                                                      "flushes"};
    text_printf(out, "%s: sectors %lu", disk->name, disk->sectors);
    for (unsigned i = 0; i < BLOCK_COMMANDS; i++)
        text_printf(out, ", %s %lu", names[i], disk->requests[i]);
    text_printf(out, ", sectors read %lu, sectors written %lu\n",
                disk->moved[BLOCK_READ], disk->moved[BLOCK_WRITE]);
}

/* A line of numbers for each disk, and what the page cache has. */
static int show_disks(struct text *out)
{
    for (unsigned i = 0; i < block_count(); i++)
        show_disk(out, block_at(i));
    text_printf(out, "cached: %lu\nspare: %lu\ndirty: %lu\n",
                cache_page_count(), cache_spare_count(), cache_dirty_count());
    return 0;
}

/* "sync": return when all that was written before is safe on disk. "drop": the
 * same, and then drop caches, as when memory is short. */
static ssize_t write_disks(const char *text, size_t length)
{
    bool drop = starts_with(text, "drop");
    if (!drop && !starts_with(text, "sync"))
        return -EINVAL;
    int error = writeback_sync(false);
    if (drop)
        (void)writeback_scan(UINT64_MAX);
    return error ? error : (ssize_t)length;
}

/* "off", "off STATUS" or "restart": the writer ends like all processes. */
static ssize_t write_power(const char *text, size_t length)
{
    uint64_t status = 0;
    const char *number = text + 3;
    (void)length;
    bool restart = starts_with(text, "restart");
    if (!restart && !starts_with(text, "off"))
        return -EINVAL;
    number += *number == ' ';
    if (!restart && *number && *number != '\n' && !parse_u64(&number, &status))
        return -EINVAL;
    process_ask_stop(restart ? "restarting" : "power off", (int64_t)status,
                     restart);
    return thread_sleep_until(NO_DEADLINE);
}

/* Overflows the stack long before it would return. */
static uint64_t recurse(volatile uint64_t depth)
{
    return depth == UINT64_MAX ? depth : recurse(depth + 1) + depth;
}

/* "panic", "fault", "stack" or, in debug builds, "undefined": to see what a
 * fault of the kernel looks like. */
static ssize_t write_crash(const char *text, size_t length)
{
    if (starts_with(text, "panic"))
        panic("asked for through /proc/crash");
    if (starts_with(text, "fault")) {
        volatile uintptr_t nowhere = 8; /* unknown to the compiler */
        *(volatile int *)nowhere = 1;
    }
    if (starts_with(text, "stack"))
        return recurse(length);
    if (starts_with(text, "undefined")) {
        volatile int bits = 32 + (int)length;
        bits = 1 << bits;
    }
    return -EINVAL;
}

#if PAGE_FAIL_ON_COMMAND

static int show_fail(struct text *out)
{
    text_printf(out, "failed: %lu\n", page_failed_count());
    return 0;
}

/* "N": the Nth allocation from now by the writing process fails; 0: none. */
static ssize_t write_fail(const char *text, size_t length)
{
    uint64_t nth;
    if (!parse_u64(&text, &nth) || nth >= UINT32_MAX)
        return -EINVAL;
    page_fail_after(nth);
    return length;
}

#endif

int control_register_files(void)
{
    static const struct procfs_entry files[] = {
        {"clock", .show = show_clock},
        {"meminfo", .show = memory_print},
        {"audit", .show = show_audit},
        {"uptime", .show = show_uptime},
        {"disks", .show = show_disks, .write = write_disks},
        {"power", .write = write_power},
        {"crash", .write = write_crash},
#if PAGE_FAIL_ON_COMMAND
        {"fail", .show = show_fail, .write = write_fail},
#endif
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        int error = procfs_register(files[i]);
        if (error)
            return error;
    }
    return 0;
}
