/* region/layout.h - what lies where in a region. doc/region-format.md says the same for readers in other
 * languages; the two change together.
 *
 *     header | slot table | index | entries | slot 0 | slot 1 | ...
 *
 * Everything is little or big endian as the machine that wrote it, addressed by offsets from the start, and
 * zero until it is used. The file has its full size from the start and is sparse.
 */
#ifndef TALLY_REGION_LAYOUT_H_
#define TALLY_REGION_LAYOUT_H_

#include <tally/atomic.h>

#define TALLY__REGION_MAGIC      "TALLYRGN"
#define TALLY__REGION_BYTE_ORDER UINT32_C(0x01020304)
#define TALLY__REGION_MAJOR      1 /* another major: do not touch */
#define TALLY__REGION_MINOR      0 /* a greater minor: what is not known may be skipped */

#define TALLY__REGION_NAMESPACES 16

/* What format 1 has fixed. The header repeats the numbers; a reader goes by the header. */
#define TALLY__SLOTS_MAX      1024  /* slot 0, which all share, is one of them */
#define TALLY__CELLS_MAX      32768 /* cell 0 belongs to nobody */
#define TALLY__INDEX_MAX      32768
#define TALLY__TABLE_OFFSET   UINT64_C(512)
#define TALLY__INDEX_OFFSET   (TALLY__TABLE_OFFSET + TALLY__SLOTS_MAX * UINT64_C(16))
#define TALLY__ENTRIES_OFFSET (TALLY__INDEX_OFFSET + TALLY__INDEX_MAX * UINT64_C(8))
#define TALLY__ENTRIES_SIZE   ((UINT64_C(8) << 20) - TALLY__TABLE_OFFSET)
#define TALLY__CELLS_OFFSET   (TALLY__ENTRIES_OFFSET + TALLY__ENTRIES_SIZE)
/* One page and one cache line more than the cells need: at a stride of whole pages the same cell of all slots
 * would fall into one set of the cache, at an even number of pages into one set of the TLB. */
#define TALLY__SLOT_STRIDE (TALLY__CELLS_MAX * UINT64_C(8) + 4096 + 64)
#define TALLY__REGION_SIZE (TALLY__CELLS_OFFSET + TALLY__SLOTS_MAX * TALLY__SLOT_STRIDE)

#define TALLY__NAME_MAX 255
#define TALLY__HELP_MAX 1023

struct tally__header {
	/* Written before anybody else sees the region, and not changed after. */
	char magic[8];
	uint32_t byte_order;
	uint16_t major;
	uint16_t minor;
	uint32_t header_size; /* of this struct */
	uint32_t flags;       /* 0 */
	uint64_t total_size;
	uint64_t incarnation[2]; /* random: tells this region from every other */
	uint64_t created;        /* nanoseconds of CLOCK_REALTIME */
	uint32_t pid;            /* of the creator, in its pid namespace */
	uint32_t page_size;      /* pages of the creator; 0: not told */
	/* Of the creator: field 22 of its /proc/PID/stat; 0: not known. In a region without a path it is stored
	 * when the creator forks first: until then nobody else is there to ask. */
	tally_atomic_u64 start_time;
	uint64_t table_offset;
	uint32_t slots_max;
	uint32_t slot_record_size;
	uint64_t index_offset;
	uint32_t index_max;
	uint32_t cells_max;
	uint64_t entries_offset;
	uint64_t entries_size;
	uint64_t cells_offset;
	uint64_t slot_stride;
	char program[32]; /* the creator's name, ended by a zero byte */

	/* Changed while the region is attached to under its lock: the system boot that the claims are of. */
	uint64_t boot_id[2];

	/* Changed at any time. */
	tally_atomic_u32 slots_used; /* slots 0 to slots_used - 1 may hold counts; never decreases */
	uint32_t reserved;
	tally_atomic_u64 entries_used; /* bytes of the entries that are taken; never decreases but to undo */
	/* Who may judge whom: an owner's namespace number is an index into this. [0] is not used; 0: free. */
	tally_atomic_u64 namespaces[TALLY__REGION_NAMESPACES];
};

/* The slot that has no owner: all write to it, with locked instructions. The others follow. */
#define TALLY__SLOT_SHARED      0u
#define TALLY__FIRST_OWNED_SLOT 1u

/* A slot's record in the slot table. */
struct tally__slot {
	/* 0: free. Otherwise the process one of whose threads owns the slot: TALLY__OWNER_* below. */
	tally_atomic_u64 owner;
	/* Cells 0 to backed - 1 have memory behind them; the others have never been written. Never
	 * decreases. */
	tally_atomic_u32 backed;
	uint32_t reserved;
};

/* The owner word: all that proves a process dead, in one word, so that one compare-and-swap takes a slot.
 *
 *     bits 63..42  pid, in the owner's pid namespace; never 0
 *     bits 41..8   when the process started: field 22 of /proc/PID/stat modulo 2^34; 0: not known
 *     bits 7..4    namespace number, an index into header.namespaces; 15: not known; 14: the creator of a
 *                  region without a path, whose start is in the header
 *     bits 3..0    image: differs between most programs that one process executes one after the other
 */
#define TALLY__OWNER_PID_SHIFT       42
#define TALLY__OWNER_START_SHIFT     8
#define TALLY__OWNER_START_MASK      ((UINT64_C(1) << 34) - 1)
#define TALLY__OWNER_NAMESPACE_SHIFT 4
#define TALLY__OWNER_NAMESPACE_MASK  UINT64_C(15)
#define TALLY__OWNER_IMAGE_MASK      UINT64_C(15)
#define TALLY__NAMESPACE_CREATOR     14
#define TALLY__NAMESPACE_UNKNOWN     15

/* An index word: the metrics in the order in which they were registered; the first word of 0 ends the index.
 *
 *     bits 63..32  FNV-1a hash of the name without an ending _total
 *     bits 31..0   offset of the entry from the start of the region; a multiple of 8
 *
 * It is stored with release when the entry is complete; neither changes after that. */
#define TALLY__INDEX_HASH_SHIFT  32
#define TALLY__INDEX_OFFSET_MASK UINT64_C(0xffffffff)

enum tally__kind {
	TALLY__KIND_COUNTER = 1, /* 1 cell: the sum over all slots */
	TALLY__KIND_UPDOWN = 2,  /* 2 cells: the sum of the first less the sum of the second */
	TALLY__KIND_GAUGE = 3,   /* 1 cell: that of slot 0, signed */
};

/* An entry: this, the name, a zero byte, the help text, a zero byte, zeros up to a multiple of 8. */
struct tally__entry {
	uint32_t size; /* of all that */
	uint16_t kind; /* enum tally__kind; others are to be skipped */
	uint16_t flags;
	uint32_t cell;  /* the first cell */
	uint32_t cells; /* how many */
	uint16_t name_length;
	uint16_t help_length;
	uint32_t reserved;
	char text[];
};

_Static_assert(sizeof(struct tally__header) == 328, "doc/region-format.md says so");
_Static_assert(offsetof(struct tally__header, program) == 136, "doc/region-format.md says so");
_Static_assert(offsetof(struct tally__header, slots_used) == 184, "doc/region-format.md says so");
_Static_assert(sizeof(struct tally__slot) == 16, "doc/region-format.md says so");
_Static_assert(sizeof(struct tally__entry) == 24, "doc/region-format.md says so");
_Static_assert(TALLY__REGION_SIZE % 4096 == 0, "whole pages");

#endif
