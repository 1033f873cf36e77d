/*
 * Where a program begins: a0 is the number of arguments, a1 their array.
 * main's result is the exit status.
 */
    .section .entry, "ax"
    .globl _start
_start:
    li      s0, 0               /* no caller: a backtrace ends here */
    call    main
    call    exit
