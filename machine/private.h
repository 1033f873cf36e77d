/*
 * What the files of the machine tell each other.
 */
#ifndef MACHINE_PRIVATE_H
#define MACHINE_PRIVATE_H

#include "isa.h"
#include "machine.h"

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096u
#define SECTOR     512u

/* ---- Numbers of the specifications --------------------------------------- */

/* Exceptions and interrupts (Privileged Architecture 20211203, table 4.2). */
enum { CAUSE_FETCH_ACCESS = 1, CAUSE_ILLEGAL = 2, CAUSE_BREAKPOINT = 3 };
enum { CAUSE_LOAD_MISALIGNED = 4, CAUSE_LOAD_ACCESS = 5 };
enum { CAUSE_STORE_MISALIGNED = 6, CAUSE_STORE_ACCESS = 7 };
enum { CAUSE_ECALL_USER = 8 };
enum { CAUSE_FETCH_PAGE = 12, CAUSE_LOAD_PAGE = 13, CAUSE_STORE_PAGE = 15 };
#define CAUSE_INTERRUPT (1ull << 63)
enum { SOFTWARE = 1, TIMER = 5, EXTERNAL = 9 };
enum { IP_SOFTWARE = 1 << 1, IP_TIMER = 1 << 5, IP_EXTERNAL = 1 << 9 };

/* sstatus (section 4.1.1). */
enum { STATUS_SIE = 1 << 1, STATUS_SPIE = 1 << 5, STATUS_SPP = 1 << 8 };
enum { STATUS_FS = 3 << 13, STATUS_FS_DIRTY = 3 << 13 };
enum { STATUS_SUM = 1 << 18, STATUS_MXR = 1 << 19 };
#define STATUS_UXL_64 (2ull << 32)
#define STATUS_SD     (1ull << 63)
#define STATUS_WRITABLE                                                        \
    (STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_FS | STATUS_SUM |          \
     STATUS_MXR)

#define SATP_SV39 (8ull << 60)
#define SATP_ASID (0xffffull << 44)
#define SATP_PPN  ((1ull << 44) - 1)

/* Entries of page tables (section 4.4.1). An access needs marks. */
enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32 };
enum { PTE_A = 64, PTE_D = 128 };
#define PTE_SLOTS         512u /* of a table */
#define LEVEL_SHIFT(l)    (PAGE_SHIFT + 9 * (l))
#define PTE_RESERVED      (~0ull << 54)
#define PTE_MARKS(access) (PTE_A | ((access) == ACCESS_STORE ? PTE_D : 0ull))
#define VA_EXTENDED(va)   ((uint64_t)((int64_t)((va) << 25) >> 25))

/* Flags of floating point (Volume I, section 11.2). */
enum { FP_NX = 1, FP_UF = 2, FP_OF = 4, FP_DZ = 8, FP_NV = 16 };

/* ---- What the adversary keeps, of each hart ------------------------------ */

/* An entry of the page tables for an address: where in RAM it lies, its level.
 * (Without padding, as struct store: the same run leaves the same bytes.) */
struct leaf {
    uint64_t va, pte, at, level;
};

#define OLD_SETS 256u
#define OLD_WAYS 8u
#define RECENT   4u

struct old {
    uint64_t asid; /* as it is in satp */
    uint64_t used;
    struct leaf leaf;
};

/* Stores that only their hart sees, the oldest first (stores.c). */
#define STORES 16u

struct store {
    uint64_t offset, value, epoch, size;
};
struct stores {
    struct store list[STORES];
    unsigned count;
    uint64_t epoch;  /* of the next store: fences between stores, counted */
    uint64_t device; /* those before it come before stores to devices */
};

/* ---- A hart -------------------------------------------------------------- */

enum access { ACCESS_LOAD, ACCESS_STORE, ACCESS_FETCH, ACCESS_KINDS };

/* How a hart sees memory: as a program, as the kernel, as the kernel with
 * SUM. Each has translations of its own. */
enum view { VIEW_USER, VIEW_KERNEL, VIEW_KERNEL_SUM, VIEWS };

#define TLB_SIZE 256u

/* `tag` is the virtual page with the hart's generation for this kind of access
 * above it. For loads and stores `place` + the virtual address is an offset
 * into RAM; for fetches it is the number of a page of instructions. */
struct translation {
    uint64_t tag;
    uint64_t place;
};

#define TAG_BITS     52
#define TAG(va, gen) ((va) >> PAGE_SHIFT | (gen) << TAG_BITS)
/* In the tag of one that hart.c must not find: each access comes to mmu.c, or
 * to watch_fetch. These make it so for all loads and stores. */
#define TAG_HIDDEN      (1ull << 63)
#define ADVERSARY_HIDES (ADVERSARY_STORES | ADVERSARY_LRSC | ADVERSARY_WALKS)

enum hart_state { HART_STOPPED, HART_RUNS, HART_WAITS };

struct hart {
    uint64_t x[33]; /* and X_NOWHERE */
    uint64_t f[32];
    uint64_t pc;
    bool user;      /* U mode; else S */
    bool look;      /* interrupts are to be looked at, or a page left */
    uint32_t state; /* enum hart_state */
    uint32_t number;
    uint64_t status, scratch, epc, cause, tval, tvec, satp, counteren;
    uint64_t envcfg, ie, timer; /* `timer`: stimecmp */
    uint64_t fcsr;
    bool software;                          /* sip.SSIP */
    bool software_late;                     /* soon so (ADVERSARY_SBI) */
    uint64_t reservation, reservation_size; /* bytes of RAM: LR without SC */
    uint64_t retired;                       /* instructions until `began` */
    uint64_t began;
    uint64_t trap_cause, trap_value;   /* of the exception under way */
    uint32_t view;                     /* enum view */
    uint64_t generation[ACCESS_KINDS]; /* 11 bits each */
    uint64_t large;                    /* see mmu_fence_page */
    struct translation tlb[VIEWS][ACCESS_KINDS][TLB_SIZE];
    /* What the adversary keeps: entries, where it translated, stores. */
    struct old old[OLD_SETS][OLD_WAYS];
    uint64_t recent[RECENT];
    struct stores stores;
};

/* ---- Devices ------------------------------------------------------------- */

#define PLIC_SOURCES 32u

struct plic {
    uint32_t levels, pending, claimed; /* sets of sources */
    uint32_t priority[PLIC_SOURCES];
    uint32_t enabled[MACHINE_HARTS];
    uint32_t threshold[MACHINE_HARTS];
};

#define CONSOLE_SIZE 65536u
/* With more than this a run ends, and after one more instruction there must be
 * room still. */
#define OUTPUT_MUCH (CONSOLE_SIZE / 2)

struct queue {
    uint32_t first, count;
    uint8_t bytes[CONSOLE_SIZE];
};

struct uart {
    uint8_t registers[8]; /* as they were written */
    bool told;            /* that the transmitter is empty */
    struct queue input, output;
};

#define VIRTIO_SLOTS     8u
#define PIECES           128u /* of a queue, and of a request */
#define VIRTIO_RNG       (VIRTIO_SLOTS - 1)
#define VIRTIO_VERSION_1 (1ull << 32)
enum { VIRTIO_ID_BLOCK = 2, VIRTIO_ID_RNG = 4 };

struct virtio {
    uint32_t kind; /* device ID; 0: nothing there */
    uint32_t status, interrupt;
    uint32_t feature_select, driver_select;
    uint64_t driver_features;
    uint32_t queue_select;
    uint32_t queue_size;
    bool ready;
    uint64_t table, offered, used; /* of queue 0, physical */
    uint16_t seen;
    bool late;                 /* ADVERSARY_DEVICES: there may be work, */
    bool looked;               /* only what was offered at notification */
    unsigned count;            /* of requests that were taken, not done */
    uint16_t requests[PIECES]; /* their first descriptors */
};

struct disk {
    uint64_t at, size; /* of the block; bytes */
    uint64_t map;      /* of chunks that are written */
    bool written;      /* any bit is set */
};

#define CHUNK 4096u /* bytes; for each there is a bit in the map */

/* ---- Instructions, page by page (code.c) --------------------------------- */

#define CODE_PAGES 512u
#define CODE_SLOTS (PAGE_SIZE / 2)

/* Two more slots: an instruction of 4 bytes in the last ends behind one. */
struct code_page {
    uint64_t frame; /* offset into RAM */
    uint16_t hart;  /* whose it is; 0: of all, but with ADVERSARY_CODE */
    uint16_t next;  /* of the same frame, counted from 1; 0: none */
    bool old;       /* and no longer what is there (ADVERSARY_CODE) */
    struct insn slots[CODE_SLOTS + 2];
};

/* ---- The machine --------------------------------------------------------- */

struct machine {
    uint64_t layout; /* what a block of another build has different */
    struct machine_config config;
    uint64_t now;      /* instructions */
    uint64_t turn_end; /* of the hart `turn` */
    uint32_t turn;
    bool flush;
    uint32_t stop; /* MACHINE_OFF or MACHINE_RESTART; MACHINE_LIMIT: it runs */
    uint64_t random;
    uint64_t ram_at, size; /* offsets into the block */
    uint32_t code_next;    /* the page that is given up next */
    struct hart harts[MACHINE_HARTS];
    struct plic plic;
    struct uart uart;
    uint32_t rtc_high; /* of the time whose low half was read */
    struct virtio virtio[VIRTIO_SLOTS];
    struct disk disks[MACHINE_DISKS];
    struct machine_watch watch[MACHINE_WATCHES];
    uint32_t watches;
    uint64_t passed; /* watch_fetch ended a run at the instruction before */
    struct machine_hit hit;
    struct code_page code[CODE_PAGES];
    struct machine_decision decisions[MACHINE_DECISIONS];
    uint64_t decided;  /* so many, ever: the number of the last */
    uint16_t frames[]; /* of RAM: see code.c */
};

static inline bool asked(const struct machine *m, unsigned what)
{
    return m->config.adversary & what;
}

static inline struct translation *tlb_entry(struct hart *h, uint64_t va,
                                            enum access access)
{
    return &h->tlb[h->view][access][(va >> PAGE_SHIFT) % TLB_SIZE];
}

static inline uint8_t *ram_of(struct machine *m)
{
    return (uint8_t *)m + m->ram_at;
}

/* The clock of 10 MHz. */
static inline uint64_t machine_time(const struct machine *m)
{
    return m->now / m->config.per_tick;
}

/* The upper half of a product. */
static inline uint64_t multiply_high(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    uint64_t other = a0 * b1 + (uint32_t)middle;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

/* machine.c */
uint64_t machine_random(struct machine *m);
static inline bool draws(struct machine *m, unsigned what, unsigned odds)
{
    return asked(m, what) && machine_random(m) % odds == 0;
}
void hart_start(struct hart *h, uint64_t pc, uint64_t a0, uint64_t a1);
void machine_end(struct machine *m, enum machine_stop how);
/* The hart in this state whose timer goes off first, and when; or NULL, and
 * UINT64_MAX. */
const struct hart *machine_timer(const struct machine *m, enum hart_state state,
                                 uint64_t *next);

/* hart.c: runs at most `count` instructions, fewer if the hart must look for
 * interrupts or waits (true), or if something watched was hit. */
bool hart_run(struct machine *m, struct hart *h, uint64_t count);

/* csr.c. False: an exception, as in mmu.c. `h->pc` is the instruction's,
 * machine.now counts it. */
bool csr_access(struct machine *m, struct hart *h, struct insn i);
bool system_execute(struct machine *m, struct hart *h, struct insn i);
bool csr_value(const struct machine *m, const struct hart *h, unsigned number,
               uint64_t *value);
void hart_trap(struct hart *h, uint64_t cause, uint64_t value);
void hart_interrupt(struct machine *m, struct hart *h);
bool hart_illegal(struct machine *m, struct hart *h);
bool hart_wakes(const struct machine *m, const struct hart *h);
void hart_set_view(struct hart *h);

/* mmu.c. Each is false if there is an exception, which is in trap_cause and
 * trap_value then. Sizes are 1, 2, 4 and 8; an address need not be aligned. */
bool mmu_load(struct machine *m, struct hart *h, uint64_t va, unsigned size,
              uint64_t *value);
bool mmu_store(struct machine *m, struct hart *h, uint64_t va, unsigned size,
               uint64_t value);
bool mmu_translate(struct machine *m, struct hart *h, uint64_t va,
                   enum access access, uint64_t *physical);
bool mmu_amo(struct machine *m, struct hart *h, struct insn i);
/* Forgets translations: all; those of one page; of one kind. */
void mmu_fence(struct hart *h);
void mmu_fence_page(struct hart *h, uint64_t va);
void mmu_forget(struct hart *h, enum access access);
void mmu_remember(const struct machine *m, struct hart *h, uint64_t va,
                  enum access access, uint64_t place);
/* The walk alone: finds leaf->va's leaf, which need not allow the access. */
bool mmu_walk(struct machine *m, struct hart *h, enum access access,
              struct leaf *leaf);
/* A hart, or NULL, writes RAM: instructions and others' reservations hear it.
 */
void mmu_write(struct machine *m, const struct hart *h, uint64_t offset,
               const void *from, unsigned size);
bool hart_fault(struct hart *h, uint64_t cause, uint64_t value);

/* code.c: the page of instructions that the hart's pc is in, by number. */
bool code_find(struct machine *m, struct hart *h, uint64_t *page);
struct insn code_decode(struct machine *m, struct code_page *page,
                        unsigned slot);
/* The bits of the instruction at the pc, looked up anew. */
bool code_bits(struct machine *m, struct hart *h, uint32_t *bits);
/* Something is written to these bytes of RAM. */
void code_written(struct machine *m, uint64_t offset, uint64_t length);
void code_fence(struct machine *m, struct hart *h); /* fence.i */
void code_refresh(struct machine *m, struct hart *h);

/* stores.c: what a hart stores to RAM, and how long only it sees that. */
void stores_put(struct machine *m, struct hart *h, uint64_t offset,
                unsigned size, uint64_t value);
void stores_forward(const struct hart *h, uint64_t offset, unsigned size,
                    void *value);
void stores_drain(struct machine *m, struct hart *h);
void stores_fence(struct machine *m, struct hart *h, int32_t imm);
void stores_atomic(struct machine *m, struct hart *h, struct insn i,
                   uint64_t offset);
void stores_device(struct machine *m, struct hart *h);
void stores_turn(struct machine *m);

/* adversary.c. */
void adversary_note(struct machine *m, const struct hart *h, unsigned what,
                    uint64_t address);
void adversary_keep(struct machine *m, struct hart *h, struct leaf leaf);
bool adversary_recall(struct machine *m, struct hart *h, uint64_t marks,
                      struct leaf *leaf);
void adversary_ahead(struct machine *m, struct hart *h);
/* NULL: all addresses, all spaces. */
void adversary_fence(struct machine *m, struct hart *h, const uint64_t *va,
                     const uint64_t *asid);
void adversary_turn(struct machine *m, struct hart *h);
/* What is late arrives, each one time in `odds`. Did any? */
bool adversary_arrive(struct machine *m, unsigned odds);
/* Where an interrupt may be taken: at the start of a turn, after sret, and
 * after what may enable it (section 3.1.9: they are looked at then). */
#define SELDOM 8192u
bool adversary_time(struct machine *m, unsigned odds);
void adversary_reserve(struct machine *m, struct hart *h);
bool adversary_fails(struct machine *m, struct hart *h, unsigned what,
                     unsigned odds);
bool adversary_slow(struct machine *m, struct hart *h);

/* debug.c */
uint64_t hidden(const struct machine *m, const struct hart *h, uint64_t va,
                enum access access);
void watch_access(struct machine *m, const struct hart *h, uint64_t va,
                  unsigned size, enum access access);
uint64_t watch_fetch(struct machine *m, struct hart *h, uint64_t count);

/* fpu.c: false: an exception. */
bool fpu_execute(struct machine *m, struct hart *h, struct insn i);

/* bus.c: RAM and devices by physical address. False where there is nothing, or
 * the size or the address do not suit it. */
bool ram_offset(const struct machine *m, uint64_t physical, uint64_t length,
                uint64_t *offset);
bool bus_load(struct machine *m, uint64_t physical, unsigned size,
              uint64_t *value);
bool bus_store(struct machine *m, uint64_t physical, unsigned size,
               uint64_t value);

/* sbi.c: an ecall of S mode. False: it takes longer, and is to be made anew. */
bool sbi_call(struct machine *m, struct hart *h);

/* The registers of devices, `at` bytes from the first: plic.c, uart.c,
 * virtio.c. */
uint64_t plic_load(struct machine *m, uint32_t at);
void plic_store(struct machine *m, uint32_t at, uint64_t value);
uint64_t uart_load(struct machine *m, uint32_t at);
void uart_store(struct machine *m, uint32_t at, uint64_t value);
uint64_t virtio_load(struct machine *m, uint32_t at);
void virtio_store(struct machine *m, uint32_t at, uint64_t value);

/* plic.c; virtio has sources 1 to VIRTIO_SLOTS. */
#define UART_SOURCE 10u
void plic_level(struct machine *m, unsigned source, bool level);
bool plic_pending(const struct plic *p, unsigned hart);

/* uart.c */
bool uart_put(struct machine *m, uint8_t byte);
int uart_get(struct machine *m);

/* What is late is done, of each device one time in `odds`. Was there any? */
bool virtio_late(struct machine *m, unsigned odds);
/* virtio_devices.c: does a request, a chain of pieces; returns the bytes that
 * were written to it. */
struct chain {
    unsigned count;
    struct piece {
        uint8_t *data;
        uint32_t length;
        bool written; /* by the device */
    } pieces[PIECES];
};
uint32_t device_request(struct machine *m, unsigned slot,
                        const struct chain *chain);
uint64_t device_config(const struct machine *m, unsigned slot, uint32_t at);
uint64_t device_features(const struct machine *m, unsigned slot);

/* fdt.c: writes the device tree; its size, or 0 if there is too little room.
 */
struct tree_facts {
    uint64_t initrd, initrd_size;
    const char *command_line;
};
uint32_t fdt_write(const struct machine *m, const struct tree_facts *facts,
                   uint8_t *to, uint32_t size);

/* Physical addresses, as on QEMU's "virt". */
#define RTC_BASE      0x00101000u
#define PLIC_BASE     0x0c000000u
#define PLIC_SIZE     0x00600000u
#define UART_BASE     0x10000000u
#define UART_SIZE     0x100u
#define VIRTIO_BASE   0x10001000u /* a page each */
#define VIRTIO_SIZE   (VIRTIO_SLOTS * PAGE_SIZE)
#define VIRTIO_CONFIG 0x100u /* in a page: what the kind of device defines */

#endif
