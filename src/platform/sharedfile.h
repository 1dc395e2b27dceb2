/* platform/sharedfile.h - memory that processes share: nameless, in a file that has only a descriptor, or in
 * one with a path.
 *
 * Everything returns 0 or more, or -errno, leaves errno alone and is safe in signal handlers.
 */
#ifndef TALLY_PLATFORM_SHAREDFILE_H_
#define TALLY_PLATFORM_SHAREDFILE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file of `bytes` zeros in memory, that cannot shrink or grow, seen in /proc as `name`. Returns its
 * descriptor, which is closed on exec. -EFBIG: above the limit of the process for files. */
int tally__memory_file(const char *name, uint64_t bytes);

/* Closes it, unless the program has closed it before and the number means another file now. */
void tally__memory_file_close(int descriptor);

/* Opens the regular file at path to read and write, or creates it empty, for this user alone. Returns a
 * descriptor that is closed on exec. Until it is closed, other callers wait, for 10 seconds: then -EWOULDBLOCK.
 * -EPROTO: not a regular file. -EPERM: it belongs to neither this user nor root. */
int tally__file_open_locked(const char *path);

/* Its length, and changing it. -EFBIG as above. */
int64_t tally__file_size(int descriptor);
int tally__file_resize(int descriptor, uint64_t bytes);

/* Reads, or writes, exactly so many bytes at the offset. -EIO: there were fewer. */
int tally__file_read(int descriptor, void *buffer, size_t bytes, uint64_t offset);
int tally__file_write(int descriptor, const void *buffer, size_t bytes, uint64_t offset);

/* Whether the kernel says that nobody but this descriptor has the file open to write or mapped, in no process.
 * False where it does not say. */
bool tally__file_alone(int descriptor);

void tally__file_close(int descriptor);

/* The path with which this user asked for a shared file in the environment, or NULL; NULL too where the program
 * runs with more rights than that user. */
const char *tally__environment(const char *name);

/* Address space of `shared` bytes that mean the file (descriptor -1: nameless memory that child processes
 * share), and right behind them `own` bytes of this process alone. Nothing of it may be touched yet, and it
 * takes no memory; it is left out of core dumps. Both are multiples of tally__page_bytes(). NULL: refused. */
void *tally__shared_map(int descriptor, size_t shared, size_t own);
void tally__shared_unmap(void *start, size_t bytes);

size_t tally__page_bytes(void);

/* Makes the pages that the range touches accessible. Their memory comes when they are touched. */
int tally__shared_allow(void *start, size_t bytes);

/* The same, and the memory is there when it returns: a later access cannot fail for want of it. -ENOSPC: the
 * file system is full. */
int tally__shared_reserve(void *start, size_t bytes);

#endif
