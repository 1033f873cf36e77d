/*
 * leaks PART: a program gets nothing that the kernel's memory held before.
 *
 * Whatever the kernel writes for a program goes into a buffer full of a known
 * byte, and each byte is looked at: it is part of the answer, or still the
 * same. Before that, memory and the kernel's stack are made full of something
 * else.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define PAGE   4096
#define FULL   0xb5 /* what memory held before */
#define BEFORE 0xa7 /* what a buffer held before the call */

extern int sys_fstat(int fd, void *to);

/* ---- Making memory full -------------------------------------------------- */

static void fill_pages(void)
{
    if (fork() == 0) {
        for (int i = 0; i < 8; i++) {
            char *heap = sbrk(64 * PAGE);
            if (heap != (char *)-1)
                memset(heap, FULL, 64 * PAGE);
        }
        exit(0);
    }
    wait(0);
}

/* A name as long as they get, in frames of the kernel's stack. */
static void fill_kernel_stack(int i)
{
    static char path[120];
    memset(path, FULL, sizeof path - 1);
    for (int at = 10; at < 110; at += 14)
        path[at] = '/';
    if (i % 3 == 0)
        CHECK(open(path, 0) == -1);
    else if (i % 3 == 1)
        CHECK(exec(path, (char *[]){path, 0}) == -1);
    else
        CHECK(link(path, path) == -1);
}

/* How many of the bytes are not `byte`. */
static int others(const void *from, uint64 length, int byte)
{
    int count = 0;
    for (const char *at = from; at < (const char *)from + length; at++)
        count += (unsigned char)*at != byte;
    return count;
}

/* ---- Structures ---------------------------------------------------------- */

#define STAT_SIZE 24
#define HOLE      12 /* four bytes of a struct stat that mean nothing */

static void check_stat(const char *path)
{
    unsigned char got[STAT_SIZE + 8];
    int leaks = 0, fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    for (int i = 0; i < 200; i++) {
        memset(got, BEFORE, sizeof got);
        fill_kernel_stack(i);
        CHECK(sys_fstat(fd, got) == 0);
        leaks += others(got + HOLE, 4, 0) != 0;
        CHECK(others(got + STAT_SIZE, 8, BEFORE) == 0);
    }
    if (leaks)
        printf("stat of %s: %d of 200 times not zero\n", path, leaks);
    CHECK(leaks == 0);
    close(fd);
}

static void part_stat(void)
{
    unsigned char got[STAT_SIZE];
    int ends[2];
    static const char *const paths[] = {
        "/leaks", "/",          "/dev/console",    "/dev/zero", "/proc/uptime",
        "/proc",  "/proc/self", "/proc/self/maps", "/file"};
    close(open("/file", O_CREATE | O_RDWR));
    for (uint i = 0; i < sizeof paths / sizeof paths[0]; i++)
        check_stat(paths[i]);
    CHECK(pipe(ends) == 0);
    memset(got, BEFORE, sizeof got);
    CHECK(sys_fstat(ends[0], got) == -1);
    CHECK(others(got, sizeof got, BEFORE) == 0);
}

/* Records of a folder: what follows a name is zero. Read in one piece, and in
 * pieces of `step` bytes. */
static void check_records(const char *path, int step)
{
    unsigned char record[16 + 16];
    int got, at = 0, fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    do {
        memset(record + at, BEFORE, sizeof record - at);
        got = read(fd, record + at, step < 16 - at ? step : 16 - at);
        CHECK(got >= 0);
        at += got;
        CHECK(others(record + at, sizeof record - at, BEFORE) == 0);
        if (at < 16)
            continue;
        uint64 length = 0;
        while (length < 14 && record[2 + length])
            length++;
        CHECK(others(record + 2 + length, 14 - length, 0) == 0);
        at = 0;
    } while (got > 0);
    CHECK(at == 0);
    close(fd);
}

static void part_records(void)
{
    char name[] = "/d/fourteen-bytes", cut[20];
    CHECK(mkdir("/d") == 0);
    /* Long names, which short ones then replace. */
    for (int round = 0; round < 2; round++)
        for (int length = 1; length <= 14; length++) {
            strcpy(cut, name);
            cut[3] = 'a' + length;
            cut[3 + (round ? length : 14)] = '\0';
            close(open(cut, O_CREATE | O_RDWR));
            if (!round)
                CHECK(unlink(cut) == 0);
        }
    for (int step = 1; step <= 16; step++) {
        fill_kernel_stack(step);
        check_records("/d", step);
        check_records("/", step);
        check_records("/dev", step);
        check_records("/proc", step);
        check_records("/proc/self", step);
    }
}

/* Bytes of a pipe, its two descriptors, a status, and reads that come short. */
static void part_moved(void)
{
    unsigned char got[1024], sent[600];
    int ends[2 + 1], status[2], pid;
    memset(sent, 1, sizeof sent);
    for (int length = 0; length <= 600; length += 50) {
        fill_pages();
        memset(ends, BEFORE, sizeof ends);
        CHECK(pipe(ends) == 0 && others(&ends[2], 4, BEFORE) == 0);
        pid = fork();
        if (pid == 0)
            exit(write(ends[1], sent, length) != length);
        close(ends[1]);
        int left = length;
        memset(got, BEFORE, sizeof got);
        while (left > 0)
            left -= read(ends[0], got + length - left, sizeof got);
        CHECK(read(ends[0], got + length, 100) == 0);
        CHECK(others(got, length, 1) == 0);
        CHECK(others(got + length, sizeof got - length, BEFORE) == 0);
        close(ends[0]);
        memset(status, BEFORE, sizeof status);
        CHECK(wait(status) == pid && status[0] == 0);
        CHECK(others(&status[1], 4, BEFORE) == 0);
    }
    memset(got, BEFORE, sizeof got);
    int fd = open("/proc/uptime", O_RDONLY);
    int length = read(fd, got, sizeof got);
    CHECK(length > 3 && got[length - 1] == '\n');
    CHECK(others(got, length, 0) == length);
    CHECK(others(got + length, sizeof got - length, BEFORE) == 0);
    close(fd);
}

/* ---- Memory -------------------------------------------------------------- */

static char bss[300000];
static char data[] = "what follows in its page is bss";
extern char end[];

/* Move the break to `to`, lazily or not. */
static char *move(char *to, int lazy)
{
    long by = to - sbrk(0);
    return lazy ? sbrklazy(by) : sbrk(by);
}

/* Memory that was full, given back and taken again, from any byte to any. */
static void check_again(int lazy)
{
    static const int parts[] = {0, 1, 7, 2048, 4095, 4096, 5000, 12288};
    char *low = sbrk(0), *high = low + 5 * PAGE;
    for (int i = 0; i < 8; i++)
        for (int j = i; j < 8; j++) {
            CHECK(move(high, lazy) != (char *)-1);
            CHECK(others(low + parts[i], high - low - parts[i], 0) == 0);
            memset(low, FULL, high - low);
            CHECK(move(low + parts[i], lazy) != (char *)-1);
            CHECK(sbrk(1 << 30) == (char *)-1);
            CHECK(move(low + parts[j], lazy) != (char *)-1);
            CHECK(others(low, parts[i], FULL) == 0);
            CHECK(others(low + parts[i], parts[j] - parts[i], 0) == 0);
            memset(low, FULL, parts[j]);
            CHECK(move(low + parts[i], lazy) != (char *)-1);
        }
    move(low, 0);
}

static void part_memory(void)
{
    CHECK(others(bss, sizeof bss, 0) == 0);
    CHECK(others(end, -(uint64)end % PAGE, 0) == 0);
    CHECK(data[0] == 'w');
    for (int round = 0; round < 4; round++) {
        fill_pages();
        char *now = sbrk(40 * PAGE);
        CHECK(others(now, 40 * PAGE, 0) == 0);
        fill_pages();
        char *later = sbrklazy(40 * PAGE);
        for (int i = 20; i < 40; i++)
            later[i * PAGE + i] = 1;
        for (int i = 0; i < 40; i++)
            CHECK(others(later + i * PAGE, PAGE, 0) == (i >= 20));
        sbrk(-80 * PAGE);
        check_again(round % 2);
    }
}

/* ---- Registers ----------------------------------------------------------- */

/* The call in x[17], with x[n] in register n; afterwards the registers' values
 * are there. sp is its own: to come back shows that it was kept. */
void call(uint64 x[32]);
void fill_floats(void);
uint64 floats_used(void);

#define HIGH "18,19,20,21,22,23,24,25,26,27,28,29,30,31"

__asm__(".text\n"
        ".macro each_saved op\n"
        "    \\op ra, 0(sp)\n"
        "    \\op gp, 8(sp)\n"
        "    \\op tp, 16(sp)\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n"
        "    \\op s\\n, 24+8*\\n(sp)\n"
        ".endr\n"
        ".endm\n"
        "call:\n"
        "    addi sp, sp, -128\n"
        "    each_saved sd\n"
        "    sd a0, 120(sp)\n"
        ".irp n, 1,3,4,5,6,7,8,9,11,12,13,14,15,16,17," HIGH "\n"
        "    ld x\\n, 8*\\n(a0)\n"
        ".endr\n"
        "    ld a0, 80(a0)\n"
        "    ecall\n"
        "    sd x5, -8(sp)\n"
        "    ld x5, 120(sp)\n"
        ".irp n, 1,3,4,6,7,8,9,10,11,12,13,14,15,16,17," HIGH "\n"
        "    sd x\\n, 8*\\n(x5)\n"
        ".endr\n"
        "    ld x6, -8(sp)\n"
        "    sd x6, 40(x5)\n"
        "    each_saved ld\n"
        "    addi sp, sp, 128\n"
        "    ret\n"
        "fill_floats:\n"
        "    li t0, 0xb5b5b5b5b5b5b5b5\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17," HIGH "\n"
        "    fmv.d.x f\\n, t0\n"
        ".endr\n"
        "    li t0, 0x7f\n"
        "    fscsr t0\n"
        "    ret\n"
        "floats_used:\n"
        "    frcsr a0\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17," HIGH "\n"
        "    fmv.x.d t0, f\\n\n"
        "    or a0, a0, t0\n"
        ".endr\n"
        "    ret\n");

static uint64 value_of(int i)
{
    return 0xb5b5000000000000ul + i;
}

/* Make a call and look at all registers: a0 is the result, no other has
 * changed. */
static long look(uint64 number, const uint64 *arguments)
{
    uint64 x[32], before[32];
    for (int i = 0; i < 32; i++)
        x[i] = value_of(i);
    for (int i = 0; i < 3; i++)
        x[10 + i] = arguments[i];
    x[17] = number;
    memcpy(before, x, sizeof x);
    call(x);
    for (int i = 0; i < 32; i++)
        if (i != 10 && x[i] != before[i]) {
            printf("call %lu: x%d is %lx\n", number, i, x[i]);
            check_failures++;
        }
    CHECK(x[10] == ~0ul || x[10] < 1ul << 38);
    return x[10];
}

static long look_at(uint64 number, uint64 a0, uint64 a1, uint64 a2)
{
    return look(number, (uint64[]){a0, a1, a2});
}

/* Whether the call with the values below ends at once, and not the test. */
static int is_harmless(uint64 number, int i)
{
    switch (number) {
    case 1: /* fork */
    case 2: /* exit */
        return 0;
    case 5: /* read, write, close: not the console */
    case 16:
    case 21:
        return i > 1 && i < 5; /* the last two are 0 as an int */
    case 6:                    /* kill */
    case 12:                   /* sbrk */
    case 13:                   /* pause */
        return i < 2;
    default:
        return 1;
    }
}

/* Every call that comes back, with arguments that are right and wrong. */
static void part_calls(void)
{
    static const uint64 values[] = {0, 1, 3, 100, ~0ul, 1ul << 38, 1ul << 63};
    static char buffer[64];
    uint64 text = (uint64) "/leaks", to = (uint64)buffer;
    int ends[2];
    for (uint64 number = 0; number < 24; number++)
        for (int i = 0; i < 7; i++)
            if (is_harmless(number, i))
                look_at(number, values[i], values[(i + 2) % 7], values[i / 2]);
    for (int fd = 3; fd < 16; fd++)
        close(fd);
    CHECK(pipe(ends) == 0 && ends[0] == 3);
    long pid = look_at(1, 0, 0, 0);
    if (pid == 0) {
        pause(2);
        write(4, "x", 1);
        exit(check_failures);
    }
    CHECK(look_at(5, 3, to, 64) == 1);
    CHECK(look_at(3, to, 0, 0) == pid && *(int *)buffer == 0);
    CHECK(look_at(15, text, 0, 0) == 5);
    CHECK(look_at(8, 5, to, 0) == 0);
    CHECK(look_at(5, 5, to, 64) == 64);
    CHECK(look_at(16, 4, to, 64) == 64);
    CHECK(look_at(10, 5, 0, 0) == 6);
    CHECK(look_at(21, 6, 0, 0) == 0);
    CHECK(look_at(20, (uint64) "/made", 0, 0) == 0);
    CHECK(look_at(17, (uint64) "/made/node", 1, 0) == 0);
    CHECK(look_at(19, text, (uint64) "/made/two", 0) == 0);
    CHECK(look_at(18, (uint64) "/made/two", 0, 0) == 0);
    CHECK(look_at(9, (uint64) "/made", 0, 0) == 0);
    CHECK(look_at(7, (uint64) "/made/node", to, 0) == -1);
    CHECK(look_at(13, 1, 0, 0) == 0);
    CHECK(look_at(4, to, 0, 0) == 0);
}

/* Processes that have not used floating point, beside one that does. */
static void part_floats(void)
{
    int fillers[3];
    for (int i = 0; i < 3; i++) {
        fillers[i] = fork();
        while (fillers[i] == 0)
            fill_floats();
    }
    for (int i = 0; i < 20; i++) {
        int status = -2;
        if (fork() == 0) {
            pause(i % 2);
            exit(floats_used() != 0);
        }
        /* The fillers do not end by themselves. */
        CHECK(wait(&status) > 0 && status == 0);
    }
    CHECK(floats_used() == 0);
    for (int i = 0; i < 3; i++)
        kill(fillers[i]);
}

/* ---- Files --------------------------------------------------------------- */

/* What follows the part's name. */
static const char *argument = "";

/* zeros FILE: every byte is zero, or 'x'. */
static void part_zeros(void)
{
    static unsigned char got[3000];
    int length, all = 0, fd = open(argument, O_RDONLY);
    CHECK(fd >= 0);
    fill_pages();
    while ((length = read(fd, got, sizeof got)) > 0) {
        for (int i = 0; i < length; i++)
            if (got[i] && got[i] != 'x') {
                printf("byte %d is %x\n", all + i, got[i]);
                check_failures++;
                return;
            }
        all += length;
    }
    CHECK(length == 0);
    printf("%d bytes\n", all);
    close(fd);
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"stat", part_stat},     {"records", part_records}, {"moved", part_moved},
    {"memory", part_memory}, {"calls", part_calls},     {"floats", part_floats},
    {"zeros", part_zeros},
};

int main(int argc, char **argv)
{
    int found = 0;
    if (argc > 2)
        argument = argv[2];
    for (uint i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (argc > 1 && calf_same(argv[1], parts[i].name)) {
            fill_pages();
            parts[i].run();
            found = 1;
        }
    CHECK(found);
    return check_result();
}
