/*
 * Start-up, explicit and in order: on the boot hart what the machine needs,
 * then the other harts, then one kernel thread, which finds the disks, makes
 * the file tree and the first process, and waits until the machine is to stop.
 */
#include "abi/xv6/xv6.h"
#include "dev/board.h"
#include "dev/block.h"
#include "dev/console.h"
#include "dev/disks.h"
#include "dev/rtc.h"
#include "dev/serial.h"
#include "cache/cache.h"
#include "fs/dev/devfs.h"
#include "fs/ext2/ext2.h"
#include "vfs/initrd.h"
#include "vfs/name_index.h"
#include "fs/proc/procfs.h"
#include "fs/ram/ramfs.h"
#include "ipc/tty.h"
#include "cache/writeback.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/audit.h"
#include "mm/eager.h"
#include "mm/pt.h"
#include "mm/reserve.h"
#include "mm/slab.h"
#include "mm/stack.h"
#include "proc/process.h"
#include "sched/realtime.h"

#ifdef DEBUG
#define BUILD "debug"
#else
#define BUILD "release"
#endif
#define VERSION "0.1"

static struct board board;

/* This machine cannot run Calf: say why, and stop without a report. */
static _Noreturn void refuse(const char *why)
{
    kprintf("calf: cannot start: %s\ncalf: halted\n", why);
    console_flush();
    hal_halt();
}

/* The end of every panic. The first hart that panics reports, and waits for the
 * console. A panic during the report is not reported. */
static void report_panic(void)
{
    static _Atomic uint32_t reporting;
    static char findings[1024]; /* enough for the first few */
    struct text text;
    if (atomic_exchange(&reporting, 1))
        return;
    hal_panic_report();
    text_init(&text, findings, sizeof findings);
    audit_at_panic(&text);
    kprintf("%s%s\ncalf: halted\n", findings, text.truncated ? "..." : "");
    for (;;)
        console_flush();
}

static void read_arguments(void)
{
    char policy[16];
    if (board_argument(&board, "fork", policy, sizeof policy) &&
        !eager_set_policy(policy))
        kprintf("calf: fork=%s: not share, tables or bytes; taking share\n",
                policy);
}

/* ---- Memory -------------------------------------------------------------- */

static uint64_t table_page(void)
{
    struct page *page = page_alloc_zeroed(PAGE_KERNEL);
    return page ? page_physical(page) : 0;
}

static void start_memory(void)
{
    struct hal_range devices[BOARD_DEVICES];
    unsigned count = board_devices(&board, devices);
    if (page_init(board.ram, board.ram_count, board.reserved,
                  board.reserved_count) ||
        hal_mmu_init(board.ram, board.ram_count, devices, count, table_page))
        refuse("not enough memory for the kernel's tables; give the machine "
               "at least 16 MB");
    slab_init();
    stack_init();
    audit_init();
    if (pt_init() || cache_start())
        refuse("not enough memory for a page of zeros and the page cache");
}

/* Without a clock on the board it is the date of the kernel (Makefile). */
static void start_clock(void)
{
    int64_t now = KERNEL_DATE * REALTIME_SECOND;
    hal_time_init(board.timebase, board.sstc);
    if (board.rtc.end)
        now = rtc_read((uintptr_t)hal_phys_to_virt(board.rtc.start));
    realtime_start = now - (int64_t)hal_time();
}

/* ---- Console ------------------------------------------------------------- */

static bool start_thread(struct thread *thread, const char *name,
                         void (*entry)(void *))
{
    struct stack *stack = stack_alloc();
    if (!stack)
        return false;
    thread_init(thread, name, stack->low, entry, NULL);
    thread_run(thread);
    return true;
}

static void start_console(void)
{
    static struct thread thread;
    tty_init(process_print_all);
    if (board.plic.end)
        hal_interrupts_init(board.plic.start, board.plic_context);
    if (!serial_start(&board, tty_input, tty_output_room) &&
        !start_thread(&thread, "console", serial_poll))
        refuse("not enough memory for the console's thread");
}

/* ---- Harts --------------------------------------------------------------- */

static bool start_hart(unsigned hart, uint64_t hardware_id)
{
    struct thread *thread = slab_alloc_zeroed(sizeof *thread);
    struct stack *stack = stack_alloc();
    if (thread && stack) {
        sched_idle_thread(hart, thread, stack->low);
        if (!hal_hart_start(hart, hardware_id, &thread->machine))
            return true;
    }
    if (stack)
        stack_free(stack);
    slab_free(thread);
    return false;
}

static void start_harts(void)
{
    unsigned next = 1;
    for (unsigned i = 1; i < board.hart_count; i++)
        if (start_hart(next, board.harts[i]))
            next++;
        else
            kprintf("calf: hart %lu does not start, going on without it\n",
                    board.harts[i]);
}

/* ---- Files and the first process ----------------------------------------- */

static void mount_at(struct fs_context *context, const char *path,
                     struct superblock *superblock)
{
    vfs_mkdir(context, NULL, path);
    int error = vfs_mount(context, path, superblock);
    if (error)
        kprintf("calf: cannot mount %s (error %d)\n", path, -error);
}

static void unpack_initrd(struct fs_context *context)
{
    struct hal_range initrd = board.initrd;
    if (initrd.end <= initrd.start)
        refuse(block_count()
                   ? "no disk holds a file system to start from, and there is "
                     "no initrd"
                   : "there is neither a disk nor an initrd: QEMU takes them "
                     "with -drive and -initrd");
    if (!board_has_memory(&board, initrd))
        refuse("the initrd does not lie in memory");
    if (initrd_unpack(context, hal_phys_to_virt(initrd.start),
                      initrd.end - initrd.start))
        kprintf("calf: the initrd is not all there: going on with what is\n");
}

static bool mount_disk(struct block_device *disk, struct superblock **root)
{
    static struct thread thread;
    int error = ext2_mount(disk, disk->read_only, root);
    if (error) {
        kprintf("calf: %s: not mounted (error %d)\n", disk->name, -error);
        return false;
    }
    if (writeback_add((*root)->writeback) ||
        !start_thread(&thread, "writeback", writeback_run))
        refuse("not enough memory for the disk's thread");
    return true;
}

/* Mount the disk that `root=` names, or else the first disk. */
static bool find_root(struct superblock **root)
{
    char name[16] = "";
    bool asked = board_argument(&board, "root", name, sizeof name);
    struct block_device *disk = asked ? block_find(name) : block_at(0);
    if (asked && strcmp(name, "initrd") == 0)
        return false;
    if (disk && mount_disk(disk, root))
        return true;
    if (asked)
        refuse(disk ? "the disk that root= names holds no file system to "
                      "start from"
                    : "there is no disk of the name that root= gives "
                      "(or write root=initrd)");
    return false;
}

static int register_text(const char *name, const char *text)
{
    return procfs_register((struct procfs_entry){.name = name, .text = text});
}

static void start_files(struct fs_context *context)
{
    struct superblock *root, *ram, *dev, *proc;
    name_index_init();
    disks_start(&board);
    bool on_disk = find_root(&root);
    if (ramfs_make("ramfs", page_total_count() / 4, &ram))
        refuse("not enough memory for a file system");
    struct inode *top = on_disk ? root->root : ram->root;
    fs_context_init(context, top, inode_get(top), NULL);
    if (devfs_make(&dev) || procfs_make(&proc) || control_register_files() ||
        process_register_files() ||
        register_text("cmdline", board.command_line) ||
        register_text("version", "Calf " VERSION " (" BUILD ")"))
        refuse("not enough memory for /dev and /proc");
    if (on_disk)
        mount_at(context, "/tmp", ram);
    else
        unpack_initrd(context);
    page_release_range(board.initrd);
    reserve_fill();
    mount_at(context, "/dev", dev);
    mount_at(context, "/proc", proc);
}

static void start_system(void *)
{
    struct fs_context context;
    start_files(&context);
    kprintf("calf: init started %lu ms after power-on\n", hal_time() / 1000000);
    if (process_start_first(&context, "/init"))
        refuse("not enough memory for the first process");
    fs_context_put(&context);
    process_stop_when_asked();
}

_Noreturn void kernel_main(uint64_t hardware_id, const void *tree)
{
    static struct thread starter;
    kprintf_set_sink(hal_firmware_write);
    panic_set_hook(report_panic);
    clock_init();
    const char *trouble = board_read(&board, tree, hardware_id);
    if (trouble)
        refuse(trouble);
    read_arguments();
    start_memory();
    start_clock();
    process_add_abi(&xv6_abi);
    start_console();
    start_harts();
    kprintf("Calf " VERSION " (" BUILD "): %u hart%s, %luM of memory, %luM "
            "free\n",
            hal_hart_count(), hal_hart_count() > 1 ? "s" : "",
            page_total_count() >> 8, page_free_count() >> 8);
    if (!start_thread(&starter, "start", start_system))
        refuse("not enough memory for the first thread");
    sched_start();
}
