/* Making the file of a region, and checking one that is there. */
#include "region/attach.h"

#include <errno.h>
#include <string.h>

#include "platform/process.h"
#include "platform/sharedfile.h"

static struct tally__header new_header(void)
{
	struct tally__header header = {
		.byte_order = TALLY__REGION_BYTE_ORDER,
		.major = TALLY__REGION_MAJOR,
		.minor = TALLY__REGION_MINOR,
		.header_size = sizeof(struct tally__header),
		.total_size = TALLY__REGION_SIZE,
		.created = tally__calendar_now(),
		.pid = tally__process_id(),
		.page_size = (uint32_t)tally__page_bytes(),
		.table_offset = TALLY__TABLE_OFFSET,
		.slots_max = TALLY__SLOTS_MAX,
		.slot_record_size = sizeof(struct tally__slot),
		.index_offset = TALLY__INDEX_OFFSET,
		.index_max = TALLY__INDEX_MAX,
		.cells_max = TALLY__CELLS_MAX,
		.entries_offset = TALLY__ENTRIES_OFFSET,
		.entries_size = TALLY__ENTRIES_SIZE,
		.cells_offset = TALLY__CELLS_OFFSET,
		.slot_stride = TALLY__SLOT_STRIDE,
		.slots_used = {TALLY__FIRST_OWNED_SLOT},
	};

	memcpy(header.magic, TALLY__REGION_MAGIC, sizeof(header.magic));
	strncpy(header.program, tally__program_name(), sizeof(header.program) - 1);
	tally__random(header.incarnation, sizeof(header.incarnation));
	return header;
}

/* 0 if it is a header that this library can count under. */
static int check_header(const struct tally__header *header)
{
	if (memcmp(header->magic, TALLY__REGION_MAGIC, sizeof(header->magic)) != 0)
		return -EPROTO;
	if (header->byte_order != TALLY__REGION_BYTE_ORDER || header->major != TALLY__REGION_MAJOR ||
	    header->header_size < sizeof(struct tally__header) || header->total_size != TALLY__REGION_SIZE ||
	    header->table_offset != TALLY__TABLE_OFFSET || header->slots_max != TALLY__SLOTS_MAX ||
	    header->slot_record_size != sizeof(struct tally__slot) ||
	    header->index_offset != TALLY__INDEX_OFFSET || header->index_max != TALLY__INDEX_MAX ||
	    header->cells_max != TALLY__CELLS_MAX || header->entries_offset != TALLY__ENTRIES_OFFSET ||
	    header->entries_size != TALLY__ENTRIES_SIZE || header->cells_offset != TALLY__CELLS_OFFSET ||
	    header->slot_stride != TALLY__SLOT_STRIDE)
		return -ENOTSUP;
	return 0;
}

static bool all_zero(const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	while (count > 0 && at[count - 1] == 0)
		count--;
	return count == 0;
}

/* Makes a region of an empty file. The header is written last, in one page, so that it is there whole or not at
 * all. */
static int initialise(int descriptor)
{
	struct tally__header header = new_header();
	struct tally__process self = tally__process_self();
	int result = tally__file_resize(descriptor, TALLY__REGION_SIZE);

	tally_atomic_u64_store(&header.start_time, self.start);
	return result == 0 ? tally__file_write(descriptor, &header, sizeof(header), 0) : result;
}

/* Maps a file, or nothing, and puts memory behind the header. */
static int map(struct tally__mapping *mapping, int descriptor)
{
	size_t page = tally__page_bytes();
	int result;

	mapping->shared_bytes = (TALLY__REGION_SIZE + page - 1) & ~(page - 1);
	mapping->bytes = (size_t)(mapping->shared_bytes + TALLY__SLOTS_MAX * TALLY__SLOT_STRIDE + page - 1) &
			 ~(page - 1);
	mapping->base = tally__shared_map(descriptor, (size_t)mapping->shared_bytes,
					  mapping->bytes - (size_t)mapping->shared_bytes);
	if (!mapping->base)
		return -ENOMEM;
	/* The slot table: what others have put memory behind may be read at any time. */
	result = tally__shared_allow(mapping->base, TALLY__INDEX_OFFSET);
	if (result == 0)
		result = tally__shared_reserve(mapping->base, sizeof(struct tally__header));
	if (result != 0)
		tally__shared_unmap(mapping->base, mapping->bytes);
	return result;
}

void tally__detach(const struct tally__mapping *mapping)
{
	tally__shared_unmap(mapping->base, mapping->bytes);
	if (mapping->descriptor >= 0)
		tally__memory_file_close(mapping->descriptor);
}

int tally__attach_memory(struct tally__mapping *mapping, bool nameless)
{
	int descriptor = nameless ? -1 : tally__memory_file("tally", TALLY__REGION_SIZE);
	int result;

	if (descriptor < 0 && !nameless)
		return descriptor;
	mapping->descriptor = descriptor;
	result = map(mapping, descriptor);
	if (result == 0) {
		struct tally__header header = new_header();
		uint64_t magic;

		/* The magic last: whoever finds it in the memfd finds all the rest. */
		memcpy(&magic, header.magic, sizeof(magic));
		memcpy(mapping->base + sizeof(magic), (char *)&header + sizeof(magic),
		       sizeof(header) - sizeof(magic));
		tally_atomic_u64_store((tally_atomic_u64 *)mapping->base, magic);
	} else if (descriptor >= 0) {
		tally__file_close(descriptor);
	}
	return result;
}

/* Frees all slots whose owners cannot be alive, although their pids may be in use: nobody else has the file, or
 * the system has been started anew since. The caller holds the file's lock, and others attach only under it. */
static int free_slots(struct tally__mapping *mapping, bool alone)
{
	struct tally__header *header = (struct tally__header *)mapping->base;
	struct tally__slot *table = (struct tally__slot *)(mapping->base + TALLY__TABLE_OFFSET);
	uint64_t boot[2];
	int result;

	tally__boot_id(boot);
	if (memcmp(boot, header->boot_id, sizeof(boot)) != 0 && !all_zero(boot, sizeof(boot))) {
		alone = alone || !all_zero(header->boot_id, sizeof(header->boot_id));
		memcpy(header->boot_id, boot, sizeof(boot));
	}
	if (!alone)
		return 0;
	result = tally__shared_reserve(table, TALLY__SLOTS_MAX * sizeof(*table));
	if (result != 0)
		return result;
	for (uint32_t i = TALLY__FIRST_OWNED_SLOT; i < TALLY__SLOTS_MAX; i++)
		tally_atomic_u64_store(&table[i].owner, 0);
	for (uint32_t i = 0; i < TALLY__REGION_NAMESPACES; i++)
		tally_atomic_u64_store(&header->namespaces[i], 0);
	return 0;
}

static int attach_locked(struct tally__mapping *mapping, int descriptor)
{
	struct tally__header header = {0};
	int64_t size = tally__file_size(descriptor);
	int result = size < 0 ? (int)size : 0;

	if (size >= (int64_t)sizeof(header))
		result = tally__file_read(descriptor, &header, sizeof(header), 0);
	if (result == 0 && size < (int64_t)sizeof(header) && size > 0)
		result = -EPROTO;
	/* Zeros: whoever made the file died before it had a header. */
	if (result == 0 && all_zero(&header, sizeof(header)) && (size == 0 || size == TALLY__REGION_SIZE))
		result = initialise(descriptor);
	else if (result == 0)
		result = check_header(&header);
	if (result == 0 && tally__file_size(descriptor) < (int64_t)TALLY__REGION_SIZE)
		result = -EPROTO;
	if (result == 0) {
		bool alone = tally__file_alone(descriptor);

		result = map(mapping, descriptor);
		if (result == 0) {
			result = free_slots(mapping, alone);
			if (result != 0)
				tally__detach(mapping);
		}
	}
	return result;
}

int tally__attach_file(struct tally__mapping *mapping, const char *path)
{
	int descriptor = tally__file_open_locked(path);
	int result;

	if (descriptor < 0)
		return descriptor;
	mapping->descriptor = -1;
	result = attach_locked(mapping, descriptor);
	tally__file_close(descriptor);
	return result;
}
