/*
 * The numbers of the system calls, SYS_fork and so on, from the kernel's table.
 */
#ifndef CALF_USER_SYSCALL_H
#define CALF_USER_SYSCALL_H

#define SYS(number, name, arguments) SYS_##name = number,
enum {
#include "abi/xv6/xv6.tbl"
#include "abi/xv6/calf.tbl"
    SYS_sleep = SYS_pause
};
#undef SYS

#endif
