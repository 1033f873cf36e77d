/*
 * Rounds of random sequences. See random.h.
 */
/* sources: tests/host/mm/shrink.c */
#include "host/mm/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/mm/shrink.h"
#include "host/lib/seed.h"

#define MEMORY           (16ul << 20)
#define ROUND_OPERATIONS 20000
#define MOST_STEPS       (5 * ROUND_OPERATIONS)
#define FAILURE          "build/model-failure"

static struct sequence *steps;
static unsigned long between;
static uint64_t stats_sum[STATS];
static time_t began, told;

/* ---- What is said -----------------------------------------------------------
 */

static void tell_progress(unsigned long seed, unsigned long done,
                          unsigned long all)
{
    unsigned long every = test_number("PROGRESS", 0);
    time_t now = time(NULL);
    if (!every || (done < all && now - told < (time_t)every))
        return;
    told = now;
    unsigned long rate = done / (now > began ? now - began : 1);
    fprintf(stderr, "model: SEED=%lu, %lu of %lu operations, %lu a second\n",
            seed, done, all, rate);
}

/* Shrink what failed and say how to see it again. */
static void explain(void)
{
    unsigned seconds = test_number("SHRINK", 60), before = steps->count;
    if (!seconds)
        return;
    fprintf(stderr, "model: shrinking %u steps, for at most %u s\n", before,
            seconds);
    unsigned tries = sequence_shrink(steps, seconds);
    if (!tries) {
        fprintf(stderr, "model: the steps alone do not fail again\n");
        return;
    }
    fprintf(stderr,
            "model: %u of %u steps are left after %u tries. They fail so:\n",
            steps->count, before, tries);
    trial_run(steps, true);
    fprintf(stderr, "model: the steps are these:\n");
    sequence_tell(steps, 0);
    if (sequence_write(steps, FAILURE))
        fprintf(stderr, "model: again: REPLAY=" FAILURE "\n");
}

/* ---- What is done -----------------------------------------------------------
 */

static bool random_round(unsigned long seed, unsigned long round,
                         unsigned long operations)
{
    struct stream stream = stream_seeded(seed << 24 ^ round);
    bool good = trial_draw(steps, &stream, operations, true);
    between += steps->between;
    for (unsigned i = 0; i < STATS; i++)
        stats_sum[i] += steps->stats[i];
    if (good)
        return true;
    fprintf(stderr, "model: failed: SEED=%lu ROUND=%lu\n", seed, round);
    explain();
    return false;
}

static bool random_rounds(unsigned long operations)
{
    unsigned long seed = test_number("SEED", 1), done = 0, part;
    if (getenv("ROUND"))
        return random_round(seed, test_number("ROUND", 0), ROUND_OPERATIONS);
    operations = test_number("OPS", operations);
    for (unsigned long i = 0; done < operations; i++, done += part) {
        part = operations - done;
        part = part < ROUND_OPERATIONS ? part : ROUND_OPERATIONS;
        if (!random_round(seed, i, part))
            return false;
        tell_progress(seed, done + part, operations);
    }
    fprintf(stderr,
            "model: SEED=%lu OPS=%lu: no difference; %lu more came between\n",
            seed, operations, between);
    for (unsigned i = 0; i < STATS; i++)
        fprintf(stderr, "model: %s %lu\n", stat_names[i], stats_sum[i]);
    return true;
}

static bool replay(const char *path)
{
    if (!sequence_read(steps, path))
        return false;
    fprintf(stderr, "model: %u steps of %s\n", steps->count, path);
    bool good = trial_run(steps, true);
    if (!good)
        explain();
    return good;
}

static bool draw_from_bytes(const char *path)
{
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct stream stream = stream_of_bytes(bytes, length);
    bool good = trial_draw(steps, &stream, ROUND_OPERATIONS, true);
    if (!good)
        explain();
    return good;
}

bool random_test(unsigned long operations)
{
    bool good;
    sequence_boot(MEMORY);
    steps = sequence_create(MOST_STEPS);
    began = told = time(NULL);
    if (getenv("REPLAY"))
        good = replay(getenv("REPLAY"));
    else if (getenv("BYTES"))
        good = draw_from_bytes(getenv("BYTES"));
    else
        good = random_rounds(operations);
    sequence_destroy(steps);
    return good;
}
