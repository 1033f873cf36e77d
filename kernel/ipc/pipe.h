/*
 * Pipes: a small ring of bytes between two open files.
 */
#ifndef IPC_PIPE_H
#define IPC_PIPE_H

#include "vfs/file.h"

/* Bytes a pipe holds. A write of at most this many comes out in one piece. */
#define PIPE_SIZE 512

/* Make a pipe: its two ends, each with one reference, the caller's. -ENOMEM.
 *
 * A read waits for a byte, and returns what there is; 0: no writer is left. A
 * write waits until all is in; -EPIPE: no reader is left, even if a part went
 * in before. A writer that is killed gets the count of bytes that went in, or
 * -EINTR. */
int pipe_make(struct file **reader, struct file **writer);

#endif
