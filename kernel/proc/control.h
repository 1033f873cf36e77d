/*
 * The system's own files in /proc.
 */
#ifndef PROC_CONTROL_H
#define PROC_CONTROL_H

/* Register them; at boot. 0 or -ENOSPC. */
int control_register_files(void);

#endif
