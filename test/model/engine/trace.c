/* trace.c - what a schedule did, the last lines of it, printed when it is run again after it has failed. */
#include "engine.h"
#include <stdio.h>
#include <string.h>

static const char *short_file(const char *file)
{
	const char *short_name = file;

	for (const char *part = file; (part = strchr(part, '/')) != NULL; part++) {
		if (strncmp(part, "/src/", 5) == 0 || strncmp(part, "/test/", 6) == 0)
			short_name = part + 1;
	}
	return short_name;
}

/* One of four buffers, in turn. */
static char *buffer(size_t *size)
{
	static char buffers[4][160];
	static unsigned next;

	*size = sizeof(buffers[0]);
	return buffers[next++ % 4];
}

const char *place_text(const struct model_place *at)
{
	size_t size;
	char *text = buffer(&size);

	if (at == NULL)
		return "?";
	snprintf(text, size, "%s:%d (%s)", short_file(at->file), at->line, at->function);
	return text;
}

const char *address_text(const void *address)
{
	size_t size;
	char *text = buffer(&size);

	for (unsigned i = 0; i < engine->name_count; i++) {
		if (engine->names[i].address == address)
			return engine->names[i].name;
	}
	snprintf(text, size, "%p", address);
	return text;
}

void model_name(const void *address, const char *name)
{
	if (engine->name_count < sizeof(engine->names) / sizeof(*engine->names)) {
		engine->names[engine->name_count].address = address;
		engine->names[engine->name_count++].name = name;
	}
}

void trace(const struct model_place *at, const char *format, ...)
{
	va_list list;
	char text[256];

	if (!engine->tracing)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	snprintf(engine->lines[engine->line_count++ % TRACE_LINES], sizeof(engine->lines[0]),
		 "%5llu  thread %u  %-34s %s\n", (unsigned long long)engine->steps, engine->self,
		 at ? place_text(at) : "", text);
}

void trace_print(unsigned most)
{
	unsigned kept = engine->line_count < TRACE_LINES ? engine->line_count : TRACE_LINES;
	unsigned first = engine->line_count - (kept < most ? kept : most);

	if (first > 0)
		fprintf(stderr, "    (%u lines before these)\n", first);
	for (unsigned i = first; i < engine->line_count; i++)
		fputs(engine->lines[i % TRACE_LINES], stderr);
}
