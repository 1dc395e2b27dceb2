/* The rules for names: those of Prometheus and OpenMetrics, and no two metrics whose samples could be taken for
 * each other. A counter x_total is shown as x_total, and some formats add x_created; so the first ending is
 * for counters only, and the second for nobody. */
#include "count/name.h"

#include <string.h>

#include "region/name.h"

static const char counter_ending[] = "_total";
static const char reserved_ending[] = "_created";

static bool ends_with(const char *name, uint32_t length, const char *ending)
{
	size_t ending_length = strlen(ending);

	return length >= ending_length && memcmp(name + length - ending_length, ending, ending_length) == 0;
}

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t length = tally__utf8_length(text);

		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

static const char *check_name(const struct tally__definition *definition)
{
	if (definition->name_length == 0)
		return "it is empty";
	if (!tally__name_is_made_of_letters(definition->name, definition->name_length))
		return "a name consists of letters, digits, _ and :, and begins with no digit";
	if (definition->name_length > TALLY__NAME_MAX)
		return "it is longer than 255 bytes";
	return NULL;
}

/* Looks at how the name ends; `stem` of its bytes come before _total, or all. */
static const char *check_ending(const struct tally__definition *definition, uint32_t stem)
{
	if (ends_with(definition->name, stem, reserved_ending))
		return "the ending _created is reserved";
	if (stem == 0)
		return "there is nothing before _total";
	if (ends_with(definition->name, stem, counter_ending))
		return definition->kind == TALLY__KIND_COUNTER ? "it ends in _total twice"
							       : "the ending _total is for counters";
	return NULL;
}

static const char *check_help(const struct tally__definition *definition)
{
	if (definition->help_length > TALLY__HELP_MAX)
		return "its help text is longer than 1023 bytes";
	if (!is_utf8(definition->help))
		return "its help text is not UTF-8";
	return NULL;
}

/* Gives a counter's name its ending. */
static const char *complete(struct tally__definition *definition, char *room)
{
	uint32_t stem = definition->name_length;

	if (ends_with(definition->name, stem, counter_ending)) {
		stem -= (uint32_t)strlen(counter_ending);
	} else {
		definition->name_length += (uint32_t)strlen(counter_ending);
		if (definition->name_length > TALLY__NAME_MAX)
			return "with _total it is longer than 255 bytes";
		memcpy(room, definition->name, stem);
		memcpy(room + stem, counter_ending, sizeof(counter_ending));
		definition->name = room;
	}
	return check_ending(definition, stem);
}

const char *tally__name_check(const char *text, struct tally__definition *definition, char *room)
{
	const char *wrong;

	definition->kind = text[0] == 'c'   ? TALLY__KIND_COUNTER
			   : text[0] == 'u' ? TALLY__KIND_UPDOWN
					    : TALLY__KIND_GAUGE;
	definition->cells = definition->kind == TALLY__KIND_UPDOWN ? 2 : 1;
	definition->name = text + 1;
	definition->name_length = (uint32_t)strlen(definition->name);
	definition->help = definition->name + definition->name_length + 1;
	definition->help_length = (uint32_t)strlen(definition->help);
	wrong = check_name(definition);
	if (!wrong)
		wrong = check_help(definition);
	if (!wrong)
		wrong = definition->kind == TALLY__KIND_COUNTER
				? complete(definition, room)
				: check_ending(definition, definition->name_length);
	return wrong;
}

const char *tally__kind_name(uint32_t kind)
{
	switch (kind) {
	case TALLY__KIND_COUNTER:
		return "a counter";
	case TALLY__KIND_UPDOWN:
		return "an up-down counter";
	case TALLY__KIND_GAUGE:
		return "a gauge";
	default:
		return "of a kind that this version does not know";
	}
}
