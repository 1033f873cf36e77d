/*
 * The console's line discipline.
 *
 * What is typed goes into a ring with three positions: readers advance `taken`,
 * the end of a line advances `ready`, every key advances `typed`. Between ready
 * and typed is the line that can still be edited. An end of input is in the
 * ring as the byte ^D, which nothing else puts there. If there is no room for
 * echo, it is lost, as a key cannot wait.
 *
 * A spinlock guards the ring, as keys arrive by interrupt; it is not held while
 * user memory is accessed. A writer holds a mutex while it sends one turn, also
 * while the device takes nothing. Others wait for the mutex in order (mutex.h),
 * so each gets its turn.
 */
#include "ipc/tty.h"
#include "dev/console.h"
#include "sched/thread.h"
#include "vfs/file.h"
#include "lib/bits.h"
#include "lib/errno.h"

#define RING 1024 /* a power of two */

#define CONTROL(letter) ((letter) - '@')
#define KEY_END         CONTROL('D')
#define KEY_ERASE       CONTROL('H')
#define KEY_LIST        CONTROL('P')
#define KEY_ERASE_LINE  CONTROL('U')
#define KEY_DELETE      0x7f

static struct {
    struct spinlock lock;
    struct waitq readers, writers;
    struct mutex writing;         /* LOCK_TTY_WRITE: whose turn it is */
    uint32_t taken, ready, typed; /* lock */
    bool copying;                 /* lock: a reader is about to move `taken` */
    bool full;                    /* lock: a writer waits for room */
    char ring[RING];              /* lock */
    void (*hook)(void);           /* set once */
} tty;

static bool is_shown(char byte)
{
    return (uint8_t)byte >= ' ' && byte != KEY_DELETE;
}

static bool erase_one(void)
{
    if (tty.typed == tty.ready)
        return false;
    tty.typed--;
    if (is_shown(tty.ring[tty.typed % RING]))
        console_echo("\b \b", 3);
    return true;
}

static void add(char byte)
{
    if (tty.typed - tty.taken == RING) {
        console_echo("\a", 1);
        return;
    }
    tty.ring[tty.typed++ % RING] = byte;
    if (is_shown(byte) || byte == '\n' || byte == '\t')
        console_echo(&byte, 1);
    if (byte == '\n' || byte == KEY_END || tty.typed - tty.ready >= TTY_LINE) {
        tty.ready = tty.typed;
        waitq_wake_all(&tty.readers);
    }
}

void tty_input(uint8_t byte)
{
    if (byte == KEY_LIST) {
        if (tty.hook)
            tty.hook();
        return;
    }
    spin_lock(&tty.lock);
    switch (byte) {
    case '\0':
        break;
    case KEY_ERASE:
    case KEY_DELETE:
        erase_one();
        break;
    case KEY_ERASE_LINE:
        while (erase_one())
            continue;
        break;
    case '\r':
        add('\n');
        break;
    default:
        add((char)byte);
    }
    spin_unlock(&tty.lock);
}

/* Copy a line, at most `limit` bytes. 0: an end of input, which is consumed
 * only if nothing precedes it. The next read begins at `*next`. Locked. */
static size_t copy_line(char *line, size_t limit, uint32_t *next)
{
    uint32_t at = tty.taken;
    size_t length = 0;
    while (length < limit && at != tty.ready) {
        char byte = tty.ring[at % RING];
        if (byte == KEY_END) {
            at += !length;
            break;
        }
        at++;
        line[length++] = byte;
        if (byte == '\n')
            break;
    }
    *next = at;
    return length;
}

/* Locked. */
static bool can_read(void)
{
    return tty.taken != tty.ready && !tty.copying;
}

/* A line is consumed after the copy to the reader, for which the next read
 * waits. So if the copy fails, the next read gets the line. */
static ssize_t tty_read(struct file *, struct cursor *cursor)
{
    char line[TTY_LINE];
    uint32_t next;
    int result = 0;
    if (!cursor->left)
        return 0;
    spin_lock(&tty.lock);
    while (!can_read() && !result)
        result = waitq_sleep(&tty.readers, &tty.lock, SLEEP_INTERRUPTIBLE);
    if (result) {
        spin_unlock(&tty.lock);
        return result;
    }
    tty.copying = true;
    size_t length = copy_line(line, MIN(cursor->left, sizeof(line)), &next);
    spin_unlock(&tty.lock);
    result = cursor_put(cursor, line, length);
    spin_lock(&tty.lock);
    tty.copying = false;
    if (!result)
        tty.taken = next;
    waitq_wake_all(&tty.readers);
    spin_unlock(&tty.lock);
    return result ? result : (ssize_t)length;
}

/* Take the text of one turn: all that is left, or, if that is more than a turn,
 * up to the last end of a line in a turn. Its length, or -EFAULT. */
static int take_turn(struct cursor *cursor, char text[TTY_TURN])
{
    struct cursor look = *cursor;
    size_t length = MIN(cursor->left, (size_t)TTY_TURN);
    int result = cursor_take(&look, text, length);
    if (result)
        return result;
    size_t end = look.left ? length : 0;
    while (end && text[end - 1] != '\n')
        end--;
    length = end ? end : length;
    cursor->address += length;
    cursor->left -= length;
    return (int)length;
}

/* Send `text`, waiting for room. 0, or -EINTR when killed. */
static int send(const char *text, size_t length)
{
    int result = mutex_lock_interruptible(&tty.writing);
    if (result)
        return result;
    spin_lock(&tty.lock);
    while (!result && (tty.full = !console_write(text, length)))
        result = waitq_sleep(&tty.writers, &tty.lock, SLEEP_INTERRUPTIBLE);
    spin_unlock(&tty.lock);
    mutex_unlock(&tty.writing);
    return result;
}

static ssize_t tty_write(struct file *, struct cursor *cursor)
{
    char text[TTY_TURN];
    size_t done = 0;
    int length, result = 0;
    while (cursor->left && !result) {
        result = length = take_turn(cursor, text);
        if (length > 0)
            result = send(text, length);
        if (!result)
            done += length;
        /* If the device takes everything, send does not notice a kill. */
        if (thread_killed(thread_current()))
            result = -EINTR;
    }
    return done ? (ssize_t)done : result;
}

static unsigned tty_poll(struct file *, struct wait_set *set)
{
    unsigned ready = 0;
    wait_set_join(set, &tty.readers);
    wait_set_join(set, &tty.writers);
    spin_lock(&tty.lock);
    if (can_read())
        ready |= POLL_READABLE;
    if (!tty.full)
        ready |= POLL_WRITABLE;
    spin_unlock(&tty.lock);
    return ready;
}

void tty_output_room(void)
{
    /* The lock keeps this from coming between a writer's try and its sleep. */
    spin_lock(&tty.lock);
    tty.full = false;
    waitq_wake_all(&tty.writers);
    spin_unlock(&tty.lock);
}

void tty_init(void (*hook)(void))
{
    static const struct file_ops driver = {
        .read = tty_read, .write = tty_write, .poll = tty_poll};
    tty.hook = hook;
    spin_init(&tty.lock, LOCK_TTY);
    waitq_init(&tty.readers);
    waitq_init(&tty.writers);
    mutex_init(&tty.writing, LOCK_TTY_WRITE);
    device_register(DEVICE_CONSOLE, &driver);
}
