/* A small region, made by hand from src/region/layout.h: for tests that damage it. */
#ifndef TALLY_TEST_VIEW_IMAGE_H_
#define TALLY_TEST_VIEW_IMAGE_H_

#include <string.h>

#include "region/layout.h"

enum {
	IMAGE_SLOTS = 3,
	IMAGE_CELLS = 8,
	IMAGE_INDEX = 6,
	IMAGE_TABLE_AT = 512,
	IMAGE_INDEX_AT = 576,
	IMAGE_ENTRIES_AT = 640,
	IMAGE_ENTRIES_SIZE = 512,
	IMAGE_CELLS_AT = 1152,
	IMAGE_STRIDE = 128,
	IMAGE_SIZE = 1536,
};

struct image {
	_Alignas(8) unsigned char bytes[IMAGE_SIZE];
};

static inline struct tally__header *image_header(struct image *image)
{
	return (struct tally__header *)(void *)image->bytes;
}

static inline struct tally__slot *image_slot(struct image *image, unsigned slot)
{
	return (struct tally__slot *)(void *)(image->bytes + IMAGE_TABLE_AT) + slot;
}

static inline uint64_t *image_index(struct image *image)
{
	return (uint64_t *)(void *)(image->bytes + IMAGE_INDEX_AT);
}

static inline struct tally__entry *image_entry(struct image *image, unsigned metric)
{
	return (struct tally__entry *)(void *)(image->bytes + (image_index(image)[metric] & 0xffffffff));
}

static inline uint64_t *image_cell(struct image *image, unsigned slot, unsigned cell)
{
	return (uint64_t *)(void *)(image->bytes + IMAGE_CELLS_AT + slot * IMAGE_STRIDE) + cell;
}

/* Registers a metric behind those there are. */
static inline void image_add(struct image *image, uint16_t kind, const char *name, const char *help,
			     uint32_t cell)
{
	struct tally__header *header = image_header(image);
	uint64_t used = tally_atomic_u64_load(&header->entries_used);
	struct tally__entry *entry = (struct tally__entry *)(void *)(image->bytes + IMAGE_ENTRIES_AT + used);
	entry->kind = kind;
	entry->cell = cell;
	entry->cells = kind == TALLY__KIND_UPDOWN ? 2 : 1;
	entry->name_length = (uint16_t)strlen(name);
	entry->help_length = (uint16_t)strlen(help);
	entry->size = (uint32_t)(sizeof(*entry) + strlen(name) + strlen(help) + 2 + 7) / 8 * 8;
	strcpy(entry->text, name);
	strcpy(entry->text + strlen(name) + 1, help);
	unsigned metric = 0;
	while (image_index(image)[metric] != 0)
		metric++;
	image_index(image)[metric] = IMAGE_ENTRIES_AT + used;
	tally_atomic_u64_store(&header->entries_used, used + entry->size);
}

/* A counter of 7 + 2^63, an up-down counter of -2, a gauge of -5. */
static inline void image_make(struct image *image)
{
	struct tally__header *header = image_header(image);
	memset(image, 0, sizeof(*image));
	memcpy(header->magic, TALLY__REGION_MAGIC, 8);
	header->byte_order = TALLY__REGION_BYTE_ORDER;
	header->major = TALLY__REGION_MAJOR;
	header->header_size = sizeof(*header);
	header->total_size = IMAGE_SIZE;
	header->incarnation[0] = 1;
	header->pid = 4711;
	header->table_offset = IMAGE_TABLE_AT;
	header->slots_max = IMAGE_SLOTS;
	header->slot_record_size = sizeof(struct tally__slot);
	header->index_offset = IMAGE_INDEX_AT;
	header->index_max = IMAGE_INDEX;
	header->cells_max = IMAGE_CELLS;
	header->entries_offset = IMAGE_ENTRIES_AT;
	header->entries_size = IMAGE_ENTRIES_SIZE;
	header->cells_offset = IMAGE_CELLS_AT;
	header->slot_stride = IMAGE_STRIDE;
	strcpy(header->program, "image");
	tally_atomic_u32_store(&header->slots_used, IMAGE_SLOTS);
	for (unsigned slot = 0; slot < IMAGE_SLOTS; slot++)
		tally_atomic_u32_store(&image_slot(image, slot)->backed, IMAGE_CELLS);
	image_add(image, TALLY__KIND_COUNTER, "requests_total", "Requests.", 1);
	image_add(image, TALLY__KIND_UPDOWN, "connections", "Open \"now\".", 2);
	image_add(image, TALLY__KIND_GAUGE, "level", "", 4);
	*image_cell(image, 0, 1) = 3;
	*image_cell(image, 1, 1) = 4;
	*image_cell(image, 2, 1) = UINT64_C(1) << 63;
	*image_cell(image, 1, 2) = 10;
	*image_cell(image, 2, 3) = 12;
	*image_cell(image, 0, 4) = (uint64_t)-5;
	*image_cell(image, 1, 4) = 99; /* only slot 0 holds gauges */
}

#endif
