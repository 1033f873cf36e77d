/*
 * The mutex of kernel/sched, for Spin: taking, sleeping, letting go and
 * handing over (mutex.c, with waitq.c below it). Spin tries every schedule of
 * THREADS threads that take the mutex ROUNDS times each. docs/MODEL.md is the
 * way in.
 *
 * A step is at most one access to what another thread can reach, as in
 * share.pml; the queue's spinlock is one of them. A thread that is ready runs
 * at any later time. An interrupt that wakes a thread for another reason does
 * not exist here: nobody but an owner wakes who waits for a mutex.
 *
 * Checked:
 *   M1  at most one thread is between lock and unlock, and it is the one the
 *       mutex names (by assertion)
 *   M2  all come to their end: no wake-up is lost (by Spin itself, which calls
 *       what cannot go on an invalid end state)
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
bool overtaken;
byte waiting;          /* how many are in the queue, read without its lock */
bool queue_lock;
byte queue[THREADS];   /* the waiters, the first first */
byte queued;
bit state[THREADS + 1];
byte inside;           /* how many are between lock and unlock */

#define spin_lock()   d_step { !queue_lock -> queue_lock = true }
#define spin_unlock() queue_lock = false

/* atomic_compare_exchange_strong(&holder, NULL, self) */
inline try_take(taken)
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
inline take_off_first(thread)
{
    d_step {
        thread = queue[0];
        i = 0;
        do
        :: i + 1 < queued -> queue[i] = queue[i + 1]; i++
        :: else -> break
        od;
        queued--;
        i = 0
    }
    waiting--
}

inline waitq_join()
{
    state[self] = SLEEPING;
    spin_lock();
    d_step { queue[queued] = self; queued++ }
    waiting++;
    spin_unlock()
}

/* sched_stay_awake, and off the queue unless a waker has done it. */
inline waitq_leave()
{
    state[self] = AWAKE;
    spin_lock();
    d_step {
        linked = false;
        i = 0;
        do
        :: i < queued && !linked -> linked = queue[i] == self; i++
        :: else -> break
        od;
        if
        :: linked ->
            do
            :: i < queued -> queue[i - 1] = queue[i]; i++
            :: else -> break
            od;
            queued--
        :: else
        fi;
        i = 0
    }
    if
    :: linked -> waiting--
    :: else
    fi;
    spin_unlock()
}

/* waitq_wake_one */
inline wake_one()
{
    if
    :: waiting == 0
    :: else ->
        spin_lock();
        do
        :: queued == 0 -> break
        :: else ->
            take_off_first(first);
            d_step {
                woken = state[first] == SLEEPING;
                state[first] = AWAKE
            }
            if
            :: woken -> break
            :: else
            fi
        od;
        spin_unlock()
    fi
}

/* waitq_hand_over */
inline hand_over(done)
{
    done = false;
    if
    :: waiting == 0
    :: else ->
        spin_lock();
        if
        :: queued > 0 ->
            take_off_first(first);
            holder = first;
            state[first] = AWAKE;
            done = true
        :: else
        fi;
        spin_unlock()
    fi
}

inline mutex_lock()
{
    try_take(taken);
    do
    :: taken -> break
    :: else ->
        waitq_join();
#ifndef SLEEP_UNCHECKED
        try_take(taken);
#endif
        if
        :: !taken -> state[self] == AWAKE /* sched_switch */
        :: else
        fi;
        waitq_leave();
        if
        :: taken
#ifndef HANDED_UNSEEN
        :: !taken && holder == self -> taken = true
#endif
        :: else ->
            try_take(taken);
            if
            :: !taken -> overtaken = true
            :: true /* there is time, or the mutex */
            fi
        fi
    od
}

inline mutex_unlock()
{
    done = false;
    if
    :: overtaken ->
        overtaken = false;
        hand_over(done)
    :: else
    fi;
    if
    :: done
    :: else ->
#ifdef WAKE_BEFORE_FREE
        wake_one();
        holder = 0
#else
        holder = 0;
        wake_one()
#endif
    fi
}

proctype thread(byte self)
{
    byte first, i, round;
    bool taken, linked, woken, done;

    do
    :: round == ROUNDS -> break
    :: else ->
        mutex_lock();
        inside++;
        assert(inside == 1 && holder == self); /* M1 */
        inside--;
        mutex_unlock();
        round++
    od
}

init
{
    byte n = 1;

    atomic {
        do
        :: n <= THREADS -> run thread(n); n++
        :: else -> break
        od
    }
}
