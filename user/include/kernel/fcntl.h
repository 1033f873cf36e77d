/*
 * How open() is asked for: one of the first three, and any of the others.
 */
#ifndef CALF_USER_FCNTL_H
#define CALF_USER_FCNTL_H

#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR   2

#define O_CREATE (1 << 9)
#define O_TRUNC  (1 << 10)

#endif
