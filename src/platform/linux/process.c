/* Processes of Linux, by kill and /proc. System calls are made directly, so that none is a point at which a
 * thread can be cancelled. */
#include "platform/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Reads the beginning of a file, ends it with a zero byte, and returns its length or -errno. */
static long read_file(const char *path, char *buffer, size_t size)
{
	long length;
	int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (descriptor < 0)
		return -errno;
	/* From a place that is given: if a signal handler forks here, both processes read, and share the one
	 * that a descriptor has. */
	length = syscall(SYS_pread64, descriptor, buffer, size - 1, 0L, 0L);
	if (length < 0)
		length = -errno;
	syscall(SYS_close, descriptor);
	buffer[length < 0 ? 0 : length] = 0;
	return length;
}

/* Appends a number in decimal, and returns where it ends. */
static char *put_number(char *at, uint32_t number)
{
	char digits[10];
	int count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	while (count > 0)
		*at++ = digits[--count];
	*at = 0;
	return at;
}

/* Field `number` of a /proc/PID/stat, or NULL. The second, the name, may contain anything. */
static const char *stat_field(const char *text, int number)
{
	const char *at = strrchr(text, ')');

	for (int field = 2; at && field < number; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at;
}

static uint64_t number_at(const char *at)
{
	uint64_t number = 0;

	for (; at && *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

struct stat_line {
	char state;
	uint64_t threads;
	uint64_t start; /* 0: could not be read */
};

static struct stat_line read_stat(const char *path)
{
	char text[1024];
	struct stat_line line = {0};
	const char *state;

	if (read_file(path, text, sizeof(text)) <= 0)
		return line;
	state = stat_field(text, 3);
	line.state = state ? *state : 0;
	line.threads = number_at(stat_field(text, 20));
	line.start = number_at(stat_field(text, 22));
	return line;
}

/* Whether /proc is that of our pid namespace: it may have been mounted for another. */
static bool proc_is_ours(void)
{
	char ours[16];
	char theirs[16];
	long length = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self", theirs, sizeof(theirs) - 1);

	if (length <= 0)
		return false;
	theirs[length] = 0;
	put_number(ours, (uint32_t)getpid());
	return strcmp(ours, theirs) == 0;
}

static uint64_t inode_of(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 ? (uint64_t)file.st_ino & UINT32_MAX : 0;
}

/* 4 bits of the random bytes that the kernel gives each program it executes. They are secrets of the C
 * library; folded so far, they say nothing of any part of it. */
static uint32_t image_number(void)
{
	/* The kernel hands out an address as a number. */
	const unsigned char *bytes = (const unsigned char *)(uintptr_t)getauxval(AT_RANDOM);
	uint32_t fold = 0;

	for (int i = 0; bytes && i < 16; i++)
		fold ^= bytes[i] ^ (uint32_t)bytes[i] >> 4;
	return fold & 15;
}

uint32_t tally__process_id(void)
{
	return (uint32_t)getpid();
}

struct tally__process tally__process_self(void)
{
	struct tally__process self = {.pid = (uint32_t)getpid(), .image = image_number()};
	int saved = errno;

	if (proc_is_ours()) {
		uint64_t pids = inode_of("/proc/self/ns/pid");

		self.start = read_stat("/proc/self/stat").start;
		if (pids != 0)
			self.sharing = pids << 32 | inode_of("/proc/self/ns/time");
	}
	errno = saved;
	return self;
}

enum tally__life tally__process_look(uint32_t pid, uint64_t *start)
{
	int saved = errno;
	enum tally__life life = TALLY__LIFE_UNKNOWN;

	*start = 0;
	/* /proc may hide a process, so only kill can say that there is none. */
	if (kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
		life = TALLY__LIFE_OVER;
	} else if (proc_is_ours()) {
		char path[32] = "/proc/";
		struct stat_line line;

		strcpy(put_number(path + strlen(path), pid), "/stat");
		line = read_stat(path);
		*start = line.start;
		/* A zombie whose other threads run has only lost its first one. */
		if (line.start != 0)
			life = (line.state == 'Z' || line.state == 'X') && line.threads <= 1
				       ? TALLY__LIFE_OVER
				       : TALLY__LIFE_LASTS;
	}
	errno = saved;
	return life;
}

void tally__boot_id(uint64_t id[2])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[16] = {0};
	char text[64];
	int nibbles = 0;
	int saved = errno;

	if (read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)) > 0) {
		for (const char *at = text; *at && nibbles < 32; at++) {
			const char *digit = strchr(digits, *at);

			if (digit) {
				bytes[nibbles / 2] = (unsigned char)(bytes[nibbles / 2] << 4 |
								     (unsigned char)(digit - digits));
				nibbles++;
			}
		}
	}
	memcpy(id, bytes, sizeof(bytes));
	errno = saved;
}

void tally__random(void *buffer, size_t bytes)
{
	int saved = errno;

	if (syscall(SYS_getrandom, buffer, bytes, 0) != (long)bytes) {
		uint64_t seed = tally__calendar_now() ^ (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)&seed;

		for (size_t i = 0; i < bytes; i++) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			((unsigned char *)buffer)[i] = (unsigned char)(seed >> 56);
		}
	}
	errno = saved;
}

const char *tally__program_name(void)
{
	return program_invocation_short_name ? program_invocation_short_name : "";
}

uint64_t tally__calendar_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
