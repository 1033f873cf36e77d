/*
 * Sequences of steps: drawn from a stream and recorded while they run, or run
 * again from the record.
 *
 * Wherever another hart could come between in a step, another step may: that
 * is part of the sequence. After each step no stale translation may be left;
 * at intervals, and in a short sequence after every step, all memory of all
 * processes is compared and the audit must be clean; at the end all exit and
 * no page may be lost. What differs ends the test by mm_fail. A sequence means
 * the same on a machine that has just booted and after others.
 */
#ifndef TESTS_MM_SEQUENCE_H
#define TESTS_MM_SEQUENCE_H

#include "mm/stats.h"
#include "host/mm/step.h"

struct sequence {
    unsigned count, most;
    unsigned long between; /* of them came between others */
    uint64_t stats[STATS]; /* what the kernel counted since it booted */
    struct step steps[];
};

/* Boot a machine with so much memory for sequences, once. */
void sequence_boot(uint64_t bytes);

/* Draw steps and do them, until so many have been done that did not come
 * between others, the stream has ended or the record is full. A record that
 * is in shared memory tells another process what led to a failure. */
void sequence_draw(struct sequence *record, struct stream *stream,
                   unsigned long operations);

/* Do the steps again. */
void sequence_run(struct sequence *steps);

/* One line a step, to stderr. */
void sequence_tell(const struct sequence *steps, unsigned from);

/* To a file, and from one that sequence_write or a person wrote; blank lines
 * and lines that begin with # do not count. False: stderr has been told. */
bool sequence_write(const struct sequence *steps, const char *path);
bool sequence_read(struct sequence *steps, const char *path);

#endif
