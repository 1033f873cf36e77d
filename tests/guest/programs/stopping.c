/*
 * stopping KIND...: the power goes off while processes are in the middle of
 * something on the disk that the machine was started from. Run as /init, it
 * does all kinds, and exits. Without KIND, too, it does all.
 *
 * stopping fill: makes the files that the kind "cut" makes shorter.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define LARGE (48 << 20)
#define CUT   6

static char block[65536];

/* A new file that is open and has no name. */
static int nameless(uint bytes)
{
    char name[32];
    int fd;

    calf_format(name, sizeof(name), "/nameless-%d", getpid());
    fd = open(name, O_CREATE | O_RDWR);
    CHECK(fd >= 0);
    for (uint i = 0; i < bytes; i += sizeof(block))
        CHECK(write(fd, block, sizeof(block)) == sizeof(block));
    CHECK(unlink(name) == 0);
    return fd;
}

static void hold(void)
{
    nameless(1 << 20);
    mkdir("/nowhere");
    chdir("/nowhere");
    unlink("/nowhere");
    for (;;)
        pause(1000);
}

/* A program that is mapped, and has no name any more. */
static void run_nameless(void)
{
    char *arguments[] = {"/mine", "hold-on", 0};
    int from = open("/stopping", O_RDONLY), to;
    int got;

    to = open("/mine", O_CREATE | O_RDWR);
    while ((got = read(from, block, sizeof(block))) > 0)
        write(to, block, got);
    close(from);
    close(to);
    exec(arguments[0], arguments);
    exit(1);
}

static void hold_on(void)
{
    unlink("/mine");
    hold();
}

/* Many wait, in both directions; each has a file without a name. */
static void wait_in_pipes(void)
{
    int full[2], empty[2];

    pipe(full);
    pipe(empty);
    for (int i = 0; i < 40; i++)
        if (fork() == 0) {
            nameless(sizeof(block));
            for (;;)
                if (i % 2)
                    write(full[1], block, sizeof(block));
                else
                    read(empty[0], block, 1);
        }
    hold();
}

static void write_long(void)
{
    char *memory = sbrklazy(1 << 30);
    int fd = fork() ? nameless(0) : open("/long", O_CREATE | O_RDWR);

    for (;;) {
        write(fd, memory, LARGE);
        close(fd);
        fd = open("/long", O_CREATE | O_RDWR | O_TRUNC);
    }
}

/* Files of several megabytes, whose blocks lie far apart, are shortened. */
static void shorten(void)
{
    for (;;) {
        int fd = open("/short", O_CREATE | O_RDWR);
        int other = open("/between", O_CREATE | O_RDWR | O_TRUNC);

        for (int i = 0; i < 8 << 20; i += sizeof(block)) {
            write(fd, block, sizeof(block));
            write(other, block, 4096);
        }
        close(fd);
        close(other);
        close(open("/short", O_RDWR | O_TRUNC));
    }
}

/* Eight processes, each of which soon goes on as its own child. */
static void fork_always(void)
{
    nameless(sizeof(block));
    for (int i = 0; i < 8; i++)
        if (fork() == 0)
            for (;;)
                if (fork() > 0)
                    exit(0);
    hold();
}

static void cut_name(char *name, int i)
{
    calf_format(name, 32, "/cut-%d", i);
}

static int fill(void)
{
    char name[32];

    for (int i = 0; i < CUT; i++) {
        int fd;

        cut_name(name, i);
        fd = open(name, O_CREATE | O_RDWR);
        for (int j = 0; j < 15 << 20; j += sizeof(block))
            CHECK(write(fd, block, sizeof(block)) == sizeof(block));
        close(fd);
    }
    return check_result();
}

static void cut(void)
{
    char name[32];

    for (int i = 0; i < CUT; i++)
        if (fork() == 0) {
            cut_name(name, i);
            close(open(name, O_RDWR | O_TRUNC));
            printf("cut\n");
            exit(0);
        }
    hold();
}

static void change_names(void)
{
    char name[32], other[32];

    for (int i = 0;; i++) {
        calf_format(name, sizeof(name), "/name-%d-%d", getpid(), i % 100);
        calf_format(other, sizeof(other), "/other-%d-%d", getpid(), i % 100);
        close(open(name, O_CREATE | O_RDWR));
        link(name, other);
        unlink(name);
        unlink(other);
    }
}

static void write_to_console(void)
{
    nameless(sizeof(block));
    for (;;)
        write(1, block, sizeof(block));
}

static void take_memory(void)
{
    nameless(sizeof(block));
    while (sbrk(1 << 20) != SBRK_ERROR)
        ;
    hold();
}

static void sync_much(void)
{
    int fd = open("/much", O_CREATE | O_RDWR);

    for (int i = 0; i < 8 << 20; i += sizeof(block))
        write(fd, block, sizeof(block));
    calf_write_file("/proc/disks", "sync");
    exit(0);
}

static void sync_always(void)
{
    for (;;)
        calf_write_file("/proc/disks", "sync");
}

static _Noreturn void power_off(void)
{
    for (;;)
        calf_write_file("/proc/power", "off");
}

static void power_off_four_times(void)
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            pause(5);
            nameless(sizeof(block));
            power_off();
        }
    hold();
}

static const struct kind {
    const char *name;
    void (*act)(void);
    int by_all;
} kinds[] = {
    {"hold", hold, 1},
    {"program", run_nameless, 1},
    {"pipes", wait_in_pipes, 1},
    {"write", write_long, 1},
    {"shorten", shorten, 1},
    {"names", change_names, 1},
    {"sync", sync_always, 1},
    {"fork", fork_always, 0},
    {"console", write_to_console, 0},
    {"memory", take_memory, 0},
    {"cut", cut, 0},
    {"sync-much", sync_much, 0},
    {"four", power_off_four_times, 0},
    {"hold-on", hold_on, 0},
};

static int begin(const char *name)
{
    int any = 0;

    for (uint i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (name ? !calf_same(name, kinds[i].name) : !kinds[i].by_all)
            continue;
        any = 1;
        if (fork() == 0) {
            kinds[i].act();
            exit(1);
        }
    }
    return any;
}

int main(int argc, char **argv)
{
    int first = getpid() == 1;

    if (first) {
        open("/dev/console", O_RDWR);
        dup(0);
        dup(0);
    }
    if (argc > 1 && calf_same(argv[1], "hold-on"))
        hold_on();
    if (argc > 1 && calf_same(argv[1], "fill"))
        return fill();
    if (argc == 1)
        begin(0);
    for (int i = 1; i < argc; i++)
        if (!begin(argv[i]))
            return 2;
    pause(15);
    nameless(sizeof(block));
    if (!first)
        power_off();
    return 7;
}
