/*
 * For Linux for riscv64, as its first process and without a C library: which
 * of the files n0, n1, ... are in the folder `many` of the disk. Modules are
 * those of bench/linux/fetch.
 */
enum {
    MKDIRAT = 34,
    MOUNT = 40,
    OPENAT = 56,
    GETDENTS64 = 61,
    WRITE = 64,
    REBOOT = 142,
    FINIT_MODULE = 273,
};

enum { HERE = -100, READ_ONLY = 1, COMPRESSED = 4, MOST = 1000000 };
enum { REGULAR = 8 };

/* struct linux_dirent64. */
struct record {
    unsigned long number, next;
    unsigned short length;
    unsigned char type;
    char name[];
};

static const char *const modules[] = {
    "/modules/crc16",      "/modules/crc32c_generic", "/modules/mbcache",
    "/modules/jbd2",       "/modules/ext4",           "/modules/virtio_mmio",
    "/modules/virtio_blk",
};

static char seen[MOST];
static long others, twice, count;
static char records[65536] __attribute__((aligned(8)));

static long call(long number, long a, long b, long c, long d, long e)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a7 __asm__("a7") = number;

    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7)
                     : "memory");
    return a0;
}

static void say(const char *text)
{
    long length = 0;

    while (text[length])
        length++;
    call(WRITE, 1, (long)text, length, 0, 0);
}

static void say_number(const char *before, long number)
{
    char digits[24] = {0};
    int at = sizeof(digits) - 1;

    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    say(before);
    say(digits + at);
}

/* The N of a name nN, or -1. */
static long number_of(const char *name)
{
    long number = name[0] == 'n' && name[1] ? 0 : -1;

    while (number >= 0 && number < MOST && *++name)
        number = *name < '0' || *name > '9' ? -1 : 10 * number + *name - '0';
    return number < MOST ? number : -1;
}

static void look_at(const struct record *record)
{
    long number = number_of(record->name);

    if (number < 0 || record->type != REGULAR) {
        others += record->name[0] != '.';
        return;
    }
    twice += seen[number];
    count += !seen[number];
    seen[number] = 1;
}

static long open_folder(void)
{
    for (unsigned i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        long fd = call(OPENAT, HERE, (long)modules[i], 0, 0, 0);

        if (call(FINIT_MODULE, fd, (long)"", COMPRESSED, 0, 0) < 0)
            say("no such module\n");
    }
    /* The kernel may have mounted it already. */
    call(MOUNT, (long)"dev", (long)"/dev", (long)"devtmpfs", 0, 0);
    call(MKDIRAT, HERE, (long)"/disk", 0755, 0, 0);
    if (call(MOUNT, (long)"/dev/vda", (long)"/disk", (long)"ext3", READ_ONLY,
             0) < 0)
        say("no disk\n");
    return call(OPENAT, HERE, (long)"/disk/many", 0, 0, 0);
}

void _start(void)
{
    long folder = open_folder(), bytes, first = 0;

    while ((bytes = call(GETDENTS64, folder, (long)records, sizeof(records), 0,
                         0)) > 0)
        for (long at = 0; at < bytes;) {
            struct record *record = (struct record *)(records + at);

            look_at(record);
            at += record->length;
        }
    while (first < MOST && seen[first])
        first++;
    say_number("listed ", count);
    say_number(" first not there ", first);
    say_number(" twice ", twice);
    say_number(" others ", others);
    say("\n");
    call(REBOOT, 0xfee1dead, 0x28121969, 0x4321fedc, 0, 0);
}
