/* view/json.c - a view as one JSON object. */
#include <inttypes.h>

#include "view/text.h"

static void print_string(const char *text, FILE *out)
{
	fputc('"', out);
	tally__print_escaped(text, "\"", out);
	fputc('"', out);
}

static const char *kind_of(const tally_view_metric *metric)
{
	switch (metric->kind) {
	case TALLY_VIEW_COUNTER:
		return "counter";
	case TALLY_VIEW_UPDOWN:
		return "updown";
	case TALLY_VIEW_GAUGE:
		break;
	}
	return "gauge";
}

void tally__print_json(const tally_view *view, FILE *out)
{
	fputs("{\"program\":", out);
	print_string(tally_view_program(view), out);
	fprintf(out, ",\"pid\":%d,\"metrics\":[", tally_view_pid(view));
	const tally_view_metric *metric;
	for (size_t i = 0; (metric = tally_view_get(view, i)) != NULL; i++) {
		fputs(i == 0 ? "\n" : ",\n", out);
		fprintf(out, "{\"name\":\"%s\",\"kind\":\"%s\",\"help\":", metric->name, kind_of(metric));
		print_string(metric->help, out);
		if (metric->kind == TALLY_VIEW_COUNTER)
			fprintf(out, ",\"value\":%" PRIu64 "}", metric->total);
		else
			fprintf(out, ",\"value\":%" PRId64 "}", metric->value);
	}
	fputs("\n]}\n", out);
}
