/*
 * The audit: recount everything and compare (invariants I1, I3, I4, I7).
 */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

struct text;

/* Prepare; at boot. */
void audit_init(void);

/* Stop all changes, walk every space, compare every page's count with the edges
 * found. Writes "audit: clean", or "audit: N differences" and a line each; and
 * a line for each space that was being changed at the last try (audit.c).
 * Returns N, or -EINTR after a kill.
 *
 * It holds no lock that other work needs, but stops the other harts for a time
 * that grows with memory. An audit that follows soon waits first, so the harts
 * run most of the time. Sleeps; no lock of LOCK_AUDIT or above is held. */
int audit(struct text *out);

/* The same in a panic: the other harts stand already, and no lock is taken. A
 * space that was being changed may show as a difference. */
void audit_at_panic(struct text *out);

#endif
