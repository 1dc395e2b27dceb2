/* Fuzzes the reader of regions: any bytes may be an error, and must not be a fault. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tally/view.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	static char path[64];
	static FILE *sink;
	if (file < 0) {
		file = memfd_create("fuzz", MFD_CLOEXEC);
		sink = fopen("/dev/null", "w");
		if (file < 0 || sink == NULL)
			abort();
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size)
		abort();
	tally_view *view;
	if (tally_view_open_path(path, &view) != 0)
		return 0;
	for (int format = TALLY_VIEW_OPENMETRICS; format <= TALLY_VIEW_JSON; format++)
		if (tally_view_print(view, (tally_view_format)format, sink) != 0)
			abort();
	/* What was accepted can be read again, and is the same. */
	size_t metrics = tally_view_size(view);
	if (tally_view_read(view) != 0 || tally_view_size(view) != metrics)
		abort();
	tally_view_close(view);
	return 0;
}
