/* tally/region.h - where the counters live.
 *
 * The counters of a program are in one piece of shared memory, its region. By default that is a memfd named
 * `tally`, which the command `tally` finds through /proc and which goes when the last process that has it
 * ends. In a named file the counts outlive the process, whatever it dies of, and several processes
 * count together:
 *
 *     TALLY_REGION=/dev/shm/shop ./server
 *
 * The file should be on tmpfs; on a disk it works, but is written back at the kernel's leisure and does not
 * survive a crash of the machine whole. It is created with mode 0600 if it is not there, is 281 MB long and
 * sparse: it takes as much memory as is used. Do not truncate it while a process has it. doc/region-format.md
 * says what is in it.
 *
 * If the file cannot be had, the program says so in one line, and counts in a memfd.
 */
#ifndef TALLY_REGION_H_
#define TALLY_REGION_H_

#include <tally/base.h>

TALLY_BEGIN_DECLS

/* Counts in the file at `path` from now on, as if TALLY_REGION said so. To be called before anything has been
 * counted, and before other threads use this library: at the start of main. Returns 0, or
 *     -EBUSY       something has been counted
 *     -EPROTO      the file is not a region
 *     -ENOTSUP     the file is a region of a version or of sizes that this library does not know
 *     -EPERM       the file is not of this user
 *     -EWOULDBLOCK another process has held the file locked for 10 seconds
 *     -EFBIG, -ENOSPC, -ENOMEM, -EACCES, ...   as of open, ftruncate, mmap
 * and then counts where it did before. */
TALLY_API int tally_region_open(const char *path) TALLY_MUST_CHECK;

TALLY_END_DECLS

#endif
