/*
 * The benchmark program: what is measured is given as words on its command
 * line, as `bench rounds=5 sizes=0,16,64 null_call fork_exit_wait`.
 *
 * The words are such that a kernel command line can carry them, for on Linux
 * this is the first process. The unit of time is the guest's nanosecond;
 * under QEMU's -icount that is one instruction, and whoever runs us knows.
 */
#include "bench.h"

struct work {
    const char *name;
    void (*run)(const struct block *block);
    bool sized; /* run for every size, else once */
    const char *what;
};

static const struct work works[] = {
    {"null_call", work_null_call, false, "a system call that does nothing"},
    {"pipe_same", work_pipe_same, false,
     "a byte there and back through pipes, on one hart"},
    {"pipe_other", work_pipe_other, false, "the same between two harts"},
    {"context_switch", work_context_switch, false,
     "a switch, from pipe_same less what the pipes cost"},
    {"file_read", work_file_read, false, "1 MB of a cached file"},
    {"zero_fault", work_zero_fault, false, "first touch of a page"},
    {"disk_read", work_disk_read, false, "64 MB of a disk, in order"},
    {"disk_read_cached", work_disk_read_cached, false, "the same again"},
    {"disk_write", work_disk_write, false, "64 MB to a disk, and a sync"},
    {"disk_files", work_disk_files, false,
     "a file of 1 KB: made, written, removed"},
    {"disk_files_synced", work_disk_files_synced, false,
     "the same, with a sync after 500 were made and one at the end"},
    {"fork_rate", work_fork_rate, false,
     "forks a second of forkers=N processes; N in the place of the size"},
    {"fork_call", work_fork_call, true, "fork as its caller sees it"},
    {"fork_exit_wait", work_fork_exit_wait, true, "and till the child is gone"},
    {"fork_exec", work_fork_exec, true, "the same with an exec by the child"},
    {"cow_fault", work_cow_fault, true, "a child's write to a shared page"},
    {"cow_fault_sparse", work_cow_fault_sparse, true,
     "the same, the first page in each 2 MB"},
    {"reuse_fault", work_reuse_fault, true,
     "a write to a page that was shared, its 2 MB written to by a child"},
    {"reuse_claimed", work_reuse_claimed, true,
     "the same after a child that wrote nothing"},
    {"whole", work_whole, true,
     "fork and all that follows, in several scenarios"},
    {"idle_forks", work_idle_forks, true, "pages an idle child takes"},
};

#define WORKS     (sizeof(works) / sizeof(works[0]))
#define MAX_SIZES 8

int rounds = 5;
int forkers = 1;
static int settle;

static long sizes[MAX_SIZES];
static int size_count;
static bool chosen[WORKS];

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

/* The text behind KEY in WORD, or NULL if the word begins differently. */
static const char *behind(const char *word, const char *key)
{
    while (*key != '\0')
        if (*word++ != *key++)
            return NULL;
    return word;
}

/* The number at *TEXT, which is moved behind it; -1 if there is none. */
static long take_number(const char **text)
{
    const char *at = *text;
    long value = 0;

    while (*at >= '0' && *at <= '9' && value < 1000000)
        value = value * 10 + (*at++ - '0');
    if (at == *text)
        return -1;
    *text = at;
    return value;
}

static int take_sizes(const char *text)
{
    for (size_count = 0; size_count < MAX_SIZES; text++) {
        long size = take_number(&text);
        if (size < 0 || size > 1024)
            return -1;
        sizes[size_count++] = size;
        if (*text != ',')
            return *text == '\0' ? 0 : -1;
    }
    return -1;
}

static int take_small(const char *text, int limit, int *value)
{
    long number = take_number(&text);

    if (number < 1 || number > limit || *text != '\0')
        return -1;
    *value = (int)number;
    return 0;
}

static int take_word(const char *word)
{
    const char *rest;

    if ((rest = behind(word, "sizes=")))
        return take_sizes(rest);
    if ((rest = behind(word, "rounds=")))
        return take_small(rest, MAX_ROUNDS, &rounds);
    if ((rest = behind(word, "forkers=")))
        return take_small(rest, 64, &forkers);
    if ((rest = behind(word, "settle=")))
        return take_small(rest, 60, &settle);
    for (unsigned i = 0; i < WORKS; i++) {
        if (same(word, works[i].name)) {
            chosen[i] = true;
            return 0;
        }
    }
    return -1;
}

static void usage(void)
{
    port_print("usage: bench [rounds=N] [sizes=MB,MB,...] [forkers=N] "
               "[settle=SECONDS]\n    WORK...\n\n"
               "NAME SIZE_MB VALUE UNIT of each WORK, of these:\n");
    for (unsigned i = 0; i < WORKS; i++)
        port_print("  %-16s %s%s\n", works[i].name, works[i].what,
                   works[i].sized ? " (sized)" : "");
}

static bool any_chosen(bool sized)
{
    for (unsigned i = 0; i < WORKS; i++)
        if (chosen[i] && works[i].sized == sized)
            return true;
    return false;
}

/* The chosen works for one size, all on the same block. */
static void run_sized(long megabytes)
{
    struct block block = {NULL, megabytes, megabytes * PAGES_A_MB};
    size_t bytes = (size_t)megabytes << 20;

    if (megabytes > 0) {
        if (frames_fit(block.pages))
            block.base = port_memory(bytes);
        if (block.base == NULL) {
            report_missing("block", megabytes, "does not fit into memory");
            return;
        }
    }
    for (unsigned i = 0; i < WORKS; i++) {
        if (chosen[i] && works[i].sized) {
            write_pages(&block, 0, block.pages, 1);
            works[i].run(&block);
        }
    }
    if (megabytes > 0)
        port_memory_end(block.base, bytes);
}

int main(int argc, char **argv)
{
    static const struct block none = {NULL, 0, 0};

    /* What port_exec_nothing starts; as early as can be. */
    if (argc == 2 && same(argv[1], "nothing"))
        port_exit(0);
    for (int i = 1; i < argc; i++) {
        if (take_word(argv[i]) < 0) {
            if (!same(argv[i], "--help"))
                port_print("bench: cannot understand %s\n", argv[i]);
            usage();
            port_end(same(argv[i], "--help") ? 0 : 2);
        }
    }
    /* A system that has just started may still have things to do. */
    if (settle > 0)
        port_sleep(settle);
    if (size_count == 0 && any_chosen(true))
        size_count = 1; /* of 0 MB */
    /* The others use memory of their own: sized works must not come after. */
    for (int i = 0; i < size_count && any_chosen(true); i++)
        run_sized(sizes[i]);
    for (unsigned i = 0; i < WORKS; i++)
        if (chosen[i] && !works[i].sized)
            works[i].run(&none);
    port_print("# done\n");
    port_end(0);
}
