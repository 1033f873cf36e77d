/*
 * Programs in ELF64 (System V ABI, chapter 4 and 5; RISC-V ELF psABI 1.0).
 */
#ifndef PROC_ELF_H
#define PROC_ELF_H

#include "vfs/file.h"

#define ELF_SEGMENTS_MAX 8

/* A part of the file, and where it is loaded. */
struct elf_segment {
    uint64_t va;        /* page-aligned */
    uint64_t memory;    /* bytes, at least 1; ends below HAL_USER_TOP */
    uint64_t offset;    /* in the file */
    uint64_t file_size; /* bytes from there, at most `memory`, in the file */
    uint8_t prot;       /* PROT_* */
};

/* A program that has been checked in full. */
struct elf_image {
    uint64_t entry; /* in an executable segment */
    unsigned count; /* at least 1 */
    struct elf_segment segments[ELF_SEGMENTS_MAX]; /* by address, disjoint */
};

/* Read all of `to` from the file, beginning at `offset`. 0; -ENOEXEC: the file
 * ends before; or an error of reading. */
int elf_read(struct file *file, uint64_t offset, struct cursor to);

/* Read and check the headers of `file`. 0; -ENOEXEC: it is no valid program for
 * this machine; or an error of reading. */
int elf_check(struct file *file, struct elf_image *image);

/* The first address behind all segments. */
static inline uint64_t elf_end(const struct elf_image *image)
{
    const struct elf_segment *last = &image->segments[image->count - 1];
    return last->va + last->memory;
}

#endif
