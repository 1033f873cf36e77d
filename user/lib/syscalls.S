/*
 * One stub for every system call, from the kernel's table.
 *
 * A call's number goes into a7; arguments and result are where a C call has
 * them. Each stub is named sys_NAME, and NAME too, but for sbrk, whose plain
 * name is a library function because programs call it with one argument. Calf's
 * own calls are named calf_NAME, so that any other name is a program's to use.
 */
    .macro  stub number, name
    .globl  sys_\name
sys_\name:
    li      a7, \number
    ecall
    ret
    .ifnc   \name, sbrk
    .globl  \name
    .set    \name, sys_\name
    .endif
    .endm

    .macro  own number, name
    .globl  calf_\name
calf_\name:
    li      a7, \number
    ecall
    ret
    .endm

#define OWN(number, name, arguments) own number, name
#define SYS(number, name, arguments) stub number, name

    .text
#include "abi/xv6/xv6.tbl"

    .globl  sleep
    .set    sleep, sys_pause
