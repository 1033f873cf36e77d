/*
 * The xv6 ABI: what programs written for xv6-riscv see.
 */
#ifndef ABI_XV6_XV6_H
#define ABI_XV6_XV6_H

#include "proc/process.h"

extern const struct abi xv6_abi;

#endif
