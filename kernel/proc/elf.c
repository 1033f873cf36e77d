/*
 * Reading ELF headers; nothing in them is trusted.
 */
#include "proc/elf.h"
#include "arch/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/region.h"

struct elf_header {
    uint8_t ident[16]; /* magic, class, byte order, version */
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

enum {
    ELF_CLASS_64 = 2,
    ELF_LITTLE_ENDIAN = 1,
    ELF_TYPE_EXEC = 2,
    ELF_MACHINE_RISCV = 243,
    ELF_LOAD = 1,
    ELF_INTERPRETER = 3,
    ELF_PHDRS_MAX = 64,
};

int elf_read(struct file *file, uint64_t offset, struct cursor to)
{
    while (to.left) {
        ssize_t got = file_read_at(file, &to, offset);
        if (got <= 0)
            return got ? got : -ENOEXEC;
        offset += got;
    }
    return 0;
}

static bool header_ok(const struct elf_header *h)
{
    static const uint8_t magic[] = {
        0x7f, 'E', 'L', 'F', ELF_CLASS_64, ELF_LITTLE_ENDIAN, 1};
    return memcmp(h->ident, magic, sizeof magic) == 0 &&
           h->type == ELF_TYPE_EXEC && h->machine == ELF_MACHINE_RISCV &&
           h->phentsize == sizeof(struct elf_phdr) && h->phnum > 0 &&
           h->phnum <= ELF_PHDRS_MAX && h->phoff < UINT64_MAX / 2;
}

/* Sv39 has no memory that cannot be read. */
static uint8_t prot_of(uint32_t flags)
{
    return PROT_READ | (flags & 2 ? PROT_WRITE : 0) |
           (flags & 1 ? PROT_EXECUTE : 0);
}

/* Whether a loadable segment is valid by itself, comes after the one before,
 * and lies in a file of `size` bytes. */
static bool segment_ok(const struct elf_phdr *p, uint64_t last_end,
                       uint64_t size)
{
    return is_aligned(p->vaddr, HAL_PAGE_SIZE) && p->vaddr >= last_end &&
           p->vaddr < HAL_USER_TOP && p->memsz <= HAL_USER_TOP - p->vaddr &&
           p->filesz <= p->memsz && p->offset <= size &&
           p->filesz <= size - p->offset;
}

static int add_segment(struct elf_image *image, const struct elf_phdr *p,
                       uint64_t size)
{
    uint64_t last_end =
        image->count ? align_up(elf_end(image), HAL_PAGE_SIZE) : 0;
    if (image->count == ELF_SEGMENTS_MAX || !segment_ok(p, last_end, size))
        return -ENOEXEC;
    image->segments[image->count++] =
        (struct elf_segment){.va = p->vaddr,
                             .memory = p->memsz,
                             .offset = p->offset,
                             .file_size = p->filesz,
                             .prot = prot_of(p->flags)};
    return 0;
}

static bool entry_ok(const struct elf_image *image)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_segment *s = &image->segments[i];
        if (s->prot & PROT_EXECUTE && image->entry >= s->va &&
            image->entry - s->va < s->memory)
            return image->entry % 2 == 0;
    }
    return false;
}

int elf_check(struct file *file, struct elf_image *image)
{
    struct elf_header header;
    struct file_stat stat;
    file_stat(file, &stat);
    if (stat.type != INODE_FILE)
        return -EACCES;
    int error = elf_read(file, 0, cursor_kernel(&header, sizeof header));
    if (error || !header_ok(&header))
        return error ? error : -ENOEXEC;
    *image = (struct elf_image){.entry = header.entry};
    for (unsigned i = 0; i < header.phnum; i++) {
        struct elf_phdr p;
        error = elf_read(file, header.phoff + i * sizeof p,
                         cursor_kernel(&p, sizeof p));
        if (!error && p.type == ELF_INTERPRETER)
            error = -ENOEXEC;
        if (!error && p.type == ELF_LOAD && p.memsz)
            error = add_segment(image, &p, stat.size);
        if (error)
            return error;
    }
    return entry_ok(image) ? 0 : -ENOEXEC;
}
