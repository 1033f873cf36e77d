/*
 * What ext2 and ext3 look like on disk: little-endian structures at fixed
 * places. The names are Calf's own; the comment at each has its name in "The
 * Second Extended File System" (D. Poirier) and in the ext4 disk layout
 * document of Linux. Only fields that Calf uses have a name.
 *
 * A disk is divided into blocks, and these into groups of equal size. A group
 * has a bitmap of its blocks, one of its inodes, and a table of those inodes;
 * its descriptor, in the table that follows the superblock, says where.
 */
#ifndef FS_EXT2_FORMAT_H
#define FS_EXT2_FORMAT_H

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "fields are used as they are on disk");

#define EXT2_MAGIC 0xef53u

/* The superblock lies here whatever the size of a block. */
#define EXT2_SUPER_OFFSET 1024u
#define EXT2_SUPER_SIZE   1024u

/* state: cleanly unmounted; errors were found. */
#define EXT2_STATE_CLEAN  1u
#define EXT2_STATE_ERRORS 2u

/* revision: 0 has fixed inodes of 128 bytes and no features. */
#define EXT2_DYNAMIC 1u

/* Features that readers and writers may ignore (s_feature_compat). */
#define EXT2_COMPAT_JOURNAL 0x4u

/* Features a reader must know (s_feature_incompat). */
#define EXT2_INCOMPAT_TYPES   0x2u /* records of directories have a type */
#define EXT2_INCOMPAT_RECOVER 0x4u /* the log must be replayed */

/* Features that must be known to write (s_feature_ro_compat). */
#define EXT2_WRITE_SPARSE 0x1u /* fewer copies of the superblock */
#define EXT2_WRITE_LARGE  0x2u /* sizes of 2^31 and more */

/* "Superblock" (ext4: "Super Block", struct ext4_super_block). */
struct ext2_super {
    uint32_t inodes;            /* s_inodes_count */
    uint32_t blocks;            /* s_blocks_count */
    uint32_t reserved_blocks;   /* s_r_blocks_count: not kept by Calf */
    uint32_t free_blocks;       /* s_free_blocks_count */
    uint32_t free_inodes;       /* s_free_inodes_count */
    uint32_t first_block;       /* s_first_data_block */
    uint32_t block_shift;       /* s_log_block_size, less 10 */
    uint32_t cluster_shift;     /* s_log_frag_size */
    uint32_t blocks_per_group;  /* s_blocks_per_group */
    uint32_t clusters;          /* s_frags_per_group */
    uint32_t inodes_per_group;  /* s_inodes_per_group */
    uint8_t times[12];          /* s_mtime, s_wtime, mount counts */
    uint16_t magic;             /* s_magic */
    uint16_t state;             /* s_state */
    uint8_t checks[16];         /* s_errors ... s_creator_os */
    uint32_t revision;          /* s_rev_level */
    uint8_t owner[4];           /* s_def_resuid, s_def_resgid */
    uint32_t first_inode;       /* s_first_ino: the first not reserved */
    uint16_t inode_size;        /* s_inode_size */
    uint16_t group;             /* s_block_group_nr */
    uint32_t compat;            /* s_feature_compat */
    uint32_t incompat;          /* s_feature_incompat */
    uint32_t write_compat;      /* s_feature_ro_compat */
    uint8_t names[104];         /* s_uuid ... s_reserved_gdt_blocks */
    uint8_t journal_uuid[16];   /* s_journal_uuid */
    uint32_t journal_inode;     /* s_journal_inum */
    uint32_t journal_device;    /* s_journal_dev */
    uint32_t orphan;            /* s_last_orphan */
    uint8_t hashing[112];       /* s_hash_seed ... s_blocks_count_hi ... */
    uint16_t least_extra;       /* s_min_extra_isize */
    uint16_t wanted_extra;      /* s_want_extra_isize */
    uint8_t rest[1024 - 0x160]; /* from s_flags on */
};

_Static_assert(__builtin_offsetof(struct ext2_super, magic) == 0x38, "");
_Static_assert(__builtin_offsetof(struct ext2_super, revision) == 0x4c, "");
_Static_assert(__builtin_offsetof(struct ext2_super, compat) == 0x5c, "");
_Static_assert(__builtin_offsetof(struct ext2_super, journal_inode) == 0xe0,
               "");
_Static_assert(__builtin_offsetof(struct ext2_super, orphan) == 0xe8, "");
_Static_assert(__builtin_offsetof(struct ext2_super, wanted_extra) == 0x15e,
               "");
_Static_assert(sizeof(struct ext2_super) == EXT2_SUPER_SIZE, "");

/* "Block Group Descriptor Table" (ext4: "Block Group Descriptors"). */
struct ext2_descriptor {
    uint32_t block_bitmap; /* bg_block_bitmap: a block */
    uint32_t inode_bitmap; /* bg_inode_bitmap */
    uint32_t inode_table;  /* bg_inode_table: the first block */
    uint16_t free_blocks;  /* bg_free_blocks_count */
    uint16_t free_inodes;  /* bg_free_inodes_count */
    uint16_t directories;  /* bg_used_dirs_count */
    uint8_t rest[14];
};

_Static_assert(sizeof(struct ext2_descriptor) == 32, "");

/* Numbers of inodes (ext4: "Special inodes"). */
#define EXT2_ROOT 2u

/* i_block: twelve direct blocks, and one single, one double and one triple
 * indirect block (ext4: "Direct/Indirect Block Addressing"). */
#define EXT2_DIRECT   12u
#define EXT2_POINTERS 15u

/* Type bits of `mode`. */
#define EXT2_MODE_TYPE      0xf000u
#define EXT2_MODE_FIFO      0x1000u
#define EXT2_MODE_CHARACTER 0x2000u
#define EXT2_MODE_DIRECTORY 0x4000u
#define EXT2_MODE_BLOCK     0x6000u
#define EXT2_MODE_FILE      0x8000u
#define EXT2_MODE_LINK      0xa000u
#define EXT2_MODE_SOCKET    0xc000u

/* flags (i_flags). */
#define EXT2_FLAG_INDEX   0x1000u     /* a directory with a tree of hashes */
#define EXT2_FLAG_EXTENTS 0x80000u    /* i_block is a tree of extents */
#define EXT2_FLAG_INLINE  0x10000000u /* contents lie in the inode */

/* "Inode Table" (ext4: "Index Nodes", struct ext4_inode). */
struct ext2_record {
    uint16_t mode;     /* i_mode */
    uint16_t user;     /* i_uid */
    uint32_t size;     /* i_size_lo */
    uint32_t accessed; /* i_atime: seconds since 1970, signed; so the next */
    uint32_t changed;  /* i_ctime */
    uint32_t modified; /* i_mtime */
    uint32_t orphan;   /* i_dtime: the next inode in the list of orphans */
    uint16_t group;    /* i_gid */
    uint16_t links;    /* i_links_count */
    uint32_t sectors;  /* i_blocks: of 512 bytes, also of indirect blocks */
    uint32_t flags;    /* i_flags */
    uint32_t system;   /* i_osd1 */
    uint32_t pointers[EXT2_POINTERS]; /* i_block */
    uint32_t generation;              /* i_generation */
    uint32_t attributes;              /* i_file_acl: a block, or 0 */
    uint32_t size_high;               /* i_size_high; not of a directory */
    uint8_t rest[8];                  /* i_obso_faddr, in i_osd2 ... */
    uint16_t user_high;               /* l_i_uid_high */
    uint16_t group_high;              /* l_i_gid_high */
    uint8_t checksum[4];              /* l_i_checksum_lo, l_i_reserved */
};

#define EXT2_RECORD_SIZE 128u

_Static_assert(sizeof(struct ext2_record) == EXT2_RECORD_SIZE, "");

/* Behind the first 128 bytes of a bigger inode. The low two bits of the rest of
 * a time are worth 2^32 seconds each, the others count nanoseconds. */
struct ext2_record_extra {
    uint16_t size; /* i_extra_isize: how many bytes have a meaning */
    uint16_t checksum;
    uint32_t changed_rest;  /* i_ctime_extra */
    uint32_t modified_rest; /* i_mtime_extra */
    uint32_t accessed_rest; /* i_atime_extra */
    uint32_t made;          /* i_crtime */
    uint32_t made_rest;     /* i_crtime_extra */
};

_Static_assert(__builtin_offsetof(struct ext2_record, user_high) == 0x78, "");
_Static_assert(sizeof(struct ext2_record_extra) == 24, "");

/* Most links an inode may have (EXT2_LINK_MAX). */
#define EXT2_LINKS_MAX 32000u

/* Types in records of directories (ext4: "Linear (Classic) Directories"). */
#define EXT2_TYPE_FILE      1u
#define EXT2_TYPE_DIRECTORY 2u
#define EXT2_TYPE_CHARACTER 3u
#define EXT2_TYPE_BLOCK     4u
#define EXT2_TYPE_FIFO      5u
#define EXT2_TYPE_SOCKET    6u
#define EXT2_TYPE_LINK      7u

/* A record of a directory, a multiple of 4 bytes long; the last one of a block
 * reaches to its end. Number 0: room. */
struct ext2_entry {
    uint32_t number;     /* inode */
    uint16_t length;     /* rec_len: of the record */
    uint8_t name_length; /* name_len */
    uint8_t type;        /* file_type, or 0 without EXT2_INCOMPAT_TYPES */
    char name[];
};

#define EXT2_ENTRY_HEAD 8u

/* A block of extended attributes (ext4: "Extended Attributes"), shared by
 * inodes that have the same ones. */
#define EXT2_ATTRIBUTES_MAGIC 0xea020000u

struct ext2_attributes {
    uint32_t magic; /* h_magic */
    uint32_t users; /* h_refcount */
};

#endif
