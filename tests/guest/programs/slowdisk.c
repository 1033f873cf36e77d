/*
 * slowdisk FOLDER SECONDS: while processes write, read and create files on a
 * slow disk, in FOLDER, another one that wants nothing of it goes on: the
 * longest that each thing took it is told, in milliseconds.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define LENGTH (24 << 20)

static char large[64], other[64], small[64], cached[64];
static char block[65536], piece[4096];

/* ---- What goes on on the disk -------------------------------------------- */

static void write_much(void)
{
    for (;;) {
        int fd = open(large, O_CREATE | O_RDWR);
        for (int done = 0; done < LENGTH; done += sizeof(block))
            if (write(fd, block, sizeof(block)) != sizeof(block))
                break;
        close(fd);
    }
}

static void read_much(void)
{
    for (;;) {
        int fd = open(other, O_RDONLY);
        while (read(fd, block, sizeof(block)) > 0)
            ;
        close(fd);
    }
}

static void create(void)
{
    for (;;) {
        close(open(small, O_CREATE | O_RDWR));
        unlink(small);
    }
}

static void look_for_new(void)
{
    char path[32];
    for (int i = 0;; i = (i + 1) % 64) {
        calf_format(path, sizeof(path), "/many/%d", i * 16);
        close(open(path, O_RDONLY));
    }
}

static void sync_always(void)
{
    for (;;)
        calf_write_file("/proc/disks", "sync");
}

/* ---- What is not to wait ------------------------------------------------- */

static void do_fork(void)
{
    if (fork() == 0)
        exit(0);
    wait(0);
}

static void do_exec(void)
{
    char *arguments[] = {"/slowdisk", 0};
    if (fork() == 0) {
        exec(arguments[0], arguments);
        exit(1);
    }
    wait(0);
}

static void do_read(void)
{
    int fd = open(cached, O_RDONLY);
    while (read(fd, piece, sizeof(piece)) > 0)
        ;
    close(fd);
}

static void do_create(void)
{
    int fd = open("/tmp/slowdisk", O_CREATE | O_RDWR);
    write(fd, piece, sizeof(piece));
    close(fd);
    unlink("/tmp/slowdisk");
}

static void do_memory(void)
{
    sbrk(1 << 20);
    sbrk(-(1 << 20));
}

static const struct {
    const char *name;
    void (*act)(void);
} things[] = {
    {"fork", do_fork},     {"exec", do_exec},     {"read", do_read},
    {"create", do_create}, {"memory", do_memory},
};

#define THINGS (sizeof(things) / sizeof(things[0]))

int main(int argc, char **argv)
{
    static void (*const users[])(void) = {write_much, read_much, create,
                                          sync_always, look_for_new};
    int pids[sizeof(users) / sizeof(users[0])], count = 0;
    uint64 worst[THINGS] = {0};
    if (argc < 3)
        return 0;
    calf_format(large, sizeof(large), "%s/large", argv[1]);
    calf_format(other, sizeof(other), "%s/other", argv[1]);
    calf_format(small, sizeof(small), "%s/small", argv[1]);
    calf_format(cached, sizeof(cached), "%s/README", argv[1]);
    for (uint i = 0; i < THINGS; i++)
        things[i].act();
    /* The users of the disk whose letter is given. */
    for (char *p = argc > 3 ? argv[3] : "wc"; *p; p++)
        for (uint i = 0; i < sizeof(users) / sizeof(users[0]); i++)
            if ("wrcsl"[i] == *p && (pids[count++] = fork()) == 0)
                users[i]();
    uint64 until = calf_clock_ns() + (uint64)atoi(argv[2]) * 1000000000;
    int rounds = 0;
    for (; calf_clock_ns() < until; rounds++)
        for (uint i = 0; i < THINGS; i++) {
            uint64 start = calf_clock_ns(), took;
            things[i].act();
            took = calf_clock_ns() - start;
            worst[i] = took > worst[i] ? took : worst[i];
        }
    for (uint i = 0; i < THINGS; i++)
        printf("%s: at most %d ms\n", things[i].name,
               (int)(worst[i] / 1000000));
    printf("rounds: %d\n", rounds);
    for (int i = 0; i < count; i++)
        kill(pids[i]);
    uint64 start = calf_clock_ns();
    for (int i = 0; i < count; i++)
        CHECK(wait(0) > 0);
    printf("end: %d ms\n", (int)((calf_clock_ns() - start) / 1000000));
    return check_result();
}
