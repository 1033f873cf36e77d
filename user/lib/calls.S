/*
 * A stub for each of the calls that only Calf has: calf_NAME, so that programs
 * may have a function of that name. See syscalls.S.
 */
#define SYS(number, name, arguments) stub number, name

    .macro  stub number, name
    .globl  calf_\name
calf_\name:
    li      a7, \number
    ecall
    ret
    .endm

    .text
#include "abi/xv6/calf.tbl"
