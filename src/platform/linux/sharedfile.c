/* Files that processes share, on Linux. System calls are made directly, so that none is a point at which a
 * thread can be cancelled: counting must not be one. */
#include "platform/sharedfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	DESCRIPTOR_LEAST = 100,  /* out of the way of programs that count on low numbers */
	SIGNAL_IGNORED = SIGURG, /* what the kernel may send while a lease is held */
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	NOT_FOR_EXECUTION = 8, /* MFD_NOEXEC_SEAL, Linux 6.3 */
	PATIENCE_MILLISECONDS = 10000,
};

int tally__file_resize(int descriptor, uint64_t bytes)
{
	struct rlimit limit;
	int saved = errno;
	int result = 0;

	/* Beyond the limit the kernel would send SIGXFSZ, for files in memory too. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes)
		return -EFBIG;
	if (ftruncate(descriptor, (off_t)bytes) != 0)
		result = -errno;
	errno = saved;
	return result;
}

/* Gives the file a high descriptor, if there is one. */
static int move_up(int descriptor)
{
	int high = fcntl(descriptor, F_DUPFD_CLOEXEC, DESCRIPTOR_LEAST);

	if (high < 0)
		return descriptor;
	syscall(SYS_close, descriptor);
	return high;
}

/* Some systems refuse those that could be executed (vm.memfd_noexec), and old ones know no others. */
static int make_memory_file(const char *name)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int descriptor = memfd_create(name, flags | NOT_FOR_EXECUTION);

	return descriptor < 0 && errno == EINVAL ? memfd_create(name, flags) : descriptor;
}

int tally__memory_file(const char *name, uint64_t bytes)
{
	int saved = errno;
	int descriptor = make_memory_file(name);
	int result = descriptor < 0 ? -errno : tally__file_resize(descriptor, bytes);

	if (result == 0) {
		/* A reader may then trust the size. That it could not be sealed does no harm. */
		fcntl(descriptor, F_ADD_SEALS, SEALS);
		descriptor = move_up(descriptor);
	} else if (descriptor >= 0) {
		tally__file_close(descriptor);
	}
	errno = saved;
	return result == 0 ? descriptor : result;
}

void tally__memory_file_close(int descriptor)
{
	int saved = errno;

	int seals = fcntl(descriptor, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS)
		syscall(SYS_close, descriptor);
	errno = saved;
}

/* Whether it is a regular file that nobody but this user and root can have prepared. */
static int check_file(int descriptor)
{
	struct stat file;

	if (fstat(descriptor, &file) != 0)
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EPROTO;
	if (file.st_uid != geteuid() && file.st_uid != 0)
		return -EPERM;
	return 0;
}

/* Opens and locks, or returns -EWOULDBLOCK if another process has the lock, or is just asking whether it is
 * alone. */
static int try_open_locked(const char *path)
{
	/* O_NONBLOCK: a FIFO or device must not hold us up. */
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
	int result = descriptor < 0 ? -errno : check_file(descriptor);

	if (result == 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0)
		result = -errno;
	if (result != 0 && descriptor >= 0)
		syscall(SYS_close, descriptor);
	/* A symbolic link, a socket and a folder are no files of ours, whatever open says. */
	if (result == -ELOOP || result == -ENXIO || result == -EISDIR)
		return -EPROTO;
	return result == 0 ? descriptor : result;
}

int tally__file_open_locked(const char *path)
{
	int saved = errno;
	int result = try_open_locked(path);

	/* Whoever waits keeps the file closed, so that the one who has the lock may find itself alone. */
	for (int i = 0; (result == -EWOULDBLOCK || result == -EINTR) && i < PATIENCE_MILLISECONDS; i++) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		result = try_open_locked(path);
	}
	errno = saved;
	return result;
}

int64_t tally__file_size(int descriptor)
{
	struct stat file;
	int saved = errno;
	int64_t size = fstat(descriptor, &file) == 0 ? (int64_t)file.st_size : -errno;

	errno = saved;
	return size;
}

int tally__file_read(int descriptor, void *buffer, size_t bytes, uint64_t offset)
{
	int saved = errno;
	long done = syscall(SYS_pread64, descriptor, buffer, bytes, (off_t)offset);
	int result = done < 0 ? -errno : done == (long)bytes ? 0 : -EIO;

	errno = saved;
	return result;
}

int tally__file_write(int descriptor, const void *buffer, size_t bytes, uint64_t offset)
{
	int saved = errno;
	long done = syscall(SYS_pwrite64, descriptor, buffer, bytes, (off_t)offset);
	int result = done < 0 ? -errno : done == (long)bytes ? 0 : -EIO;

	errno = saved;
	return result;
}

bool tally__file_alone(int descriptor)
{
	int saved = errno;
	bool alone;

	/* A write lease is given only where no other open file description of the file exists, and a mapping
	 * keeps the one it was made with. Whoever opens the file now makes the kernel send us a signal. */
	fcntl(descriptor, F_SETSIG, SIGNAL_IGNORED);
	alone = fcntl(descriptor, F_SETLEASE, F_WRLCK) == 0;
	/* It may have been one who waits for the lock, and looks now and then. */
	if (!alone)
		alone = fcntl(descriptor, F_SETLEASE, F_WRLCK) == 0;
	if (alone)
		fcntl(descriptor, F_SETLEASE, F_UNLCK);
	errno = saved;
	return alone;
}

void tally__file_close(int descriptor)
{
	int saved = errno;

	/* A child forked meanwhile may hold the same lock by a descriptor of its own. */
	flock(descriptor, LOCK_UN);
	syscall(SYS_close, descriptor);
	errno = saved;
}

const char *tally__environment(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}
