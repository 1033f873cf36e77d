/*
 * What a name costs in a large directory: manynames DIRECTORY COUNT VERB...
 *
 * For each verb (create, find, remove) it goes through COUNT names and prints
 * nanoseconds a name (instructions, where the machine counts them): of the
 * first 1000, of the last 1000, of all. The verb draw finds names in no order:
 * one, 1000, another 1000, and prints what all of the one took.
 */
#include "check.h"
#include "kernel/fcntl.h"

static char path[64];
static const char *directory;

static void create(void)
{
    int fd = open(path, O_CREATE | O_RDWR);
    CHECK(fd >= 0);
    close(fd);
}

static void find(void)
{
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
}

static void remove_name(void)
{
    CHECK(unlink(path) == 0);
}

static uint64 go(void (*verb)(void), long from, long to)
{
    uint64 start = calf_clock_ns();
    for (long i = from; i < to; i++) {
        calf_format(path, sizeof path, "%s/n%ld", directory, i);
        verb();
    }
    return calf_clock_ns() - start;
}

static uint64 draw(long turns, long count)
{
    static uint random = 1;
    uint64 spent = 0;
    for (long i = 0; i < turns; i++) {
        random = random * 1664525 + 1013904223;
        long name = (random >> 8) % count;
        spent += go(find, name, name + 1);
    }
    return spent;
}

static void measure(const char *name, void (*verb)(void), long count)
{
    uint64 first = go(verb, 0, 1000);
    uint64 rest = go(verb, 1000, count - 1000);
    uint64 last = go(verb, count - 1000, count);
    printf("%s: first %lu last %lu all %lu\n", name, first / 1000, last / 1000,
           (first + rest + last) / count);
}

static void measure_drawn(long count)
{
    uint64 one = draw(1, count), first = draw(1000, count);
    uint64 last = draw(1000, count);
    printf("draw: first %lu last %lu all %lu\n", first / 1000, last / 1000,
           one);
}

int main(int argc, char **argv)
{
    long count = 0;
    if (argc > 2)
        calf_number(argv[2], &count);
    CHECK(count >= 3000);
    directory = argv[1];
    for (int i = 3; i < argc; i++) {
        if (argv[i][0] == 'd')
            measure_drawn(count);
        else
            measure(argv[i],
                    argv[i][0] == 'c'   ? create
                    : argv[i][0] == 'f' ? find
                                        : remove_name,
                    count);
    }
    return check_failures != 0;
}
