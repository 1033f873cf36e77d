/*
 * A RISC-V machine in one block of memory: what a program that runs it needs.
 *
 * The block holds struct machine, then tables, RAM and disks, and no address
 * of the host: copied to another place it goes on as if nothing had happened.
 * Nothing is allocated, no time of the host's is looked at: what happens
 * follows from the configuration, what is loaded, and the input.
 *
 * Time is counted in instructions, those of all harts together.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_HARTS    8
#define MACHINE_DISKS    4
#define MACHINE_RAM_BASE 0x80000000ull
/* Where Linux Images are put: this far into RAM. */
#define MACHINE_KERNEL_AT 0x200000ull

/* See docs/MACHINE.md and adversary.c. */
enum {
    ADVERSARY_TLB = 1,     /* old translations are used until they are fenced */
    ADVERSARY_TURNS = 2,   /* turns may be a few instructions */
    ADVERSARY_TIME = 4,    /* the clock jumps to the next timer */
    ADVERSARY_CODE = 8,    /* old instructions are used until fence.i */
    ADVERSARY_STORES = 16, /* others see a hart's stores late */
    ADVERSARY_LRSC = 32,   /* reservations are long, and lost for no reason */
    ADVERSARY_WALKS = 64,  /* harts walk tables ahead */
    ADVERSARY_INVALID = 128, /* and keep what is no translation */
    ADVERSARY_NODES = 256,   /* and entries that are no leaves */
    ADVERSARY_SBI = 512,     /* the firmware is slow, and fails */
    ADVERSARY_DEVICES = 1024 /* disks answer late and in any order */
};
#define ADVERSARY_KINDS 11

/* Their names, as of --adversary. */
extern const char *const adversary_names[ADVERSARY_KINDS];

struct machine;

struct machine_config {
    uint32_t harts;                    /* 1 to MACHINE_HARTS */
    uint64_t ram;                      /* bytes, whole pages; at least 16 MB */
    unsigned disks;                    /* at most MACHINE_DISKS */
    uint64_t disk_size[MACHINE_DISKS]; /* bytes, whole sectors of 512 */
    uint64_t seed;                     /* 0: turns are all of one length */
    uint32_t quantum;                  /* instructions of a turn; 0: 1000 */
    uint32_t per_tick;  /* instructions for 1/10 000 000 s; 0: 10 */
    uint32_t adversary; /* ADVERSARY_*: what may be done to be difficult */
    uint64_t epoch;     /* seconds since 1970 at the start */
};

/* Why machine_run came back. */
enum machine_stop {
    MACHINE_LIMIT,   /* the instructions have run */
    MACHINE_IDLE,    /* every hart waits: for a timer, or for input */
    MACHINE_OUTPUT,  /* there is much of it to be fetched */
    MACHINE_FLUSH,   /* a disk is to be made safe */
    MACHINE_OFF,     /* the end */
    MACHINE_RESTART, /* the end, but it wanted to begin anew */
    MACHINE_HIT,     /* a watched address: see machine_hit */
};

/* Bytes of the block; 0 if the configuration is none. */
size_t machine_size(const struct machine_config *config);

/* Makes a machine of a block, page-aligned and all zeros, of machine_size's
 * size. */
void machine_init(struct machine *m, const struct machine_config *config);

/* Can a block of so many bytes go on here, and with what configuration was it
 * made? Not one of another build of the machine. */
bool machine_is_ours(struct machine *m, uint64_t size,
                     struct machine_config *config);

/* The host's address of `length` bytes of RAM, or NULL. Good while the block
 * is where it is. */
void *machine_ram(struct machine *m, uint64_t physical, uint64_t length);

/* The host's address of a disk's contents. */
void *machine_disk(struct machine *m, unsigned disk);

/*
 * After a kernel was put at MACHINE_KERNEL_AT, and perhaps an initrd anywhere
 * (`initrd_size` 0: none): writes the device tree and sets hart 0 before the
 * kernel's first instruction. False if RAM is too small for that.
 */
bool machine_boot(struct machine *m, uint64_t initrd, uint64_t initrd_size,
                  const char *command_line);

/* Where an initrd of this size should be put; 0 if RAM is too small. */
uint64_t machine_initrd_place(const struct machine *m, uint64_t size);

/* Runs until `limit` instructions have run since the start, or until the
 * caller is needed. */
enum machine_stop machine_run(struct machine *m, uint64_t limit);

uint64_t machine_now(const struct machine *m); /* instructions */

/* While it is idle: when the next timer goes off; UINT64_MAX if none will. */
uint64_t machine_next_event(const struct machine *m);

/* While it is idle: goes on to that time, at most the next event's. */
void machine_skip(struct machine *m, uint64_t now);

/* Takes what was written to the console since, at most `size` bytes. */
size_t machine_output(struct machine *m, uint8_t *to, size_t size);

/* Types. Returns how many bytes there was room for. */
size_t machine_input(struct machine *m, const uint8_t *from, size_t size);

/* The first written and not yet collected range of a disk, which is collected
 * by this; false if there is none. In bytes. */
bool machine_disk_written(struct machine *m, unsigned disk, uint64_t *at,
                          uint64_t *size);

/* ---- For a debugger (debug.c) -------------------------------------------- */

/* A hart's register, by gdb's numbers: x0 to x31, pc, f0 to f31, CSRs, and the
 * mode (0: U, 1: S). False if there is no such one, or not now; CSRs and the
 * mode are not set. */
enum {
    MACHINE_PC = 32,
    MACHINE_F = 33,
    MACHINE_CSR = 65,
    MACHINE_INSTRET = MACHINE_CSR + 0xc02,
    MACHINE_MODE = MACHINE_CSR + 4096
};
bool machine_register(const struct machine *m, unsigned hart, unsigned number,
                      uint64_t *value);
bool machine_set_register(struct machine *m, unsigned hart, unsigned number,
                          uint64_t value);

/* Where the page tables of a hart (there must be one) lead, whatever its mode
 * may. False: nowhere. */
bool machine_translate(struct machine *m, unsigned hart, uint64_t va,
                       uint64_t *physical);

/* Writes RAM. False: there is none. */
bool machine_write(struct machine *m, uint64_t physical, const uint8_t *from,
                   uint64_t size);

#define MACHINE_WATCHES 32
enum { WATCH_LOAD = 1, WATCH_STORE = 2, WATCH_FETCH = 4 };

/* Virtual addresses, of any address space. */
struct machine_watch {
    uint64_t first, last;
    uint32_t kinds; /* WATCH_* */
    uint32_t harts; /* a set: 1 is hart 0 */
};

/* What instruction, number `at`, did so. It is done, or, if it was to be
 * fetched, the next one; the next run goes on there, unless machine_watch was
 * called without addresses. */
struct machine_hit {
    uint32_t hart, kind;
    uint64_t address, at;
};

/* From now on these addresses, and no others, end a run. */
void machine_watch(struct machine *m, const struct machine_watch *set,
                   unsigned count);
const struct machine_hit *machine_hit(const struct machine *m);
/* For a report: what the adversary did last, `back` 0 for the very last. False
 * if there were not so many, or it is not kept any more. */
struct machine_decision {
    uint64_t now, address; /* physical or virtual, as `what` has it */
    uint32_t hart, what;   /* ADVERSARY_* */
};
#define MACHINE_DECISIONS 32u
bool machine_decision(const struct machine *m, unsigned back,
                      struct machine_decision *decision);

#endif
