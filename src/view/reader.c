/* view/reader.c - header, index, entries and cells of a foreign region.
 *
 * All offsets and sizes come from the file. They are checked against each other, against the file's size and
 * against limits that keep a hostile file from taking all memory or time.
 */
#include "view/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/foreign.h"
#include "region/layout.h"
#include "view/name.h"

/* No region is larger in any respect; ours are far smaller. */
#define MOST_SLOTS   65536
#define MOST_CELLS   (UINT32_C(1) << 20)
#define MOST_INDEX   (UINT32_C(1) << 20)
#define MOST_ENTRIES (UINT64_C(64) << 20)

/* A metric and where its cells are. */
struct place {
	uint32_t cell;
	uint32_t cells;
};

struct region {
	int file;
	struct tally__header header;
	uint32_t slots_used;
	uint64_t *index;
	size_t count; /* words before the first 0 */
	char *entries;
	uint64_t entries_used;
	struct place *places; /* of the reading's metrics */
	uint32_t cells_needed;
};

/* Whether [offset, offset + count * size) lies within the region. */
static bool fits(const struct tally__header *header, uint64_t offset, uint64_t count, uint64_t size)
{
	uint64_t bytes, end;
	return !__builtin_mul_overflow(count, size, &bytes) && !__builtin_add_overflow(offset, bytes, &end) &&
	       end <= header->total_size;
}

static bool is_sound(const struct tally__header *header)
{
	return header->header_size >= sizeof(*header) && header->slots_max >= 1 &&
	       header->slots_max <= MOST_SLOTS && header->cells_max >= 1 && header->cells_max <= MOST_CELLS &&
	       header->index_max <= MOST_INDEX && header->entries_size <= MOST_ENTRIES &&
	       header->slot_record_size >= sizeof(struct tally__slot) && header->slot_record_size <= 4096 &&
	       header->slot_stride >= header->cells_max * sizeof(uint64_t) &&
	       /* What is read word by word must be aligned, or words could tear. */
	       header->table_offset % 8 == 0 && header->slot_record_size % 8 == 0 &&
	       header->index_offset % 8 == 0 && header->cells_offset % 8 == 0 && header->slot_stride % 8 == 0 &&
	       fits(header, header->table_offset, header->slots_max, header->slot_record_size) &&
	       fits(header, header->index_offset, header->index_max, sizeof(uint64_t)) &&
	       fits(header, header->entries_offset, header->entries_size, 1) &&
	       fits(header, header->cells_offset, header->slots_max, header->slot_stride);
}

static int read_header(struct tally__header *header, int file)
{
	static const char zeros[sizeof(header->magic)];
	int64_t size = tally__foreign_size(file);
	if (size < 0)
		return (int)size;
	if ((uint64_t)size < sizeof(*header))
		return -ENODATA;
	int error = tally__foreign_read(file, header, sizeof(*header), 0);
	if (error != 0)
		return error;
	/* Other shared memory may begin with zeros too. */
	if (memcmp(header->magic, zeros, sizeof(zeros)) == 0)
		return size == TALLY__REGION_SIZE ? -EAGAIN : -ENODATA;
	if (memcmp(header->magic, TALLY__REGION_MAGIC, sizeof(header->magic)) != 0)
		return -ENODATA;
	/* The other byte order is that of another machine. */
	if (header->byte_order != TALLY__REGION_BYTE_ORDER || header->major != TALLY__REGION_MAJOR)
		return -EPROTONOSUPPORT;
	if (!is_sound(header) || (uint64_t)size < header->total_size)
		return -EBADMSG;
	return 0;
}

int tally__reading_identify(uint64_t incarnation[2], int file)
{
	struct tally__header header;
	int error = read_header(&header, file);
	if (error != 0)
		return error;
	memcpy(incarnation, header.incarnation, sizeof(header.incarnation));
	return 0;
}

/* Reads the index and the entries that it can speak of. */
static int read_directory(struct region *region)
{
	const struct tally__header *header = &region->header;
	size_t index_bytes = header->index_max * sizeof(uint64_t);
	region->index = malloc(index_bytes + 1);
	if (region->index == NULL)
		return -ENOMEM;
	int error = tally__foreign_read(region->file, region->index, index_bytes, header->index_offset);
	if (error != 0)
		return error;
	while (region->count < header->index_max && region->index[region->count] != 0)
		region->count++;

	/* How much of the entries is used is read after the index, which speaks only of what was used before.
	 */
	uint64_t used;
	error = tally__foreign_read(region->file, &used, sizeof(used),
				    offsetof(struct tally__header, entries_used));
	if (error != 0)
		return error;
	region->entries_used = used < header->entries_size ? used : header->entries_size;
	region->entries = malloc((size_t)region->entries_used + 1);
	if (region->entries == NULL)
		return -ENOMEM;
	return tally__foreign_read(region->file, region->entries, (size_t)region->entries_used,
				   header->entries_offset);
}

/* Copies a text of the entry behind *text and ends it. False: it has a zero byte inside. */
static bool copy_text(char **text, const char *from, size_t length)
{
	if (memchr(from, '\0', length) != NULL)
		return false;
	memcpy(*text, from, length);
	(*text)[length] = '\0';
	*text += length + 1;
	return true;
}

/* Checks the entry that an index word speaks of, and appends it to the reading unless its kind is unknown. */
static int add_entry(struct region *region, struct tally__reading *reading, uint64_t word, char **text)
{
	const struct tally__header *header = &region->header;
	uint64_t offset = word & TALLY__INDEX_OFFSET_MASK;
	struct tally__entry entry;
	if (offset < header->entries_offset || offset % 8 != 0)
		return -EBADMSG;
	offset -= header->entries_offset;
	if (offset > region->entries_used || region->entries_used - offset < sizeof(entry))
		return -EBADMSG;
	memcpy(&entry, region->entries + offset, sizeof(entry));
	uint64_t text_length = (uint64_t)entry.name_length + entry.help_length + 2;
	if (region->entries_used - offset - sizeof(entry) < text_length)
		return -EBADMSG;
	uint32_t cells;
	switch (entry.kind) {
	case TALLY__KIND_COUNTER:
	case TALLY__KIND_GAUGE:
		cells = 1;
		break;
	case TALLY__KIND_UPDOWN:
		cells = 2;
		break;
	default:
		return 0;
	}
	if (entry.cells != cells || entry.cell == 0 || entry.cell > header->cells_max ||
	    header->cells_max - entry.cell < cells)
		return -EBADMSG;
	tally_view_metric *metric = &reading->metrics[reading->count];
	const char *name = region->entries + offset + sizeof(entry);
	*metric = (tally_view_metric){.name = *text, .kind = (tally_view_kind)entry.kind};
	if (!copy_text(text, name, entry.name_length))
		return -EBADMSG;
	metric->help = *text;
	if (!copy_text(text, name + entry.name_length + 1, entry.help_length))
		return -EBADMSG;
	if (!tally__name_is_valid(metric->name, metric->kind))
		return -EBADMSG;
	region->places[reading->count] = (struct place){entry.cell, cells};
	if (entry.cell + cells > region->cells_needed)
		region->cells_needed = entry.cell + cells;
	reading->count++;
	return 0;
}

static int read_entries(struct region *region, struct tally__reading *reading)
{
	/* Each entry has its own bytes, so all texts together are no longer than the entries; where a hostile
	 * file says otherwise, they do not fit, and that is noticed here. */
	uint64_t text_bytes = 0;
	for (size_t i = 0; i < region->count; i++) {
		uint64_t offset = (region->index[i] & TALLY__INDEX_OFFSET_MASK) - region->header.entries_offset;
		struct tally__entry entry;
		if (offset > region->entries_used || region->entries_used - offset < sizeof(entry))
			return -EBADMSG;
		memcpy(&entry, region->entries + offset, sizeof(entry));
		text_bytes += (uint64_t)entry.name_length + entry.help_length + 2;
	}
	if (text_bytes > region->entries_used)
		return -EBADMSG;
	reading->text = malloc((size_t)text_bytes + 1);
	reading->metrics = calloc(region->count + 1, sizeof(*reading->metrics));
	region->places = calloc(region->count + 1, sizeof(*region->places));
	if (reading->text == NULL || reading->metrics == NULL || region->places == NULL)
		return -ENOMEM;
	char *text = reading->text;
	int error = 0;
	for (size_t i = 0; i < region->count && error == 0; i++)
		error = add_entry(region, reading, region->index[i], &text);
	return error;
}

/* Adds the cells of one slot to the metrics: of up-down counters the downs, or all else. */
static void add_slot(const struct region *region, struct tally__reading *reading, uint32_t slot,
		     const uint64_t *cells, bool downs)
{
	for (size_t i = 0; i < reading->count; i++) {
		tally_view_metric *metric = &reading->metrics[i];
		uint32_t cell = region->places[i].cell;
		if (metric->kind == TALLY_VIEW_COUNTER && !downs)
			metric->total += cells[cell];
		else if (metric->kind == TALLY_VIEW_UPDOWN)
			metric->value =
				(int64_t)((uint64_t)metric->value + (downs ? -cells[cell + 1] : cells[cell]));
		else if (metric->kind == TALLY_VIEW_GAUGE && !downs && slot == 0)
			metric->value = (int64_t)cells[cell];
	}
}

static int read_slots(struct region *region, struct tally__reading *reading, bool downs)
{
	const struct tally__header *header = &region->header;
	uint64_t *cells = calloc(region->cells_needed, sizeof(*cells));
	if (cells == NULL)
		return -ENOMEM;
	int error = 0;
	for (uint32_t slot = 0; slot < region->slots_used && error == 0; slot++) {
		uint32_t backed;
		error = tally__foreign_read(region->file, &backed, sizeof(backed),
					    header->table_offset + (uint64_t)slot * header->slot_record_size +
						    offsetof(struct tally__slot, backed));
		if (error != 0)
			break;
		if (backed > region->cells_needed)
			backed = region->cells_needed;
		error = tally__foreign_read(region->file, cells, backed * sizeof(*cells),
					    header->cells_offset + slot * header->slot_stride);
		/* What was never written is 0. */
		memset(cells + backed, 0, (region->cells_needed - backed) * sizeof(*cells));
		if (error == 0)
			add_slot(region, reading, slot, cells, downs);
	}
	free(cells);
	return error;
}

static int read_values(struct region *region, struct tally__reading *reading)
{
	bool updowns = false;
	for (size_t i = 0; i < reading->count; i++)
		updowns |= reading->metrics[i].kind == TALLY_VIEW_UPDOWN;
	/* Downs before ups: then nothing that is up at the time is missed, and no value is too low. */
	int error = updowns ? read_slots(region, reading, true) : 0;
	return error != 0 || reading->count == 0 ? error : read_slots(region, reading, false);
}

int tally__reading_make(struct tally__reading *reading, int file)
{
	struct region region = {.file = file};
	*reading = (struct tally__reading){0};
	int error = read_header(&region.header, file);
	if (error == 0)
		error = read_directory(&region);
	if (error == 0)
		error = read_entries(&region, reading);
	/* After the index: the cells of what is in it lie in slots that were in use by then, or in later ones
	 * that have counted since. */
	if (error == 0)
		error = tally__foreign_read(file, &region.slots_used, sizeof(region.slots_used),
					    offsetof(struct tally__header, slots_used));
	if (error == 0 && region.slots_used > region.header.slots_max)
		error = -EBADMSG;
	if (error == 0)
		error = read_values(&region, reading);
	memcpy(reading->program, region.header.program, sizeof(reading->program));
	reading->program[sizeof(reading->program) - 1] = '\0';
	reading->pid = region.header.pid;
	memcpy(reading->incarnation, region.header.incarnation, sizeof(reading->incarnation));
	free(region.index);
	free(region.entries);
	free(region.places);
	if (error != 0)
		tally__reading_free(reading);
	return error;
}

void tally__reading_free(struct tally__reading *reading)
{
	free(reading->text);
	free(reading->metrics);
	*reading = (struct tally__reading){0};
}
