/*
 * The machine as a program: files in, a terminal, files out. See --help.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include "machine.h"

#define SLICE   1000000u /* instructions between looks at the terminal */
#define ESCAPE  1        /* ^A */
#define RATE_MS 10000u   /* ticks of a millisecond */

static const char help[] =
    "usage: calf-machine --kernel IMG [options] [COMMAND...]\n"
    "Boots a RISC-V kernel. Its console is standard input and output; ^A x\n"
    "leaves. With COMMAND the kernel is told run=COMMAND.\n"
    "  --kernel IMG     a Linux Image\n"
    "  --initrd FILE\n"
    "  --disk FILE      a disk; again for a second one\n"
    "  --snapshot       what is written to disks is thrown away\n"
    "  --harts N        1 to 8 (1)\n"
    "  --mem SIZE       as 64M or 1G (128M)\n"
    "  --append ARGS    the kernel's command line\n"
    "  --seed N         other lengths of turns, random bytes and boot hart\n"
    "  --quantum N      instructions of a turn (1000)\n"
    "  --per-tick N     instructions of 100 ns of the machine's time (10)\n"
    "  --adversary LIST difficult, by --seed: all, or some of tlb, turns, "
    "time,\n"
    "                   code, stores, lrsc, walks, invalid, nodes, sbi, "
    "devices;\n"
    "                   or the sum of 1, 2, 4... in this order\n"
    "  --stop-at N      to instruction N, then report\n"
    "  --epoch N        the wall clock at the start, seconds since 1970\n"
    "  --stats          at the end: instructions, on standard error\n"
    "Status: 0 when the kernel powers off or restarts, 1 when no hart will\n"
    "ever go on, or at --stop-at, 2 for wrong usage.\n";

static struct options {
    const char *kernel, *initrd, *disks[MACHINE_DISKS];
    char command_line[2048];
    struct machine_config config;
    uint64_t stop_at;
    bool snapshot, stats;
} options = {.stop_at = UINT64_MAX, .config = {.harts = 1, .ram = 128 << 20}};

static struct termios saved_terminal;
static bool is_terminal, input_ended;
static volatile sig_atomic_t interrupted;

static _Noreturn void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("calf-machine: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

/* ---- What was asked for -------------------------------------------------- */

/* A number, perhaps with K, M or G behind it. */
static uint64_t number(const char *text)
{
    static const char units[] = "KMG";
    char *end;
    uint64_t value = strtoull(text, &end, 0);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (end == text || (*end && (!unit || end[1])))
        fail("%s: not a number", text);
    return unit ? value << 10 * (unit - units + 1) : value;
}

/* Names with commas between, or a number. */
static uint32_t adversary(const char *list)
{
    uint32_t set = 0;
    if (*list >= '0' && *list <= '9')
        return (uint32_t)number(list);
    if (!strcmp(list, "all"))
        return (1u << ADVERSARY_KINDS) - 1;
    for (const char *name = list; name; name = strchr(name, ',')) {
        unsigned i = 0;
        name += *name == ',';
        size_t length = strcspn(name, ",");
        while (i < ADVERSARY_KINDS &&
               (strlen(adversary_names[i]) != length ||
                memcmp(adversary_names[i], name, length)))
            i++;
        if (i == ADVERSARY_KINDS)
            fail("%s: no adversary's name; see --help", name);
        set |= 1u << i;
    }
    return set;
}

/* Adds words to the command line. */
static void append(const char *before, const char *words)
{
    size_t used = strlen(options.command_line);
    size_t room = sizeof options.command_line - used;
    int length = snprintf(options.command_line + used, room, "%s%s%s",
                          used ? " " : "", before, words);
    if (length < 0 || (size_t)length >= room)
        fail("the command line is too long");
}

static void add_disk(const char *file)
{
    if (options.config.disks == MACHINE_DISKS)
        fail("at most %d disks", MACHINE_DISKS);
    options.disks[options.config.disks++] = file;
}

static void take_option(const char *name, const char *value)
{
    struct machine_config *c = &options.config;
    const struct {
        const char *name;
        void *to;
        size_t size; /* of a number; 0: a text */
    } known[] = {
        {"--kernel", &options.kernel, 0},
        {"--initrd", &options.initrd, 0},
        {"--harts", &c->harts, sizeof c->harts},
        {"--mem", &c->ram, sizeof c->ram},
        {"--seed", &c->seed, sizeof c->seed},
        {"--quantum", &c->quantum, sizeof c->quantum},
        {"--per-tick", &c->per_tick, sizeof c->per_tick},
        {"--stop-at", &options.stop_at, sizeof options.stop_at},
        {"--epoch", &c->epoch, sizeof c->epoch},
    };
    unsigned i = 0, count = sizeof known / sizeof *known;
    if (!strcmp(name, "--disk"))
        return add_disk(value);
    if (!strcmp(name, "--append"))
        return append("", value);
    if (!strcmp(name, "--adversary")) {
        c->adversary = adversary(value);
        return;
    }
    while (i < count && strcmp(name, known[i].name))
        i++;
    if (i == count)
        fail("%s: no such option; see --help", name);
    if (!known[i].size)
        *(const char **)known[i].to = value;
    else if (known[i].size == sizeof(uint32_t))
        *(uint32_t *)known[i].to = (uint32_t)number(value);
    else
        *(uint64_t *)known[i].to = number(value);
}

static void parse(char **arguments)
{
    for (; *arguments && !strncmp(*arguments, "--", 2); arguments++) {
        if (!strcmp(*arguments, "--help")) {
            fputs(help, stdout);
            exit(0);
        }
        if (!strcmp(*arguments, "--snapshot")) {
            options.snapshot = true;
        } else if (!strcmp(*arguments, "--stats")) {
            options.stats = true;
        } else {
            if (!arguments[1])
                fail("%s wants a value", *arguments);
            take_option(arguments[0], arguments[1]);
            arguments++;
        }
    }
    for (const char *before = "run="; *arguments; before = "", arguments++)
        append(before, *arguments);
    if (!options.kernel)
        fail("--kernel is missing; see --help");
}

/* ---- Files --------------------------------------------------------------- */

static uint64_t file_size(const char *path)
{
    struct stat st;
    if (stat(path, &st))
        fail("%s: %s", path, strerror(errno));
    return (uint64_t)st.st_size;
}

static void read_file(const char *path, uint8_t *to, uint64_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && size) {
        ssize_t got = read(fd, to, size);
        if (got <= 0)
            break;
        to += got;
        size -= (uint64_t)got;
    }
    if (fd < 0 || size)
        fail("%s: %s", path, fd < 0 ? strerror(errno) : "cannot be read");
    close(fd);
}

static void load(struct machine *m, const char *path, uint64_t physical)
{
    uint64_t size = file_size(path);
    uint8_t *to = physical ? machine_ram(m, physical, size) : NULL;
    if (!to)
        fail("%s: there is too little memory for it", path);
    read_file(path, to, size);
}

static struct machine *make_machine(void)
{
    struct machine_config *c = &options.config;
    for (unsigned i = 0; i < c->disks; i++)
        c->disk_size[i] = file_size(options.disks[i]);
    size_t size = machine_size(c);
    if (!size)
        fail("there is no such machine: 1 to %d harts, at least 16M of memory, "
             "disks of whole sectors",
             MACHINE_HARTS);
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED)
        fail("no memory for the machine: %s", strerror(errno));
    machine_init(block, c);
    for (unsigned i = 0; i < c->disks; i++)
        read_file(options.disks[i], machine_disk(block, i), c->disk_size[i]);
    return block;
}

static void boot(struct machine *m)
{
    uint64_t size = options.initrd ? file_size(options.initrd) : 0;
    uint64_t place = size ? machine_initrd_place(m, size) : 0;
    load(m, options.kernel, MACHINE_RAM_BASE + MACHINE_KERNEL_AT);
    if (size)
        load(m, options.initrd, place);
    if (!machine_boot(m, place, size, options.command_line))
        fail("the command line is too long for the device tree");
}

static void write_back(struct machine *m, unsigned disk)
{
    uint64_t at, size;
    int fd = open(options.disks[disk], O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        fail("%s: %s", options.disks[disk], strerror(errno));
    const uint8_t *data = machine_disk(m, disk);
    while (machine_disk_written(m, disk, &at, &size))
        if (pwrite(fd, data + at, size, (off_t)at) != (ssize_t)size)
            fail("%s: cannot be written", options.disks[disk]);
    close(fd);
}

static void write_disks(struct machine *m)
{
    for (unsigned i = 0; i < options.config.disks && !options.snapshot; i++)
        write_back(m, i);
}

/* ---- The terminal -------------------------------------------------------- */

static void restore_terminal(void)
{
    tcsetattr(0, TCSADRAIN, &saved_terminal);
}

static void open_terminal(void)
{
    struct termios raw;
    is_terminal = isatty(0);
    if (!is_terminal)
        return;
    tcgetattr(0, &saved_terminal);
    atexit(restore_terminal);
    raw = saved_terminal;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST;
    tcsetattr(0, TCSADRAIN, &raw);
}

static void show_output(struct machine *m)
{
    static uint8_t buffer[65536];
    size_t size = machine_output(m, buffer, sizeof buffer);
    for (size_t at = 0; at < size;) {
        ssize_t done = write(1, buffer + at, size - at);
        if (done < 0 && errno != EINTR)
            exit(2);
        at += done > 0 ? (size_t)done : 0;
    }
}

/* ^A x leaves; ^A and another key is that key. */
static void type(struct machine *m, const uint8_t *keys, size_t count)
{
    static bool escaped;
    for (size_t i = 0; i < count; i++) {
        if (is_terminal && !escaped && keys[i] == ESCAPE) {
            escaped = true;
            continue;
        }
        if (escaped && keys[i] == 'x')
            exit(0);
        escaped = false;
        machine_input(m, &keys[i], 1);
    }
}

/* Waits at most so long for input; was there some? */
static bool take_input(struct machine *m, int milliseconds)
{
    struct pollfd p = {.fd = input_ended ? -1 : 0, .events = POLLIN};
    uint8_t keys[64];
    if (poll(&p, 1, milliseconds) <= 0)
        return false;
    ssize_t count = read(0, keys, sizeof keys);
    if (count > 0)
        type(m, keys, (size_t)count);
    else if (count == 0 || errno != EINTR)
        input_ended = true;
    return count > 0;
}

/* ---- Running ------------------------------------------------------------- */

static void report_decisions(const struct machine *m)
{
    struct machine_decision d;
    for (unsigned i = MACHINE_DECISIONS; i-- > 0;)
        if (machine_decision(m, i, &d))
            fprintf(stderr, "at %llu, hart %u: %s %016llx\n",
                    (unsigned long long)d.now, d.hart,
                    adversary_names[__builtin_ctz(d.what)],
                    (unsigned long long)d.address);
}

static void report(struct machine *m)
{
    uint64_t pc;
    report_decisions(m);
    fprintf(stderr, "at %llu:\n", (unsigned long long)machine_now(m));
    for (unsigned i = 0; machine_hart_pc(m, i, &pc) || i < MACHINE_HARTS; i++)
        if (machine_hart_pc(m, i, &pc))
            fprintf(stderr, "hart %u: pc %016llx\n", i, (unsigned long long)pc);
}

/* Nothing happens until a timer or a key: at a terminal in real time, else at
 * once. */
static void wait(struct machine *m)
{
    uint64_t next = machine_next_event(m), now = machine_now(m);
    uint64_t tick = options.config.per_tick ? options.config.per_tick : 10;
    uint64_t rest = (next - now) / tick / RATE_MS;
    if (next == UINT64_MAX && input_ended) {
        report(m);
        fputs("calf-machine: no hart will ever go on\n", stderr);
        exit(1);
    }
    int most = !is_terminal ? 0 : rest < 60000 ? (int)rest : 60000;
    if (!take_input(m, next == UINT64_MAX ? -1 : most))
        machine_skip(m, next);
}

static void on_signal(int number)
{
    interrupted = number;
}

static void run(struct machine *m)
{
    enum machine_stop why = MACHINE_LIMIT;
    while (why != MACHINE_OFF && why != MACHINE_RESTART) {
        uint64_t next = machine_now(m) + SLICE;
        why = machine_run(m, next < options.stop_at ? next : options.stop_at);
        show_output(m);
        if (interrupted || machine_now(m) >= options.stop_at) {
            report(m);
            exit(1);
        }
        if (why == MACHINE_FLUSH)
            write_disks(m);
        else if (why == MACHINE_IDLE)
            wait(m);
        else
            take_input(m, 0);
    }
    write_disks(m);
}

int main(int count, char **arguments)
{
    (void)count;
    parse(arguments + 1);
    struct machine *m = make_machine();
    boot(m);
    open_terminal();
    signal(SIGTERM, on_signal);
    run(m);
    if (options.stats)
        fprintf(stderr, "instructions: %llu\n",
                (unsigned long long)machine_now(m));
    return 0;
}
