/*
 * Going through all of a file system that may be damaged, for the tests that
 * damage one and for the fuzz target.
 */
#ifndef TESTS_EXT2_WALK_H
#define TESTS_EXT2_WALK_H

#include "host/disk/disk.h"

/* The choices a walk makes follow from this. */
extern uint64_t walk_random;

/* A small disk with something of everything, made by mke2fs with `options`. */
struct disk *walk_image(const char *options);

/* Mount the disk, look at everything and change what can be, unmount. True
 * when all memory was given back. VERBOSE= in the environment: tell of it. */
bool walk_disk(struct disk *disk);

#endif
