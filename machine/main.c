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

static struct options {
    const char *kernel, *initrd, *disks[MACHINE_DISKS], *save, *resume;
    char command_line[2048];
    struct machine_config config;
    uint64_t stop_at;
    bool snapshot, stats;
} options = {.config = {.harts = 1, .ram = 128 << 20}, .stop_at = UINT64_MAX};

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

static void append_words(const char *words)
{
    append("", words);
}

static void add_disk(const char *file)
{
    if (options.config.disks == MACHINE_DISKS)
        fail("at most %d disks", MACHINE_DISKS);
    options.disks[options.config.disks++] = file;
}

static void take_adversary(const char *list)
{
    options.config.adversary = adversary(list);
}

#define TO(place) NULL, &options.place, sizeof options.place

static const struct option {
    const char *name, *value; /* NULL: it has none */
    const char *help;
    void (*take)(const char *value);
    void *to; /* otherwise: a bool, a text, or a number of 4 or 8 bytes */
    size_t size;
} known[] = {
    {"--kernel", "IMG", "a Linux Image", TO(kernel)},
    {"--initrd", "FILE", "", TO(initrd)},
    {"--disk", "FILE", "a disk; again for a second one", add_disk, NULL, 0},
    {"--snapshot", NULL, "what is written to disks is lost", TO(snapshot)},
    {"--harts", "N", "1 to 8 (1)", TO(config.harts)},
    {"--mem", "SIZE", "as 64M or 1G (128M)", TO(config.ram)},
    {"--append", "ARGS", "the kernel's command line", append_words, NULL, 0},
    {"--seed", "N", "other turns, random bytes and boot hart", TO(config.seed)},
    {"--quantum", "N", "instructions of a turn (1000)", TO(config.quantum)},
    {"--per-tick", "N", "instructions of 100 ns (10)", TO(config.per_tick)},
    {"--adversary", "LIST", "difficult, by --seed: docs/MACHINE.md",
     take_adversary, NULL, 0},
    {"--epoch", "N", "the clock at the start: s since 1970", TO(config.epoch)},
    {"--stop-at", "N", "to instruction N, then report", TO(stop_at)},
    {"--save", "FILE", "where all of the machine goes at its end", TO(save)},
    {"--resume", "FILE", "goes on from there; disks are lost", TO(resume)},
    {"--stats", NULL, "at the end: instructions", TO(stats)},
};
#define KNOWN (sizeof known / sizeof *known)

static _Noreturn void help(void)
{
    puts("usage: calf-machine --kernel IMG [options] [COMMAND...]\n"
         "Boots a RISC-V kernel. Its console is standard input and output; ^A\n"
         "x leaves. With COMMAND the kernel is told run=COMMAND.");
    for (unsigned i = 0; i < KNOWN; i++)
        printf("  %-11s %-5s %s\n", known[i].name,
               known[i].value ? known[i].value : "", known[i].help);
    puts("Status: 0 when the kernel powers off or restarts, 1 when no hart\n"
         "will ever go on, or at --stop-at, 2 for wrong usage.");
    exit(0);
}

static void take(const struct option *o, const char *value)
{
    if (o->take)
        o->take(value);
    else if (!o->value)
        *(bool *)o->to = true;
    else if (strcmp(o->value, "N") && strcmp(o->value, "SIZE"))
        *(const char **)o->to = value;
    else if (o->size == sizeof(uint32_t))
        *(uint32_t *)o->to = (uint32_t)number(value);
    else
        *(uint64_t *)o->to = number(value);
}

static void parse(char **arguments)
{
    for (; *arguments && !strncmp(*arguments, "--", 2); arguments++) {
        const struct option *o = known;
        if (!strcmp(*arguments, "--help"))
            help();
        while (o < &known[KNOWN] && strcmp(*arguments, o->name))
            o++;
        if (o == &known[KNOWN])
            fail("%s: no such option; see --help", *arguments);
        if (o->value && !*++arguments)
            fail("%s wants a value", o->name);
        take(o, *arguments);
    }
    for (const char *before = "run="; *arguments; before = "", arguments++)
        append(before, *arguments);
    if (!options.kernel && !options.resume)
        fail("--kernel is missing; see --help");
}

/* ---- Files --------------------------------------------------------------- */

/* A file's contents, which may be changed here. */
static void *contents(const char *path, uint64_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        fail("%s: %s", path, strerror(errno));
    *size = (uint64_t)st.st_size;
    void *data = mmap(NULL, *size + !*size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (data == MAP_FAILED)
        fail("%s: %s", path, strerror(errno));
    close(fd);
    return data;
}

static struct machine *make_machine(void)
{
    struct machine_config *c = &options.config;
    const void *disks[MACHINE_DISKS];
    for (unsigned i = 0; i < c->disks; i++)
        disks[i] = contents(options.disks[i], &c->disk_size[i]);
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
        memcpy(machine_disk(block, i), disks[i], c->disk_size[i]);
    return block;
}

static void load(struct machine *m, const char *path, const void *data,
                 uint64_t physical, uint64_t size)
{
    void *to = physical ? machine_ram(m, physical, size) : NULL;
    if (!to)
        fail("%s: there is too little memory for it", path);
    memcpy(to, data, size);
}

static void boot(struct machine *m)
{
    uint64_t size, place = 0;
    const void *data = contents(options.kernel, &size);
    load(m, options.kernel, data, MACHINE_RAM_BASE + MACHINE_KERNEL_AT, size);
    size = 0;
    if (options.initrd) {
        data = contents(options.initrd, &size);
        place = machine_initrd_place(m, size);
        load(m, options.initrd, data, place, size);
    }
    if (!machine_boot(m, place, size, options.command_line))
        fail("the command line is too long for the device tree");
}

/* Pages of zeros are left out: they are holes. */
static void save(const struct machine *m)
{
    static const uint8_t zeros[4096];
    const uint8_t *block = (const uint8_t *)m;
    size_t size = machine_size(&options.config);
    int fd = open(options.save, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = fd >= 0 && !ftruncate(fd, (off_t)size);
    for (size_t at = 0, part; good && at < size; at += part) {
        part = size - at < sizeof zeros ? size - at : sizeof zeros;
        good = !memcmp(block + at, zeros, part) ||
               pwrite(fd, block + at, part, (off_t)at) == (ssize_t)part;
    }
    if (!good || close(fd))
        fail("%s: %s", options.save, strerror(errno));
}

static struct machine *resume(void)
{
    uint64_t size;
    struct machine *m = contents(options.resume, &size);
    if (!machine_is_ours(m, size, &options.config))
        fail("%s: this was not saved by this build of the machine",
             options.resume);
    options.snapshot = true;
    return m;
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

static _Noreturn void leave(const struct machine *m, int status)
{
    if (options.save)
        save(m);
    if (options.stats)
        fprintf(stderr, "instructions: %llu\n",
                (unsigned long long)machine_now(m));
    exit(status);
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
            leave(m, 0);
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
    uint64_t pc, ra;
    report_decisions(m);
    fprintf(stderr, "at %llu:\n", (unsigned long long)machine_now(m));
    for (unsigned i = 0; machine_register(m, i, MACHINE_PC, &pc); i++) {
        machine_register(m, i, 1, &ra);
        fprintf(stderr, "hart %u: pc 0x%016llx  ra 0x%016llx\n", i,
                (unsigned long long)pc, (unsigned long long)ra);
    }
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
        leave(m, 1);
    }
    int most = !is_terminal ? 0 : rest < 60000 ? (int)rest : 60000;
    if (!take_input(m, next == UINT64_MAX ? -1 : most))
        machine_skip(m, next < options.stop_at ? next : options.stop_at);
}

/* Where a run is stopped for a while makes no difference to when there is
 * input. */
static uint64_t next_look(const struct machine *m)
{
    uint64_t next = (machine_now(m) / SLICE + 1) * SLICE;
    return next < options.stop_at ? next : options.stop_at;
}

static void on_signal(int number)
{
    interrupted = number;
}

static void run(struct machine *m)
{
    enum machine_stop why = MACHINE_LIMIT;
    while (why != MACHINE_OFF && why != MACHINE_RESTART) {
        why = machine_run(m, next_look(m));
        show_output(m);
        if (interrupted || machine_now(m) >= options.stop_at) {
            report(m);
            leave(m, 1);
        }
        if (why == MACHINE_FLUSH)
            write_disks(m);
        else if (why == MACHINE_IDLE)
            wait(m);
        else if (why != MACHINE_LIMIT || machine_now(m) % SLICE == 0)
            take_input(m, 0);
    }
    write_disks(m);
}

int main(int count, char **arguments)
{
    (void)count;
    parse(arguments + 1);
    struct machine *m = options.resume ? resume() : make_machine();
    if (!options.resume)
        boot(m);
    open_terminal();
    signal(SIGTERM, on_signal);
    run(m);
    leave(m, 0);
}
