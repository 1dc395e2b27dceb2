/* view/text.c - OpenMetrics 1.0 and the Prometheus text format 0.0.4. */
#include "view/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "region/name.h"
#include "view/name.h"

void tally__print_escaped(const char *text, const char *escaped, FILE *out)
{
	while (*text != '\0') {
		size_t length = tally__utf8_length(text);
		if (length == 0) {
			fputs("\xef\xbf\xbd", out);
			text++;
			continue;
		}
		if (*text == '\n')
			fputs("\\n", out);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fputc(' ', out);
		else if (*text == '\\' || strchr(escaped, *text) != NULL)
			fprintf(out, "\\%c", *text);
		else
			fwrite(text, 1, length, out);
		text += length;
	}
}

static const char *type_of(const tally_view_metric *metric)
{
	return metric->kind == TALLY_VIEW_COUNTER ? "counter" : "gauge";
}

static void print_sample(const tally_view_metric *metric, FILE *out)
{
	if (metric->kind == TALLY_VIEW_COUNTER)
		fprintf(out, "%s %" PRIu64 "\n", metric->name, metric->total);
	else
		fprintf(out, "%s %" PRId64 "\n", metric->name, metric->value);
}

/* One family: its name is the metric's up to `length`. */
static void print_family(const tally_view_metric *metric, size_t length, const char *escaped, FILE *out)
{
	int family = (int)length;
	fprintf(out, "# TYPE %.*s %s\n", family, metric->name, type_of(metric));
	if (metric->help[0] != '\0') {
		fprintf(out, "# HELP %.*s ", family, metric->name);
		tally__print_escaped(metric->help, escaped, out);
		fputc('\n', out);
	}
	print_sample(metric, out);
}

void tally__print_openmetrics(const tally_view *view, FILE *out)
{
	const tally_view_metric *metric;
	for (size_t i = 0; (metric = tally_view_get(view, i)) != NULL; i++)
		print_family(metric, tally__name_family(metric->name, metric->kind), "\"", out);
	fputs("# EOF\n", out);
}

void tally__print_prometheus(const tally_view *view, FILE *out)
{
	const tally_view_metric *metric;
	for (size_t i = 0; (metric = tally_view_get(view, i)) != NULL; i++)
		print_family(metric, strlen(metric->name), "", out);
}

int tally_view_print(const tally_view *view, tally_view_format format, FILE *out)
{
	switch (format) {
	case TALLY_VIEW_OPENMETRICS:
		tally__print_openmetrics(view, out);
		break;
	case TALLY_VIEW_PROMETHEUS:
		tally__print_prometheus(view, out);
		break;
	case TALLY_VIEW_JSON:
		tally__print_json(view, out);
		break;
	}
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
