/*
 * The audit: recount everything and compare (invariants I1, I3, I4, I7).
 */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

struct text;

/* Stop all changes, walk every space, compare every frame's count with the
 * edges found. Writes "audit: clean" or "audit: N differences" and then a
 * line each. Returns N. Sleeps; no locks held. */
unsigned audit(struct text *out);

/* The same at a panic: the other harts stand already, and no lock is taken, so
 * that what was being changed just then may be told as a difference. */
void audit_at_panic(struct text *out);

#endif
