/*
 * What a process's memory is, naively: an array of bytes with permissions.
 * Every operation is done to a real space and to its model, and what the real
 * one says and shows must be what the model says.
 *
 * An address space is cut into cells. Most are pages, in windows placed where
 * nodes of the tree end and begin, and at both ends of user memory; the rest
 * are the gaps between, mapped and dropped like pages but never touched, so
 * that ranges can be gigabytes and the model small.
 *
 * An operation takes `nth`: its nth allocation is to fail (0: none). It then
 * may end in -ENOMEM or FAULT_NOMEM, and has not happened.
 */
#ifndef TESTS_MM_MODEL_H
#define TESTS_MM_MODEL_H

#include "host/mm/hal.h"

#define WINDOWS      6
#define WINDOW_PAGES 16
#define CELLS        (WINDOWS * WINDOW_PAGES + WINDOWS - 1)
#define PROCESSES    10
#define FILE_PAGES   40

struct cell {
    uint8_t prot; /* 0: not mapped */
    bool beyond;  /* behind the end of its file */
    int file;     /* page of the file it shows, or -1 */
    uint8_t bytes[HAL_PAGE_SIZE];
};

struct process {
    struct space *space; /* NULL: no such process */
    bool busy;           /* in the middle of an operation */
    bool unsure;         /* and its bytes are not yet the model's */
    struct cell cells[CELLS];
};

extern struct process processes[PROCESSES];

/* A file that private mappings show; `users` counts regions that refer to it.
 */
extern struct object model_file;
extern int model_file_users;

/* Operations may run out of memory without being told to. */
extern bool model_low;

/* The place where the next process is to be born, if that is free; 0 again
 * after each. */
extern unsigned model_next;

/* Boot with so much memory and make the file. */
void model_init(uint64_t bytes);

/* Where cell `index` begins (CELLS: the top of user memory), and whether it is
 * a page to be touched. */
uint64_t model_address(unsigned index);
bool model_is_page(unsigned index);
/* The first cell of a window. */
unsigned model_window(unsigned window);

/* The result of an operation by the running hart, which enters the space:
 * checked against the model, which then follows. */
struct process *model_create(uint32_t nth);
/* Parent and child will next write at `write` and execute at `execute`, or so
 * the kernel is told. */
struct process *model_fork(struct process *parent, uint64_t write,
                           uint64_t execute, uint32_t nth);
void model_exit(struct process *process);
int model_map(struct process *process, unsigned first, unsigned end,
              uint8_t prot, int file, uint32_t nth);
int model_map_now(struct process *process, unsigned first, unsigned end,
                  uint8_t prot, int file, uint32_t nth);
int model_unmap(struct process *process, unsigned first, unsigned end,
                uint32_t nth);
int model_protect(struct process *process, unsigned first, unsigned end,
                  uint8_t prot, uint32_t nth);
int model_populate(struct process *process, unsigned first, unsigned end,
                   uint32_t nth);
/* Touch [va, va+length), which meets no mapped gap; writes are of `fill` and
 * the bytes that follow it. */
enum fault model_read(struct process *process, uint64_t va, size_t length,
                      uint32_t nth);
enum fault model_write(struct process *process, uint64_t va, size_t length,
                       uint8_t fill, uint32_t nth);
enum fault model_fetch(struct process *process, uint64_t va, uint32_t nth);
/* The same by the kernel's copy functions. */
int model_copy_in(struct process *process, uint64_t va, size_t length);
int model_copy_out(struct process *process, uint64_t va, size_t length,
                   uint8_t fill);

/* The byte the model has at `va`. */
uint8_t model_byte(const struct process *process, uint64_t va);

/* Every byte of every process and of the file, the audit, the caches. */
void model_check_all(void);

/* Remember a line for the epitaph. */
void model_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether the last operation came to the allocation that was to fail. */
bool model_failed_one(void);

#endif
