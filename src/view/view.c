/* view/view.c - the regions of a program, added up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tally/view.h>

#include "platform/foreign.h"
#include "view/name.h"
#include "view/reader.h"

#define MOST_REGIONS 64 /* of one program */

struct tally_view {
	int files[MOST_REGIONS];
	uint64_t incarnations[MOST_REGIONS][2];
	size_t regions;
	struct tally__reading readings[MOST_REGIONS]; /* of each file; the first one's metrics are not used */
	tally_view_metric *metrics;                   /* of all; their texts belong to the readings */
	size_t count;
};

/* FNV-1a. */
static uint64_t hash_of(const char *text, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* A table from family names to metrics, so that no family appears twice. */
struct table {
	size_t mask;
	size_t *slots; /* index of a metric plus 1; 0: free */
};

/* The place of the metric's family, which holds a metric of that family or nothing. */
static size_t *find(const struct table *table, const tally_view_metric *metrics,
		    const tally_view_metric *metric)
{
	size_t length = tally__name_family(metric->name, metric->kind);
	size_t at = (size_t)hash_of(metric->name, length) & table->mask;
	for (;; at = (at + 1) & table->mask) {
		size_t *slot = &table->slots[at];
		if (*slot == 0)
			return slot;
		const tally_view_metric *other = &metrics[*slot - 1];
		if (tally__name_family(other->name, other->kind) == length &&
		    memcmp(other->name, metric->name, length) == 0)
			return slot;
	}
}

static void add(tally_view_metric *sum, const tally_view_metric *metric)
{
	if (sum->kind != metric->kind)
		return;
	sum->total += metric->total;
	if (sum->kind == TALLY_VIEW_UPDOWN)
		sum->value = (int64_t)((uint64_t)sum->value + (uint64_t)metric->value);
	else if (sum->kind == TALLY_VIEW_GAUGE && metric->value > sum->value)
		sum->value = metric->value;
}

/* Merges the readings. Twice the same family in one region is damage. */
static int merge(const struct tally__reading *readings, size_t regions, tally_view_metric **metrics,
		 size_t *count)
{
	size_t most = 0;
	for (size_t i = 0; i < regions; i++)
		most += readings[i].count;
	struct table table = {.mask = 16};
	while (table.mask < 2 * most)
		table.mask *= 2;
	table.slots = calloc(table.mask, sizeof(*table.slots));
	table.mask--;
	tally_view_metric *all = calloc(most + 1, sizeof(*all));
	int error = table.slots == NULL || all == NULL ? -ENOMEM : 0;
	*count = 0;
	for (size_t i = 0; i < regions && error == 0; i++) {
		size_t before = *count;
		for (size_t j = 0; j < readings[i].count && error == 0; j++) {
			const tally_view_metric *metric = &readings[i].metrics[j];
			size_t *slot = find(&table, all, metric);
			if (*slot == 0) {
				all[(*count)++] = *metric;
				*slot = *count;
			} else if (*slot > before) {
				error = -EBADMSG;
			} else {
				add(&all[*slot - 1], metric);
			}
		}
	}
	free(table.slots);
	if (error != 0)
		free(all);
	else
		*metrics = all;
	return error;
}

int tally_view_read(tally_view *view)
{
	struct tally__reading readings[MOST_REGIONS];
	tally_view_metric *metrics = NULL;
	size_t made = 0, count = 0;
	int error = 0;
	while (made < view->regions && (error = tally__reading_make(&readings[made], view->files[made])) == 0)
		made++;
	if (error == 0)
		error = merge(readings, made, &metrics, &count);
	if (error != 0) {
		while (made > 0)
			tally__reading_free(&readings[--made]);
		return error;
	}
	for (size_t i = 0; i < view->regions; i++) {
		tally__reading_free(&view->readings[i]);
		view->readings[i] = readings[i];
	}
	free(view->metrics);
	view->metrics = metrics;
	view->count = count;
	return 0;
}

/* Adds a file to the view, unless it is no region or there already. The file is the view's now, or closed. */
static int add_file(int file, void *arg)
{
	tally_view *view = arg;
	uint64_t incarnation[2];
	int error = tally__reading_identify(incarnation, file);
	bool known = false;
	for (size_t i = 0; i < view->regions && error == 0; i++)
		known |= memcmp(view->incarnations[i], incarnation, sizeof(incarnation)) == 0;
	/* A sum without the rest would be wrong. */
	if (error == 0 && !known && view->regions == MOST_REGIONS)
		error = -EMFILE;
	if (error != 0 || known) {
		tally__foreign_close(file);
		/* A program may map other files. */
		return error == -ENODATA ? 0 : error;
	}
	memcpy(view->incarnations[view->regions], incarnation, sizeof(incarnation));
	view->files[view->regions++] = file;
	return 0;
}

/* Reads what was opened, and hands the view over; or gives it up. */
static int finish(tally_view *view, int error, tally_view **result)
{
	if (error == 0 && view->regions == 0)
		error = -ENODATA;
	if (error == 0)
		error = tally_view_read(view);
	if (error != 0)
		tally_view_close(view);
	else
		*result = view;
	return error;
}

int tally_view_open_pid(int pid, tally_view **view)
{
	if (pid <= 0)
		return -ESRCH;
	tally_view *opened = calloc(1, sizeof(*opened));
	if (opened == NULL)
		return -ENOMEM;
	return finish(opened, tally__foreign_regions(pid, add_file, opened), view);
}

int tally_view_open_path(const char *path, tally_view **view)
{
	tally_view *opened = calloc(1, sizeof(*opened));
	if (opened == NULL)
		return -ENOMEM;
	int file = tally__foreign_open(path);
	return finish(opened, file < 0 ? file : add_file(file, opened), view);
}

void tally_view_close(tally_view *view)
{
	if (view == NULL)
		return;
	for (size_t i = 0; i < view->regions; i++) {
		tally__reading_free(&view->readings[i]);
		tally__foreign_close(view->files[i]);
	}
	free(view->metrics);
	free(view);
}

size_t tally_view_size(const tally_view *view)
{
	return view->count;
}

const tally_view_metric *tally_view_get(const tally_view *view, size_t index)
{
	return index < view->count ? &view->metrics[index] : NULL;
}

const char *tally_view_program(const tally_view *view)
{
	return view->readings[0].program;
}

int tally_view_pid(const tally_view *view)
{
	return (int)view->readings[0].pid;
}
