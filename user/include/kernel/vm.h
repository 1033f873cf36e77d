/*
 * When memory asked for with sbrk comes into being: at once, or when touched.
 */
#ifndef CALF_USER_VM_H
#define CALF_USER_VM_H

#define SBRK_EAGER 1
#define SBRK_LAZY  2

#endif
