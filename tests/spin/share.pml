/*
 * The protocol by which address spaces share a page-table tree, for Spin:
 * share, seal, link, claim, unshare, put, lazy copies and their merging, with the
 * shootdowns they need. Spin tries every schedule, so what holds here holds for all
 * schedules of a machine this small. docs/MODEL.md is the way in.
 *
 * Model and kernel. Above each part stands the function of kernel/mm that it
 * means. A step (a statement, or what d_step holds together) is at most one
 * access to memory that another space can reach, taken together with a lock's
 * acquisition before it or release after it; so another space may come between
 * any two. Allocations fail when the few pages are used up.
 *
 * The tree. A root is no page here, just the slot of its space. Each space has
 * two pages, at va 0 and 1: LEVELS 2 is root, node of two slots, pages; LEVELS
 * 3 is root, node of two slots, below each a node of one, pages.
 *
 * Harts (HARTS). The kernel never looks at what a hart has cached. So besides
 * loads and stores by the tree as it is, it is enough to follow one cached
 * translation, of va 0 of space 0, through all that kernels do (CACHE): first
 * an entry for a node, walked further at any later time, at last a leaf. Only
 * shootdowns end it, not the local flush of a hart's own entry; and a shootdown
 * of one address leaves entries for nodes, as sfence.vma may.
 *
 * Checked, by assertions:
 *   I1  at rest, every count is the number of edges and lazy copies; a count
 *       never goes below zero
 *   I3  who stores through a writable translation is alone with the page: no
 *       other space's tree means it, no other's translation holds it; at rest,
 *       nodes and page of a writable leaf have count 1 and are not sealed
 *   I5  no page is freed while a translation to it is cached
 *   I6  a space loads what it stored last, or its parent before the fork; for
 *       which space 0 may store a mark, once (CONTENTS)
 *
 * The size, by -D:
 *   SPACES, LEVELS, NODES, PAGES   how many
 *   ROUND         operations begun before all are at rest again: every overlap
 *                 of so many, from every state that can be reached at rest
 *   ONE_PAGE      only va 0 is used
 *   LAZY_COPIES   fork may copy lazily; writes and fork's path at both pages
 *   ZEROS         reads of nothing map the zero page
 *   MAY_FAIL      any allocation may fail
 *   SEVERAL_HARTS a space's harts run on while its kernel works (READABLE_FIRST
 *                 is then needed in pt_replace)
 *
 * Every other macro that is only tested for is an error to be seeded:
 * tools/spin has the list.
 */

#ifndef SPACES
#define SPACES 3
#endif
#ifndef LEVELS
#define LEVELS 2
#endif
#ifndef NODES
#define NODES 5
#endif
#ifndef PAGES
#define PAGES 5
#endif
#ifndef ROUND
#define ROUND 2
#endif

/* ---- Entries and pages ----------------------------------------------------
 * An entry is a kind and a page (sv39.h). Slots lie in one array, the roots'
 * first; an index into it plays pte_t *. Numbers of pages: nodes from 1 on, then
 * the others. */

#define NONE     0
#define OWNED    32
#define LAZY     64
#define LINKED   96
#define READABLE 128 /* a leaf */
#define WRITABLE 160 /* a leaf */

#define kind(e)    ((e) & 224)
#define target(e)  ((e) & 31)
#define visible(e) (kind(e) == OWNED || kind(e) == LINKED)

#define ALL_PAGES (NODES + PAGES)
#define ZERO      (ALL_PAGES + 1) /* the immortal page of zeros, not counted */
#define FAILED    255
#define first(n) (SPACES + 2 * ((n) - 1))

#if LEVELS == 2
#define slot_of(n, level, va) (first(n) + (va))
#else
#define slot_of(n, level, va) (first(n) + ((level) == 1) * (va))
#endif

byte slot[SPACES + 2 * NODES];
byte count[ALL_PAGES + 2];
bool sealed[NODES + 1];
bool locked[NODES + 1]; /* of 0, a root: never */
byte source_of[NODES + 1];

/* ---- Spaces and harts ----------------------------------------------------- */

#define UNUSED  0
#define TAKEN   1 /* being made or destroyed */
#define UNBORN  2 /* its memory is made, it does not run yet */
#define RUNNING 3
#define TRAPPED 4 /* its kernel is inside an operation */

byte state[SPACES];
byte lazy_at[SPACES]; /* space.fork_write: an address plus 1, or 0 */
byte begun;           /* operations since all kernels were at rest */

#ifdef SEVERAL_HARTS
#define may_run(s) (state[s] >= RUNNING)
#else
#define may_run(s) (state[s] == RUNNING)
#endif

/* The one cached translation, of va 0 in space 0: nothing, a node of level
 * cached - 1, or a leaf. */
#define LEAF 10
byte cached, cached_page;
bool cached_writable;

/* The mark: pages that hold it, and spaces whose load at va 0 must find it. */
bool marked[ALL_PAGES + 2];
bool expected[SPACES];

inline uncache()
{
    cached = 0;
    cached_page = 0;
    cached_writable = false
}

/* hal_shootdown with HAL_FLUSH_ALL, and of one address */
inline flush_all(space)
{
    d_step {
        if
        :: space == 0 -> uncache()
        :: else
        fi
    }
}

inline flush_address(space, address)
{
    d_step {
        if
        :: space == 0 && address == 0 && cached == LEAF -> uncache()
        :: else
        fi
    }
}

/* What hardware finds at va 0, walking now; and what the tree means there,
 * seen or not. */
#define own_or_source(n, level)                                                \
    (slot[slot_of(n, level, 0)] ->                                             \
         slot[slot_of(n, level, 0)] :                                          \
         (source_of[n] -> slot[slot_of(source_of[n], level, 0)] : NONE))
#if LEVELS == 2
#define walked(s)                                                              \
    (visible(slot[s]) -> slot[slot_of(target(slot[s]), 0, 0)] : NONE)
#define meant(s) (slot[s] -> own_or_source(target(slot[s]), 0) : NONE)
#else
#define walked_middle(s)                                                       \
    (visible(slot[s]) -> slot[slot_of(target(slot[s]), 1, 0)] : NONE)
#define walked(s)                                                              \
    (visible(walked_middle(s)) ->                                              \
         slot[slot_of(target(walked_middle(s)), 0, 0)] : NONE)
#define meant_middle(s) (slot[s] -> own_or_source(target(slot[s]), 1) : NONE)
#define meant(s)                                                               \
    (meant_middle(s) -> own_or_source(target(meant_middle(s)), 0) : NONE)
#endif

/* For use inside one step. */
hidden byte k, m, found;

inline load(space, page)
{
    assert(marked[page] == expected[space]) /* I6 */
}

inline store(space, page)
{
    assert(page != ZERO && count[page] > 0); /* I3 */
    found = 0;
    for (k : 0 .. SPACES - 1) {
        if
        :: k != space && state[k] >= UNBORN ->
            m = meant(k);
            assert(!m || target(m) != page) /* I3 */
        :: else
        fi;
        found = found || expected[k]
    }
    if
    :: cached == LEAF && space -> assert(cached_page != page) /* I3 */
    :: cached == LEAF && !space ->
        /* Or it would go on loading what was there before. */
        assert(cached_page == page) /* I6 */
    :: else
    fi;
#ifdef CONTENTS
    if
    :: space == 0 && !found ->
        marked[page] = true;
        expected[space] = true
    :: else
    fi;
#endif
    m = 0;
    k = 0;
    found = 0
}

#ifdef HARTS
active proctype harts()
{
    byte e, s;
end:
    do
#ifdef CACHE
    :: d_step { may_run(0) && !cached && visible(slot[0]) ->
        cached = LEVELS - 1;
        cached_page = target(slot[0]) }
#if LEVELS == 3
    :: d_step { may_run(0) && cached == 2 &&
                visible(slot[slot_of(cached_page, 1, 0)]) ->
        cached = 1;
        cached_page = target(slot[slot_of(cached_page, 1, 0)]) }
#endif
    :: d_step { may_run(0) && cached == 1 &&
                slot[slot_of(cached_page, 0, 0)] ->
        e = slot[slot_of(cached_page, 0, 0)];
        cached = LEAF;
        cached_page = target(e);
        cached_writable = (kind(e) == WRITABLE);
        e = 0 }
    :: d_step { may_run(0) && cached == LEAF -> load(0, cached_page) }
    :: d_step { may_run(0) && cached == LEAF && cached_writable ->
        store(0, cached_page) }
    :: d_step { cached -> uncache() }
#endif
    :: atomic {
        if
        :: s = 0
        :: s = 1
        :: s = SPACES - 1
        fi;
        d_step {
            if
            :: may_run(s) && walked(s) ->
                e = walked(s);
                load(s, target(e));
                if
                :: kind(e) == WRITABLE -> store(s, target(e))
                :: else
                fi
            :: else
            fi;
            e = 0;
            s = 0
        } }
    od
}
#endif

/* ---- Counts --------------------------------------------------------------- */

/* page_get, and of a leaf only if it is counted */
inline get(number)
{
    if
    :: number != ZERO ->
        assert(count[number] > 0); /* I1 */
        count[number]++
    :: else
    fi
}

inline owe(number)
{
    if
    :: number && number != ZERO -> due[dues] = number; dues++
    :: else
    fi
}

/* page_put and pt_put: one reference after another, each a step. A node that
 * dies leaves its children and its source to be put. */
inline put_due()
{
    do
    :: atomic { dues > 0 -> d_step {
        dues--;
        f = due[dues];
        due[dues] = 0;
        assert(count[f] > 0); /* I1 */
        count[f]--;
        if
        :: count[f] == 0 ->
            assert(!cached || cached_page != f); /* I5 */
            marked[f] = false;
            if
            :: f <= NODES ->
                assert(!locked[f]); /* I1 */
                owe(target(slot[first(f)]));
                owe(target(slot[first(f) + 1]));
                owe(source_of[f]);
                slot[first(f)] = NONE;
                slot[first(f) + 1] = NONE;
                source_of[f] = 0;
                sealed[f] = false
            :: else
            fi
        :: else
        fi;
        f = 0 } }
    :: dues == 0 -> break
    od;
    skip
}

inline put(number)
{
    d_step { owe(number) };
    put_due()
}

/* page_alloc and node_create: the first that is free, or 0 */
inline allocate(out, low, high)
{
    if
    :: d_step { true ->
        out = low;
        do
        :: out <= high && count[out] -> out++
        :: else -> break
        od;
        if
        :: out > high -> out = 0
        :: else -> count[out] = 1
        fi }
#ifdef MAY_FAIL
    :: out = 0
#endif
    fi
}
#define allocate_node(out) allocate(out, 1, NODES)
#define allocate_page(out) allocate(out, NODES + 1, ALL_PAGES)

/* ---- pt.c ----------------------------------------------------------------- */

inline lock(n)
{
    d_step { !locked[n] -> locked[n] = true }
}

/* Taking a lock commutes with what others do before it, letting go with what
 * they do after it: both are one step with their neighbours. */

/* node_share_edge, node_share_leaf: `e` is what the second node gets */
inline share_entry(from)
{
    e = slot[from];
    if
    :: e ->
#ifndef NO_COUNT
        get(target(e));
#endif
        if
        :: kind(e) == OWNED -> e = LAZY + target(e)
        :: kind(e) == WRITABLE -> e = READABLE + target(e)
        :: else
        fi;
#ifndef SHARE_KEEPS_WRITE
        slot[from] = e
#endif
    :: else
    fi
}

/* pt_share of a node: `copy`, or 0 */
inline share(source)
{
    allocate_node(copy);
    if
    :: copy ->
        d_step {
            !locked[source] -> locked[source] = true;
            share_entry(first(source));
            slot[first(copy)] = e;
            e = 0
        };
        d_step {
            share_entry(first(source) + 1);
            slot[first(copy) + 1] = e;
            e = 0;
            source_of[copy] = source_of[source];
            if
            :: source_of[copy] -> get(source_of[copy])
            :: else
            fi;
            sealed[source] = true;
            locked[source] = false
        }
    :: else
    fi
}

inline seal_entry(at)
{
    if
    :: kind(slot[at]) == OWNED -> slot[at] = LAZY + target(slot[at])
    :: kind(slot[at]) == WRITABLE -> slot[at] = READABLE + target(slot[at])
    :: else
    fi
}

/* seal */
inline seal(n)
{
#ifndef NO_SEAL
    if
    :: d_step { !locked[n] && !sealed[n] ->
        locked[n] = true;
        seal_entry(first(n)) };
        d_step {
            seal_entry(first(n) + 1);
            sealed[n] = true;
            locked[n] = false
        }
    :: d_step { !locked[n] && sealed[n] -> skip }
    fi
#else
    skip
#endif
}

/* node_claim */
inline claim(at, n)
{
    d_step {
        sealed[n] = false;
        slot[at] = OWNED + n
    }
}

/* pt_link: leaves `at` at the leaf of va, or at an empty slot */
inline descend_linked()
{
    node = target(slot[at]);
    exclusive = claimable;
    claimable = false;
    level--;
    at = slot_of(node, level, va)
}

#ifdef CLAIM_BELOW_SHARED
#define may_claim(at) (count[target(slot[at])] == 1)
#else
#define may_claim(at) (exclusive && count[target(slot[at])] == 1)
#endif

inline link()
{
    d_step {
        at = s;
        node = 0;
        exclusive = true;
        level = LEVELS - 1
    };
    do
    :: level > 0 ->
        copy_slot(node, at, exclusive);
        claimable = slot[at] && may_claim(at);
        if
        :: slot[at] == NONE -> break
        :: d_step { slot[at] &&
                    !(claimable -> kind(slot[at]) != OWNED :
                                   kind(slot[at]) == LAZY) ->
            descend_linked() }
        :: d_step { slot[at] && claimable && kind(slot[at]) != OWNED &&
                    !locked[node] ->
            sealed[target(slot[at])] = false;
            slot[at] = OWNED + target(slot[at]);
            descend_linked() }
        :: d_step { slot[at] && !claimable && kind(slot[at]) == LAZY &&
                    !locked[node] ->
            child = target(slot[at]);
            locked[node] = true };
            seal(child);
            d_step {
                slot[at] = LINKED + child;
                child = 0;
                locked[node] = false;
                descend_linked()
            }
        fi
    :: else ->
        copy_slot(node, at, exclusive);
        break
    od
}

/* pt_unshare_child with copy_child: `child`, or 0 */
#ifdef CLAIM_UNCHECKED
#define is_shared(n) false
#else
#define is_shared(n) (count[n] > 1)
#endif

inline unshare_child(at)
{
    d_step {
        child = target(slot[at]);
        shared = kind(slot[at]) != OWNED && is_shared(child);
        claimable = kind(slot[at]) != OWNED && !shared
    };
    if
    :: shared ->
        shared = false;
        share(child);
        if
        :: copy ->
            d_step {
                seen = kind(slot[at]) == LINKED;
                slot[at] = OWNED + copy
            };
#ifdef PUT_NODE_FIRST
            put(child);
#endif
#ifndef NO_FLUSH_NODE
            if
            :: seen -> flush_all(s)
            :: else
            fi;
#endif
#ifndef PUT_NODE_FIRST
            put(child);
#endif
        :: else
        fi;
        d_step {
            seen = false;
            child = copy;
            copy = 0
        }
    :: claimable ->
        claimable = false;
        claim(at, child)
    :: !shared && !claimable
    fi
}

#ifdef LAZY_IS_EMPTY
#define is_empty(e) ((e) == NONE || kind(e) == LAZY)
#else
#define is_empty(e) ((e) == NONE)
#endif

/* pt_unshare: leaves `at` at the slot of va, or FAILED */
inline unshare()
{
    d_step {
        at = s;
        node = 0;
        level = LEVELS - 1
    };
    do
    :: level > 0 ->
        if
        :: d_step { kind(slot[at]) == OWNED -> child = target(slot[at]) }
        :: else ->
            copy_slot(node, at, true);
            if
            :: is_empty(slot[at]) ->
                allocate_node(child);
                if
                :: child -> slot[at] = OWNED + child
                :: else
                fi
            :: else -> unshare_child(at)
            fi
        fi;
        if
        :: atomic { child ->
            node = child;
            child = 0;
            level--;
            at = slot_of(node, level, va) }
        :: atomic { !child -> at = FAILED; break }
        fi
    :: else ->
        copy_slot(node, at, true);
        break
    od
}

/* ---- pt_lazy.c ---------------------------------------------------------- */

/* node_copy_slot, node_copy_slot_from with share_from and install_shared */
inline copy_slot(n, at, alone_with_node)
{
#ifdef LAZY_COPIES
    if
    :: !n || slot[at] || !source_of[n]
    :: else ->
        d_step {
            old = source_of[n];
#ifdef MOVE_UNCHECKED
            alone = true
#else
            alone = (alone_with_node) && count[old] == 1
#endif
        };
        if
        :: alone ->
            d_step {
                slot[at] = slot[first(old) + at - first(n)];
                slot[first(old) + at - first(n)] = NONE
            }
        :: !alone ->
            d_step { !locked[old] ->
                share_entry(first(old) + at - first(n));
                copied = e;
                e = 0
            };
            if
            :: copied && (alone_with_node) -> slot[at] = copied
            :: copied && !(alone_with_node) ->
                d_step { !locked[n] ->
#ifndef COPY_TWICE
                    if
                    :: slot[at] == NONE -> slot[at] = copied
                    :: else -> owe(target(copied))
                    fi
#else
                    slot[at] = copied
#endif
                };
                put_due()
            :: !copied
            fi
        fi;
        d_step {
            old = 0;
            alone = false;
            copied = 0
        }
    fi
#else
    skip
#endif
}

/* node_complete */
inline complete(n)
{
    if
    :: source_of[n] ->
        copy_slot(n, first(n), true);
        copy_slot(n, first(n) + 1, true);
        d_step {
            owe(source_of[n]);
            source_of[n] = 0
        };
        put_due()
    :: else
    fi
}

inline merge_entry(n, i)
{
    if
    :: slot[first(n) + i] ->
        d_step {
            owe(target(slot[first(source_of[n]) + i]));
            slot[first(source_of[n]) + i] = slot[first(n) + i];
            slot[first(n) + i] = NONE
        };
        put_due()
    :: else
    fi
}

/* merge: the reference to the source goes to the caller */
inline merge_node(n)
{
    merge_entry(n, 0);
    merge_entry(n, 1);
    d_step {
        sealed[source_of[n]] = false;
        source_of[n] = 0
    }
}

/* pt_merge, of the path to lazy_at */
inline merge()
{
    d_step {
        at = s;
        level = LEVELS - 1
    };
    do
    :: level > 0 && kind(slot[at]) == OWNED ->
        node = target(slot[at]);
        if
#ifdef MERGE_UNCHECKED
        :: source_of[node] ->
#else
        :: source_of[node] && count[source_of[node]] == 1 ->
#endif
            old = source_of[node];
            merge_node(node);
            slot[at] = OWNED + old;
            d_step {
                merged[level - 1] = node;
                node = old;
                old = 0
            }
        :: else -> still_lazy = still_lazy || source_of[node]
        fi;
        d_step {
            level--;
            at = slot_of(node, level, lazy_at[s] - 1)
        }
    :: else -> break
    od;
    skip; /* a break must not lead into d_step */
#ifndef NO_FLUSH_MERGE
    flush_all(s);
#endif
    d_step {
        owe(merged[0]);
        merged[0] = 0;
#if LEVELS == 3
        owe(merged[1]);
        merged[1] = 0;
#endif
        lazy_at[s] = (still_lazy -> lazy_at[s] : 0);
        still_lazy = false;
        node = 0;
        level = 0;
        at = 0
    };
    put_due()
}

/* split, of one level: `at` in the parent, `theirs` in the child. Whether a
 * node is copied lazily depends on its width: both are tried. `own` is 0 if
 * it cannot be. */
inline split()
{
    node = target(slot[at]);
    if
    :: kind(slot[at]) == LAZY && count[node] == 2 ->
        if
#ifdef LAZY_COPIES
        :: !source_of[node] ->
            allocate_node(own_node);
            if
            :: own_node ->
                d_step {
                    source_of[own_node] = node;
                    slot[slot_of(own_node, level - 1, va)] =
                        slot[slot_of(node, level - 1, va)];
                    slot[slot_of(node, level - 1, va)] = NONE
                }
            :: else
            fi
#endif
        :: true ->
#ifndef MOVE_INTO_SEALED
            /* What is moved here may be writable. */
            sealed[node] = false;
#endif
            copy_slot(node, slot_of(node, level - 1, va), true);
            own_node = node
        fi;
        if
        :: own_node ->
            share(own_node);
            if
            :: !copy && own_node != node ->
                merge_node(own_node);
                put(own_node);
                own_node = 0
            :: !copy && own_node == node -> own_node = 0
            :: else ->
                claim(at, own_node);
                slot[theirs] = OWNED + copy;
                put(node)
            fi
        :: else
        fi
    :: else
    fi
}

/* split_page */
inline split_page()
{
    node = target(slot[at]);
    if
    :: writable && node != ZERO && node && count[node] == 2 ->
        allocate_page(copy);
        if
        :: copy ->
            marked[copy] = marked[node];
            slot[theirs] = WRITABLE + copy;
            slot[at] = WRITABLE + node;
            put(node)
        :: else
        fi
    :: else
    fi
}

/* pt_fork_path, with ends_writable, of va */
inline fork_path()
{
    d_step {
        writable = false;
        at = s;
        level = LEVELS - 1;
        node = target(slot[s]);
        do
        :: level > 1 && node ->
            level--;
            old = slot_of(node, level, va);
            e = (slot[old] || !source_of[node] -> slot[old] :
                     slot[slot_of(source_of[node], level, va)]);
            node = target(e)
        :: else -> break
        od;
        if
        :: node ->
            old = slot_of(node, 0, va);
            e = (slot[old] || !source_of[node] -> slot[old] :
                     slot[slot_of(source_of[node], 0, va)]);
            writable = (kind(e) == WRITABLE);
            e = 0
        :: else
        fi;
        old = 0;
        node = 0;
        level = LEVELS - 1;
        theirs = other
    };
    do
    :: level > 0 && slot[at] ->
        split();
        if
        :: own_node ->
            d_step {
                level--;
                at = slot_of(own_node, level, va);
                theirs = slot_of(copy, level, va);
                own_node = 0;
                copy = 0;
                node = 0
            }
        :: else -> break
        fi
    :: level > 0 && !slot[at] -> break
    :: level == 0 -> split_page(); break
    od;
    skip; /* a break must not lead into d_step */
    d_step {
        own_node = 0;
        copy = 0;
        node = 0;
        level = 0;
        theirs = 0;
        writable = false
    }
}

/* ---- fault.c -------------------------------------------------------------- */

/* pt_replace */
inline replace(page)
{
    d_step {
        node = target(slot[at]);
#ifdef READABLE_FIRST
        slot[at] = READABLE + page
#else
        slot[at] = WRITABLE + page
#endif
    };
#ifdef PUT_PAGE_FIRST
    put(node);
#endif
#ifndef NO_FLUSH_PAGE
    flush_address(s, va);
#endif
#ifdef READABLE_FIRST
    slot[at] = WRITABLE + page;
#endif
#ifndef PUT_PAGE_FIRST
    put(node);
#endif
    node = 0
}

/* resolve_write, fill_zero and break_sharing */
inline write_fault()
{
    unshare();
    if
    :: at == FAILED
    :: at != FAILED && slot[at] == NONE ->
        allocate_page(copy);
        if
        :: copy -> slot[at] = WRITABLE + copy
        :: else
        fi
    :: at != FAILED && kind(slot[at]) == WRITABLE
    :: at != FAILED && kind(slot[at]) == READABLE ->
        node = target(slot[at]);
        if
#ifdef REUSE_UNCHECKED
        :: node != ZERO -> slot[at] = WRITABLE + node
        :: node == ZERO ->
#else
        :: node != ZERO && count[node] == 1 -> slot[at] = WRITABLE + node
        :: node == ZERO || count[node] > 1 ->
#endif
            allocate_page(copy);
            if
            :: copy ->
#ifdef PUT_BEFORE_COPY
                put(node);
                marked[copy] = marked[node];
                slot[at] = WRITABLE + copy;
                flush_address(s, va)
#else
                marked[copy] = marked[node];
                replace(copy)
#endif
            :: else
            fi
        fi
    fi
}

/* resolve_read and fill_zero */
inline read_fault()
{
    link();
    if
    :: slot[at] == NONE ->
        unshare();
        if
#ifdef ZEROS
        :: at != FAILED && slot[at] == NONE -> slot[at] = READABLE + ZERO
#endif
        :: else
        fi
    :: else
    fi
}

/* ---- space.c -------------------------------------------------------------- */

/* lock_for_fault: lazy copies near va are merged first. */
#if LEVELS == 2
#define lazy_here() (lazy_at[s] != 0)
#else
#define lazy_here() (lazy_at[s] == va + 1)
#endif

/* space_fork with share_memory */
inline fork()
{
    d_step {
        share_entry(s);
        slot[other] = e;
        e = 0
    };
#ifndef NO_FLUSH_FORK
    flush_all(s);
#endif
    d_step {
        expected[other] = expected[s];
        state[other] = UNBORN
    };
    if
    :: fork_path();
#ifdef LAZY_COPIES
        d_step {
            lazy_at[s] = va + 1;
            lazy_at[other] = va + 1
        }
#endif
    :: true /* what fork was told lies elsewhere */
    fi;
    d_step {
        state[other] = RUNNING;
        other = 0
    }
}

/* space_unmap of one page: unshare_end, then pt_clear */
inline unmap()
{
    d_step {
        at = s;
        level = LEVELS - 1
    };
    do
    :: level > 0 && slot[at] ->
        unshare_child(at);
        if
        :: child ->
#ifndef KEEP_LAZY
            complete(child);
#endif
            d_step {
                level--;
                /* A node of one slot is covered whole: its edge goes. */
                node = at;
                at = slot_of(child, level, va);
                child = 0
            }
        :: else -> break
        fi
    :: else -> break
    od;
    if
    :: level == 0 ->
#if LEVELS == 3
        at = node;
#endif
        d_step {
            node = target(slot[at]);
            slot[at] = NONE
        };
#ifdef UNMAP_PUTS_FIRST
        put(node);
#endif
        d_step {
            if
            :: s == 0 -> uncache()
            :: else
            fi;
            if
            :: va == 0 -> expected[s] = false
            :: else
            fi
        };
#ifndef UNMAP_PUTS_FIRST
        put(node)
#endif
    :: level > 0 && slot[at] == NONE && va == 0 -> expected[s] = false
    :: else
    fi;
    d_step {
        node = 0;
        level = 0
    }
}

/* The space leaves its hart (space_enter), then space_destroy. */
inline destroy()
{
    d_step {
        state[s] = TAKEN;
#ifndef NO_FLUSH_EXIT
        if
        :: s == 0 -> uncache()
        :: else
        fi;
#endif
        owe(target(slot[s]));
        slot[s] = NONE;
        lazy_at[s] = 0;
        expected[s] = false
    };
    put_due()
}

/* ---- At rest ---------------------------------------------------------------
 * audit.c: I1, I3 and I6, over everything. */

hidden byte edges[ALL_PAGES + 2];

inline audit_writable(s)
{
    if
    :: kind(walked(s)) == WRITABLE ->
        assert(count[target(walked(s))] == 1); /* I3 */
        assert(count[target(slot[s])] == 1); /* I3 */
        assert(!sealed[target(slot[s])]); /* I3 */
#if LEVELS == 3
        assert(count[target(walked_middle(s))] == 1); /* I3 */
        assert(!sealed[target(walked_middle(s))]) /* I3 */
#endif
    :: else
    fi
}

inline audit()
{
    for (k : 0 .. SPACES - 1) {
        edges[target(slot[k])]++;
        m = meant(k);
        assert(state[k] == RUNNING || !slot[k]); /* I1 */
        assert(marked[target(m)] == expected[k]); /* I6 */
        audit_writable(k)
    }
    for (k : 1 .. NODES) {
        edges[target(slot[first(k)])]++;
        edges[target(slot[first(k) + 1])]++;
        edges[source_of[k]]++
    }
    for (k : 1 .. ALL_PAGES) {
        assert(count[k] == edges[k]); /* I1 */
        edges[k] = 0
    }
    edges[0] = 0;
    edges[ZERO] = 0
}

/* Which page plays which part does not matter: number them in the order a
 * walk from the spaces meets them, so that states that differ in nothing else
 * are one. */
hidden byte name[ALL_PAGES + 2], was[ALL_PAGES + 1];
hidden byte nodes, pages;
hidden byte new_slot[SPACES + 2 * NODES], new_source[NODES + 1];
hidden byte new_count[ALL_PAGES + 1];
hidden byte new_sealed[NODES + 1], new_marked[ALL_PAGES + 1];

inline meet(f)
{
    if
    :: (f) && (f) != ZERO && !name[f] && (f) <= NODES ->
        nodes++;
        name[f] = nodes;
        was[nodes] = f
    :: (f) > NODES && (f) != ZERO && !name[f] ->
        pages++;
        name[f] = NODES + pages;
        was[NODES + pages] = f
    :: else
    fi
}

inline renamed(to, from)
{
    new_slot[to] = (slot[from] -> kind(slot[from]) + name[target(slot[from])] :
                                  NONE)
}

inline rename()
{
    name[ZERO] = ZERO;
    for (k : 0 .. SPACES - 1) {
        m = target(slot[k]);
        meet(m)
    }
    k = 1;
    do
    :: k <= nodes ->
        m = source_of[was[k]];
        meet(m);
        m = target(slot[first(was[k])]);
        meet(m);
        m = target(slot[first(was[k]) + 1]);
        meet(m);
        k++
    :: else -> break
    od;
    for (k : 0 .. SPACES - 1) {
        renamed(k, k)
    }
    for (k : 1 .. NODES) {
        if
        :: k <= nodes ->
            renamed(first(k), first(was[k]));
            renamed(first(k) + 1, first(was[k]) + 1);
            new_source[k] = name[source_of[was[k]]];
            new_sealed[k] = sealed[was[k]]
        :: else ->
            new_slot[first(k)] = NONE;
            new_slot[first(k) + 1] = NONE;
            new_source[k] = 0;
            new_sealed[k] = false
        fi
    }
    for (k : 1 .. ALL_PAGES) {
        new_count[k] = (was[k] -> count[was[k]] : 0);
        new_marked[k] = (was[k] -> marked[was[k]] : false)
    }
    cached_page = name[cached_page];
    for (k : 0 .. SPACES + 2 * NODES - 1) {
        slot[k] = new_slot[k];
        new_slot[k] = 0
    }
    for (k : 1 .. NODES) {
        source_of[k] = new_source[k];
        sealed[k] = new_sealed[k];
        new_source[k] = 0;
        new_sealed[k] = false
    }
    for (k : 1 .. ALL_PAGES) {
        count[k] = new_count[k];
        marked[k] = new_marked[k];
        new_count[k] = 0;
        new_marked[k] = false;
        name[k] = 0;
        was[k] = 0
    }
    name[ZERO] = 0;
    nodes = 0;
    pages = 0
}

/* Nor does it matter which space is which, but for the one that harts watch:
 * those that look different stand in one order. */
#ifdef HARTS
#define ANY_SPACE 1
#else
#define ANY_SPACE 0
#endif
hidden int look[SPACES], kept;

inline swap(a, b)
{
    kept = a;
    a = b;
    b = kept
}

inline sort_spaces()
{
    for (k : 0 .. SPACES - 1) {
        m = meant(k);
        look[k] = ((state[k] == RUNNING) * 256 + kind(slot[k])) * 256 +
                  kind(m) + 4 * count[target(slot[k])] + count[target(m)]
    }
    for (found : 1 .. 2) {
        for (k : ANY_SPACE .. SPACES - 2) {
            if
            :: look[k] < look[k + 1] ->
                swap(state[k], state[k + 1]);
                swap(slot[k], slot[k + 1]);
                swap(lazy_at[k], lazy_at[k + 1]);
                swap(expected[k], expected[k + 1]);
                swap(look[k], look[k + 1])
            :: else
            fi
        }
    }
    for (k : 0 .. SPACES - 1) {
        look[k] = 0
    }
    kept = 0;
    found = 0
}

inline rest()
{
    audit();
    sort_spaces();
    rename();
    begun = 0;
    m = 0;
    k = 0
}

/* ---- What a space may do, in any order, for ever -------------------------- */

#define NOTHING     0
#define READ_FAULT  1
#define WRITE_FAULT 2
#define FORK        3
#define UNMAP       4
#define DESTROY     5

inline choose_address()
{
    if
    :: va = 0
#ifndef ONE_PAGE
    :: va = 1
#endif
    fi
}

byte busy; /* kernels that are inside an operation */

proctype kernel(byte s)
{
    byte op, va, at, level, node, child, copy, e, f;
    byte own_node, theirs, other, old, copied;
    byte due[6], dues;
    byte merged[LEVELS - 1];
    bool exclusive, claimable, shared, seen, alone, still_lazy, writable;
end:
    do
    :: atomic { state[s] == RUNNING && begun < ROUND ->
            state[s] = TRAPPED;
            begun++;
            busy++;
            if
            :: op = READ_FAULT
            :: op = WRITE_FAULT
            :: op = FORK
            :: op = UNMAP
            :: op = DESTROY
            fi;
            if
            :: op == WRITE_FAULT || op == FORK -> choose_address()
            :: else
            fi;
            if
            :: op == FORK ->
                do
                :: other < SPACES && state[other] != UNUSED -> other++
                :: else -> break
                od;
                if
                :: other < SPACES -> state[other] = TAKEN
                :: else -> other = 0; op = NOTHING
                fi
            :: else
            fi };
        if
        :: ((op == READ_FAULT || op == WRITE_FAULT) && lazy_here()) ||
           (op == UNMAP && lazy_at[s]) ->
            merge()
        :: else
        fi;
        if
        :: op == READ_FAULT -> read_fault()
        :: op == WRITE_FAULT -> write_fault()
        :: op == FORK -> fork()
        :: op == UNMAP -> unmap()
        :: op == DESTROY -> destroy()
        :: op == NOTHING
        fi;
        skip;
        d_step {
            op = NOTHING;
            va = 0;
            level = 0;
            exclusive = false;
            claimable = false;
            at = 0;
            node = 0;
            child = 0;
            copy = 0;
            if
            :: state[s] == TRAPPED -> state[s] = RUNNING
            :: else -> state[s] = UNUSED
            fi;
            busy--;
            if
            :: busy == 0 -> rest()
            :: else
            fi
        }
    od
}

init
{
    atomic {
        run kernel(0);
        run kernel(1);
#if SPACES > 2
        run kernel(2);
#endif
        if
        :: state[0] = RUNNING
        :: state[1] = RUNNING
        fi
    }
}
