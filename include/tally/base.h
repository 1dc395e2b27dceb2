/* tally/base.h - what every public header needs: version, linkage, attributes.
 *
 * The rules that hold for the whole library are stated here once.
 *
 * - Zero is ready: each public type works from static zero, `= {0}` or calloc. There is no init call,
 *   and the runtime starts on first use. Once used, an object must not be copied or moved.
 * - Every call may come from a task and from a plain thread, unless its header says otherwise.
 * - No call is async-signal-safe unless its header says so.
 * - Misuse (a negative wait group, say) ends the program: one line on standard error that begins with
 *   `tally: ` and names the object and the task, then abort(). It is always on.
 * - What the environment refuses (memory, threads) is returned as -errno. Calls that return nothing end
 *   the program with the reason. No call sets errno.
 * - Integers wrap around on overflow, signed ones too.
 * - Times are int64_t nanoseconds of CLOCK_MONOTONIC, absolute, in calls whose names end in `_until`.
 * - Names that end in `_` and names that begin with `tally__` are private.
 */
#ifndef TALLY_BASE_H_
#define TALLY_BASE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_VERSION_MAJOR 0
#define TALLY_VERSION_MINOR 1
#define TALLY_VERSION_PATCH 0
#define TALLY_VERSION       "0.1.0"

#ifdef __cplusplus
#define TALLY_BEGIN_DECLS extern "C" {
#define TALLY_END_DECLS   }
#else
#define TALLY_BEGIN_DECLS
#define TALLY_END_DECLS
#endif

/* Marks what the shared library exports; everything else is hidden. */
#define TALLY_API __attribute__((visibility("default")))

/* The result is an error code that must be looked at. */
#define TALLY_MUST_CHECK __attribute__((warn_unused_result))

#endif
