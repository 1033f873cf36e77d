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

static int read_exactly(struct file *file, uint64_t offset, void *to,
                        size_t size)
{
    struct cursor cursor = cursor_kernel(to, size);
    ssize_t got = file_read_at(file, &cursor, offset);
    if (got < 0)
        return got;
    return (size_t)got == size ? 0 : -ENOEXEC;
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

static uint8_t prot_of(uint32_t flags)
{
    return (flags & 4 ? PROT_READ : 0) | (flags & 2 ? PROT_WRITE : 0) |
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
                             /* Sv39 has no memory that cannot be read. */
                             .prot = prot_of(p->flags) | PROT_READ};
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
    int error = read_exactly(file, 0, &header, sizeof header);
    if (error || !header_ok(&header))
        return error ? error : -ENOEXEC;
    *image = (struct elf_image){.entry = header.entry};
    for (unsigned i = 0; i < header.phnum && !error; i++) {
        struct elf_phdr p;
        error = read_exactly(file, header.phoff + i * sizeof p, &p, sizeof p);
        if (error)
            break;
        if (p.type == ELF_INTERPRETER)
            error = -ENOEXEC;
        else if (p.type == ELF_LOAD && p.memsz)
            error = add_segment(image, &p, stat.size);
    }
    if (error)
        return error;
    return image->count && entry_ok(image) ? 0 : -ENOEXEC;
}
