/*
 * The audit: recount everything and compare (invariants I1, I3, I4, I7).
 */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

struct text;

/* Prepare; at boot. */
void audit_init(void);

/* Stop all changes, walk every space, compare every page's count with the
 * edges found. Writes "audit: clean" or "audit: N differences" and then a
 * line each; and a line with the spaces that were being changed each time it
 * looked (see audit.c). Returns N, or -EINTR after a kill.
 *
 * Holds no lock that others want, and stops them for as long as memory is
 * large; an audit that follows soon waits, so that they have most of the time.
 * Sleeps; no lock of LOCK_AUDIT or above held. */
int audit(struct text *out);

/* The same at a panic: the other harts stand already, and no lock is taken, so
 * that what was being changed just then may be told as a difference. */
void audit_at_panic(struct text *out);

#endif
