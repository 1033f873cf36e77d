/*
 * The mutex of kernel/sched, for Spin: taking, sleeping, letting go, handoff
 * and giving up (mutex.c, with waitq.c below it). Spin tries every
 * schedule of THREADS threads that take the mutex ROUNDS times each; with
 * LIVENESS, of threads that take it again and again, each for ever or until it
 * has had enough. docs/MODEL.md is the way in.
 *
 * A step is at most one access to what another thread can reach, as in
 * share.pml; the queue's spinlock is one of them. A thread that is ready runs
 * at any later time. With KILL a thread is interrupted at any moment: thread 1,
 * whose waits a kill ends.
 *
 * Time. A waiter that finds the mutex taken may have waited for long, and says
 * so; the second time it has.
 *
 * Checked:
 *   M1  at most one thread is between lock and unlock, and it is the one the
 *       mutex names (by assertion)
 *   M2  all come to their end: no wake-up is lost (by Spin itself, which calls
 *       what cannot go on an invalid end state)
 *   M3  a waker touches no waiter that has left: it lies on a stack (by
 *       assertion)
 *   M4  a thread that asks for the mutex gets it, whatever the others do, if
 *       only each thread that can go on does (by LTL under weak fairness). It
 *       is thread 1 that is looked at; all are alike
 *
 * Every other macro that is only tested for is an error to be seeded:
 * tools/spin has the list.
 */

#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif

#define AWAKE    0
#define SLEEPING 1

byte holder;           /* a thread, 0: free */
bool starving;
byte waiting;          /* how many are in the queue, read without its lock */
byte queue[THREADS];   /* the waiters, the first first */
byte queued;
bit state[THREADS + 1];
bit placed[THREADS + 1]; /* it has a waiter on its stack */
byte inside;             /* how many are between lock and unlock */
bool wants;              /* thread 1 is between asking and having */
bool killed;             /* thread 1 */

/* What a thread does under the lock is one step with LIVENESS: no thread has to
 * wait for the lock then, so whether the lock is fair does not matter. */
#ifdef LIVENESS
#define spin_lock()   atomic { skip
#define spin_unlock() skip }
#else
bool queue_lock;
#define spin_lock()   d_step { !queue_lock -> queue_lock = true }
#define spin_unlock() queue_lock = false
#endif

/* atomic_compare_exchange_strong(&holder, NULL, self) */
inline try_take()
{
    d_step {
        taken = holder == 0;
        if
        :: taken -> holder = self
        :: else
        fi
    }
}

/* Under the queue's lock nobody else sees the list, but they see `waiting`. */
inline waitq_join()
{
    spin_lock();
    d_step { queue[queued] = self; queued++; placed[self] = true }
    waiting++;
    spin_unlock()
}

inline take_off()
{
    d_step {
        i = 0;
        do
        :: queue[i] == self -> break
        :: else -> i++
        od;
        do
        :: i + 1 < queued -> queue[i] = queue[i + 1]; i++
        :: else -> break
        od;
        queued--;
        queue[queued] = 0;
        i = 0
    }
}

inline waitq_leave()
{
#ifdef LEAVE_UNLOCKED
    take_off();
    waiting--;
#else
    spin_lock();
    take_off();
    waiting--;
    spin_unlock();
#endif
    placed[self] = false
}

/* waitq_wake_one, with wake_contender */
inline wake_one()
{
    woken = false;
    if
    :: waiting == 0
    :: else ->
        spin_lock();
        if
        :: queued > 0 ->
#ifdef OUT_OF_ORDER
            first = queue[queued - 1];
#else
            first = queue[0];
#endif
            if
            :: holder == self -> holder = first
            :: else
            fi;
            d_step {
                assert(placed[first]); /* M3 */
                state[first] = AWAKE;
                woken = true
            }
        :: else
        fi;
        spin_unlock()
    fi
}

/* One look at the mutex, asleep by name. */
inline look()
{
    state[self] = SLEEPING;
#ifdef HANDED_UNSEEN
    taken = false;
#else
    taken = holder == self;
#endif
    if
    :: taken
#ifndef SLEEP_UNCHECKED
    :: else -> try_take()
#else
    :: else
#endif
    fi
}

/* It has waited for long, or not yet. */
inline be_patient()
{
#ifndef NEVER_STARVING
    if
    :: starving = true
    :: !again
    fi;
#endif
    again = true
}

inline wait_in_queue()
{
    again = false;
    do
    :: look();
       if
       :: taken -> break
       :: else
       fi;
       if
       :: self == 1 && killed -> break
       :: else
       fi;
       be_patient();
       state[self] == AWAKE; /* sched_switch */
#ifdef REJOIN_AT_BACK
       waitq_leave();
       waitq_join()
#endif
#ifdef SLEEP_UNCHECKED
       try_take();
       if
       :: taken -> break
       :: else
       fi
#endif
    od;
    again = false
}

inline mutex_lock()
{
    try_take();
    if
    :: taken
    :: else ->
        waitq_join();
        wait_in_queue();
        state[self] = AWAKE; /* sched_stay_awake */
        waitq_leave();
        if
        :: taken
        :: else ->
#ifndef KILLED_UNHANDED
            taken = holder == self;
#endif
#ifndef KILLED_KEEPS_WAKE
            if
            :: !taken && holder == 0 -> wake_one()
            :: else
            fi
#endif
        fi
    fi
}

inline let_go()
{
#ifdef WAKE_BEFORE_FREE
    wake_one();
    holder = 0
#else
    holder = 0;
    wake_one()
#endif
}

inline mutex_unlock()
{
    if
    :: starving ->
        starving = false;
#ifdef MARK_LOST
        let_go()
#else
        wake_one();
        if
        :: woken
        :: else -> let_go()
        fi
#endif
    :: else -> let_go()
    fi
}

inline take_turn()
{
    wants = wants || self == 1;
    mutex_lock();
    if
    :: self == 1 -> wants = false
    :: else
    fi;
    if
    :: !taken /* killed */
    :: else ->
        d_step {
            inside++;
            assert(inside == 1 && holder == self) /* M1 */
        }
        inside--;
        mutex_unlock()
    fi
}

proctype thread(byte self)
{
    byte first, i, round;
    bool taken, again, woken;

    do
#ifdef LIVENESS
    :: take_turn()
    :: break
#else
    :: round == ROUNDS -> break
    :: round < ROUNDS -> take_turn(); round++
#endif
    od
}

#ifdef KILL
/* thread_kill: the mark, then the look at the state. */
proctype killer()
{
    killed = true;
    state[1] = AWAKE
}
#endif

#ifdef LIVENESS
ltl turn { [] (wants -> <> !wants) } /* M4 */
#endif

init
{
    byte n = 1;

    atomic {
#ifdef KILL
        run killer();
#endif
        do
        :: n <= THREADS -> run thread(n); n++
        :: else -> break
        od
    }
}
