/*
 * Address spaces: a page-table tree and a list of regions, both shared until
 * they are written. This layer knows nothing of processes; a space is what a
 * thread translates by.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include "mm/page.h"
#include "mm/region.h"
#include "sched/mutex.h"

struct text;

/* Letters: I set once; l space lock; L list of spaces' lock. */
struct space {
    struct hal_space machine;
    struct mutex lock;           /* LOCK_SPACE */
    struct page *root;           /* l */
    struct region_list *regions; /* l */
    uint64_t fork_write;         /* l: its path may have lazy copies; or 0 */
    struct list link;            /* L */
    _Atomic uint32_t count;      /* a: references; being made or unmade: 0 */
};

/* What a fault turned out to be. */
enum fault {
    FAULT_SPURIOUS, /* the entries allow it, if need be once linked */
    FAULT_ZERO,     /* nothing there: a page of zeros */
    FAULT_FILE,     /* the object's page */
    FAULT_REUSE,    /* not shared: write granted */
    FAULT_COPY,     /* shared: copied */
    FAULT_SEGV,     /* no region, or it forbids this */
    FAULT_BUS,      /* the object has no such page, or could not read it */
    FAULT_NOMEM,    /* no page */
    FAULTS
};

static inline bool fault_resolved(enum fault fault)
{
    return fault < FAULT_SEGV;
}

/* An empty space; NULL when there is no memory. */
struct space *space_create(void);

/* A space with the same memory as `parent`; neither sees what the other writes
 * afterwards. Costs the same for any size. `write` and `execute` are hints:
 * where both will write and execute next. NULL when there is no memory, and
 * then the parent is unchanged. */
struct space *space_fork(struct space *parent, uint64_t write,
                         uint64_t execute);

/* One more reference; the caller has one, or a lock that keeps one. Returns the
 * space. A new space has one. */
static inline struct space *space_get(struct space *space)
{
    atomic_fetch_add_explicit(&space->count, 1, memory_order_relaxed);
    return space;
}

/* Put a reference; the last put destroys the space. May be NULL. May sleep. */
void space_put(struct space *space);

/* Destroy a space to which there is no other reference. May take long. */
void space_destroy(struct space *space);

/* The running thread translates by `space` from now on (NULL: none). */
void space_enter(struct space *space);
/* The running thread's, or NULL. */
struct space *space_current(void);

/* Add a region, with a reference to its object, if any. It must be readable, in
 * whole pages and below HAL_USER_TOP (else -EINVAL), and overlap no other
 * region (else -EEXIST). 0, one of these, or -ENOMEM. */
int space_map(struct space *space, const struct region *region);

/* The same for writable anonymous memory, all of which is brought in at once.
 * On failure nothing has changed. A kill ends it with -ENOMEM. It is done in
 * pieces, and the space is unlocked between two: the caller must prevent forks
 * of the space, and changes of its regions. */
int space_map_now(struct space *space, const struct region *region);

/* Bring in what the regions of [start, end) lack: pages of zeros, or of the
 * object. In pieces. 0, -ENOMEM (also for a kill), -EIO, or -EFAULT where there
 * is no region; pages that were brought in before stay. */
int space_populate(struct space *space, uint64_t start, uint64_t end);

/* Drop all regions and memory in [start, end). 0, -EINVAL, or -ENOMEM with
 * nothing changed. Many pages are dropped in pieces: see space_map_now. */
int space_unmap(struct space *space, uint64_t start, uint64_t end);

/* Set the permissions of [start, end), which is mapped throughout. PROT_READ
 * must be among them. 0, -EINVAL, or -ENOMEM with nothing changed. */
int space_protect(struct space *space, uint64_t start, uint64_t end,
                  uint8_t prot);

/* An access to `va` has faulted: resolve it, or say why not. May sleep; no lock
 * of LOCK_ORPHANS or above is held. */
enum fault space_fault(struct space *space, uint64_t va, enum access access);

/* Say in a few words what lies at `va`: for messages. */
void space_describe(struct space *space, uint64_t va, struct text *out);

/* /proc/PID/maps and /proc/PID/tree. */
void space_print_maps(struct space *space, struct text *out);
void space_print_tree(struct space *space, struct text *out);

/* /proc/meminfo: pages by kind, and the counters of stats.h. Returns 0. */
int memory_print(struct text *out);

/* Pages that the space's leaves lead to, shared ones included. */
uint64_t space_resident(struct space *space);

/* Lock a space for anything but a fork: lazy copies that a fork has left are
 * merged first (pt_merge). */
void space_lock(struct space *space);
/* Merge them; the space is locked. */
void space_merge(struct space *space);
void space_unlock(struct space *space);

/* space_all: the list of all spaces. space_is_changing: whether a space is
 * being changed, made or unmade. For both the other harts stand
 * (hal_harts_freeze). */
struct list *space_all(void);
bool space_is_changing(const struct space *space);

#endif
