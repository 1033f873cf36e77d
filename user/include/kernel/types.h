/*
 * Short names for the integer types, as programs written for xv6 spell them.
 */
#ifndef CALF_USER_TYPES_H
#define CALF_USER_TYPES_H

typedef unsigned char uchar;
typedef unsigned char uint8;
typedef unsigned short ushort;
typedef unsigned short uint16;
typedef unsigned int uint;
typedef unsigned int uint32;
typedef unsigned long uint64;

typedef uint64 pde_t;

#endif
