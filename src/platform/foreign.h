/* platform/foreign.h - files and processes of others, read without trust.
 *
 * Nothing is mapped: whoever can truncate a file would kill a reader that has mapped it.
 */
#ifndef TALLY_PLATFORM_FOREIGN_H_
#define TALLY_PLATFORM_FOREIGN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens a regular file for reading. A descriptor, or -errno; -ENODATA: it is something else. Never blocks. */
int tally__foreign_open(const char *path);
void tally__foreign_close(int file);

/* The file's size in bytes, or -errno. */
int64_t tally__foreign_size(int file);

/* Reads `bytes` bytes at `offset`. 0; -EBADMSG: the file ends before that; or -errno. */
int tally__foreign_read(int file, void *buffer, size_t bytes, uint64_t offset);

/* Opens each file of a process that may be a region, and calls found(file, arg), which closes it; until that
 * returns something other than 0, which is returned. Otherwise 0; -ESRCH: no such process; -EACCES: the kernel
 * does not let us look; -EPERM: there was one that the process has closed, and the kernel does not let us open
 * it, whatever else was found. A file may be found twice, and files that are no regions are found too. */
int tally__foreign_regions(int pid, int (*found)(int file, void *arg), void *arg);

/* Whether the process has something that looks like a region of ours, opened or not. */
bool tally__foreign_has_region(int pid);

/* Calls visit(pid, arg) for each process of the effective user, until it returns something other than 0. */
int tally__foreign_processes(int (*visit)(int pid, void *arg), void *arg);

#endif
