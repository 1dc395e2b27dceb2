/* tally/view.h - look at the counters of another process, or of a file that a process has left.
 *
 *     tally_view *view;
 *     int error = tally_view_open_pid(pid, &view);
 *     if (error != 0)
 *             errx(1, "%s", tally_view_error(error));
 *     for (size_t i = 0; i < tally_view_size(view); i++) {
 *             const tally_view_metric *metric = tally_view_get(view, i);
 *             ...
 *     }
 *     tally_view_close(view);
 *
 * The process that counts does not notice: nothing is sent to it, and none of its memory is written. What is
 * read is not trusted: a file that is damaged, truncated, hostile or changing gives an error or numbers, never
 * a fault.
 *
 * A view holds one reading. A program may have several regions (one for each copy of the library in it): they
 * are added up. Of a gauge that is in several regions the greatest value counts. A metric that has another kind
 * in another region is taken from the first.
 *
 * What a number means while the process counts: doc/counters.md. Each total of a counter is no less than the
 * one of an earlier reading.
 *
 * A view is for one thread at a time. None of the calls is async-signal-safe.
 */
#ifndef TALLY_VIEW_H_
#define TALLY_VIEW_H_

#include <stdio.h>
#include <tally/base.h>

TALLY_BEGIN_DECLS

typedef struct tally_view tally_view;

typedef enum tally_view_kind {
	TALLY_VIEW_COUNTER = 1,
	TALLY_VIEW_UPDOWN = 2,
	TALLY_VIEW_GAUGE = 3,
} tally_view_kind;

typedef struct tally_view_metric {
	const char *name; /* as it is registered; a counter's ends in _total */
	const char *help; /* UTF-8; may be empty */
	tally_view_kind kind;
	uint64_t total; /* of a counter, modulo 2^64 */
	int64_t value;  /* of an up-down counter or a gauge */
} tally_view_metric;

/* Open and read. 0 and a view, to be closed by tally_view_close; or
 *   -ESRCH            there is no such process
 *   -ENOENT           there is no such file
 *   -EACCES           the kernel does not let this user look at it
 *   -EPERM            the process has closed the descriptors of its regions: only a user with CAP_SYS_ADMIN or
 *                     CAP_CHECKPOINT_RESTORE may open them
 *   -ENODATA          the process does not count; the file is not a region
 *   -EBADMSG          the region is damaged
 *   -EPROTONOSUPPORT  the region is of another format version
 *   -EAGAIN           the region is just being made: try again
 *   -ENOMEM, -EMFILE, ... what the system refuses */
TALLY_API TALLY_MUST_CHECK int tally_view_open_pid(int pid, tally_view **view);
TALLY_API TALLY_MUST_CHECK int tally_view_open_path(const char *path, tally_view **view);

/* Reads again. 0, or an error as above; then the view still holds the reading before. Pointers from
 * tally_view_get are valid until the next successful call. Regions that a process makes later are not found by
 * this. */
TALLY_API TALLY_MUST_CHECK int tally_view_read(tally_view *view);

TALLY_API void tally_view_close(tally_view *view);

/* How many metrics there are, and each, in the order in which they were registered. NULL beyond the last. */
TALLY_API size_t tally_view_size(const tally_view *view);
TALLY_API const tally_view_metric *tally_view_get(const tally_view *view, size_t index);

/* Who made the (first) region: the program's name, and its process id as it saw it. */
TALLY_API const char *tally_view_program(const tally_view *view);
TALLY_API int tally_view_pid(const tally_view *view);

typedef enum tally_view_format {
	TALLY_VIEW_OPENMETRICS, /* OpenMetrics 1.0: application/openmetrics-text; version=1.0.0; charset=utf-8
				 */
	TALLY_VIEW_PROMETHEUS,  /* Prometheus text 0.0.4: text/plain; version=0.0.4; charset=utf-8 */
	TALLY_VIEW_JSON,        /* an object: program, pid, metrics (name, kind, help, value) */
} tally_view_format;

/* Writes all metrics to `out`. Integers are exact; a Prometheus server rounds them above 2^53. Returns 0, or
 * -EIO if `out` refused something. */
TALLY_API TALLY_MUST_CHECK int tally_view_print(const tally_view *view, tally_view_format format, FILE *out);

/* Calls visit(pid, arg) for each process of this user (effective user id) that has a region, until it returns
 * something other than 0, which is returned. -errno if processes cannot be listed. */
TALLY_API int tally_view_list(int (*visit)(int pid, void *arg), void *arg);

/* One line, without a newline, for an error of these calls. */
TALLY_API const char *tally_view_error(int error);

TALLY_END_DECLS

#endif
