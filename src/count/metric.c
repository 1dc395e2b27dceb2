/* How a metric gets its cells. */
#include "count/metric.h"

#include <errno.h>
#include <string.h>
#include <tally/region.h>

#include "count/cells.h"
#include "count/name.h"
#include "count/sum.h"
#include "platform/die.h"
#include "platform/process.h"

/* The metrics with a name of this process, by link_. The last one's is LIST_END, so that 0 says: not in it. */
static tally_atomic_u64 list;
enum { LIST_END = 1 };

static void put_on_list(struct tally__metric *metric)
{
	uint64_t first;

	/* Those who have made the metric busy come here, one after the other. pairs with metric.c:find */
	if (tally_atomic_u64_load_relaxed(&metric->link_) != 0)
		return;
	do {
		/* The compare-and-swap checks the one and publishes the other. pairs with
		 * metric.c:move_metrics */
		first = tally_atomic_u64_load_relaxed(&list);
		/* pairs with metric.c:move_metrics */
		tally_atomic_u64_store_relaxed(&metric->link_, first ? first : LIST_END);
	} while (!tally_atomic_u64_compare_and_swap(&list, first, (uint64_t)(uintptr_t)metric));
}

static void warn_once(const char *what)
{
	static tally_atomic_bool warned;

	/* pairs with nothing: it says who warns */
	if (tally_atomic_bool_compare_and_swap_relaxed(&warned, false, true))
		tally__warn("%s: some metrics cannot be seen from outside, and count slower", what);
}

/* Whatever the name contains, it is said in one line. */
static _Noreturn void die_of_name(const char *name, const char *wrong)
{
	char shown[100];
	size_t length = 0;

	for (; name[length] && length < sizeof(shown) - 1; length++)
		shown[length] = (unsigned char)name[length] < ' ' ? '?' : name[length];
	shown[length] = 0;
	tally__die("bad metric \"%s%s\": %s", shown, name[length] ? "..." : "", wrong);
}

/* Finds or adds the metric's name in the region. Ends the program if the name is not allowed. */
static uint64_t find_named(struct tally__metric *metric, bool have_region)
{
	char room[TALLY__NAME_MAX + 1];
	struct tally__definition definition;
	const char *wrong = tally__name_check(metric->text_, &definition, room);
	uint32_t kind = 0;
	int64_t cell;

	if (wrong)
		die_of_name(metric->text_ + 1, wrong);
	if (!have_region)
		return TALLY__METRIC_NO_CELL;
	put_on_list(metric);
	cell = tally__directory_add(&tally__region.directory, &definition, &kind);
	if (cell == -EEXIST)
		tally__die("metric \"%s\" is defined as %s, but it is already %s", definition.name,
			   tally__kind_name(definition.kind), tally__kind_name(kind));
	if (cell < 0) {
		warn_once(cell == -EPROTO ? "the region is damaged" : "the region is full");
		return TALLY__METRIC_NO_CELL;
	}
	return TALLY__CELL_BIAS + (uint64_t)cell * sizeof(uint64_t);
}

/* Gives an anonymous metric cells of this process. */
static uint64_t find_own(struct tally__metric *metric, uint32_t cells)
{
	uint32_t cell = tally__cells_take(cells);
	uint64_t offset = tally__region.own_offset + cell * sizeof(uint64_t);
	uint64_t baseline;

	if (cell == TALLY__CELLS_NONE || tally__region_raise(TALLY__AREA_OWN, cell + cells) != 0) {
		if (cell != TALLY__CELLS_NONE)
			tally__cells_give(cell, cells);
		warn_once("too many counters without a name");
		return TALLY__METRIC_NO_CELL;
	}
	/* What is there was counted by metrics that have been destroyed. */
	baseline = tally__sum_acquire(offset);
	if (cells == 2)
		baseline -= tally__sum_acquire(offset + sizeof(uint64_t));
	/* Published with the cell, by metric.c:find. pairs with total.c:tally__total */
	tally_atomic_u64_store_relaxed(&metric->link_, baseline);
	return TALLY__CELL_BIAS + offset;
}

/* Whether this thread is the one to find the cell. One who was at it when this process was forked is not here
 * to go on. */
static bool is_ours_to_find(struct tally__metric *metric, uint64_t seen, uint64_t busy)
{
	if (seen != 0 && (seen < TALLY__METRIC_SPECIAL || seen == TALLY__METRIC_NO_CELL || seen == busy))
		return false;
	return tally_atomic_u64_compare_and_swap(&metric->cell_, seen, busy);
}

static void find(struct tally__metric *metric, uint32_t cells, bool have_region)
{
	uint64_t busy = TALLY__METRIC_BUSY - tally__process_id();
	uint64_t cell = TALLY__METRIC_NO_CELL;

	/* The compare-and-swap checks it. pairs with metric.c:is_ours_to_find */
	if (!is_ours_to_find(metric, tally_atomic_u64_load_relaxed(&metric->cell_), busy))
		return;
	if (metric->text_)
		cell = find_named(metric, have_region);
	else if (have_region)
		cell = find_own(metric, cells);
	tally_atomic_u64_store(&metric->cell_, cell);
}

uint64_t tally__metric_offset(struct tally__metric *metric, uint32_t cells)
{
	uint64_t offset = tally__metric_known_offset(metric);
	bool have_region;

	tally__mine_counted();
	/* For now or for good? Neither brings anything. pairs with metric.c:find */
	if (offset != TALLY__METRIC_NO_CELL ||
	    tally_atomic_u64_load_relaxed(&metric->cell_) == TALLY__METRIC_NO_CELL)
		return offset;
	have_region = tally__mine_start(false);
	/* While another thread makes the region, or this one does below a signal handler, it is too early.
	 * REFUSED is for good, and brings nothing. pairs with region/create.c:tally__region_start */
	if (have_region || tally_atomic_u32_load_relaxed(&tally__region.state) == TALLY__REGION_REFUSED)
		find(metric, cells, have_region);
	return tally__metric_known_offset(metric);
}

void tally__metric_define(struct tally__metric *metric)
{
	find(metric, 0, tally__mine_start(true));
}

void tally__metric_destroy(struct tally__metric *metric, uint32_t cells)
{
	uint64_t offset = tally__metric_known_offset(metric);

	if (metric->text_)
		tally__die("destroy of the metric \"%s\", which is there for the whole program",
			   metric->text_ + 1);
	if (offset != TALLY__METRIC_NO_CELL)
		tally__cells_give((uint32_t)((offset - tally__region.own_offset) / sizeof(uint64_t)), cells);
	memset(metric, 0, sizeof(*metric));
}

/* The region is another one: the metrics find their cells there. */
static void move_metrics(void)
{
	uint64_t at = tally_atomic_u64_load(&list);

	while (at > LIST_END) {
		struct tally__metric *metric = (struct tally__metric *)(uintptr_t)at;

		tally_atomic_u64_store(&metric->cell_, 0);
		find(metric, 0, true);
		at = tally_atomic_u64_load(&metric->link_);
	}
}

int tally_region_open(const char *path)
{
	tally__mine_start(true);
	return tally__region_change(path, move_metrics);
}
