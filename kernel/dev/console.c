/*
 * The console's ring.
 *
 * Text is put into the ring, and then as much of the ring is sent as the device
 * takes at that moment; while little is printed, that sends everything. The
 * rest is sent by interrupt. For a device without an interrupt one thread takes
 * pieces out of the ring and sends them with no lock held, as the device may be
 * slow.
 *
 * In a panic the lock is not taken, as its holder may have died. The ring's
 * positions are masked at each use, so if the ring was being changed, the worst
 * is that wrong bytes are printed.
 */
#include "dev/console.h"
#include "arch/hal.h"
#include "lib/bits.h"
#include "lib/panic.h"
#include "lib/printf.h"
#include "sched/spinlock.h"

/* Bytes: the size of the ring (a power of two), and how many of them programs,
 * and echo, may fill. */
#define RING     8192u
#define PROGRAMS 1024u
#define ECHO     2048u
#define PIECE    64u
#define PATIENCE 1000000000u /* nanoseconds in which a device takes a byte */

/* I: set once, by console_start. The rest: under `lock`; in a panic without. */
static struct {
    struct spinlock lock;
    const struct console_port *port; /* I */
    void (*room)(void);              /* I */
    bool refused;                    /* a program waits for room */
    bool stuck;                      /* the device took nothing, in a panic */
    bool polling;                    /* a piece is out of the ring, unsent */
    uint64_t lost;                   /* messages lost since the last line about
                                        them */
    uint32_t head, tail;             /* of the ring, never masked */
    char ring[RING];
} console = {.lock = SPINLOCK(LOCK_CONSOLE)};

static uint32_t ring_used(void)
{
    return MIN(console.tail - console.head, RING);
}

static void push(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        console.ring[console.tail++ % RING] = text[i];
}

/* Send what the device takes now. Locked. */
static void send(void)
{
    uint32_t at = console.head % RING, length = MIN(ring_used(), RING - at);
    size_t sent = length ? console.port->send(console.ring + at, length) : 0;
    console.head += (uint32_t)sent;
}

/* Print how many messages were lost, but only once half of the ring is free:
 * else there would be a line for each lost message. Locked. */
static void tell_lost(void)
{
    char line[64];
    if (!console.lost || ring_used() > RING / 2)
        return;
    push(line, ksnprintf(line, sizeof line, "calf: %lu messages lost\n",
                         console.lost));
    console.lost = 0;
}

/* Locked: text was added, or the device has room. Returns whether the caller is
 * to call console.room: if `may` is true, a program waits, and half of the
 * programs' part is free, so that a writer is not woken for every few bytes. */
static bool make_progress(bool may)
{
    if (console.port->want_room)
        send();
    bool room = may && console.refused && ring_used() <= PROGRAMS / 2;
    if (room)
        console.refused = false;
    tell_lost();
    if (console.port->want_room)
        console.port->want_room(ring_used() || console.refused);
    return room;
}

void console_start(const struct console_port *port, void (*room)(void))
{
    console.room = room;
    console.port = port;
    kprintf_set_sink(console_print);
}

/* ---- Into the ring ------------------------------------------------------- */

/* Several harts may report: one prints at a time, but none waits long for
 * another, which may have died here. */
static void print_at_once(const char *text, size_t length)
{
    static _Atomic uint32_t printing;
    uint64_t limit = hal_time() + 2ul * PATIENCE;
    while (atomic_exchange(&printing, 1) && hal_time() < limit)
        hal_relax();
    console_flush();
    tell_lost();
    push(text, length);
    if (console.tail - console.head > RING)
        console.head = console.tail - RING;
    console_flush();
    atomic_store(&printing, 0);
}

void console_print(const char *text, size_t length)
{
    if (panic_in_progress()) {
        print_at_once(text, length);
        return;
    }
    spin_lock(&console.lock);
    /* After a lost message, all are lost until tell_lost has printed how many.
     */
    if (console.lost || length > RING - ring_used())
        console.lost++;
    else
        push(text, length);
    make_progress(false);
    spin_unlock(&console.lock);
}

/* Put the text into the ring if the ring then holds at most `share` bytes. */
static bool accept(const char *text, size_t length, uint32_t share, bool waits)
{
    if (panic_in_progress())
        return true;
    spin_lock(&console.lock);
    bool fits = ring_used() + length <= share;
    if (fits)
        push(text, length);
    else if (waits)
        console.refused = true;
    make_progress(false);
    spin_unlock(&console.lock);
    return fits;
}

bool console_write(const char *text, size_t length)
{
    return accept(text, length, PROGRAMS, true);
}

bool console_echo(const char *text, size_t length)
{
    return accept(text, length, ECHO, false);
}

/* ---- Out of it ----------------------------------------------------------- */

static void call_room(bool call)
{
    if (call && console.room)
        console.room();
}

void console_room(void)
{
    if (panic_in_progress()) {
        console.port->want_room(false);
        return;
    }
    spin_lock(&console.lock);
    bool room = make_progress(true);
    spin_unlock(&console.lock);
    call_room(room);
}

void console_poll(void)
{
    char piece[PIECE];
    size_t length, sent;
    do {
        length = 0;
        spin_lock(&console.lock);
        while (length < sizeof piece && ring_used())
            piece[length++] = console.ring[console.head++ % RING];
        console.polling = length;
        bool room = make_progress(true);
        spin_unlock(&console.lock);
        for (sent = 0; sent < length;)
            sent += console.port->send(piece + sent, length - sent);
        call_room(room);
    } while (length);
}

static void send_with_lock(void)
{
    if (panic_in_progress()) {
        send();
        return;
    }
    spin_lock(&console.lock);
    /* A piece that console_poll is sending comes before what is in the ring. */
    if (!console.polling)
        send();
    tell_lost();
    spin_unlock(&console.lock);
}

static uint32_t head_now(void)
{
    return __atomic_load_n(&console.head, __ATOMIC_RELAXED);
}

/* Whether text from before `end` is in the ring. */
static bool is_due(uint32_t end)
{
    return (int32_t)(end - head_now()) > 0;
}

/* Whether text from before `end` has not yet been sent. In a panic a piece that
 * console_poll has taken is not waited for. */
static bool pending(uint32_t end)
{
    bool panics = panic_in_progress();
    if (!panics)
        spin_lock(&console.lock);
    bool queued = is_due(end) || (console.polling && !panics);
    if (!panics)
        spin_unlock(&console.lock);
    return queued || (console.port->idle && !console.port->idle());
}

/* Text that is printed meanwhile is not waited for, and does not make the wait
 * longer. */
void console_flush(void)
{
    if (!console.port)
        return;
    uint32_t end = console.tail, head = head_now();
    uint64_t last = hal_time();
    while (pending(end)) {
        bool due = is_due(end);
        if (due)
            send_with_lock();
        if (due && head_now() != head) {
            head = head_now();
            last = hal_time();
            console.stuck = false;
        } else if (console.stuck || hal_time() - last > PATIENCE) {
            console.stuck = panic_in_progress();
            return;
        }
    }
}
