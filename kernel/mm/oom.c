/*
 * Asking shrinkers for memory. See oom.h for the policy.
 */
#include "mm/oom.h"
#include "lib/bits.h"
#include "mm/page.h"
#include "mm/space.h"

/* The fewest pages that a try asks for, and the most tries. */
#define BATCH     16
#define TRIES_MAX 24
/* With so many pages unused, a failure has another reason. */
#define PLENTY       64
#define PLENTY_TRIES 4

static struct shrinker *shrinkers; /* I: at boot */

void oom_add_shrinker(struct shrinker *shrinker)
{
    struct shrinker **at = &shrinkers;
    while (*at)
        at = &(*at)->next;
    *at = shrinker;
}

static uint64_t scan(uint64_t wanted, bool sleeping)
{
    uint64_t given = 0;
    for (struct shrinker *s = shrinkers; s && given < wanted; s = s->next)
        if (s->sleeps == sleeping)
            given += s->scan(wanted - given);
    return given;
}

bool oom_reclaim(void)
{
    struct space *space = space_current();
    return !(space && mutex_held(&space->lock)) && scan(BATCH, false);
}

/* The first try is content with any pages that come without sleeping. Later
 * tries sleep if these are too few, or each might bring in too few. */
static bool relieve(uint64_t wanted, bool first)
{
    uint64_t given = scan(wanted, false);
    if (!given || (given < wanted && !first))
        given += scan(wanted, true);
    return given;
}

bool oom_retry(unsigned *tries, uint64_t wanted)
{
    struct thread *self = thread_current();
    lockrank_assert_below(LOCK_ORPHANS);
    if (page_failed_on_command() || thread_killed(self) || self->gave_up)
        return false;
    uint64_t more = (uint64_t)BATCH << *tries, unused = page_unused_count();
    bool again = ++*tries < TRIES_MAX;
    /* Pages may have come back since the failure: a few tries show that. */
    if (unused >= wanted + PLENTY)
        return *tries < PLENTY_TRIES;
    /* If nothing is left to give back, another thread may have reclaimed it:
     * then more is unused. */
    again =
        again && (relieve(MAX(wanted, unused + more) - unused, *tries == 1) ||
                  page_unused_count() > unused);
    self->gave_up = !again;
    return again;
}

uint64_t oom_count(void)
{
    uint64_t count = 0;
    for (struct shrinker *s = shrinkers; s; s = s->next)
        count += s->count ? s->count() : 0;
    return count;
}
