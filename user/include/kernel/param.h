/*
 * Limits programs written for xv6 compile in.
 *
 * They are what such a program may count on, not what Calf stops at: the
 * kernel's own limits are mostly higher.
 */
#ifndef CALF_USER_PARAM_H
#define CALF_USER_PARAM_H

/* Programs and their arguments. */
#define MAXARG    32  /* slots of exec's argument array, with the final zero */
#define MAXPATH   128 /* bytes of a path, with the final zero */
#define USERSTACK 1   /* pages of stack */

/* Tables. */
#define NCPU   8
#define NPROC  64
#define NOFILE 16
#define NFILE  100
#define NINODE 50
#define NDEV   10

/* The file system. */
#define ROOTDEV     1
#define MAXOPBLOCKS 10
#define LOGSIZE     (3 * MAXOPBLOCKS)
#define LOGBLOCKS   LOGSIZE
#define NBUF        LOGSIZE
#define FSSIZE      2000

#endif
