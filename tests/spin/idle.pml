/*
 * Idle and wake of kernel/sched/sched.c, for Spin: HARTS harts run, and leave
 * waiting, THREADS threads that sleep, wake one another and give way at any
 * moment. docs/MODEL.md is the way in.
 *
 * A step is at most one access to what another hart can reach; what is done
 * under a queue's lock is one step. Who has used least plays no part: a hart
 * may take any thread there is.
 *
 * Checked:
 *   S1  when no step by which a thread comes into a queue, or a hart becomes
 *       idle, is under way: a thread waits and a hart is idle only while a
 *       hart that was told is on its way (by assertion)
 *   S2  a thread's stack is used by one hart at a time, and a thread is in one
 *       place (by assertion)
 *
 * Every other macro that is only tested for is an error to be seeded:
 * tools/spin has the list.
 */

#ifndef HARTS
#define HARTS 2
#endif
#ifndef THREADS
#define THREADS 3
#endif

#define READY    0
#define RUNNING  1
#define SLEEPING 2
#define ASLEEP   3

#define NONE 255

byte state[THREADS];
byte queue_of[THREADS];  /* in whose queue it is, or NONE */
byte last[THREADS];      /* the hart it ran on last */
byte on_stack[THREADS];  /* harts on its stack */
bool idle[HARTS];        /* idle_harts */
bool told[HARTS];        /* an interrupt is pending */
byte running[HARTS];     /* its thread, or NONE */
byte steps;              /* under way */

#define none_waits (queue_of[0] == NONE && queue_of[1] == NONE && \
                    (THREADS < 3 || queue_of[THREADS - 1] == NONE))
#if HARTS == 2
#define one_idle  (idle[0] || idle[1])
#define none_comes ((idle[0] || running[0] != NONE) && \
                    (idle[1] || running[1] != NONE))
#else
#define one_idle  (idle[0] || idle[1] || idle[2])
#define none_comes ((idle[0] || running[0] != NONE) && \
                    (idle[1] || running[1] != NONE) && \
                    (idle[2] || running[2] != NONE))
#endif

/* Sets `next` to a thread of hart `from`'s queue, if there is one. */
inline queue_pop(from)
{
    atomic {
        if
        :: next == NONE && queue_of[0] == from -> next = 0
        :: next == NONE && queue_of[1] == from -> next = 1
#if THREADS > 2
        :: next == NONE && queue_of[2] == from -> next = 2
#endif
        :: else
        fi;
        if
        :: next != NONE -> queue_of[next] = NONE
        :: else
        fi
    }
}

/* Its own queue, then all the others. */
inline choose()
{
    next = NONE;
    queue_pop(hart);
    i = 1;
    do
    :: i < HARTS && next == NONE ->
        from = (hart + i) % HARTS;
        queue_pop(from);
        i++
#ifdef ONE_QUEUE_ONLY
        ; break
#endif
    :: else -> break
    od;
    i = 0;
    from = 0
}

/* Looks at the set, then takes a bit, unless that was taken meanwhile: then it
 * looks again. */
inline wake_for(target)
{
    do
    :: d_step {
        who = NONE;
        if
        :: idle[target] -> who = target
        :: !idle[target] && idle[0] -> who = 0
        :: !idle[target] && !idle[0] && idle[1] -> who = 1
#if HARTS > 2
        :: !idle[target] && !idle[0] && !idle[1] && idle[2] -> who = 2
#endif
        :: else
        fi
       }
       if
       :: who == NONE -> break
       :: who != NONE ->
           atomic {
               kept = idle[who];
               idle[who] = false;
               told[who] = told[who] || kept
           }
#ifndef TAKEN_MEANWHILE
           if
           :: kept -> break
           :: else
           fi
#else
           break
#endif
       fi
    od;
    kept = false;
    who = 0
}

inline place(thread)
{
    steps++;
    d_step {
        to = last[thread];
        if
        :: !idle[to] && idle[0] -> to = 0
        :: !idle[to] && !idle[0] && idle[1] -> to = 1
#if HARTS > 2
        :: !idle[to] && !idle[0] && !idle[1] && idle[2] -> to = 2
#endif
        :: else
        fi
    }
#ifdef TELL_BEFORE_PUSH
    wake_for(to);
#endif
    d_step {
        assert(queue_of[thread] == NONE && state[thread] == READY); /* S2 */
        queue_of[thread] = to
    }
#ifndef TELL_BEFORE_PUSH
    wake_for(to);
#endif
    to = 0;
    steps--
}

inline thread_wake(thread)
{
    atomic {
        was = state[thread];
        if
        :: was == ASLEEP || was == SLEEPING -> state[thread] = READY
        :: else
        fi
    }
    if
#ifdef PLACED_ON_ITS_STACK
    :: was == ASLEEP || was == SLEEPING -> place(thread)
#else
    :: was == ASLEEP -> place(thread)
#endif
    :: else
    fi;
    was = 0
}

inline finish_switch()
{
    if
    :: previous != NONE ->
        atomic {
            on_stack[previous]--;
            was = state[previous];
            if
            :: was == SLEEPING -> state[previous] = ASLEEP
            :: else
            fi
        }
        if
#ifdef TELLS_NOBODY
        :: was == READY -> d_step { queue_of[previous] = hart }
#else
        :: was == READY -> place(previous)
#endif
        :: else
        fi
    :: else
    fi;
    was = 0;
    previous = NONE
}

inline switch_to()
{
    previous = running[hart];
    if
    :: next != NONE ->
        d_step {
            state[next] = RUNNING;
            assert(on_stack[next] == 0); /* S2 */
            on_stack[next]++;
            last[next] = hart
        }
    :: else
    fi;
    running[hart] = next;
    next = NONE;
    finish_switch()
}

/* The running thread does one of the things that threads do. */
inline act()
{
    if
    :: state[running[hart]] = SLEEPING;
       choose();
       switch_to()
    :: choose();
       if
       :: next != NONE -> state[running[hart]] = READY; switch_to()
       :: else
       fi
    :: thread_wake(0)
    :: thread_wake(1)
#if THREADS > 2
    :: thread_wake(2)
#endif
    fi
}

/* Once round the idle loop. Any interrupt ends the wait, and may wake. */
inline be_idle()
{
    steps++;
#ifdef LOOK_BEFORE_BIT
    choose();
    idle[hart] = true;
#else
    idle[hart] = true;
    choose();
#endif
    if
    :: next != NONE ->
        atomic { kept = idle[hart]; idle[hart] = false }
#ifndef TOLD_FORGOTTEN
        if
        :: !kept -> wake_for(hart)
        :: else
        fi;
#endif
        kept = false;
        steps--;
        switch_to()
    :: else ->
        steps--;
        if
        :: told[hart] -> told[hart] = false
        :: thread_wake(0)
        fi
    fi
}

proctype a_hart(byte hart)
{
    byte next = NONE, previous = NONE, from, to, who, was, i;
    bool kept;

    do
    :: running[hart] == NONE -> be_idle()
    :: running[hart] != NONE -> act()
    od
}

/* What sched_assert_told looks at. */
active proctype observer()
{
    atomic {
        steps == 0 && !none_waits && one_idle && none_comes ->
        assert(false) /* S1 */
    }
}

init
{
    byte n;

    atomic {
        do
        :: n < THREADS -> state[n] = ASLEEP; queue_of[n] = NONE; n++
        :: else -> break
        od;
        n = 0;
        do
        :: n < HARTS -> running[n] = NONE; run a_hart(n); n++
        :: else -> break
        od
    }
}
