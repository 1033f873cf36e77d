/*
 * Asking shrinkers for memory. See oom.h for the policy.
 */
#include "mm/oom.h"
#include "mm/page.h"
#include "mm/space.h"

/* Pages that one try asks for at least, and tries at most. */
#define BATCH     16
#define TRIES_MAX 24

static struct shrinker *shrinkers; /* I once boot is over */

void oom_add_shrinker(struct shrinker *shrinker)
{
    struct shrinker **at = &shrinkers;
    while (*at && (*at)->sleeps <= shrinker->sleeps)
        at = &(*at)->next;
    shrinker->next = *at;
    *at = shrinker;
}

static bool scan(uint64_t wanted, bool may_sleep)
{
    uint64_t given = 0;
    for (struct shrinker *s = shrinkers; s && given < wanted; s = s->next)
        if (!s->sleeps || (may_sleep && !given))
            given += s->scan(wanted - given);
    return given;
}

bool oom_reclaim(void)
{
    struct space *space = space_current();
    return !(space && mutex_held(&space->lock)) && scan(BATCH, false);
}

bool oom_retry(unsigned *tries, uint64_t wanted)
{
    lockrank_assert_below(LOCK_REAP);
    if (page_failed_on_command() || thread_killed(thread_current()) ||
        *tries == TRIES_MAX)
        return false;
    uint64_t more = (uint64_t)BATCH << (*tries)++;
    return scan(wanted > more ? wanted : more, true);
}

uint64_t oom_count(void)
{
    uint64_t count = 0;
    for (struct shrinker *s = shrinkers; s; s = s->next)
        count += s->count ? s->count() : 0;
    return count;
}
