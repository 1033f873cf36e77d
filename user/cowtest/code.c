/*
 * Instructions that are written: a fetch after a copy sees the new bytes, and
 * nobody else's.
 *
 * Data need not be executable; then calling it has to kill in every process
 * alike. A program of one segment to read, write and execute is legal, though,
 * so one is made here: it forks, its child changes an instruction.
 */
#include "cowtest.h"

#define INSTRUCTION_RETURN    0x00008067U
#define INSTRUCTION_RESULT(n) (0x00000513U | (n) << 20) /* li a0, n */

/*
 * The program, to run at any address: status 0 if parent and child each get
 * the value of their own instruction, before and after the change.
 */
__asm__(".section .rodata\n"
        ".balign 16\n"
        ".option push\n"
        ".option norelax\n"
        ".option norvc\n"
        "rwx_program:\n"
        "    jal   rwx_value\n"
        "    li    t0, 1\n"
        "    bne   a0, t0, rwx_bad\n"
        "    li    a7, 1\n" /* fork */
        "    ecall\n"
        "    beqz  a0, rwx_child\n"
        "    bltz  a0, rwx_bad\n"
        "    addi  sp, sp, -16\n"
        "    mv    a0, sp\n"
        "    li    a7, 3\n" /* wait */
        "    ecall\n"
        "    lw    t1, 0(sp)\n"
        "    li    t0, 2\n"
        "    bne   t1, t0, rwx_bad\n"
        "    jal   rwx_value\n"
        "    addi  a0, a0, -1\n"
        "    j     rwx_exit\n"
        "rwx_child:\n"
        "    lla   t0, rwx_value\n"
        "    lla   t1, rwx_other\n"
        "    lw    t1, 0(t1)\n"
        "    sw    t1, 0(t0)\n"
        "    fence.i\n"
        "    jal   rwx_value\n"
        "    j     rwx_exit\n"
        "rwx_bad:\n"
        "    li    a0, 9\n"
        "rwx_exit:\n"
        "    li    a7, 2\n" /* exit */
        "    ecall\n"
        "rwx_value:\n"
        "    li    a0, 1\n"
        "    ret\n"
        "rwx_other:\n"
        "    li    a0, 2\n"
        "rwx_program_end:\n"
        ".option pop\n"
        ".text\n");

extern const char rwx_program[], rwx_program_end[];

/* The start of an ELF file with one segment behind it, to be loaded at 0. */
struct program_file {
    uchar magic[16];
    ushort type, machine;
    uint version;
    uint64 entry, segments, sections;
    uint flags;
    ushort header_bytes, segment_bytes, segment_count;
    ushort section_bytes, section_count, section_names;

    uint segment_type, segment_flags;
    uint64 offset, address, physical, file_bytes, memory_bytes, alignment;
};

static void write_program(const char *path)
{
    uint bytes = (uint)((uint64)rwx_program_end - (uint64)rwx_program);
    struct program_file f = {
        .magic = {0x7f, 'E', 'L', 'F', 2, 1, 1},
        .type = 2,
        .machine = 243,
        .version = 1,
        .segments = 64,
        .header_bytes = 64,
        .segment_bytes = 56,
        .segment_count = 1,
        .segment_type = 1,
        .segment_flags = 7,
        .offset = sizeof(f),
        .file_bytes = bytes,
        .memory_bytes = bytes,
        .alignment = 8,
    };
    int fd = open(path, O_CREATE | O_TRUNC | O_WRONLY);

    if (calf_write_all(fd, &f, sizeof(f)) < 0 ||
        calf_write_all(fd, rwx_program, bytes) < 0)
        fail("cannot write the program");
    close(fd);
}

static void write_code(uint *code, uint result)
{
    code[0] = INSTRUCTION_RESULT(result);
    code[1] = INSTRUCTION_RETURN;
    __asm__ volatile("fence.i" ::: "memory");
}

/* Calls the code in a child: what it gives, or -1 if that kills. */
static int call_code(uint *code, uint new_result)
{
    if (start() == 0) {
        if (new_result != 0)
            write_code(code, new_result);
        exit(((int (*)(void))code)());
    }
    return wait_one();
}

static void test_code_on_heap(void)
{
    uint *code = (uint *)take_pages(1);
    int first, changed, again;

    write_code(code, 7);
    first = call_code(code, 0);
    changed = call_code(code, 9);
    again = call_code(code, 0);
    if (first == -1 && changed == -1 && again == -1)
        return;
    if (first != 7 || changed != 9 || again != 7)
        fail("code on the heap gave %d, changed %d, again %d", first, changed,
             again);
}

void test_new_instructions(void)
{
    char *arguments[] = {"rwx", 0};

    test_code_on_heap();
    write_program(SCRATCH_FILE);
    for (int round = 0; round < 8; round++) {
        if (start() == 0) {
            exec(SCRATCH_FILE, arguments);
            fail("a writable and executable segment was refused");
        }
        int status = wait_one();
        if (status != 0)
            fail("instructions of parent and child mix: status %d", status);
    }
}
