/* The directory. An entry is written where nobody looks yet, and then published by a compare-and-swap of the
 * first free word of the index. Whoever publishes has compared all words before it, so no name appears twice.
 *
 * A cell belongs to a metric once its index word is there: the entry's first cell follows the last cell of the
 * entry before it in the index. So nothing is lost if two add the same name at once, or one dies.
 */
#include "region/directory.h"

#include <errno.h>
#include <string.h>

#include "platform/plain.h"
#include "region/name.h"

/* Words of the index are made accessible so many at once. */
enum { WORDS_AT_A_TIME = 64 };

/* Of a short index nothing is remembered: that would take more memory than the index does. */
enum { WORDS_NOT_SEEN = 256 };

uint32_t tally__directory_hash(const char *name, uint32_t length)
{
	uint32_t hash = 2166136261u;

	length = (uint32_t)tally__name_stem(name, length);
	for (uint32_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return hash;
}

/* The entry that an index word means, or NULL if it makes no sense. */
static const struct tally__entry *entry_at(const struct tally__directory *directory, uint64_t word)
{
	uint64_t offset = word & TALLY__INDEX_OFFSET_MASK;
	uint64_t end = directory->entries_offset + directory->entries_size;
	const struct tally__entry *entry;

	if (offset % 8 != 0 || offset < directory->entries_offset ||
	    offset > end - sizeof(struct tally__entry) ||
	    directory->reserve(offset, sizeof(struct tally__entry)) != 0)
		return NULL;
	entry = (const struct tally__entry *)(directory->base + offset);
	tally__plain_read(entry, sizeof(*entry));
	if (entry->size > end - offset ||
	    entry->size < sizeof(struct tally__entry) + entry->name_length + entry->help_length + 2u ||
	    directory->reserve(offset, entry->size) != 0)
		return NULL;
	tally__plain_read(entry, entry->size);
	return entry;
}

static bool has_name(const struct tally__entry *entry, const struct tally__definition *wanted)
{
	size_t length = tally__name_stem(wanted->name, wanted->name_length);

	return tally__name_stem(entry->text, entry->name_length) == length &&
	       memcmp(entry->text, wanted->name, length) == 0;
}

/* Room for an entry, not published yet. */
struct draft {
	struct tally__entry *entry; /* NULL: not written, or published */
	uint64_t place;             /* in the room for entries */
	uint32_t size;              /* 0: none taken, or published */
};

/* Takes room and writes all but the cell. */
static int write_draft(const struct tally__directory *directory, const struct tally__definition *wanted,
		       struct draft *draft)
{
	uint32_t size = (uint32_t)sizeof(struct tally__entry) + wanted->name_length + wanted->help_length + 2;
	uint64_t place;
	int result;

	size = (size + 7) & ~7u;
	do {
		/* The compare-and-swap checks it. pairs with directory.c:drop_draft */
		place = tally_atomic_u64_load_relaxed(directory->entries_used);
		if (place % 8 != 0 || place > directory->entries_size || size > directory->entries_size - place)
			return -ENOSPC;
	} while (!tally_atomic_u64_compare_and_swap(directory->entries_used, place, place + size));
	draft->place = place;
	draft->size = size;
	result = directory->reserve(directory->entries_offset + place, size);
	if (result != 0)
		return result;
	draft->entry = (struct tally__entry *)(directory->base + directory->entries_offset + place);
	memset(draft->entry, 0, size);
	draft->entry->size = size;
	draft->entry->kind = (uint16_t)wanted->kind;
	draft->entry->cells = wanted->cells;
	draft->entry->name_length = (uint16_t)wanted->name_length;
	draft->entry->help_length = (uint16_t)wanted->help_length;
	memcpy(draft->entry->text, wanted->name, wanted->name_length);
	memcpy(draft->entry->text + wanted->name_length + 1, wanted->help, wanted->help_length);
	return 0;
}

/* The room goes back if it is the last that was taken; else it is lost. */
static void drop_draft(const struct tally__directory *directory, const struct draft *draft)
{
	if (draft->size != 0)
		tally_atomic_u64_compare_and_swap(directory->entries_used, draft->place + draft->size,
						  draft->place);
}

/* The cell that follows those of the entry of an index word; 0 if that makes no sense. */
static uint64_t cell_after(const struct tally__directory *directory, uint64_t word)
{
	const struct tally__entry *entry;

	if (word == 0)
		return 1;
	entry = entry_at(directory, word);
	return entry ? (uint64_t)entry->cell + entry->cells : 0;
}

/* Publishes the wanted metric in a free word of the index; `before` is the word before it. Returns the cell, 0
 * if another was faster, or -errno. */
static int64_t publish(const struct tally__directory *directory, const struct tally__definition *wanted,
		       tally_atomic_u64 *free, uint64_t before, struct draft *draft)
{
	uint64_t hash = tally__directory_hash(wanted->name, wanted->name_length);
	uint64_t cell = cell_after(directory, before);
	int result = 0;

	if (cell == 0)
		return -EPROTO;
	if (cell + wanted->cells > directory->cells_max)
		return -ENOSPC;
	if (!draft->entry)
		result = write_draft(directory, wanted, draft);
	if (result == 0)
		result = directory->reserve_cells((uint32_t)cell + wanted->cells);
	if (result != 0)
		return result;
	draft->entry->cell = (uint32_t)cell;
	tally__plain_write(draft->entry, draft->size);
	if (!tally_atomic_u64_compare_and_swap(
		    free, 0, hash << TALLY__INDEX_HASH_SHIFT | (directory->entries_offset + draft->place)))
		return 0;
	draft->entry = NULL;
	draft->size = 0;
	return (int64_t)cell;
}

/* The cell of the metric that an index word means, if it is the wanted one; -ENOENT if it is not. The hash is.
 */
static int64_t compare(const struct tally__directory *directory, const struct tally__definition *wanted,
		       uint64_t word, uint32_t *kind)
{
	const struct tally__entry *entry = entry_at(directory, word);
	int result;

	if (!entry)
		return -EPROTO;
	if (!has_name(entry, wanted))
		return -ENOENT;
	*kind = entry->kind;
	if (entry->kind != wanted->kind)
		return -EEXIST;
	if (entry->cell == 0 || entry->cells != wanted->cells ||
	    entry->cell > directory->cells_max - entry->cells)
		return -EPROTO;
	result = directory->reserve_cells(entry->cell + entry->cells);
	return result == 0 ? (int64_t)entry->cell : result;
}

static tally_atomic_u64 *bits_of(struct tally__directory_seen *seen, uint64_t hash)
{
	return &seen->bits[hash / 64 % (sizeof(seen->bits) / sizeof(seen->bits[0]))];
}

/* The number of index words that cannot be the wanted one, since they have other hashes. */
static uint32_t words_to_pass(const struct tally__directory *directory, uint64_t hash)
{
	struct tally__directory_seen *seen = directory->seen;
	uint32_t words = seen ? tally_atomic_u32_load(&seen->words) : 0;

	/* The load of `words` has brought the bits. pairs with directory.c:remember */
	if (words == 0 || (tally_atomic_u64_load_relaxed(bits_of(seen, hash)) >> hash % 64 & 1) != 0)
		return 0;
	return words;
}

/* Remembers the hashes of the index words below `words`, all of which have been loaded. */
static void remember(const struct tally__directory *directory, uint32_t words)
{
	struct tally__directory_seen *seen = directory->seen;

	if (!seen || words < WORDS_NOT_SEEN)
		return;
	/* The `max` publishes the bits; an older number sets some again. pairs with
	 * directory.c:words_to_pass */
	for (uint32_t i = tally_atomic_u32_load_relaxed(&seen->words); i < words; i++) {
		/* Has been loaded, and does not change. pairs with directory.c:publish */
		uint64_t word = tally_atomic_u64_load_relaxed(&directory->index[i]);
		uint64_t hash = word >> TALLY__INDEX_HASH_SHIFT;

		/* pairs with directory.c:words_to_pass */
		tally_atomic_u64_or_relaxed(bits_of(seen, hash), UINT64_C(1) << hash % 64);
	}
	tally_atomic_u32_max(&seen->words, words);
}

int64_t tally__directory_add(const struct tally__directory *directory, const struct tally__definition *wanted,
			     uint32_t *kind)
{
	uint64_t hash = tally__directory_hash(wanted->name, wanted->name_length);
	struct draft draft = {0};
	int64_t result = 0;
	uint32_t i = words_to_pass(directory, hash);
	/* `words` has brought it, and its entry. pairs with directory.c:publish */
	uint64_t before = i > 0 ? tally_atomic_u64_load_relaxed(&directory->index[i - 1]) : 0;

	for (; i < directory->index_max; i++) {
		tally_atomic_u64 *at = &directory->index[i];
		uint64_t word;

		if (i % WORDS_AT_A_TIME == 0) {
			result = directory->reserve((uint64_t)((char *)at - directory->base),
						    WORDS_AT_A_TIME * sizeof(*at));
			if (result != 0)
				break;
		}
		word = tally_atomic_u64_load(at);
		if (word == 0) {
			result = publish(directory, wanted, at, before, &draft);
			if (result != 0)
				break;
			/* The compare-and-swap that failed has brought it. pairs with directory.c:publish */
			word = tally_atomic_u64_load_relaxed(at);
		}
		before = word;
		if (word >> TALLY__INDEX_HASH_SHIFT != hash)
			continue;
		result = compare(directory, wanted, word, kind);
		if (result != -ENOENT)
			break;
	}
	drop_draft(directory, &draft);
	remember(directory, i);
	return i < directory->index_max ? result : -ENOSPC;
}
