/*
 * Renaming, for Spin: which locks kernel/vfs/tree.c takes, in which order, and
 * what it looks at twice. Spin tries every schedule of THREADS threads that do
 * ROUNDS operations each: any rename, any rmdir, or a new file, anywhere in a
 * small tree. docs/MODEL.md is the way in.
 *
 * There are DIRS directories of NAMES names each, directory 0 the root, and two
 * files. An entry is an inode's number and 1, or 0. A directory's number is its
 * address, too, so it gives the order of locking. Files have no locks here: what
 * is done to a name is done under the locks of directories.
 *
 * A step is at most one lock taken, or one look at one directory. What a thread
 * does with all its locks held is one step, as nobody else can see it.
 *
 * Checked:
 *   R1  all come to their end (by Spin itself)
 *   R2  every directory that has not been removed is named once, by the
 *       directory that its ".." leads to, and the way up from it ends at the
 *       root (by assertion, like those that follow)
 *   R3  every file that was not replaced is named once; no name leads to what
 *       has been removed, and nothing lies in it
 *   R4  what is changed is what was found, and nothing is moved to a dead
 *       directory
 *   R5  nobody tries more often than five times
 *
 * Every other macro that is only tested for is an error to be seeded:
 * tools/spin has the list.
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif

#define DIRS   4
#define INODES 6 /* the last two are files */
#define NAMES  2
#define AT(directory, name) entry[(directory) * NAMES + (name)]
#define IS_DIRECTORY(e)     ((e) && (e) <= DIRS)

byte entry[DIRS * NAMES];
byte up[DIRS]; /* ".." */
bool dead[DIRS];
bool gone[INODES]; /* has no name, and should have none */
byte lock[DIRS];   /* a thread, 0: free */
byte rename_lock;   /* the same */

inline check_tree()
{
    i = 0;
    do
    :: i < INODES ->
        count = 0;
        k = 0;
        do
        :: k < DIRS * NAMES ->
            if
            :: entry[k] == i + 1 ->
                count++;
                assert(!gone[k / NAMES]);                 /* R3 */
                assert(i >= DIRS || up[i] == k / NAMES)   /* R2 */
            :: else
            fi;
            k++
        :: else -> break
        od;
        assert(i == 0 || count == (gone[i] -> 0 : 1));    /* R3 */
        count = 0;
        k = i;
        do
        :: i < DIRS && k && !gone[i] && count < DIRS ->
            k = up[k];
            count++
        :: else -> break
        od;
        assert(count < DIRS);                             /* R2 */
        i++
    :: else -> break
    od;
    i = 0;
    k = 0;
    count = 0
}

/* Lock the directories in `set`, the lowest first. */
inline lock_set()
{
    k = 0;
    do
    :: k < DIRS ->
#ifdef LOCKED_AS_NAMED
        i = (k + from) % DIRS;
#else
        i = k;
#endif
        if
        :: set & (1 << i) ->
            atomic { lock[i] == 0 -> lock[i] = self }
        :: else
        fi;
        k++
    :: else -> break
    od;
    i = 0;
    k = 0
}

inline unlock_set()
{
    d_step {
        do
        :: k < DIRS ->
            if
            :: set & (1 << k) -> lock[k] = 0
            :: else
            fi;
            k++
        :: else -> break
        od;
        k = 0;
        set = 0
    }
}

inline lock_renames()
{
#ifndef NO_RENAME_LOCK
    atomic { rename_lock == 0 -> rename_lock = self }
#else
    skip
#endif
}

inline unlock_renames()
{
#ifndef NO_RENAME_LOCK
    rename_lock = 0
#else
    skip
#endif
}

#define EMPTY(d) (!AT(d, 0) && !AT(d, 1))

/* One look at a directory that no other thread has locked. */
inline declare_dead(directory)
{
    atomic {
        lock[directory] == 0 ->
        refused = !EMPTY(directory);
#ifndef NOT_DEAD
        dead[directory] = !refused
#endif
    }
}

inline revive(directory)
{
    atomic { lock[directory] == 0 -> dead[directory] = false }
}

/* check_outside, for the directory `known` is an entry of. */
inline check_place()
{
    refused = false;
    if
    :: IS_DIRECTORY(known) && from != to ->
        at = to;
        do
        :: at + 1 == known -> refused = true; break
        :: at + 1 != known && at == 0 -> break
        :: at + 1 != known && at ->
            atomic { lock[at] == 0 -> at = up[at] }
        od;
        at = 0
    :: else
    fi
}

inline bring_into(set_, e)
{
    if
    :: IS_DIRECTORY(e) -> set_ = set_ | (1 << (e - 1))
    :: else
    fi
}

/* All that is found is known: do it. */
inline commit()
{
#ifndef LOOK_ONCE
    assert(AT(from, old) == known && AT(to, new) == replaced); /* R4 */
#endif
    assert(!dead[to]);                                         /* R4 */
    AT(from, old) = 0;
    AT(to, new) = known;
    if
    :: replaced -> gone[replaced - 1] = true
    :: else
    fi;
    if
    :: IS_DIRECTORY(known) -> up[known - 1] = to
    :: else
    fi;
    check_tree()
}

/* `try` in tree.c: `known` and `replaced` are what is known, and get to be what
 * was found. */
inline try_rename()
{
    set = (1 << from) | (1 << to);
    bring_into(set, known);
    bring_into(set, replaced);
    lock_set();
    d_step {
#ifdef LOOK_ONCE
        found = (tries -> known : AT(from, old));
        other = (tries -> replaced : AT(to, new));
#else
        found = AT(from, old);
        other = AT(to, new);
#endif
        again = false;
        refused = true;
        if
        :: dead[to] || !found || found == other
        :: else ->
            if
            :: other && IS_DIRECTORY(other) != IS_DIRECTORY(found)
            :: else ->
                again = IS_DIRECTORY(found) &&
                        (found != known || (other && other != replaced));
                refused = again
            fi
        fi;
        known = found;
        replaced = other;
        if
        :: !refused -> commit()
        :: else
        fi;
        found = 0;
        other = 0;
        tries++;
        assert(tries <= 5) /* R5 */
    }
    unlock_set()
}

inline try_with_lock()
{
    declared = 0;
#ifndef CHECK_EARLY
    check_place();
#else
    refused = false;
#endif
    if
    :: !refused && IS_DIRECTORY(known) && IS_DIRECTORY(replaced) ->
        declare_dead(replaced - 1);
        declared = (refused -> 0 : replaced)
    :: else
    fi;
    again = false;
    if
    :: !refused -> try_rename()
    :: else
    fi;
    if
    :: declared && refused -> revive(declared - 1)
    :: else
    fi;
    declared = 0
}

inline rename()
{
    tries = 0;
    try_rename();
    if
    :: again ->
#ifdef CHECK_EARLY
        check_place();
        again = !refused;
#endif
#ifndef LOOK_ONCE
        known = 0;
        replaced = 0;
#endif
        lock_renames();
        do
        :: again -> try_with_lock()
        :: else -> break
        od;
        unlock_renames()
    :: else
    fi
}

/* The kernel looks for the name once before it takes the rename lock, too, and
 * forgets what it found. */
inline rmdir()
{
    lock_renames();
    atomic { lock[from] == 0 -> known = AT(from, old) }
    if
    :: IS_DIRECTORY(known) ->
        declare_dead(known - 1);
        if
        :: !refused ->
            set = (1 << from) | (1 << (known - 1));
            lock_set();
            d_step {
                assert(AT(from, old) == known); /* R4 */
                AT(from, old) = 0;
                gone[known - 1] = true;
                check_tree()
            }
            unlock_set()
        :: else
        fi
    :: else
    fi;
    unlock_renames()
}

/* The last inode, a file, gets its first name. */
inline create()
{
    atomic {
        lock[from] == 0 ->
        if
        :: gone[INODES - 1] && !dead[from] && !AT(from, old) ->
            AT(from, old) = INODES;
            gone[INODES - 1] = false
        :: else
        fi;
        check_tree()
    }
}

proctype thread(byte self)
{
    byte from, old, to, new, known, replaced, found, other, declared;
    byte set, i, k, count, at, tries, round;
    bool again, refused;

    do
    :: round == ROUNDS -> break
    :: round < ROUNDS ->
        d_step {
            known = 0;
            replaced = 0;
            again = false;
            refused = false;
            round++
        }
        select(from : 0 .. DIRS - 1);
        select(old : 0 .. NAMES - 1);
        if
        :: select(to : 0 .. DIRS - 1);
           select(new : 0 .. NAMES - 1);
           rename()
        :: rmdir()
        :: create()
        fi
    od
}

init
{
    byte n = 1;
    byte i, k, count;

    atomic {
        /* /0 is directory 1, and 3 is in that; /1 is directory 2, which has a
         * file. */
        AT(0, 0) = 2;
        AT(0, 1) = 3;
        AT(1, 0) = 4;
        AT(2, 1) = 5;
        up[3] = 1;
        gone[INODES - 1] = true;
        check_tree();
        do
        :: n <= THREADS -> run thread(n); n++
        :: else -> break
        od
    }
    atomic { _nr_pr == 1 -> check_tree() }
}
